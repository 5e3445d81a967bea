//! Sample tables (ISO/IEC 14496-12 § 8.6 and 8.7), read as they are in the file: run-length coded, without one entry in
//! memory for each sample.

use std::{ops::Range, rc::Rc};

use super::boxes::Boxes;
use crate::file::input::number;

/// Largest number of samples of a track; constant sizes take no space in the file, so nothing else limits it. A day at
/// 100 frames per second has 8.6 million.
const MAX_SAMPLES: u32 = 20_000_000;

/// A table of the file: its entries, and how many there are.
#[derive(Debug, Clone, Default)]
struct Table {
    entries: Range<usize>,
    count: u32,
    /// Bytes of an entry.
    width: usize,
}

impl Table {
    /// A table whose count is at `count_at` of its box and whose entries follow.
    fn new(moov: &[u8], range: &Range<usize>, count_at: usize, width: usize) -> Option<Self> {
        let count = number::u32(moov.get(range.clone())?, count_at)?;
        let entries = (range.start + count_at + 4).min(range.end)..range.end;
        // What the box has no space for is not there.
        let available = u32::try_from(entries.len() / width).unwrap_or(u32::MAX);
        Some(Self {
            entries,
            count: count.min(available),
            width,
        })
    }

    fn entry<'a>(&self, moov: &'a [u8], index: u32) -> Option<&'a [u8]> {
        if index >= self.count {
            return None;
        }
        let start = self.entries.start + index as usize * self.width;
        moov.get(start..start + self.width)
    }

    fn value(&self, moov: &[u8], index: u32, at: usize) -> Option<u32> {
        number::u32(self.entry(moov, index)?, at)
    }
}

/// Sizes of samples.
#[derive(Debug, Clone)]
enum Sizes {
    Constant(u32),
    Words(Table),
    /// `stz2` with 8 or 16 bits.
    Narrow(Table),
}

/// The samples of a track.
#[derive(Debug, Clone)]
pub struct SampleTable {
    moov: Rc<Vec<u8>>,
    /// Number of samples.
    pub count: u32,
    sizes: Sizes,
    durations: Table,
    offsets: Option<Table>,
    chunks: Table,
    chunk_offsets: Table,
    /// Numbers of the sync samples; `None` if all are.
    syncs: Option<Table>,
}

/// A sample. Times are in the track's timescale, without edit lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TableSample {
    /// Position in the file in bytes.
    pub offset: u64,
    /// Size in bytes.
    pub size: u32,
    /// Decoding time.
    pub dts: i64,
    /// Presentation time less decoding time.
    pub composition: i32,
    /// Time until the next sample.
    pub duration: u32,
    /// Whether decoding can begin with it.
    pub is_sync: bool,
    /// Its sample entry: 1 for the first one.
    pub description: u32,
}

/// A position in a sample table.
#[derive(Debug, Clone, Default)]
pub struct Cursor {
    /// Index of the next sample.
    pub sample: u32,
    dts: i64,
    /// Entry of each run-length coded table, and how many samples of it have passed.
    durations: (u32, u32),
    offsets: (u32, u32),
    /// Entry of the table of chunks, and how many samples of the current chunk have passed.
    chunks: (u32, u32),
    /// Index of the current chunk.
    chunk: u32,
    /// Position in the file behind the last sample of this chunk.
    position: u64,
    syncs: u32,
}

