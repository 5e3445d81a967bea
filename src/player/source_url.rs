//! Resolves the URL of a video against the page.

use super::dom::document;
use crate::{platform::resolve_url, protocol::PlaybackError};

/// Returns the absolute URL of a video whose URL may be relative to the page.
///
/// # Errors
/// [`PlaybackError::InvalidUrl`] if it is invalid, or its scheme cannot be fetched.
pub fn resolve(source: &str) -> Result<String, PlaybackError> {
    let base = document()
        .and_then(|document| document.base_uri().ok().flatten())
        .unwrap_or_default();
    resolve_url(&base, source).ok_or_else(|| PlaybackError::InvalidUrl { url: source.into() })
}
