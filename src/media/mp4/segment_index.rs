//! Reads segment indexes (`sidx`, ISO/IEC 14496-12 § 8.16.3).

use super::boxes::{BoxHeader, box_header, number, time_width};
use crate::media::{
    ByteRange, ListedSegment, ManifestError, Resource, SegmentAddresses, SegmentRun, Segments,
    SidxLocation, Timestamps,
};

/// Bytes to fetch for a box of unknown size.
const DEFAULT_FETCH_BYTES: u64 = 32 * 1024;

/// The longest segment index: 65,535 references of 12 bytes, and its header.
const MAX_INDEX_BYTES: u64 = 800 * 1024;

/// The maximum number of fetches for a segment index. With two levels, each lower index may take one.
const MAX_FETCHES: u32 = 1000;

const NOT_FOUND: &str = "it has no segment index";

/// Reads the segment index of a file. It may take several fetches to find it, and it may refer to further
/// indexes, so the caller fetches in a loop:
///
/// ```text
/// let mut index = SegmentIndex::new(&sidx);
/// while let Some(range) = index.next_range() {
///     index.read(&fetch(range), range.first)?;
/// }
/// index.segments(&sidx)
/// ```
#[derive(Clone, Debug)]
pub struct SegmentIndex {
    /// Position of the box to read next, which need not be an index, and the number of bytes to fetch for it;
    /// `None` when everything has been read.
    next: Option<(u64, u64)>,
    /// End of the last index. Further ones have to lie after it, so that no byte is read twice.
    min_next_index: u64,
    /// References that have not been followed yet, in descending order.
    pending: Vec<Reference>,
    /// The segments found so far, in order.
    found: Vec<Reference>,
    /// Ticks per second of all references, which is the timescale of the first index; 0 before it is found.
    timescale: u64,
    /// Position of the first index.
    start: u64,
    fetches: u32,
}

/// An entry of a segment index.
#[derive(Clone, Copy, Debug)]
struct Reference {
    /// Position of its first byte in the file.
    first: u64,
    /// Size in bytes; never 0.
    size: u64,
    /// Presentation time of its start, in ticks.
    time: u64,
    /// Presentation time of its end, in ticks.
    end: u64,
    /// Whether it refers to another index instead of a segment.
    is_index: bool,
}

impl SegmentIndex {
    /// Starts to read the index at a location.
    pub fn new(sidx: &SidxLocation) -> Self {
        let next = sidx.index.map_or((0, DEFAULT_FETCH_BYTES), |index| {
            let size = index.last.map_or(DEFAULT_FETCH_BYTES, |last| {
                last.saturating_sub(index.first).saturating_add(1)
            });
            (index.first, size.min(MAX_INDEX_BYTES))
        });
        Self {
            next: Some(next),
            min_next_index: 0,
            pending: Vec::new(),
            found: Vec::new(),
            timescale: 0,
            start: 0,
            fetches: 0,
        }
    }

    /// The bytes to fetch and [`read`](Self::read) next, which may extend beyond the end of the file; `None` when
    /// the index is complete.
    pub fn next_range(&self) -> Option<ByteRange> {
        self.next.map(|(first, size)| ByteRange {
            first,
            last: Some(first.saturating_add(size.saturating_sub(1))),
        })
    }

    /// Reads bytes of the file that begin at `position`. They may be more than [`next_range`](Self::next_range),
    /// or fewer at the end of the file.
    ///
    /// # Errors
    /// [`ManifestError::Malformed`] if the file ends before the index does, has no index, or has an invalid one.
    pub fn read(&mut self, bytes: &[u8], position: u64) -> Result<(), ManifestError> {
        self.read_boxes(bytes, position)
            .map_err(|reason| ManifestError::Malformed(reason.into()))
    }