impl SampleTable {
    /// Reads the tables of `stbl`; `None` if one of those that must be there is not.
    pub fn new(moov: &Rc<Vec<u8>>, stbl: Range<usize>) -> Option<Self> {
        let (mut sizes, mut durations, mut chunks, mut chunk_offsets) = (None, None, None, None);
        let (mut offsets, mut syncs) = (None, None);
        for (name, range) in Boxes::new(moov, stbl) {
            let table = |width| Table::new(moov, &range, 4, width);
            match &name {
                b"stts" => durations = Some(table(8)?),
                b"ctts" => offsets = Some(table(8)?),
                b"stsc" => chunks = Some(table(12)?),
                b"stco" => chunk_offsets = Some(table(4)?),
                b"co64" => chunk_offsets = Some(table(8)?),
                b"stss" => syncs = Some(table(4)?),
                b"stsz" => {
                    let bytes = moov.get(range.clone())?;
                    sizes = Some(match number::u32(bytes, 4)? {
                        0 => {
                            let table = Table::new(moov, &range, 8, 4)?;
                            (table.count, Sizes::Words(table))
                        }
                        size => (number::u32(bytes, 8)?, Sizes::Constant(size)),
                    });
                }
                b"stz2" => {
                    let bits = *moov.get(range.start + 7)?;
                    if bits != 8 && bits != 16 {
                        return None;
                    }
                    let table = Table::new(moov, &range, 8, usize::from(bits / 8))?;
                    sizes = Some((table.count, Sizes::Narrow(table)));
                }
                _ => {}
            }
        }
        let (count, sizes) = sizes?;
        Some(Self {
            moov: moov.clone(),
            count: count.min(MAX_SAMPLES),
            sizes,
            durations: durations?,
            offsets,
            chunks: chunks?,
            chunk_offsets: chunk_offsets?,
            syncs,
        })
    }

    fn size(&self, sample: u32) -> Option<u32> {
        match &self.sizes {
            Sizes::Constant(size) => Some(*size),
            Sizes::Words(table) => table.value(&self.moov, sample, 0),
            Sizes::Narrow(table) => Some(
                table
                    .entry(&self.moov, sample)?
                    .iter()
                    .fold(0, |value, byte| value << 8 | u32::from(*byte)),
            ),
        }
    }

    fn chunk_offset(&self, chunk: u32) -> Option<u64> {
        let entry = self.chunk_offsets.entry(&self.moov, chunk)?;
        number::u64(entry, 0).or_else(|| number::u32(entry, 0).map(u64::from))
    }

    /// The sample at a cursor, which moves to the next one; `None` at the end, and where the tables end early.
    pub fn next(&self, at: &mut Cursor) -> Option<TableSample> {
        if at.sample >= self.count {
            return None;
        }
        let moov = &self.moov;
        // The chunk that has it. Each round moves to the next entry or chunk, so both tables bound the loop.
        loop {
            let per_chunk = self.chunks.value(moov, at.chunks.0, 4)?;
            if at.chunks.1 < per_chunk {
                break;
            }
            at.chunk += 1;
            at.chunks.1 = 0;
            let next_first = self.chunks.value(moov, at.chunks.0 + 1, 0);
            if next_first.is_some_and(|first| at.chunk + 1 >= first) {
                at.chunks.0 += 1;
            }
            if at.chunk >= self.chunk_offsets.count {
                return None;
            }
        }
        if at.chunks.1 == 0 {
            at.position = self.chunk_offset(at.chunk)?;
        }
        let size = self.size(at.sample)?;
        let duration = run(&self.durations, moov, &mut at.durations).unwrap_or(0);
        let composition = match &self.offsets {
            // Version 0 has unsigned numbers, but files with negative ones in it are common.
            Some(table) => run(table, moov, &mut at.offsets).unwrap_or(0) as i32,
            None => 0,
        };
        let number = at.sample + 1;
        let is_sync = match &self.syncs {
            None => true,
            Some(table) => {
                while table
                    .value(moov, at.syncs, 0)
                    .is_some_and(|sync| sync < number)
                {
                    at.syncs += 1;
                }
                table.value(moov, at.syncs, 0) == Some(number)
            }
        };
        let sample = TableSample {
            offset: at.position,
            size,
            dts: at.dts,
            composition,
            duration,
            is_sync,
            description: self.chunks.value(moov, at.chunks.0, 8)?,
        };
        at.sample = number;
        at.dts += i64::from(duration);
        at.chunks.1 += 1;
        at.position = at.position.saturating_add(size.into());
        Some(sample)
    }
}

/// The value of a run-length coded table at a position, which moves by one sample.
fn run(table: &Table, moov: &[u8], at: &mut (u32, u32)) -> Option<u32> {
    while at.1 >= table.value(moov, at.0, 0)? {
        *at = (at.0 + 1, 0);
    }
    at.1 += 1;
    table.value(moov, at.0, 4)
}
