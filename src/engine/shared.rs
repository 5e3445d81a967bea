//! What all parts of a playback share.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use super::{conditions::Conditions, film::Film, network::Network};
use crate::wire::{SessionId, post::Port};

/// What all parts of a playback share.
pub struct Shared {
    /// The way to the page.
    pub port: Port,
    /// Which playback it is.
    pub session: SessionId,
    /// What is played.
    pub film: Film,
    /// Where it comes from.
    pub network: Rc<Network>,
    /// What decides.
    pub conditions: Rc<Conditions>,
    /// By how much each stretch of HLS timestamps is off the film's own time, in seconds: as found by
    /// whichever SourceBuffer came to it first, so that picture and sound stay together.
    pub offsets: RefCell<Vec<(u32, f64)>>,
    /// Whether nothing has been appended yet.
    pub is_first: Cell<bool>,
}
