//! The segments of a representation: their times and their addresses.

use std::rc::Rc;

use super::{placement::Placement, segment_template};

/// Tolerance for segment boundaries, in seconds: a segment that extends past a time by no more than this
/// counts as over at that time. Representations of the same content round their boundaries differently.
pub const BOUNDARY_TOLERANCE: f64 = 0.05;

/// The tolerance for the boundaries of a segment of this length in seconds: short segments have a smaller one, so that none
/// is taken for a rounding error.
pub const fn boundary_tolerance(length: f64) -> f64 {
    BOUNDARY_TOLERANCE.min(length / 4.0)
}

/// A range of bytes in a file, both ends included as in HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ByteRange {
    /// Position of the first byte.
    pub first: u64,
    /// Position of the last byte; `None` for the rest of the file.
    pub last: Option<u64>,
}

/// A file to fetch, or a part of one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resource {
    /// Relative to the base URLs of the representation; empty for the base URL itself.
    pub path: String,
    /// The bytes to fetch; `None` for all.
    pub range: Option<ByteRange>,
    /// The key it is encrypted with, if it is.
    pub key: Option<Rc<EncryptionKey>>,
}

impl Resource {
    /// A whole, unencrypted resource.
    pub const fn whole(path: String) -> Self {
        Self {
            path,
            range: None,
            key: None,
        }
    }
}

/// A key for whole segments in AES-128 CBC (RFC 8216bis § 4.4.4.4).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncryptionKey {
    /// Path of the file with the 16 bytes of the key, relative to the base URLs of the representation.
    pub path: String,
    /// The initialization vector.
    pub iv: [u8; 16],
}

/// All segments of a representation in one period. They are computed on demand, so a manifest that
/// describes 10¹² of them needs no more memory than its text.
#[derive(Clone, Debug, PartialEq)]
pub struct Segments {
    /// Ticks per second; never 0.
    pub timescale: u64,
    /// Seconds to add to a media time to get a presentation time.
    pub time_offset: f64,
    /// The times of the segments, ascending and not overlapping.
    pub runs: Vec<SegmentRun>,
    /// The addresses of the segments.
    pub addresses: SegmentAddresses,
    /// The init segments that [`ListedSegment::init`] refers to; templates use the first.
    pub inits: Vec<Resource>,
    /// How their timestamps map to presentation times.
    pub timestamps: Timestamps,
    /// End of the period in seconds: segments end there at the latest.
    pub end: f64,
    /// Where the segments lie according to their media.
    pub placement: Placement,
    /// What only lists of live streams have.
    pub live: LiveList,
}

/// What only the segment list of a live stream has. The default is that of a complete list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveList {
    /// Whether segments will be added at the end.
    pub is_growing: bool,
    /// If segments become available by the clock, how many seconds before their end; `None` if every listed
    /// segment is available.
    pub availability_offset: Option<f64>,
    /// Media sequence number of the first segment (HLS).
    pub first_sequence: u64,
    /// How often the encoder has restarted, with other sequence numbers, since the list was first loaded (HLS).
    pub restarts: u32,
    /// Wall-clock times in seconds since the Unix epoch, with the numbers of the segments that begin then, in
    /// ascending order (HLS). A segment without an entry begins where the one before it ends.
    pub dates: Vec<(u64, f64)>,
    /// Upper bound of the segments' durations in seconds; 0 if it is not stated.
    pub target_duration: f64,
    /// The delay from the end of the list that the author wishes, in seconds (HLS `HOLD-BACK`).
    pub hold_back: Option<f64>,
    /// A delta update may leave out segments that are older than this, in seconds (HLS `CAN-SKIP-UNTIL`).
    pub can_skip_until: Option<f64>,
}

impl Default for Segments {
    fn default() -> Self {
        Self {
            timescale: 1,
            time_offset: 0.0,
            runs: Vec::new(),
            addresses: SegmentAddresses::Listed(Vec::new()),
            inits: Vec::new(),
            timestamps: Timestamps::Media,
            end: f64::INFINITY,
            live: LiveList::default(),
            placement: Placement::default(),
        }
    }
}

