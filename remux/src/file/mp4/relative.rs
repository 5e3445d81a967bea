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
/// `tfhd`: there is a default sample size.
const DEFAULT_SIZE: u32 = 0x10;
/// `trun`: there is a data offset.
const DATA_OFFSET: u32 = 1;
/// `trun`: each sample has a size.
const SAMPLE_SIZE: u32 = 0x200;

/// Whether a track fragment in the content of `moof` has offsets that are not relative to the `moof`: a position in the
/// file, or the end of the fragment before it, which is the default.
pub fn has_other_base(moof: &[u8]) -> bool {
    Boxes::new(moof, 0..moof.len())
        .filter(|(name, _)| name == b"traf")
        .filter_map(|(_, traf)| find(moof, traf, &[b"tfhd"]))
        .filter_map(|tfhd| number::u32(moof, tfhd.start))
        .enumerate()
        .any(|(nth, flags)| {
            flags & BASE_DATA_OFFSET != 0 || nth > 0 && flags & DEFAULT_BASE_IS_MOOF == 0
        })
}

/// All tracks of the file, and their default sample sizes (`trex`).
pub type TrackSizes = Vec<(u32, u32)>;

/// The default sample size of a track in `moov`.
pub fn default_size(moov: &[u8], id: u32) -> u32 {
    find(moov, 0..moov.len(), &[b"mvex"])
        .into_iter()
        .flat_map(|mvex| Boxes::new(moov, mvex))
        .filter_map(|(_, trex)| moov.get(trex))
        .find(|trex| number::u32(trex, 4) == Some(id))
        .and_then(|trex| number::u32(trex, 16))
        .unwrap_or(0)
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
    /// All tracks, and their default sample sizes (`trex`).
    tracks: TrackSizes,
    /// The `track_ID`s that are played.
    kept: Vec<u32>,
    /// Position in the file of the next byte.
    position: u64,
    /// The beginning of a box.
    held: Vec<u8>,
    /// How many bytes of a box are passed on.
    passing: u64,
    /// Whether the data of the last `moof` are left out, because none of its tracks is kept.
    skips_data: bool,
    output: Vec<u8>,
    is_damaged: bool,
}