    fn read_boxes(&mut self, bytes: &[u8], position: u64) -> Result<(), &'static str> {
        self.fetches += 1;
        if self.fetches > MAX_FETCHES {
            return Err("its segment index takes too many requests");
        }
        let before = self.next;
        while let Some((at, _)) = self.next {
            let skipped = at.checked_sub(position).unwrap_or(u64::MAX);
            let skipped = usize::try_from(skipped).unwrap_or(usize::MAX);
            if !self.read_box(bytes.get(skipped..).unwrap_or_default(), at)? {
                break;
            }
        }
        if self.next.is_some() && self.next == before {
            return Err("it ends before its segment index does");
        }
        Ok(())
    }

    /// Reads or skips the box at `position`, of which `bytes` have been fetched. `false` if they are too few.
    fn read_box(&mut self, bytes: &[u8], position: u64) -> Result<bool, &'static str> {
        let Some(BoxHeader { kind, length, size }) = box_header(bytes) else {
            return match bytes.len() {
                ..16 => Ok(false),
                _ => Err("it has other data where its segment index should be"),
            };
        };
        let size = size.ok_or(NOT_FOUND)?;
        let end = position.checked_add(size).ok_or(NOT_FOUND)?;
        match &kind {
            b"sidx" if size > MAX_INDEX_BYTES => return Err("its segment index is too long"),
            b"sidx" => {
                // The size fits in `usize`: it is at most MAX_INDEX_BYTES.
                let Some(body) = bytes.get(length..size as usize) else {
                    self.next = Some((position, size));
                    return Ok(false);
                };
                if self.timescale == 0 {
                    self.start = position;
                }
                self.read_references(body, end)
                    .ok_or("its segment index cannot be read")?;
                self.min_next_index = end;
                self.follow_references()?;
            }
            // An index after the first segment is not an index of the whole file.
            b"moof" | b"mdat" => return Err(NOT_FOUND),
            _ => self.next = Some((end, DEFAULT_FETCH_BYTES)),
        }
        Ok(true)
    }

    /// Adds the references of an index to `pending`. Their bytes begin at `index_end` plus the offset in the
    /// index. `None` if the index is invalid.
    fn read_references(&mut self, body: &[u8], index_end: u64) -> Option<()> {
        let timescale = number(body, 8, 4).filter(|timescale| *timescale > 0)?;
        let width = time_width(body);
        let mut time = number(body, 12, width)?;
        let mut first = index_end.checked_add(number(body, 12 + width, width)?)?;
        let count = number(body, 14 + 2 * width, 2)?;
        if self.timescale == 0 {
            self.timescale = timescale;
        }
        let pending_before = self.pending.len();
        let mut at = 16 + 2 * width;
        for _ in 0..count {
            let kind_and_size = number(body, at, 4)?;
            let size = kind_and_size & 0x7fff_ffff;
            let end = time.checked_add(number(body, at + 4, 4)?)?;
            if size > 0 {
                self.pending.push(Reference {
                    first,
                    size,
                    time: rescale(time, timescale, self.timescale),
                    end: rescale(end, timescale, self.timescale),
                    is_index: kind_and_size >> 31 == 1,
                });
            }
            first = first.checked_add(size)?;
            time = end;
            at += 12;
        }
        self.pending.get_mut(pending_before..)?.reverse();
        Some(())
    }

    /// Moves pending references to `found`, up to the first one that refers to an index, which is read next.
    fn follow_references(&mut self) -> Result<(), &'static str> {
        self.next = None;
        while let Some(reference) = self.pending.pop() {
            if !reference.is_index {
                self.found.push(reference);
            } else if reference.first < self.min_next_index {
                return Err("its segment index refers to itself");
            } else {
                self.next = Some((reference.first, reference.size.min(DEFAULT_FETCH_BYTES)));
                break;
            }
        }
        Ok(())
    }

    /// The segments found so far.
    pub fn segments(&self, sidx: &SidxLocation) -> Segments {
        let part_of_file = |first, last| Resource {
            path: sidx.path.clone(),
            range: Some(ByteRange {
                first,
                last: Some(last),
            }),
            key: None,
        };
        let before_index = || Some(part_of_file(0, self.start.checked_sub(1)?));
        let init = sidx.init.clone().or_else(before_index);
        let timescale = self.timescale.max(1);
        let mut listed = Vec::with_capacity(self.found.len());
        let mut runs: Vec<SegmentRun> = Vec::new();
        let mut previous_end = 0;
        for segment in &self.found {
            // Where the times of two indexes overlap, the earlier one counts.
            let time = segment.time.max(previous_end);
            let start_seconds = sidx.time_offset + time as f64 / timescale as f64;
            if segment.end <= time || start_seconds >= sidx.end {
                continue;
            }
            let duration = segment.end - time;
            match runs.last_mut() {
                Some(run) if run.duration == duration && previous_end == time => run.count += 1,
                _ => runs.push(SegmentRun {
                    time,
                    duration,
                    count: 1,
                    first: listed.len() as u64,
                }),
            }
            previous_end = segment.end;
            let last = segment.first.saturating_add(segment.size - 1);
            listed.push(ListedSegment {
                resource: part_of_file(segment.first, last),
                init: init.as_ref().map(|_| 0),
                discontinuity: 0,
                is_missing: false,
            });
        }
        Segments {
            timescale,
            time_offset: sidx.time_offset,
            runs,
            addresses: SegmentAddresses::Listed(listed),
            inits: Vec::from_iter(init),
            timestamps: Timestamps::Media,
            end: sidx.end,
            ..Segments::default()
        }
    }
}

