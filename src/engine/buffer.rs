//! A SourceBuffer, with what the specification leaves to its user: one operation at a time.

use futures_util::future::{Either, select};
use js_sys::ArrayBuffer;
use web_sys::SourceBuffer;

use super::source::refused;
use crate::{web, wire::Fault};

/// One track's SourceBuffer.
///
/// The browser refuses an operation while another is going on. Here each takes `&mut self` and is
/// awaited, so the queue of operations is the borrow: two at once do not compile.
pub struct Buffer {
    buffer: SourceBuffer,
}

impl Buffer {
    /// Takes over a SourceBuffer that does nothing yet.
    pub const fn new(buffer: SourceBuffer) -> Self {
        Self { buffer }
    }

    /// Appends an init segment or a media segment, and waits until it is in.
    ///
    /// # Errors
    /// [`Fault::Media`] if the buffer is full, its source closed, or the bytes cannot be read.
    pub async fn append(&mut self, bytes: &ArrayBuffer) -> Result<(), Fault> {
        let failed = std::pin::pin!(web::event(&self.buffer, "error"));
        let updated = std::pin::pin!(web::event(&self.buffer, "updateend"));
        self.buffer
            .append_buffer_with_array_buffer(bytes)
            .map_err(|exception| refused("append a segment", &exception))?;
        // `error` comes before its `updateend`.
        match select(failed, updated).await {
            Either::Left(_) => Err(Fault::Media {
                doing: "append a segment".into(),
                reason: "it cannot be read".into(),
            }),
            Either::Right(_) => Ok(()),
        }
    }
}
