//! Object URLs, as entries of the world.

use std::{cell::RefCell, collections::BTreeMap};

use super::{
    bytes::Bytes,
    world::{Device, World},
};
use crate::platform::types::Exception;

/// The files that object URLs stand for.
#[derive(Debug, Default)]
struct Files(RefCell<BTreeMap<String, Bytes>>);

impl Device for Files {}

/// A URL that stands for a file in memory until this is dropped. Any thread can fetch it.
#[derive(Debug)]
pub struct ObjectUrl(String);

impl ObjectUrl {
    /// The URL of a text file.
    ///
    /// # Errors
    /// None here; in a browser, if there is no memory for it.
    pub fn of_text(text: &str) -> Result<Self, Exception> {
        Ok(Self(add(&World::current(), Bytes::from(text.as_bytes()))))
    }

    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Drop for ObjectUrl {
    fn drop(&mut self) {
        if let Some(world) = World::try_current() {
            remove(&world, &self.0);
        }
    }
}

/// Adds a file, and returns a URL that stands for it.
pub(super) fn add(world: &World, file: Bytes) -> String {
    let url = format!("blob:https://simulated.test/{}", world.unique());
    let files = world.device::<Files>();
    files.0.borrow_mut().insert(url.clone(), file);
    url
}

/// Removes a file.
pub(super) fn remove(world: &World, url: &str) {
    world.device::<Files>().0.borrow_mut().remove(url);
}

impl World {
    /// The file that an object URL stands for.
    pub fn object_url(&self, url: &str) -> Option<Bytes> {
        self.device::<Files>().0.borrow().get(url).cloned()
    }
}