/// Converts ticks from one timescale to another.
fn rescale(ticks: u64, from: u64, to: u64) -> u64 {
    if from == to {
        return ticks;
    }
    (ticks as f64 * to as f64 / from as f64) as u64
}

#[cfg(test)]
mod tests {
    use super::super::test_boxes::boxed;
    use super::*;

    /// A segment index whose references are (is index, bytes, ticks).
    fn sidx(timescale: u32, time: u64, offset: u64, references: &[(bool, u32, u32)]) -> Vec<u8> {
        let mut body = [[1, 0, 0, 0], [0; 4], timescale.to_be_bytes()].concat();
        body.extend([time.to_be_bytes(), offset.to_be_bytes()].concat());
        body.extend((references.len() as u32).to_be_bytes());
        for (is_index, size, duration) in references {
            let first = u32::from(*is_index) << 31 | size;
            body.extend([first, *duration, 0].map(u32::to_be_bytes).concat());
        }
        boxed(b"sidx", &[&body])
    }

    /// Reads the index from `file`; returns the segments and the number of fetches.
    fn look_up(file: &[u8], sidx: &SidxLocation) -> Result<(Segments, usize), ManifestError> {
        let mut index = SegmentIndex::new(sidx);
        let mut fetches = 0;
        while let Some(ByteRange { first, last }) = index.next_range() {
            let end = usize::try_from(last.unwrap() + 1).unwrap().min(file.len());
            let bytes = file.get(first as usize..end).unwrap_or_default();
            index.read(bytes, first)?;
            fetches += 1;
        }
        Ok((index.segments(sidx), fetches))
    }

    fn whole_file() -> SidxLocation {
        SidxLocation {
            end: f64::INFINITY,
            ..SidxLocation::default()
        }
    }

    /// Start, end, first and last byte of each segment.
    fn listed(segments: &Segments) -> Vec<(f64, f64, u64, u64)> {
        (0..segments.len())
            .filter_map(|number| segments.get(number))
            .map(|segment| {
                let range = segment.resource.range.unwrap();
                (segment.start, segment.end, range.first, range.last.unwrap())
            })
            .collect()
    }

    #[test]
    fn finds_index_after_init_segment() {
        let index = sidx(
            1000,
            500,
            20,
            &[(false, 300, 2000), (false, 400, 2000), (false, 9, 700)],
        );
        let start = 16 + 40_008;
        let file = [
            boxed(b"ftyp", &[b"dash\0\0\0\0"]),
            boxed(b"moov", &[&[0; 40_000]]),
            index,
        ]
        .concat();
        let (segments, fetches) = look_up(&file, &whole_file()).unwrap();
        assert_eq!(fetches, 2);
        let media = file.len() as u64 + 20;
        assert_eq!(
            listed(&segments),
            [
                (0.5, 2.5, media, media + 299),
                (2.5, 4.5, media + 300, media + 699),
                (4.5, 5.2, media + 700, media + 708),
            ]
        );
        assert_eq!(segments.runs.len(), 2);
        let init = segments.get(0).unwrap().init.unwrap().range.unwrap();
        assert_eq!((init.first, init.last), (0, Some(start - 1)));
    }

    #[test]
    fn reads_index_where_manifest_says() {
        let index = sidx(10, 30, 0, &[(false, 5, 20); 4]);
        let file = [vec![0; 100], index].concat();
        let location = SidxLocation {
            path: "a.mp4".into(),
            index: Some(ByteRange {
                first: 100,
                last: Some(file.len() as u64 - 1),
            }),
            init: Some(Resource {
                range: Some(ByteRange {
                    first: 7,
                    last: Some(99),
                }),
                ..Resource::default()
            }),
            time_offset: 10.0,
            end: 17.0,
        };
        let (segments, fetches) = look_up(&file, &location).unwrap();
        assert_eq!(fetches, 1);
        let first = segments.get(0).unwrap();
        assert_eq!((first.start, &*first.resource.path), (13.0, "a.mp4"));
        assert_eq!(first.init, location.init);
        // Segments that begin at the end of the period are left out.
        assert_eq!((segments.len(), segments.span()), (2, Some((13.0, 17.0))));
    }

