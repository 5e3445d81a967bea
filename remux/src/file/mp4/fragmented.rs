//! Segments of fragmented files: by `sidx` (ISO/IEC 14496-12 § 8.16.3), by `mfra` (§ 8.8.10), or by searching `moof`
//! boxes. Their bytes are appended as they are.

use std::ops::Range;

use super::boxes::{Boxes, find, header};
use crate::file::{
    input::{Error, Input, Read, number},
    movie::FileSegment,
    search::{Mark, Marks},
};

/// Shortest segment in seconds, where fragments are shorter.
const SEGMENT: f64 = 2.0;

/// Length in seconds of the segments of a file without an index.
const SEARCHED: f64 = 4.0;

/// Largest number of segments that are searched: two days.
const MAX_SEARCHED: f64 = 43_200.0;

/// Largest number of entries of an index.
const MAX_ENTRIES: usize = 1 << 19;

/// The track whose fragments count.
#[derive(Debug, Clone, Copy)]
pub struct FragmentTrack {
    /// `track_ID`.
    pub id: u32,
    /// Ticks per second.
    pub timescale: u32,
    /// Duration of a sample in ticks, from `trex`.
    pub duration: u32,
}

/// Ranges of the file, and their times.
pub type Listed = Vec<(Range<u64>, FileSegment)>;

/// The segments of a fragmented file.
#[derive(Debug, Clone)]
pub enum Fragments {
    /// Listed: ranges and times.
    Listed(Listed),
    /// To be searched.
    Searched(Search),
}

/// A file whose segments are searched when they are needed.
#[derive(Debug, Clone)]
pub struct Search {
    track: FragmentTrack,
    marks: Marks,
    /// Where the fragments end.
    end: Mark,
    /// Time of the first fragment.
    pub origin: f64,
}

/// The segments that a `sidx` at `position` lists; `None` if it is damaged or refers to other indexes.
pub fn sidx(content: &[u8], end_of_box: u64) -> Option<Listed> {
    let wide = *content.first()? == 1;
    let timescale = number::u32(content, 8)?.max(1);
    let (earliest, offset, at) = if wide {
        (number::u64(content, 12)?, number::u64(content, 20)?, 28)
    } else {
        (
            number::u32(content, 12)?.into(),
            number::u32(content, 16)?.into(),
            20,
        )
    };
    let count = number::u16(content, at + 2)?;
    let mut list = Vec::with_capacity(count.into());
    let mut position = end_of_box.checked_add(offset)?;
    let mut time = earliest;
    for entry in content.get(at + 4..)?.chunks_exact(12).take(count.into()) {
        let size = number::u32(entry, 0)?;
        if size & 0x8000_0000 != 0 {
            return None;
        }
        let next = position.checked_add(size.into())?;
        let duration = u64::from(number::u32(entry, 4)?);
        let end = time.checked_add(duration)?;
        let seconds = |ticks: u64| ticks as f64 / f64::from(timescale);
        list.push((
            position..next,
            FileSegment {
                start: seconds(time),
                end: seconds(end),
            },
        ));
        (position, time) = (next, end);
    }
    (!list.is_empty()).then_some(list)
}

/// Joins segments that are shorter than [`SEGMENT`].
fn join(list: Listed) -> Listed {
    let mut joined: Listed = Vec::new();
    for (range, segment) in list {
        match joined.last_mut() {
            Some((last, times)) if last.end == range.start && times.end - times.start < SEGMENT => {
                last.end = range.end;
                times.end = segment.end;
            }
            _ => joined.push((range, segment)),
        }
    }
    joined
}

