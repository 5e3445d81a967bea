//! Segments of files whose samples are listed in `moov`, and the `moof` of each: the payload is appended as it is in the
//! file, with the foreign bytes between the samples.

use std::{collections::BinaryHeap, ops::Range};

use super::{
    sample_table::{Cursor, TableSample},
    track::Mp4Track,
};
use crate::{
    file::{
        input::Error,
        movie::{FileSegment, Plan},
    },
    mp4::write_box,
};

/// Shortest segment in seconds, as long as there are sync samples.
const SEGMENT: f64 = 2.0;

/// Seconds of a segment of audio behind the end of the video.
const TAIL: f64 = 10.0;

/// Largest number of samples of the first track in a segment: `moof` needs 16 bytes for each.
const MAX_SAMPLES: u32 = 4096;

/// Largest number of samples and of bytes of a segment; only hostile files exceed them.
const MAX_TOTAL: usize = 1 << 16;
const MAX_BYTES: u64 = 1 << 30;

/// Foreign bytes between samples that are read rather than skipped.
const GAP: u64 = 128 << 10;

/// Largest number of segments: twelve days of two seconds.
const MAX_SEGMENTS: usize = 1 << 19;

/// A set of tracks with the place of each segment in their tables.
#[derive(Debug, Clone)]
pub struct ProgressiveSet {
    /// Indexes of the tracks: the one that decides about the segments is the first.
    pub tracks: Vec<usize>,
    /// For each segment, where it begins in each track; then where the last one ends.
    starts: Vec<Vec<Cursor>>,
    /// The segments.
    pub segments: Vec<FileSegment>,
    /// Bytes of all samples.
    pub bytes: u64,
}

fn seconds(ticks: i64, timescale: u32) -> f64 {
    ticks as f64 / f64::from(timescale)
}

fn ticks(seconds: f64, timescale: u32) -> i64 {
    (seconds * f64::from(timescale)).round() as i64
}

/// Samples of a track that are in the file and in its edit list.
struct Samples<'a> {
    track: &'a Mp4Track,
    cursor: Cursor,
    file: u64,
}

impl Samples<'_> {
    /// The cursor before the next sample, and the sample.
    fn next(&mut self) -> Option<(Cursor, TableSample)> {
        let before = self.cursor.clone();
        let sample = self.track.samples.as_ref()?.next(&mut self.cursor)?;
        let is_over = self.track.end.is_some_and(|end| sample.dts >= end);
        let is_cut = sample.offset.saturating_add(sample.size.into()) > self.file;
        (!is_over && !is_cut).then_some((before, sample))
    }
}

fn samples(track: &Mp4Track, cursor: Cursor, file: u64) -> Samples<'_> {
    Samples {
        track,
        cursor,
        file,
    }
}

/// Presentation time of a sample in ticks, as the edit list has it.
fn shown(track: &Mp4Track, sample: &TableSample) -> i64 {
    sample
        .dts
        .saturating_add(sample.composition.into())
        .saturating_add(track.shift)
}

/// Where decoding has to begin for the time zero of the edit list, and by how many seconds the earliest picture from
/// there on is before it.
pub fn preroll(track: &Mp4Track, file: u64) -> (Cursor, f64) {
    let mut all = samples(track, Cursor::default(), file);
    let mut start: Option<(Cursor, i64)> = None;
    while let Some((before, sample)) = all.next() {
        let time = shown(track, &sample);
        match &mut start {
            Some(_) if sample.is_sync && time > 0 => break,
            Some((cursor, earliest)) if sample.is_sync => (*cursor, *earliest) = (before, time),
            Some((_, earliest)) => *earliest = time.min(*earliest),
            None => start = Some((before, time)),
        }
        // Without an edit list, the first sample is the right one.
        if track.shift >= 0 && all.cursor.sample > 64 {
            break;
        }
    }
    let (cursor, earliest) = start.unwrap_or_default();
    (cursor, seconds(-earliest.min(0), track.timescale))
}

