//! Boxes in memory (ISO/IEC 14496-12 § 4.2).

use std::ops::Range;

use crate::file::input::number;

/// Size and name of a box: the lengths of its header and of all of it; `None` if the bytes are too few.
pub fn header(bytes: &[u8], available: u64) -> Option<([u8; 4], u64, u64)> {
    let name = *bytes.get(4..)?.first_chunk()?;
    let (header, size) = match number::u32(bytes, 0)? {
        // Up to the end of the file, or of the box around it.
        0 => (8, available),
        1 => (16, number::u64(bytes, 8)?),
        size => (8, size.into()),
    };
    Some((name, header, size))
}

/// Iterates over the boxes in a range of bytes: their names and the ranges of their contents.
#[derive(Debug, Clone)]
pub struct Boxes<'a> {
    bytes: &'a [u8],
    range: Range<usize>,
}

impl<'a> Boxes<'a> {
    /// The boxes in `range` of `bytes`.
    pub fn new(bytes: &'a [u8], range: Range<usize>) -> Self {
        let range = range.start..range.end.min(bytes.len());
        Self { bytes, range }
    }
}

impl Iterator for Boxes<'_> {
    type Item = ([u8; 4], Range<usize>);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.bytes.get(self.range.clone())?;
        let (name, header, size) = header(rest, rest.len() as u64)?;
        if size < header {
            return None;
        }
        let start = self.range.start;
        // A box that is cut off ends where the one around it ends.
        let end = usize::try_from(size)
            .ok()
            .and_then(|size| start.checked_add(size))
            .map_or(self.range.end, |end| end.min(self.range.end));
        self.range.start = end;
        Some((name, start + header as usize..end))
    }
}

/// The first box at this path of names.
pub fn find(bytes: &[u8], range: Range<usize>, path: &[&[u8; 4]]) -> Option<Range<usize>> {
    path.iter().try_fold(range, |range, name| {
        Boxes::new(bytes, range)
            .find(|(found, _)| found == *name)
            .map(|(_, content)| content)
    })
}