    #[test]
    fn reads_index_of_indexes() {
        // The second one has another timescale, and lies beyond the first fetch.
        let segments = [(false, 40_000, 50), (false, 60_000, 50)];
        let part = |index: &[u8]| [index, &vec![0; 100_000]].concat();
        let one = part(&sidx(50, 0, 0, &segments));
        let finer = segments.map(|(is_index, size, ticks)| (is_index, size, 2 * ticks));
        let two = part(&sidx(100, 200, 0, &finer));
        let size = one.len() as u32;
        let top = sidx(
            50,
            0,
            0,
            &[(true, size, 100), (true, size, 100), (false, 10, 25)],
        );
        let first = top.len() as u64;
        let (found, fetches) = look_up(&[top, one, two].concat(), &whole_file()).unwrap();
        assert_eq!(fetches, 2);
        let at = [64, 40_064, 100_128, 140_128, 200_128].map(|at| first + at);
        let starts: Vec<(f64, u64)> = listed(&found)
            .iter()
            .map(|(start, _, first, _)| (*start, *first))
            .collect();
        assert_eq!(
            starts,
            [
                (0., at[0]),
                (1., at[1]),
                (2., at[2]),
                (3., at[3]),
                (4., at[4])
            ]
        );
        assert_eq!(found.span(), Some((0.0, 4.5)));
    }

    #[test]
    fn missing_or_invalid_index_is_rejected() {
        let reason = |file: &[u8]| look_up(file, &whole_file()).unwrap_err().to_string();
        let moof = boxed(b"moof", &[]);
        assert_eq!(reason(&moof), "it has no segment index");
        assert_eq!(reason(b"\0\0\0\0mdat"), "it has no segment index");
        assert_eq!(reason(b""), "it ends before its segment index does");
        let index = sidx(1, 0, 0, &[(false, 1, 1); 3]);
        assert_eq!(
            reason(&index[..index.len() - 1]),
            "it ends before its segment index does"
        );
        assert_eq!(
            reason(&sidx(0, 0, 0, &[])),
            "its segment index cannot be read"
        );
        assert_eq!(
            reason(&boxed(b"sidx", &[&[0; 22], &[1, 0]])),
            "its segment index cannot be read"
        );
        assert_eq!(
            reason(&[0; 16]),
            "it has other data where its segment index should be"
        );
        assert_eq!(
            reason(b"\x7f\0\0\0sidx........"),
            "its segment index is too long"
        );
    }

    #[test]
    fn overlapping_indexes_are_rejected() {
        // The second lies within the first one's bytes, so the cost of reading both could be exponential.
        let inner = sidx(1, 0, 0, &[(false, 1, 1)]);
        let outer = boxed(b"sidx", &[&sidx(1, 0, 0, &[])[8..], &inner]);
        let top = sidx(1, 0, 0, &[(true, 40, 1), (true, 52, 1)]);
        let error = look_up(&[top, outer].concat(), &whole_file()).unwrap_err();
        assert_eq!(error.to_string(), "its segment index refers to itself");
    }

    #[test]
    fn index_without_end_is_rejected() {
        let mut index = SegmentIndex::new(&whole_file());
        let error = (0..=MAX_FETCHES)
            .find_map(|_| {
                let at = index.next_range().unwrap().first;
                index.read(&boxed(b"free", &[]), at).err()
            })
            .unwrap();
        assert_eq!(
            error.to_string(),
            "its segment index takes too many requests"
        );
    }

    #[test]
    fn skips_segments_without_duration_or_bytes() {
        let references = [
            (false, 10, 1),
            (false, 10, 0),
            (false, 0, 1),
            (false, 10, 1),
        ];
        let (segments, _) = look_up(&sidx(1, 0, 0, &references), &whole_file()).unwrap();
        let kept: Vec<(f64, f64)> = listed(&segments)
            .iter()
            .map(|(start, end, ..)| (*start, *end))
            .collect();
        assert_eq!(kept, [(0.0, 1.0), (2.0, 3.0)]);
    }
}