impl ProgressiveSet {
    /// Divides tracks into segments. `start` is where decoding of the first track begins, `delay` is added to all times,
    /// in seconds.
    pub fn new(
        all: &[Mp4Track],
        tracks: Vec<usize>,
        file: u64,
        start: Cursor,
        delay: f64,
    ) -> Option<Self> {
        let first = all.get(*tracks.first()?)?;
        let mut bytes = 0u64;
        let mut places: Vec<(f64, Cursor)> = Vec::new();
        let mut first_samples = samples(first, start, file);
        let (mut in_segment, mut description) = (0, 0);
        let mut end = 0f64;
        while let Some((before, sample)) = first_samples.next() {
            let time = seconds(shown(first, &sample), first.timescale) + delay;
            let is_due = match places.last() {
                None => true,
                Some((start, _)) => {
                    sample.is_sync && time - start >= SEGMENT
                        || in_segment >= MAX_SAMPLES
                        || sample.description != description
                }
            };
            if is_due && places.last().is_none_or(|(start, _)| time > *start) {
                places.push((time.max(0.0), before));
                in_segment = 0;
                description = sample.description;
            }
            in_segment += 1;
            bytes = bytes.saturating_add(sample.size.into());
            end = end.max(time + seconds(sample.duration.into(), first.timescale));
            if places.len() > MAX_SEGMENTS {
                break;
            }
        }
        if let Some((start, _)) = places.first_mut() {
            *start = 0.0;
        }
        let mut times: Vec<f64> = places.iter().map(|(time, _)| *time).collect();
        let mut columns: Vec<Vec<Cursor>> = vec![places.into_iter().map(|(_, at)| at).collect()];
        let first_end = first_samples.cursor;
        let shortest = end;
        for index in tracks.iter().skip(1) {
            let track = all.get(*index)?;
            let mut column = Vec::with_capacity(times.len());
            let mut rest = samples(track, Cursor::default(), file);
            let mut last = Cursor::default();
            while let Some((before, sample)) = rest.next() {
                let time = seconds(shown(track, &sample), track.timescale) + delay;
                let behind = times.last().map_or(0.0, |last| last.max(shortest));
                if column.len() >= times.len()
                    && time >= behind + TAIL
                    && times.len() < MAX_SEGMENTS
                {
                    times.push(behind.max(shortest));
                }
                while times
                    .get(column.len())
                    .is_some_and(|start| column.is_empty() || time >= *start)
                {
                    column.push(before.clone());
                }
                bytes = bytes.saturating_add(sample.size.into());
                end = end.max(time + seconds(sample.duration.into(), track.timescale));
                last = rest.cursor.clone();
            }
            column.resize(times.len(), last.clone());
            column.push(last);
            columns.push(column);
        }
        if let Some(column) = columns.first_mut() {
            column.resize(times.len() + 1, first_end);
        }
        // Another track may have added segments after this one was done.
        for column in &mut columns {
            let last = column.last().cloned()?;
            column.resize(times.len() + 1, last);
        }
        let starts = (0..=times.len())
            .map(|row| {
                columns
                    .iter()
                    .filter_map(|column| column.get(row).cloned())
                    .collect()
            })
            .collect();
        let ends = times.iter().skip(1).copied().chain([end]);
        let segments: Vec<_> = times
            .iter()
            .zip(ends)
            .map(|(start, end)| FileSegment {
                start: *start,
                end: end.max(*start),
            })
            .collect();
        (!segments.is_empty()).then_some(Self {
            tracks,
            starts,
            segments,
            bytes,
        })
    }

    /// What to append for a segment.
    ///
    /// # Errors
    /// [`Error::NoSegment`], and [`Error::TooLarge`] if it has absurdly many samples or bytes.
    pub fn plan(
        &self,
        all: &[Mp4Track],
        file: u64,
        index: usize,
        delay: f64,
    ) -> Result<Plan, Error> {
        let (Some(from), Some(to)) = (self.starts.get(index), self.starts.get(index + 1)) else {
            return Err(Error::NoSegment);
        };
        let mut chosen: Vec<(&Mp4Track, Vec<TableSample>)> = Vec::new();
        for ((track, from), to) in self.tracks.iter().zip(from).zip(to) {
            let track = all.get(*track).ok_or(Error::NoSegment)?;
            let mut rest = samples(track, from.clone(), file);
            let mut list = Vec::new();
            while rest.cursor.sample < to.sample
                && let Some((_, sample)) = rest.next()
            {
                list.push(sample);
                if list.len() > MAX_TOTAL {
                    return Err(Error::TooLarge {
                        name: "a segment",
                        size: list.len() as u64,
                    });
                }
            }
            if !list.is_empty() {
                chosen.push((track, list));
            }
        }
        let ranges = ranges(chosen.iter().flat_map(|(_, list)| list));
        let size: u64 = ranges.iter().map(|range| range.end - range.start).sum();
        if size > MAX_BYTES {
            return Err(Error::TooLarge {
                name: "a segment",
                size,
            });
        }
        Ok(Plan {
            head: head(&chosen, &ranges, size, index as u32 + 1, delay),
            ranges,
            is_converted: false,
        })
    }
}