impl RelativeFragments {
    /// For a segment that begins at this position in the file.
    pub const fn new(position: u64, tracks: TrackSizes, kept: Vec<u32>) -> Self {
        Self {
            tracks,
            kept,
            position,
            held: Vec::new(),
            passing: 0,
            skips_data: false,
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
                if !self.skips_data {
                    self.output.extend_from_slice(&self.held);
                }
                self.held.clear();
            }
            Some(wanted) if length >= wanted => {
                let moof = mem::take(&mut self.held);
                let start = self.position.saturating_sub(length);
                match relative(&moof, start, &self.tracks, &self.kept) {
                    Some(relative) => {
                        self.skips_data = relative.is_empty();
                        self.output.extend_from_slice(&relative);
                    }
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
                if !self.skips_data {
                    self.output.extend_from_slice(part);
                }
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

/// A `moof`, header included, with offsets relative to itself; empty if none of its tracks is kept, `None` if it is damaged.
fn relative(moof: &[u8], position: u64, tracks: &TrackSizes, kept: &[u32]) -> Option<Vec<u8>> {
    // What follows moves with the end of `moof`.
    let length = rewritten(moof, position, tracks, kept, 0)?.len();
    let moved = length as i64 - moof.len() as i64;
    rewritten(moof, position, tracks, kept, moved)
}

/// A `moof` with offsets relative to itself, where what follows it moves by so many bytes. Empty if none of its tracks is
/// kept: Chromium refuses a `moof` without tracks.
fn rewritten(
    moof: &[u8],
    position: u64,
    tracks: &TrackSizes,
    kept: &[u32],
    moved: i64,
) -> Option<Vec<u8>> {
    let (_, head, _) = header(moof, moof.len() as u64)?;
    let mut content = Vec::with_capacity(moof.len());
    let mut is_empty = true;
    // Where the data of the track fragment before ends, from the start of `moof`.
    let mut end = 0;
    for (name, range) in Boxes::new(moof, head as usize..moof.len()) {
        if &name != b"traf" {
            push_box(&mut content, name, moof.get(range)?);
            continue;
        }
        let tfhd = moof.get(find(moof, range.clone(), &[b"tfhd"])?)?;
        let id = number::u32(tfhd, 4)?;
        let default = tracks.iter().find(|track| track.0 == id);
        let fragment = TrackFragment {
            traf: moof.get(range)?,
            tfhd,
            default_size: default.map_or(0, |track| track.1),
        };
        let (traf, next) = fragment.rewritten(position, end, moved)?;
        end = next;
        if kept.contains(&id) {
            is_empty = false;
            push_box(&mut content, name, &traf);
        }
    }
    let mut result = Vec::with_capacity(content.len() + 8);
    if !is_empty {
        push_box(&mut result, *b"moof", &content);
    }
    Some(result)
}

struct TrackFragment<'a> {
    traf: &'a [u8],
    tfhd: &'a [u8],
    default_size: u32,
}

impl TrackFragment<'_> {
    /// Where its data begins, from the start of `moof` (§ 8.8.7).
    fn base(&self, position: u64, previous_end: i64) -> Option<i64> {
        let flags = number::u32(self.tfhd, 0)?;
        Some(if flags & BASE_DATA_OFFSET != 0 {
            number::u64(self.tfhd, 8)?.wrapping_sub(position) as i64
        } else if flags & DEFAULT_BASE_IS_MOOF != 0 {
            0
        } else {
            previous_end
        })
    }

    /// The content of `traf`, and where its data ends.
    fn rewritten(&self, position: u64, previous_end: i64, moved: i64) -> Option<(Vec<u8>, i64)> {
        let flags = number::u32(self.tfhd, 0)?;
        let base = self.base(position, previous_end)?;
        let base_length = if flags & BASE_DATA_OFFSET == 0 { 0 } else { 8 };
        let default_size = match flags & DEFAULT_SIZE {
            0 => self.default_size,
            _ => {
                let before = base_length + 4 * (flags & 0xa).count_ones() as usize;
                number::u32(self.tfhd, 8 + before)?
            }
        };
        let mut result = Vec::with_capacity(self.traf.len() + 4);
        let (mut is_first_run, mut end) = (true, base);
        for (name, range) in Boxes::new(self.traf, 0..self.traf.len()) {
            let content = self.traf.get(range)?;
            match &name {
                b"tfhd" => {
                    let flags = flags & !BASE_DATA_OFFSET | DEFAULT_BASE_IS_MOOF;
                    let rest = content.get(8 + base_length..)?;
                    let tfhd = [&flags.to_be_bytes(), content.get(4..8)?, rest].concat();
                    push_box(&mut result, name, &tfhd);
                }
                b"trun" => {
                    let run_flags = number::u32(content, 0)?;
                    let own_offset = match run_flags & DATA_OFFSET {
                        0 => None,
                        _ => Some(i64::from(number::u32(content, 8)? as i32)),
                    };
                    // Without an offset, a run follows the one before it, or begins at the base.
                    let offset = match own_offset {
                        None => is_first_run.then_some(base),
                        Some(offset) => Some(base.checked_add(offset)?),
                    };
                    is_first_run = false;
                    let start = offset.unwrap_or(end);
                    end = start.checked_add(size_of_run(content, default_size)?)?;
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
        Some((result, end))
    }
}

/// Bytes of the samples of a `trun`.
fn size_of_run(run: &[u8], default_size: u32) -> Option<i64> {
    let (flags, count) = (number::u32(run, 0)?, number::u32(run, 4)?);
    if flags & SAMPLE_SIZE == 0 {
        return Some(i64::from(default_size) * i64::from(count));
    }
    let header = 8 + 4 * (flags & 5).count_ones() as usize;
    let width = 4 * (flags & 0xf00).count_ones() as usize;
    let at = 4 * (flags >> 8 & 1) as usize;
    let entries = run.get(header..)?.chunks_exact(width).take(count as usize);
    entries
        .map(|entry| number::u32(entry, at).map(i64::from))
        .sum()
}
