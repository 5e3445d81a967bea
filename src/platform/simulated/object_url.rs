//! Object URLs, as entries of the world.

use super::{Bytes, world::World};
use crate::platform::Exception;

/// A URL that stands for a file in memory until this is dropped. Any thread can fetch it.
#[derive(Debug)]
pub struct ObjectUrl(String);

impl ObjectUrl {
    /// The URL of a text file.
    ///
    /// # Errors
    /// None here; in a browser, if there is no memory for it.
    pub fn of_text(text: &str) -> Result<Self, Exception> {
        let world = World::current();
        let url = world.add_object_url(Bytes::from(text.as_bytes()));
        Ok(Self(url))
    }

    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Drop for ObjectUrl {
    fn drop(&mut self) {
        if let Some(world) = World::try_current() {
            world.revoke_object_url(&self.0);
        }
    }
}
