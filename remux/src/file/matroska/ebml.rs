//! EBML elements (RFC 8794).

use std::ops::Range;

/// The header of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Element ID, with its length marker.
    pub id: u32,
    /// Bytes of the content; `None` if unknown.
    pub size: Option<u64>,
    /// Bytes of the header.
    pub length: usize,
}

/// What is at the start of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parsed {
    /// A header.
    Header(Header),
    /// The bytes are too few.
    More,
    /// No element begins like this.
    Invalid,
}

/// A number of variable size: its value without the marker, its length, and whether all its bits are set.
pub fn vint(bytes: &[u8]) -> Option<(u64, usize, bool)> {
    let first = *bytes.first()?;
    let length = first.leading_zeros() as usize + 1;
    if length > 8 {
        return None;
    }
    let mask = (1u64 << (7 * length)) - 1;
    let value = bytes
        .get(..length)?
        .iter()
        .fold(0u64, |value, byte| value << 8 | u64::from(*byte));
    Some((value & mask, length, value & mask == mask))
}

/// Parses the header at the start of `bytes`.
pub fn header(bytes: &[u8]) -> Parsed {
    let Some(first) = bytes.first() else {
        return Parsed::More;
    };
    let id_length = first.leading_zeros() as usize + 1;
    if id_length > 4 {
        return Parsed::Invalid;
    }
    let Some(id) = bytes.get(..id_length) else {
        return Parsed::More;
    };
    let id = id.iter().fold(0, |id, byte| id << 8 | u32::from(*byte));
    let rest = bytes.get(id_length..).unwrap_or_default();
    match rest.first() {
        None => return Parsed::More,
        Some(0) => return Parsed::Invalid,
        Some(_) => {}
    }
    let Some((size, length, is_unknown)) = vint(rest) else {
        return Parsed::More;
    };
    Parsed::Header(Header {
        id,
        size: (!is_unknown).then_some(size),
        length: id_length + length,
    })
}

/// Iterates over the elements in a range of bytes: IDs and the ranges of their contents.
#[derive(Debug, Clone)]
pub struct Elements<'a> {
    bytes: &'a [u8],
    range: Range<usize>,
}

impl<'a> Elements<'a> {
    /// The elements in `bytes`.
    pub fn new(bytes: &'a [u8], range: Range<usize>) -> Self {
        let range = range.start..range.end.min(bytes.len());
        Self { bytes, range }
    }
}

impl Iterator for Elements<'_> {
    type Item = (u32, Range<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        let Parsed::Header(header) = header(self.bytes.get(self.range.clone())?) else {
            return None;
        };
        let start = self.range.start + header.length;
        let end = header
            .size
            .and_then(|size| usize::try_from(size).ok())
            .and_then(|size| start.checked_add(size))
            .map_or(self.range.end, |end| end.min(self.range.end));
        self.range.start = end.max(start);
        Some((header.id, start.min(end)..end))
    }
}

/// The content of the first element with this ID.
pub fn find(bytes: &[u8], id: u32) -> Option<&[u8]> {
    let (_, range) = Elements::new(bytes, 0..bytes.len()).find(|(found, _)| *found == id)?;
    bytes.get(range)
}

/// Writes an element. Its size takes eight bytes.
pub fn push_element(bytes: &mut Vec<u8>, id: u32, content: &[u8]) {
    let id = id.to_be_bytes();
    let start = id.iter().position(|byte| *byte != 0).unwrap_or(3);
    bytes.extend_from_slice(id.get(start..).unwrap_or_default());
    bytes.extend((content.len() as u64 | 1 << 56).to_be_bytes());
    bytes.extend_from_slice(content);
}

/// An unsigned integer.
pub fn unsigned(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .take(8)
        .fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// A floating-point number of 4 or 8 bytes; 0 for other lengths.
pub fn float(bytes: &[u8]) -> f64 {
    match bytes.len() {
        4 => f32::from_bits(unsigned(bytes) as u32).into(),
        8 => f64::from_bits(unsigned(bytes)),
        _ => 0.0,
    }
}

/// A text, up to its first zero.
pub fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0);
    let bytes = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
    String::from_utf8_lossy(bytes).into_owned()
}
