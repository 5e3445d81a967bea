//! Bytes with cheap slices, in which long runs of zeros take no memory: the payload of a simulated segment.

use std::{ops::Range, rc::Rc};

/// Opaque bytes. Cloning and slicing share the data.
#[derive(Clone, Debug, Default)]
pub struct Bytes {
    parts: Vec<Part>,
    length: usize,
}

#[derive(Clone, Debug)]
enum Part {
    Data(Rc<[u8]>, Range<usize>),
    Zeros(usize),
}

impl Part {
    fn len(&self) -> usize {
        match self {
            Self::Data(_, range) => range.len(),
            Self::Zeros(length) => *length,
        }
    }

    fn slice(&self, from: usize, to: usize) -> Self {
        match self {
            Self::Data(data, range) => {
                Self::Data(data.clone(), range.start + from..range.start + to)
            }
            Self::Zeros(_) => Self::Zeros(to - from),
        }
    }
}

impl Bytes {
    /// So many zeros, which take no memory. Only the simulation has this.
    pub fn zeros(length: usize) -> Self {
        Self {
            parts: vec![Part::Zeros(length)],
            length,
        }
    }

    /// How many bytes.
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// Some of these bytes, which share the data. A range beyond the end is cut short.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        let end = range.end.min(self.length);
        let start = range.start.min(end);
        let mut sliced = Self::default();
        let mut at = 0;
        for part in &self.parts {
            let (from, to) = (at, at + part.len());
            at = to;
            let (from_here, to_here) = (start.max(from), end.min(to));
            if from_here < to_here {
                sliced.push(part.slice(from_here - from, to_here - from));
            }
        }
        sliced
    }

    /// Copies all bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.length);
        for part in &self.parts {
            match part {
                Part::Data(data, range) => bytes.extend_from_slice(&data[range.clone()]),
                Part::Zeros(length) => bytes.resize(bytes.len() + length, 0),
            }
        }
        bytes
    }

    /// Copies the first bytes, at most so many.
    pub fn prefix(&self, length: usize) -> Vec<u8> {
        self.slice(0..length).to_vec()
    }

    /// Decodes UTF-8 as `TextDecoder` does: without a byte order mark, and with replacement characters for
    /// what is not valid.
    pub fn to_text(&self) -> String {
        let text = self.to_vec();
        let text = text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&text);
        String::from_utf8_lossy(text).into_owned()
    }

    /// Joins several into one.
    #[must_use]
    pub fn concat(parts: &[Self]) -> Self {
        let mut joined = Self::default();
        for part in parts {
            joined.append(part);
        }
        joined
    }

    /// Adds bytes at the end.
    pub(super) fn append(&mut self, other: &Self) {
        for part in &other.parts {
            self.push(part.clone());
        }
    }

    fn push(&mut self, part: Part) {
        self.length += part.len();
        self.parts.push(part);
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Self {
        Self {
            parts: vec![Part::Data(bytes.into(), 0..bytes.len())],
            length: bytes.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_and_joins_across_parts() {
        let all = Bytes::concat(&[
            Bytes::from([1, 2, 3].as_slice()),
            Bytes::zeros(4),
            Bytes::from([8, 9].as_slice()),
        ]);
        assert_eq!(all.to_vec(), [1, 2, 3, 0, 0, 0, 0, 8, 9]);
        assert_eq!(all.slice(2..8).to_vec(), [3, 0, 0, 0, 0, 8]);
        assert_eq!(all.slice(2..8).slice(1..99).to_vec(), [0, 0, 0, 0, 8]);
        assert_eq!(all.slice(20..30).len(), 0);
        assert_eq!(all.prefix(2), [1, 2]);
    }

    #[test]
    fn byte_order_mark_is_not_text() {
        let text = Bytes::from(b"\xEF\xBB\xBFWEBVTT".as_slice());
        assert_eq!(text.to_text(), "WEBVTT");
    }
}
