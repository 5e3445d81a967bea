//! The engine's error type, and constructors for its errors.

use crate::{
    media::ManifestError,
    platform::Exception,
    protocol::{PlaybackError, ResourceKind},
};

/// The engine's error, boxed to keep `Result` small.
pub type Error = Box<PlaybackError>;

/// [`PlaybackError::InvalidData`]: a fetched file is damaged, or of the wrong type.
pub fn invalid_data(resource: ResourceKind, url: &str, reason: &str) -> Error {
    Box::new(PlaybackError::InvalidData {
        resource,
        url: url.into(),
        reason: reason.into(),
    })
}

/// [`PlaybackError::InvalidManifest`]: a manifest violates its format.
pub fn invalid_manifest(url: &str, reason: &str) -> Error {
    Box::new(PlaybackError::InvalidManifest {
        url: url.into(),
        reason: reason.into(),
    })
}

/// [`PlaybackError::UnsupportedFeature`]: the content uses a feature that this player lacks.
pub fn unsupported_feature(url: &str, feature: &str) -> Error {
    Box::new(PlaybackError::UnsupportedFeature {
        url: url.into(),
        feature: feature.into(),
    })
}

/// [`PlaybackError::NotForMediaSource`]: a file that only the element may play.
pub fn not_for_media_source(url: &str, reason: &str) -> Error {
    Box::new(PlaybackError::NotForMediaSource {
        url: url.into(),
        reason: reason.into(),
    })
}

/// The error of a manifest that could not be parsed.
pub fn manifest_error(url: &str, error: ManifestError) -> Error {
    match error {
        ManifestError::Malformed(reason) => invalid_manifest(url, &reason),
        ManifestError::Unsupported(feature) => unsupported_feature(url, feature),
    }
}

/// The error of any other file that could not be parsed.
pub fn file_error(resource: ResourceKind, url: &str, error: ManifestError) -> Error {
    match error {
        ManifestError::Malformed(reason) => invalid_data(resource, url, &reason),
        ManifestError::Unsupported(feature) => unsupported_feature(url, feature),
    }
}

/// [`PlaybackError::NothingToPlay`] at a position, in seconds.
pub fn nothing_to_play(position: f64) -> Error {
    let second = position as u32;
    PlaybackError::NothingToPlay { second }.into()
}

/// The error of a browser call that threw. `operation` is a verb with its object.
pub fn call_error(operation: &str, exception: Exception) -> Error {
    if exception.is_quota_exceeded() {
        return PlaybackError::BufferFull.into();
    }
    Box::new(PlaybackError::MediaSourceCall {
        operation: operation.into(),
        reason: exception.message,
    })
}
