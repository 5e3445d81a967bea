//! Messages between page and engine in either direction, for observers.

use super::{command::Command, event::Event, transfer::Packed};

/// A message in either direction, still packed.
#[derive(Clone, Debug)]
pub enum Message {
    /// From the page to the engine.
    Command(Packed<Command>),
    /// From the engine to the page.
    Event(Packed<Event>),
}
