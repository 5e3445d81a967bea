//! URLs by which the element plays files that the engine does not play.

use web_sys::{File, Url};

/// A URL of a file, valid until this is dropped.
#[derive(Debug)]
pub struct FileUrl(String);

impl FileUrl {
    /// Creates a URL; `None` if the browser refuses.
    pub fn new(file: &File) -> Option<Self> {
        Url::create_object_url_with_blob(file).ok().map(Self)
    }

    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Drop for FileUrl {
    fn drop(&mut self) {
        // Throws only for invalid URLs.
        let _ = Url::revoke_object_url(&self.0);
    }
}
