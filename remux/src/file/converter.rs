//! Converts the bytes of a segment to fragments of MP4.

use std::{any::Any, fmt};

/// Converts the bytes of a segment of one format. Not `Debug`, like [`Reader`](super::format::Reader).
pub(crate) trait Convert: Any {
    /// Adds the next bytes.
    fn push(&mut self, bytes: &[u8]);

    /// Ends the segment.
    fn finish(&mut self);

    /// Takes the next bytes to append.
    fn take(&mut self) -> Option<Vec<u8>>;

    /// Whether damage was skipped.
    fn is_damaged(&self) -> bool;
}

/// Converts the samples of a segment into fragmented MP4. The segment's bytes are pushed in chunks of any size; the
/// finished fragments are taken and appended to the SourceBuffer.
pub struct Converter(Box<dyn Convert>);

impl fmt::Debug for Converter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Converter").finish_non_exhaustive()
    }
}

impl Converter {
    pub(crate) fn new(converter: impl Convert) -> Self {
        Self(Box::new(converter))
    }

    /// The converter of a format; `None` if it is of another one.
    pub(crate) fn downcast<T: Convert>(self) -> Option<Box<T>> {
        let any: Box<dyn Any> = self.0;
        any.downcast().ok()
    }

    /// Adds the next bytes. Call [`Self::take`] for all that is finished before more is pushed.
    pub fn push(&mut self, bytes: &[u8]) {
        self.0.push(bytes);
    }

    /// Ends the segment. Frames that cross its end are completed by the next one.
    pub fn finish(&mut self) {
        self.0.finish();
    }

    /// Takes the next bytes to append.
    pub fn take(&mut self) -> Option<Vec<u8>> {
        self.0.take()
    }

    /// Whether damage was skipped.
    pub fn is_damaged(&self) -> bool {
        self.0.is_damaged()
    }
}
