//! The absolute URL of a video, and the URL schemes that may be fetched.

use web_sys::Url;

use super::dom::document;
use crate::protocol::PlaybackError;

/// The absolute URL of a film that was named relative to the page.
///
/// # Errors
/// [`PlaybackError::InvalidUrl`] if it is none, or none that may be fetched: http, https or blob.
pub fn resolve(source: &str) -> Result<String, PlaybackError> {
    let base = document()
        .and_then(|document| document.base_uri().ok().flatten())
        .unwrap_or_default();
    Url::new_with_base(source, &base)
        .ok()
        .filter(|url| matches!(url.protocol().as_str(), "http:" | "https:" | "blob:"))
        .map(|url| url.href())
        .ok_or_else(|| PlaybackError::InvalidUrl { url: source.into() })
}
