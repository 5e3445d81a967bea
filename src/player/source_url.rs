//! The absolute URL of a video, and the URL schemes that may be fetched.

use web_sys::Url;

use super::dom::document;
use crate::protocol::PlaybackError;

/// Resolves a URL against the document's base.
///
/// # Errors
/// [`PlaybackError::InvalidUrl`] if it cannot be parsed, or its scheme is not http, https or blob.
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
