//! What web-sys does not bind, and browser events as futures.

pub mod web;
