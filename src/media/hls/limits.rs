//! Limits that keep the cost of a playlist within reason.

/// More variants, audio renditions or subtitles are rejected: they are compared with each other.
pub(super) const MAX_VARIANTS: usize = 1000;
/// For [`MAX_VARIANTS`].
pub(super) const TOO_MANY_VARIANTS: &str = "more than 1000 variants";

/// More variables are rejected: each reference searches all of them.
pub(super) const MAX_VARIABLES: usize = 100;

/// Longer lists of codecs are ignored: they are copied for each rendition.
pub(super) const MAX_CODECS_BYTES: usize = 1000;

/// Bytes that the text of a playlist, or the paths of its keys, may grow to because each line refers to the same
/// long variable or key.
pub(super) const MAX_EXPANDED_BYTES: usize = 1 << 26;
/// For [`MAX_EXPANDED_BYTES`].
pub(super) const EXPANDS_TOO_FAR: &str = "it repeats itself too often";