/// The ranges of the file that have these samples, without large gaps.
fn ranges<'a>(samples: impl Iterator<Item = &'a TableSample>) -> Vec<Range<u64>> {
    let parts: BinaryHeap<_> = samples
        .filter(|sample| sample.size > 0)
        .map(|sample| (sample.offset, sample.offset + u64::from(sample.size)))
        .collect();
    let mut ranges: Vec<Range<u64>> = Vec::new();
    // A heap needs a tenth of the code of `sort`.
    for (start, end) in parts.into_sorted_vec() {
        match ranges.last_mut() {
            Some(last) if start <= last.end.saturating_add(GAP) => last.end = last.end.max(end),
            _ => ranges.push(start..end),
        }
    }
    ranges
}

/// Where a position of the file is in the ranges laid one after the other.
fn place(ranges: &[Range<u64>], position: u64) -> u64 {
    let mut before = 0;
    for range in ranges {
        if position < range.end {
            return before + position.saturating_sub(range.start);
        }
        before += range.end - range.start;
    }
    before
}

/// A `trun`: samples that follow each other, and where the first one is behind the header of `mdat`.
struct Run<'a> {
    start: u64,
    samples: &'a [TableSample],
}

fn runs<'a>(list: &'a [TableSample], ranges: &[Range<u64>]) -> Vec<Run<'a>> {
    let mut runs = Vec::new();
    let (mut first, mut expected) = (0, None);
    let mut start = 0;
    for (index, sample) in list.iter().enumerate() {
        let at = place(ranges, sample.offset);
        if expected.is_some_and(|expected| expected != at) {
            runs.extend(list.get(first..index).map(|samples| Run { start, samples }));
            first = index;
        }
        if first == index {
            start = at;
        }
        expected = Some(at + u64::from(sample.size));
    }
    runs.extend(list.get(first..).map(|samples| Run { start, samples }));
    runs
}

/// Bytes of `tfhd` and `tfdt`, of a `trun` without its samples, and of a sample in it.
const TRAF: usize = 8 + 20 + 20;
const TRUN: usize = 20;
const ENTRY: usize = 16;

/// `sample_depends_on`: sync samples, and others.
const SYNC_FLAGS: u32 = 0x0200_0000;
const DELTA_FLAGS: u32 = 0x0101_0000;

/// `moof`, and the header of `mdat` for `payload` bytes.
fn head(
    chosen: &[(&Mp4Track, Vec<TableSample>)],
    ranges: &[Range<u64>],
    payload: u64,
    sequence: u32,
    delay: f64,
) -> Vec<u8> {
    let tracks: Vec<_> = chosen
        .iter()
        .map(|(track, list)| (*track, list, runs(list, ranges)))
        .collect();
    let trafs: usize = tracks
        .iter()
        .map(|(_, list, runs)| TRAF + runs.len() * TRUN + list.len() * ENTRY)
        .sum();
    let moof = 8 + 16 + trafs;
    let mut bytes = Vec::with_capacity(moof + 8);
    let words =
        |b: &mut Vec<u8>, words: &[u32]| b.extend(words.iter().flat_map(|word| word.to_be_bytes()));
    write_box(&mut bytes, b"moof", |b| {
        write_box(b, b"mfhd", |b| words(b, &[0, sequence]));
        for (track, list, runs) in &tracks {
            let shift = track.shift.saturating_add(ticks(delay, track.timescale));
            let start = list.first().map_or(0, |sample| sample.dts);
            // `tfdt` has no sign, and decoding times must not go back from one segment to the next: a negative shift goes
            // into the composition offsets of all samples.
            let (decode, composition) = if shift >= 0 {
                (start.saturating_add(shift), 0)
            } else {
                (start, shift)
            };
            write_box(b, b"traf", |b| {
                let description = list.first().map_or(1, |sample| sample.description.max(1));
                write_box(b, b"tfhd", |b| {
                    words(b, &[0x02_0002, track.id(), description])
                });
                write_box(b, b"tfdt", |b| {
                    words(b, &[0x0100_0000]);
                    b.extend_from_slice(&decode.max(0).to_be_bytes());
                });
                for run in runs {
                    write_box(b, b"trun", |b| {
                        let offset = (moof + 8) as u64 + run.start;
                        words(b, &[0x0100_0f01, run.samples.len() as u32, offset as u32]);
                        for sample in run.samples {
                            let flags = if sample.is_sync {
                                SYNC_FLAGS
                            } else {
                                DELTA_FLAGS
                            };
                            let composition =
                                i64::from(sample.composition).saturating_add(composition);
                            let composition =
                                composition.clamp(i32::MIN.into(), i32::MAX.into()) as i32;
                            words(
                                b,
                                &[
                                    sample.duration.max(1),
                                    sample.size,
                                    flags,
                                    composition as u32,
                                ],
                            );
                        }
                    });
                }
            });
        }
    });
    debug_assert_eq!(bytes.len(), moof);
    words(&mut bytes, &[payload as u32 + 8]);
    bytes.extend_from_slice(b"mdat");
    bytes
}