/// Consecutive segments of the same duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentRun {
    /// Media time of the first segment, in ticks.
    pub time: u64,
    /// Duration of each segment, in ticks; never 0.
    pub duration: u64,
    /// Number of segments; never 0.
    pub count: u64,
    /// Index of the first segment among all segments.
    pub first: u64,
}

/// The addresses of segments.
#[derive(Clone, Debug, PartialEq)]
pub enum SegmentAddresses {
    /// A DASH SegmentTemplate. `$RepresentationID$` and `$Bandwidth$` are replaced already; `$Number$`,
    /// `$Time$` and `$$` are not.
    Template {
        /// The template of the paths.
        media: String,
        /// For each run the `$Number$` of its first segment.
        numbers: Vec<u64>,
    },
    /// One entry per segment: HLS, SegmentList, sidx.
    Listed(Vec<ListedSegment>),
}

/// A segment in a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListedSegment {
    /// The media segment.
    pub resource: Resource,
    /// Its init segment: an index in [`Segments::inits`].
    pub init: Option<usize>,
    /// HLS discontinuity sequence: timestamps are continuous among segments with the same value.
    pub discontinuity: u32,
    /// Whether the author marks it as missing (EXT-X-GAP).
    pub is_missing: bool,
}

/// How the timestamps in segments map to presentation times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timestamps {
    /// By adding [`Segments::time_offset`] (DASH).
    Media,
    /// By an offset per discontinuity sequence, known once its first segment is read (HLS).
    Discontinuities,
}

/// One segment.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// Index among all segments of the representation in the period.
    pub number: u64,
    /// Start, in seconds.
    pub start: f64,
    /// End, in seconds.
    pub end: f64,
    /// The media segment.
    pub resource: Resource,
    /// Its init segment, if it needs one.
    pub init: Option<Resource>,
    /// See [`ListedSegment::discontinuity`].
    pub discontinuity: u32,
    /// Whether the author marks it as missing.
    pub is_missing: bool,
}

impl Segments {
    /// The number of segments.
    pub fn len(&self) -> u64 {
        self.runs
            .last()
            .map_or(0, |run| run.first.saturating_add(run.count))
    }

    /// Whether there are no segments.
    pub const fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// The last segment that begins before the end; `None` if there is none.
    pub fn last(&self) -> Option<Segment> {
        let begins = |time: u64| self.claimed_seconds(time) < self.end;
        let run = self.runs.iter().rfind(|run| begins(run.time))?;
        let (mut last, mut after) = (0, run.count);
        while after - last > 1 {
            let middle = after.midpoint(last);
            let time = run.time.saturating_add(run.duration.saturating_mul(middle));
            match begins(time) {
                true => last = middle,
                false => after = middle,
            }
        }
        self.get(run.first + last)
    }

    /// A copy without the segments that begin at `end` (seconds) or later.
    pub fn truncated_at(&self, end: f64) -> Self {
        Self {
            end: self.placement.claim(end),
            ..self.clone()
        }
    }

    /// Start of the first and end of the last segment, in seconds; `None` if there are no segments.
    pub fn span(&self) -> Option<(f64, f64)> {
        let (first, last) = (self.runs.first()?, self.runs.last()?);
        let end = self.claimed_seconds(
            last.time
                .saturating_add(last.duration.saturating_mul(last.count)),
        );
        let start = self.claimed_seconds(first.time);
        Some((
            self.placement.place(start),
            self.placement.place(end.min(self.end)),
        ))
    }

