//! map
pub mod app;
pub mod engine;
pub mod media;
pub mod web;
pub mod wire;
