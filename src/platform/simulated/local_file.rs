//! Files that the viewer has chosen, as entries of the world.

use serde::{Deserialize, Serialize};

use super::{
    bytes::Bytes,
    network::{Fetch, fetch},
    object_url,
    world::World,
};
use crate::platform::types::{ByteRange, Request};

/// A file of the viewer. It crosses to another thread in a message, without its bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileHandle {
    name: String,
    url: String,
}

impl FileHandle {
    /// A file of this world, until [`remove`](Self::remove). Only the simulation has this.
    pub fn new(name: &str, bytes: Bytes) -> Self {
        let name = name.into();
        let url = object_url::add(&World::current(), bytes);
        Self { name, url }
    }

    /// Removes the file, as the viewer may do at any time. Only the simulation has this.
    pub fn remove(&self) {
        object_url::remove(&World::current(), &self.url);
    }
}

/// The name of a file.
pub fn file_name(file: &FileHandle) -> String {
    file.name.clone()
}

/// Reads a file, or a part of it, as if a server sent it.
pub fn read_file(file: &FileHandle, range: Option<ByteRange>) -> Fetch {
    fetch(&Request {
        url: file.url.clone(),
        range,
        ..Request::default()
    })
}
