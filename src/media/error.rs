//! The error of the manifest and media file readers.

/// Why a manifest or a media file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// It violates its format; the text names the violation.
    #[error("{0}")]
    Malformed(String),
    /// It needs the named feature, which this player does not have.
    #[error("{0}")]
    Unsupported(&'static str),
}
