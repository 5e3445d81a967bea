//! Iterates over boxes and reads their numbers (ISO/IEC 14496-12 § 4.2).

/// The header of a box.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoxHeader {
    /// The box type, such as `moof`.
    pub kind: [u8; 4],
    /// Size of the header itself, in bytes.
    pub length: usize,
    /// Size of the box with its header, in bytes; `None` if it extends to the end of the file.
    pub size: Option<u64>,
}

/// Reads the box header at the start of `bytes`, for which 16 bytes are enough. `None` if there are too few
/// bytes, or if they are not a valid header.
pub fn box_header(bytes: &[u8]) -> Option<BoxHeader> {
    let kind: [u8; 4] = *bytes.get(4..)?.first_chunk()?;
    // 0xa9 is the © that QuickTime's types begin with.
    if !kind.iter().all(|byte| matches!(byte, b' '..=b'~' | 0xa9)) {
        return None;
    }
    let (length, size) = match number(bytes, 0, 4)? {
        0 => (8, None),
        1 => (16, Some(number(bytes, 8, 8)?)),
        size => (8, Some(size)),
    };
    (size.is_none_or(|size| size >= length as u64)).then_some(BoxHeader { kind, length, size })
}

/// A box in memory, possibly cut off.
pub(super) struct Mp4Box<'a> {
    pub kind: [u8; 4],
    /// The bytes after the header.
    pub body: &'a [u8],
    /// Whether the body is not cut off.
    pub is_whole: bool,
}

/// The consecutive boxes in `bytes`, up to the first invalid header.
pub(super) fn boxes(mut bytes: &[u8]) -> impl Iterator<Item = Mp4Box<'_>> {
    std::iter::from_fn(move || {
        let (first, rest) = first_box(bytes)?;
        bytes = rest;
        Some(first)
    })
}

/// The box at the start of `bytes`, and the bytes after it.
pub(super) fn first_box(bytes: &[u8]) -> Option<(Mp4Box<'_>, &[u8])> {
    let BoxHeader { kind, length, size } = box_header(bytes)?;
    let size = size.map_or(bytes.len(), |size| {
        usize::try_from(size).unwrap_or(usize::MAX)
    });
    let first = Mp4Box {
        kind,
        body: bytes.get(length..size.min(bytes.len()))?,
        is_whole: size <= bytes.len(),
    };
    Some((first, bytes.get(size..).unwrap_or_default()))
}

/// The body of the first box of a type.
pub(super) fn child<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    boxes(bytes)
        .find(|found| found.kind == *kind)
        .map(|found| found.body)
}

/// The body of a nested box, by the types of the boxes that lead to it, the outermost first.
pub(super) fn descendant<'a>(bytes: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    path.iter()
        .try_fold(bytes, |bytes, kind| child(bytes, kind))
}

/// The big-endian number of `width` bytes at position `at`.
pub(super) fn number(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let bytes = bytes.get(at..)?.get(..width)?;
    let append = |number, byte: &u8| number << 8 | u64::from(*byte);
    Some(bytes.iter().fold(0, append))
}

/// Bytes of each time in the body of a full box, which depend on its version.
pub(super) fn time_width(body: &[u8]) -> usize {
    if body.first() == Some(&0) { 4 } else { 8 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn header_tells_size_of_box() {
        let header_of = |size: u32, kind: &[u8; 4], large: u64| {
            let bytes = [&size.to_be_bytes(), kind.as_slice(), &large.to_be_bytes()].concat();
            box_header(&bytes).map(|header| (header.length, header.size))
        };
        assert_eq!(header_of(24, b"ftyp", 0), Some((8, Some(24))));
        assert_eq!(header_of(8, b"free", 0), Some((8, Some(8))));
        assert_eq!(header_of(0, b"mdat", 0), Some((8, None)));
        assert_eq!(header_of(1, b"mdat", 1 << 40), Some((16, Some(1 << 40))));
        assert_eq!(header_of(1, b"mdat", 15), None);
        assert_eq!(header_of(7, b"free", 0), None);
        assert_eq!(header_of(24, b"\0typ", 0), None);
        assert_eq!(box_header(&[0, 0, 0, 1, b'm', b'd', b'a', b't']), None);
    }
}
