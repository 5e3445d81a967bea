//! Limits that keep the cost of a playlist within reason.

/// More variants, audio renditions or subtitles are rejected: they are compared with each other.
pub(super) const MAX_VARIANTS: usize = 1000;
/// The error for more than [`MAX_VARIANTS`].
pub(super) const TOO_MANY_VARIANTS: &str = "more than 1000 variants";

/// More variables are rejected: each reference searches all of them.
pub(super) const MAX_VARIABLES: usize = 100;

/// Longer lists of codecs are ignored: they are copied for each rendition.
pub(super) const MAX_CODECS_BYTES: usize = 1000;

/// The maximum size of a playlist's text after substitution, and of the paths of all its keys: each line may refer to
/// the same long variable or key.
pub(super) const MAX_EXPANDED_BYTES: usize = 1 << 26;
/// The error for more than [`MAX_EXPANDED_BYTES`].
pub(super) const EXPANDS_TOO_FAR: &str = "its variables or keys expand to more than 64 MB";
