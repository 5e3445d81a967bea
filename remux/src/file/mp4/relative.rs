//! Fragments as MediaSource accepts them: without positions in the file (`base-data-offset`, ISO/IEC 14496-12 § 8.8.7),
//! and without the tracks that are not played.

use std::mem;

use super::boxes::{Boxes, find, header};
use crate::file::{converter::Convert, input::number};

/// Largest `moof` in bytes that is rewritten.
const MAX_MOOF: u64 = 16 << 20;

/// `tfhd`: there is a base data offset.
const BASE_DATA_OFFSET: u32 = 1;
/// `tfhd`: offsets are relative to `moof`.
const DEFAULT_BASE_IS_MOOF: u32 = 0x02_0000;
/// `trun`: there is a data offset.
const DATA_OFFSET: u32 = 1;

/// Whether a track fragment in the content of `moof` has a position in the file.
pub fn has_file_offset(moof: &[u8]) -> bool {
    Boxes::new(moof, 0..moof.len())
        .filter(|(name, _)| name == b"traf")
        .filter_map(|(_, traf)| find(moof, traf, &[b"tfhd"]))
        .any(|tfhd| {
            number::u32(moof, tfhd.start).is_some_and(|flags| flags & BASE_DATA_OFFSET != 0)
        })
}

/// The content of `moov` without all tracks but these.
pub fn moov_of(moov: &[u8], kept: &[u32]) -> Vec<u8> {
    let mut result = Vec::with_capacity(moov.len());
    for (name, range) in Boxes::new(moov, 0..moov.len()) {
        let content = moov.get(range.clone()).unwrap_or_default();
        match &name {
            b"trak" => {
                let tkhd = find(moov, range, &[b"tkhd"]);
                let id = tkhd.and_then(|tkhd| {
                    let tkhd = moov.get(tkhd)?;
                    number::u32(tkhd, if tkhd.first() == Some(&1) { 20 } else { 12 })
                });
                if id.is_some_and(|id| kept.contains(&id)) {
                    push_box(&mut result, name, content);
                }
            }
            b"mvex" => {
                let mut mvex = Vec::new();
                for (name, range) in Boxes::new(content, 0..content.len()) {
                    let inner = content.get(range).unwrap_or_default();
                    let id = number::u32(inner, 4);
                    if &name != b"trex" || id.is_some_and(|id| kept.contains(&id)) {
                        push_box(&mut mvex, name, inner);
                    }
                }
                push_box(&mut result, name, &mvex);
            }
            _ => push_box(&mut result, name, content),
        }
    }
    result
}

fn push_box(result: &mut Vec<u8>, name: [u8; 4], content: &[u8]) {
    result.extend((content.len() as u32 + 8).to_be_bytes());
    result.extend(name);
    result.extend_from_slice(content);
}

/// Rewrites each `moof`, and passes on all other boxes.
pub struct RelativeFragments {
    /// The `track_ID`s that are played.
    kept: Vec<u32>,
    /// Position in the file of the next byte.
    position: u64,
    /// The beginning of a box.
    held: Vec<u8>,
    /// How many bytes of a box are passed on.
    passing: u64,
    output: Vec<u8>,
    is_damaged: bool,
}

impl RelativeFragments {
    /// For a segment that begins at this position in the file.
    pub const fn new(position: u64, kept: Vec<u32>) -> Self {
        Self {
            kept,
            position,
            held: Vec::new(),
            passing: 0,
            output: Vec::new(),
            is_damaged: false,
        }
    }

    /// How many bytes have to be held before more can be done; `None` if the box is passed on.
    fn held_length(&self) -> Option<u64> {
        match header(&self.held, u64::MAX) {
            Some((name, _, size)) => (&name == b"moof" && size <= MAX_MOOF).then_some(size),
            None if self.held.len() < 8 => Some(8),
            None => Some(16),
        }
    }

    /// Does what can be done with the bytes that are held.
    fn advance(&mut self) {
        let length = self.held.len() as u64;
        match self.held_length() {
            None => {
                let size = header(&self.held, u64::MAX).map_or(length, |(_, _, size)| size);
                self.passing = size.saturating_sub(length);
                self.output.append(&mut self.held);
            }
            Some(wanted) if length >= wanted => {
                let moof = mem::take(&mut self.held);
                let start = self.position.saturating_sub(length);
                match relative(&moof, start, &self.kept) {
                    Some(relative) => self.output.extend_from_slice(&relative),
                    None => self.is_damaged = true,
                }
            }
            Some(_) => {}
        }
    }
}