    /// The segment at a time in seconds, or the first one after it. A segment that ends within
    /// [`boundary_tolerance`] after that time counts as over.
    pub fn segment_at(&self, time: f64) -> Option<Segment> {
        let claimed = self.placement.claim(time);
        let next_run = self
            .runs
            .partition_point(|run| self.claimed_seconds(run.time) <= claimed);
        // Only the last run that has begun by then can contain the time.
        let number_in_run = next_run.checked_sub(1).and_then(|index| {
            let run = self.runs.get(index)?;
            let ticks = (claimed - self.claimed_seconds(run.time)) * self.timescale as f64;
            let offset = (ticks / run.duration as f64) as u64;
            (offset < run.count).then(|| run.first.saturating_add(offset))
        });
        let number = number_in_run.or_else(|| Some(self.runs.get(next_run)?.first))?;
        let found = self.get(number)?;
        match found.end <= time + boundary_tolerance(found.end - found.start) {
            true => self.get(number.checked_add(1)?),
            false => Some(found),
        }
    }

    /// Start and end of a segment according to the manifest, in seconds.
    pub fn claimed_range(&self, number: u64) -> Option<(f64, f64)> {
        let next_run = self.runs.partition_point(|run| run.first <= number);
        let run = self.runs.get(next_run.checked_sub(1)?)?;
        let offset = number - run.first;
        if offset >= run.count {
            return None;
        }
        let time = run.time.saturating_add(run.duration.saturating_mul(offset));
        let end = self.claimed_seconds(time.saturating_add(run.duration));
        Some((self.claimed_seconds(time), end.min(self.end)))
    }

    /// Whether the manifest claims the same times for the same segments.
    pub fn has_same_times(&self, other: &Self) -> bool {
        self.timescale == other.timescale
            && self.time_offset == other.time_offset
            && self.runs == other.runs
    }

    /// The segment with a number, counted from 0.
    pub fn get(&self, number: u64) -> Option<Segment> {
        let next_run = self.runs.partition_point(|run| run.first <= number);
        let run_index = next_run.checked_sub(1)?;
        let run = self.runs.get(run_index)?;
        let offset = number - run.first;
        if offset >= run.count {
            return None;
        }
        let time = run.time.saturating_add(run.duration.saturating_mul(offset));
        let start = self.claimed_seconds(time);
        let end = self.claimed_seconds(time.saturating_add(run.duration));
        if start >= self.end {
            return None;
        }
        let listed = match &self.addresses {
            SegmentAddresses::Template { media, numbers } => {
                let template_number = numbers.get(run_index)?.saturating_add(offset);
                ListedSegment {
                    resource: Resource::whole(segment_template::expand(
                        media,
                        template_number,
                        time,
                    )),
                    init: (!self.inits.is_empty()).then_some(0),
                    discontinuity: 0,
                    is_missing: false,
                }
            }
            SegmentAddresses::Listed(list) => list.get(usize::try_from(number).ok()?)?.clone(),
        };
        Some(Segment {
            number,
            start: self.placement.place(start),
            end: self.placement.place(end.min(self.end)),
            resource: listed.resource,
            init: listed.init.and_then(|init| self.inits.get(init).cloned()),
            discontinuity: listed.discontinuity,
            is_missing: listed.is_missing,
        })
    }

    /// The wall-clock time of a presentation time, in seconds since the Unix epoch, by the list's own dates (HLS).
    pub fn date_at(&self, time: f64) -> Option<f64> {
        let number = self
            .segment_at(time)
            .map_or(self.len(), |segment| segment.number);
        let dates = &self.live.dates;
        let next = dates.partition_point(|(first, _)| *first <= number);
        let (first, date) = dates.get(next.saturating_sub(1))?;
        Some(date + time - self.get(*first)?.start)
    }

    /// The presentation time of a wall-clock time, by the list's own dates. After a gap in the dates, that of the last
    /// segment before it.
    pub fn time_of_date(&self, date: f64) -> Option<f64> {
        let dates = &self.live.dates;
        let next = dates.partition_point(|(_, start)| *start <= date);
        let (first, start) = dates.get(next.saturating_sub(1))?;
        Some(self.get(*first)?.start + date - start)
    }

    /// The presentation time that the manifest claims for a media time in ticks.
    fn claimed_seconds(&self, ticks: u64) -> f64 {
        self.time_offset + ticks as f64 / self.timescale as f64
    }
}