/// The segments that `mfra` at the end of the file lists for a track.
fn mfra(input: &Input, track: FragmentTrack, duration: f64) -> Read<Option<Listed>> {
    let tail = input.size.saturating_sub(16);
    let mfro = input.read("mfro", tail..input.size)?;
    if mfro.get(4..8) != Some(b"mfro".as_slice()) {
        return Ok(None);
    }
    let size = number::u32(mfro, 12).unwrap_or(0);
    let start = input.size.saturating_sub(size.into());
    let bytes = input.read("mfra", start..input.size)?;
    let mut points: Vec<(u64, u64)> = Vec::new();
    let Some(content) = find(bytes, 0..bytes.len(), &[b"mfra"]) else {
        return Ok(None);
    };
    for (name, range) in Boxes::new(bytes, content) {
        let content = bytes.get(range).unwrap_or_default();
        if &name != b"tfra" || number::u32(content, 4) != Some(track.id) {
            continue;
        }
        let (Some(lengths), Some(count)) = (number::u32(content, 8), number::u32(content, 12))
        else {
            continue;
        };
        let wide = content.first() == Some(&1);
        let numbers = [4, 2, 0].map(|shift| (lengths >> shift & 3) as usize + 1);
        let width = if wide { 16 } else { 8 } + numbers.iter().sum::<usize>();
        for entry in content
            .get(16..)
            .unwrap_or_default()
            .chunks_exact(width)
            .take(count as usize)
        {
            let point = if wide {
                number::u64(entry, 0).zip(number::u64(entry, 8))
            } else {
                number::u32(entry, 0)
                    .zip(number::u32(entry, 4))
                    .map(|(time, position)| (time.into(), position.into()))
            };
            points.extend(point);
        }
    }
    points.truncate(MAX_ENTRIES);
    let last = match points.last() {
        Some((_, position)) => end_of(input, *position, track)?,
        None => None,
    };
    points.dedup_by_key(|point| point.1);
    let is_ascending = points.windows(2).all(|pair| match pair {
        [a, b] => a.0 <= b.0 && a.1 < b.1,
        _ => true,
    });
    if points.is_empty() || !is_ascending {
        return Ok(None);
    }
    let seconds = |ticks: u64| ticks as f64 / f64::from(track.timescale.max(1));
    let first = points.first().map_or(0.0, |point| seconds(point.0));
    let ends = points
        .iter()
        .skip(1)
        .map(|point| (point.1, seconds(point.0)))
        .chain([(start, last.unwrap_or(first + duration))]);
    let list = points
        .iter()
        .zip(ends)
        .map(|(point, (end, time))| {
            let start = seconds(point.0);
            (
                point.1..end.max(point.1),
                FileSegment {
                    start,
                    end: time.max(start),
                },
            )
        })
        .collect();
    Ok(Some(list))
}

/// The `moof` boxes of a track in some bytes of the file.
fn scan(bytes: &[u8], offset: u64, track: FragmentTrack) -> Vec<Mark> {
    let mut marks = Vec::new();
    let mut at = 4;
    while let Some(found) = bytes
        .get(at..)
        .and_then(|rest| rest.windows(4).position(|name| name == b"moof"))
    {
        let start = at + found - 4;
        at += found + 4;
        let size = number::u32(bytes, start).unwrap_or(0) as usize;
        let end = start.saturating_add(size).min(bytes.len());
        if number::u32(bytes, start + 8) != Some(16)
            || bytes.get(start + 12..start + 16) != Some(b"mfhd".as_slice())
        {
            continue;
        }
        marks.extend(decode_time(bytes, start + 8..end, track).map(|time| Mark {
            position: offset + start as u64,
            time,
        }));
    }
    marks
}

/// The `traf` of a track in the content of `moof`, and its decoding time in ticks.
fn traf(bytes: &[u8], moof: Range<usize>, track: FragmentTrack) -> Option<(Range<usize>, u64)> {
    Boxes::new(bytes, moof)
        .filter(|(name, _)| name == b"traf")
        .find_map(|(_, traf)| {
            let tfhd = find(bytes, traf.clone(), &[b"tfhd"])?;
            if number::u32(bytes, tfhd.start + 4)? != track.id {
                return None;
            }
            let tfdt = find(bytes, traf.clone(), &[b"tfdt"])?;
            let time = match bytes.get(tfdt.start)? {
                1 => number::u64(bytes, tfdt.start + 4)?,
                _ => number::u32(bytes, tfdt.start + 4)?.into(),
            };
            Some((traf, time))
        })
}

/// The decoding time of a track's fragment in the content of `moof`, in seconds.
fn decode_time(bytes: &[u8], moof: Range<usize>, track: FragmentTrack) -> Option<f64> {
    let (_, time) = traf(bytes, moof, track)?;
    Some(time as f64 / f64::from(track.timescale.max(1)))
}

/// The time at which a track's fragment ends: the sum of its durations (§ 8.8.7 and 8.8.8).
fn end_time(bytes: &[u8], moof: Range<usize>, track: FragmentTrack) -> Option<f64> {
    let (traf, mut time) = traf(bytes, moof, track)?;
    let tfhd = bytes.get(find(bytes, traf.clone(), &[b"tfhd"])?)?;
    let flags = number::u32(tfhd, 0)?;
    // Base data offset and sample description index come first.
    let at = 8 + if flags & 1 == 0 { 0 } else { 8 } + if flags & 2 == 0 { 0 } else { 4 };
    let default = match flags & 8 {
        0 => track.duration,
        _ => number::u32(tfhd, at)?,
    };
    for (_, range) in Boxes::new(bytes, traf).filter(|(name, _)| name == b"trun") {
        let run = bytes.get(range)?;
        let (flags, count) = (number::u32(run, 0)?, number::u32(run, 4)?);
        if flags & 0x100 == 0 {
            time = time.checked_add(u64::from(default) * u64::from(count))?;
            continue;
        }
        let header = 8 + 4 * (flags & 5).count_ones() as usize;
        let width = 4 * (flags & 0xf00).count_ones() as usize;
        for entry in run.get(header..)?.chunks_exact(width).take(count as usize) {
            time = time.checked_add(number::u32(entry, 0)?.into())?;
        }
    }
    Some(time as f64 / f64::from(track.timescale.max(1)))
}

