//! Browser bindings: what web-sys does not declare, and browser events as futures.

pub mod web;
