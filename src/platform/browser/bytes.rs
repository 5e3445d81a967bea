//! Bytes that stay in JavaScript's memory.

use std::ops::Range;

use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    type TextDecoder;

    #[wasm_bindgen(constructor)]
    fn new() -> TextDecoder;

    #[wasm_bindgen(method)]
    fn decode(this: &TextDecoder, bytes: &Uint8Array) -> String;
}

/// Opaque bytes: a `Uint8Array`. Cloning and slicing share its buffer.
#[derive(Clone, Debug, Default)]
pub struct Bytes(Uint8Array);

impl Bytes {
    /// The number of bytes.
    pub fn len(&self) -> usize {
        self.0.length() as usize
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A slice that shares the data. The range is clamped to the length.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        // wasm memory is 32-bit, so positions are too.
        let index = |position: usize| u32::try_from(position).unwrap_or(u32::MAX);
        Self(self.0.subarray(index(range.start), index(range.end)))
    }

    /// Copies all bytes into this program's memory.
    pub fn to_vec(&self) -> Vec<u8> {
        self.0.to_vec()
    }

    /// Copies the first bytes, at most `length`, into this program's memory.
    pub fn prefix(&self, length: usize) -> Vec<u8> {
        self.slice(0..length).to_vec()
    }

    /// Decodes UTF-8. Invalid bytes become replacement characters.
    pub fn to_text(&self) -> String {
        TextDecoder::new().decode(&self.0)
    }

    /// Concatenates parts without copying them into wasm memory. A single part is not copied at all.
    #[must_use]
    pub fn concat(parts: &[Self]) -> Self {
        if let [single] = parts {
            return single.clone();
        }
        let length: u32 = parts.iter().map(|part| part.0.length()).sum();
        let joined = Uint8Array::new_with_length(length);
        let mut offset = 0;
        for part in parts {
            joined.set(&part.0, offset);
            offset += part.0.length();
        }
        Self(joined)
    }

    /// The array itself, for the other modules of `platform/browser/`.
    pub(super) const fn array(&self) -> &Uint8Array {
        &self.0
    }
}

impl From<Uint8Array> for Bytes {
    fn from(array: Uint8Array) -> Self {
        Self(array)
    }
}

impl From<&[u8]> for Bytes {
    /// Copies bytes out of this program's memory.
    fn from(bytes: &[u8]) -> Self {
        Self(Uint8Array::from(bytes))
    }
}