/// The time at which the fragment at a position ends, in seconds.
fn end_of(input: &Input, position: u64, track: FragmentTrack) -> Read<Option<f64>> {
    let bytes = input.read("moof", position..position.saturating_add(16))?;
    let Some((_, head, size)) = header(bytes, 0) else {
        return Ok(None);
    };
    let bytes = input.read("moof", position..position.saturating_add(size))?;
    Ok(end_time(bytes, head as usize..bytes.len(), track))
}

impl Fragments {
    /// Finds the segments of a file: `first` is the position behind `moov`, `indexes` what `sidx` boxes list.
    pub fn open(
        input: &mut Input,
        first: u64,
        listed: Option<Listed>,
        track: FragmentTrack,
        duration: f64,
    ) -> Read<Self> {
        if let Some(list) = listed {
            return Ok(Self::Listed(join(list)));
        }
        if let Some(list) = mfra(input, track, duration)? {
            return Ok(Self::Listed(join(list)));
        }
        let mut marks = Marks::default();
        // From the start up to the first fragment of the track; other boxes, and other tracks' fragments, come first.
        let mut position = first;
        for _ in 0..64 {
            let bytes =
                input.read_at_least("moof", position..position.saturating_add(1 << 18), 0)?;
            let Some((name, _, size)) = header(bytes, input.size - position.min(input.size)) else {
                break;
            };
            let content = 8..(size as usize).min(bytes.len());
            if &name == b"moof"
                && let Some(time) = decode_time(bytes, content, track)
            {
                marks.insert(Mark { position, time });
                break;
            }
            position = position.saturating_add(size.max(8));
        }
        let Some(start) = marks.last() else {
            return Err(Error::Missing { name: "moof" }.into());
        };
        // Where it ends, in time: the last fragment.
        let mut window = 1u64 << 18;
        let last = loop {
            let from = input.size.saturating_sub(window).max(start.position);
            let bytes = input.read_at_least("moof", from..input.size, 0)?;
            if let Some(last) = scan(bytes, from, track).last() {
                break *last;
            }
            if from == start.position || window >= 1 << 25 {
                break start;
            }
            window <<= 2;
        };
        marks.insert(last);
        let end = end_of(input, last.position, track)?.unwrap_or(last.time);
        let length = (end - start.time).max(duration).max(0.0);
        Ok(Self::Searched(Search {
            track,
            marks,
            end: Mark {
                position: input.size,
                time: start.time + length,
            },
            origin: start.time,
        }))
    }

    /// The segments.
    pub fn segments(&self) -> Vec<FileSegment> {
        match self {
            Self::Listed(list) => list.iter().map(|(_, segment)| *segment).collect(),
            Self::Searched(search) => searched(search.end.time - search.origin),
        }
    }

    /// Media time of the first segment.
    pub fn origin(&self) -> f64 {
        match self {
            Self::Listed(list) => list.first().map_or(0.0, |(_, segment)| segment.start),
            Self::Searched(search) => search.origin,
        }
    }

    /// The bytes of a segment.
    pub fn range(&mut self, input: &mut Input, index: usize) -> Read<Range<u64>> {
        match self {
            Self::Listed(list) => match list.get(index) {
                Some((range, _)) => Ok(range.start..range.end.min(input.size)),
                None => Err(Error::NoSegment.into()),
            },
            Self::Searched(search) => {
                let (track, end, origin) = (search.track, search.end, search.origin);
                let count = searched(end.time - origin).len();
                if index >= count {
                    return Err(Error::NoSegment.into());
                }
                let mut locate = |time: f64| {
                    search
                        .marks
                        .locate(input, time, end, |bytes, offset| scan(bytes, offset, track))
                };
                let start = locate(origin + index as f64 * SEARCHED)?;
                let next = if index + 1 == count {
                    None
                } else {
                    locate(origin + (index + 1) as f64 * SEARCHED)?
                };
                let start = start.map_or(0, |mark| mark.position);
                Ok(start..next.map_or(end.position, |mark| mark.position).max(start))
            }
        }
    }
}

/// Segments of equal length.
pub fn searched(duration: f64) -> Vec<FileSegment> {
    divided(duration, SEARCHED)
}

/// Segments of this length in seconds.
pub fn divided(duration: f64, length: f64) -> Vec<FileSegment> {
    let count = (duration / length).ceil().clamp(1.0, MAX_SEARCHED) as usize;
    (0..count)
        .map(|index| FileSegment {
            start: index as f64 * length,
            end: if index + 1 == count {
                duration.max(index as f64 * length)
            } else {
                (index + 1) as f64 * length
            },
        })
        .collect()
}
