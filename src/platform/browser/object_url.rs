//! [Object URLs](https://w3c.github.io/FileAPI/#url).

use js_sys::Array;
use web_sys::{Blob, Url};

use crate::platform::types::Exception;

/// The URL of a file in memory, revoked when dropped. Any thread can fetch it.
#[derive(Debug)]
pub struct ObjectUrl(String);

impl ObjectUrl {
    /// Creates a text file and its URL.
    ///
    /// # Errors
    /// If the browser has no memory for it.
    pub fn of_text(text: &str) -> Result<Self, Exception> {
        let file = Blob::new_with_str_sequence(&Array::of1(&text.into()))?;
        Ok(Self(Url::create_object_url_with_blob(&file)?))
    }

    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Drop for ObjectUrl {
    fn drop(&mut self) {
        // Throws only for invalid URLs.
        let _ = Url::revoke_object_url(&self.0);
    }
}