impl Convert for RelativeFragments {
    fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            let wanted = match self.passing {
                0 => self
                    .held_length()
                    .unwrap_or(0)
                    .saturating_sub(self.held.len() as u64),
                passing => passing,
            };
            let count = usize::try_from(wanted)
                .unwrap_or(rest.len())
                .clamp(1, rest.len());
            let (part, after) = rest.split_at(count);
            self.position = self.position.saturating_add(count as u64);
            rest = after;
            if self.passing > 0 {
                self.passing -= count as u64;
                self.output.extend_from_slice(part);
            } else {
                self.held.extend_from_slice(part);
                self.advance();
            }
        }
    }

    fn finish(&mut self) {
        self.is_damaged |= !self.held.is_empty();
        self.held.clear();
    }

    fn take(&mut self) -> Option<Vec<u8>> {
        (!self.output.is_empty()).then(|| mem::take(&mut self.output))
    }

    fn is_damaged(&self) -> bool {
        self.is_damaged
    }
}

/// A `moof`, header included, with offsets relative to itself; `None` if it is damaged.
fn relative(moof: &[u8], position: u64, kept: &[u32]) -> Option<Vec<u8>> {
    // What follows moves with the end of `moof`.
    let length = rewritten(moof, position, kept, 0)?.len();
    rewritten(moof, position, kept, length as i64 - moof.len() as i64)
}

/// A `moof` with offsets relative to itself, where what follows it moves by so many bytes.
fn rewritten(moof: &[u8], position: u64, kept: &[u32], moved: i64) -> Option<Vec<u8>> {
    let (_, head, _) = header(moof, moof.len() as u64)?;
    let mut content = Vec::with_capacity(moof.len());
    for (name, range) in Boxes::new(moof, head as usize..moof.len()) {
        if &name != b"traf" {
            push_box(&mut content, name, moof.get(range)?);
            continue;
        }
        let tfhd = moof.get(find(moof, range.clone(), &[b"tfhd"])?)?;
        if kept.contains(&number::u32(tfhd, 4)?) {
            let traf = track_fragment(moof.get(range)?, tfhd, position, moved)?;
            push_box(&mut content, name, &traf);
        }
    }
    let mut result = Vec::with_capacity(content.len() + 8);
    push_box(&mut result, *b"moof", &content);
    Some(result)
}

fn track_fragment(traf: &[u8], tfhd: &[u8], position: u64, moved: i64) -> Option<Vec<u8>> {
    let flags = number::u32(tfhd, 0)?;
    let base = match flags & BASE_DATA_OFFSET {
        0 => None,
        _ => Some(number::u64(tfhd, 8)?.wrapping_sub(position) as i64),
    };
    let mut result = Vec::with_capacity(traf.len() + 4);
    let mut is_first_run = true;
    for (name, range) in Boxes::new(traf, 0..traf.len()) {
        let content = traf.get(range)?;
        match &name {
            b"tfhd" if base.is_some() => {
                let flags = flags & !BASE_DATA_OFFSET | DEFAULT_BASE_IS_MOOF;
                let tfhd = [&flags.to_be_bytes(), content.get(4..8)?, content.get(16..)?].concat();
                push_box(&mut result, name, &tfhd);
            }
            b"trun" => {
                let run_flags = number::u32(content, 0)?;
                let own_offset = match run_flags & DATA_OFFSET {
                    0 => None,
                    _ => Some(i64::from(number::u32(content, 8)? as i32)),
                };
                // Without an offset, a run follows the one before it, or begins at the base.
                let offset = match (own_offset, base) {
                    (None, Some(base)) if is_first_run => Some(base),
                    (own_offset, base) => own_offset.map(|offset| base.unwrap_or(0) + offset),
                };
                is_first_run = false;
                let Some(offset) = offset else {
                    push_box(&mut result, name, content);
                    continue;
                };
                let offset = i32::try_from(offset.checked_add(moved)?).ok()?;
                let samples = content.get(if own_offset.is_some() { 12 } else { 8 }..)?;
                let flags = run_flags | DATA_OFFSET;
                let run = [
                    &flags.to_be_bytes(),
                    content.get(4..8)?,
                    &offset.to_be_bytes(),
                    samples,
                ];
                push_box(&mut result, name, &run.concat());
            }
            _ => push_box(&mut result, name, content),
        }
    }
    Some(result)
}
