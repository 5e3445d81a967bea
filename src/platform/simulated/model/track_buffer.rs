//! The track buffer of one track: coded frame processing (§ 3.5.8), removal (§ 3.5.9) and ranges.

use std::{collections::BTreeMap, ops::Range};

use super::{
    MICROSECOND, Nanos, Rules, Trimming,
    isobmff::{CodedFrame, Track, TrackKind},
};

/// The frames of one track, and where the next one follows.
#[derive(Debug)]
pub struct TrackBuffer {
    /// The track, by the last init segment.
    pub track: Track,
    /// In decode order.
    frames: BTreeMap<Nanos, Stored>,
    bytes: usize,
    /// How far apart the two timestamps of a frame are at most.
    reordering: Nanos,
    longest: Nanos,
    last_decode: Option<Nanos>,
    last_duration: Option<Nanos>,
    highest_end: Option<Nanos>,
    needs_random_access: bool,
    /// Decode timestamp of the frame that was added last, also after a reset.
    last_added: Option<Nanos>,
    /// Where that frame ends; `None` after it was removed.
    last_end: Option<Nanos>,
    /// `None` if they have to be computed again.
    ranges: Option<Vec<Range<Nanos>>>,
}

#[derive(Clone, Copy, Debug)]
struct Stored {
    pts: Nanos,
    end: Nanos,
    /// From where on it counts as buffered: the end of the frame before, if that is near.
    covers_from: Nanos,
    is_sync: bool,
    size: usize,
}

/// What became of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Processed {
    /// It was added; it ends here.
    Added(Nanos),
    /// It lies outside of the append window, or depends on a frame that was dropped.
    Dropped,
    /// It does not follow the frame before it: a new coded frame group begins, in all tracks.
    Discontinuity,
}

impl TrackBuffer {
    /// An empty one.
    pub const fn new(track: Track) -> Self {
        Self {
            track,
            frames: BTreeMap::new(),
            bytes: 0,
            reordering: 0,
            longest: 0,
            last_decode: None,
            last_duration: None,
            highest_end: None,
            needs_random_access: true,
            last_added: None,
            last_end: None,
            ranges: None,
        }
    }

    /// Begins a new coded frame group: the next frame has to be a random access point.
    pub const fn begin_group(&mut self) {
        self.last_decode = None;
        self.last_duration = None;
        self.highest_end = None;
        self.needs_random_access = true;
    }

    /// Whether the next frame is the first of a coded frame group.
    pub const fn begins_group(&self) -> bool {
        self.last_decode.is_none()
    }

    /// Sets the need random access point flag alone, as an init segment does.
    pub const fn require_random_access(&mut self) {
        self.needs_random_access = true;
    }

    /// Bytes of all frames.
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether there is no frame.
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Processes a frame whose timestamps have the offset added (§ 3.5.8). The first frame of a coded frame group
    /// counts as buffered from `group_start` on, if that is earlier.
    pub fn process(
        &mut self,
        frame: CodedFrame,
        append_window: &Range<Nanos>,
        group_start: Option<Nanos>,
        rules: &Rules,
    ) -> Processed {
        let CodedFrame {
            dts,
            mut pts,
            mut end,
            ..
        } = frame;
        let duration = end - pts;
        if let (Some(last), Some(last_duration)) = (self.last_decode, self.last_duration)
            && (dts < last || dts - last > 2 * last_duration)
        {
            return Processed::Discontinuity;
        }
        if pts < append_window.start || end > append_window.end {
            let inside = pts.max(append_window.start)..end.min(append_window.end);
            let is_trimmed = inside.start < inside.end
                && match rules.trimming {
                    Trimming::Nothing => false,
                    Trimming::Audio => self.track.kind == TrackKind::Audio,
                    Trimming::All => true,
                };
            if !is_trimmed {
                self.needs_random_access = true;
                return Processed::Dropped;
            }
            (pts, end) = (inside.start, inside.end);
        }
        if self.needs_random_access {
            if !frame.is_sync {
                return Processed::Dropped;
            }
            self.needs_random_access = false;
        }
        let mut removed = Vec::new();
        if self.last_decode.is_none()
            && self.track.kind == TrackKind::Video
            && let Some((overlapped, stored)) = self.frame_at(pts)
            && pts < stored.pts + MICROSECOND
        {
            removed.push(overlapped);
        }
        let covered_from = match (self.last_decode, group_start) {
            (None, Some(start)) => start.min(pts),
            _ => pts,
        };
        let replaced = match self.highest_end {
            None => Some(pts..end),
            Some(highest) if highest <= pts => Some(highest..end),
            Some(_) => None,
        };
        removed.extend(
            replaced
                .into_iter()
                .flat_map(|range| self.starting_in(range)),
        );
        self.remove_frames(&removed);
        let key = self.add(
            frame.dts,
            Stored {
                pts,
                end,
                covers_from: match self.last_end {
                    Some(last) if last < pts && pts - last <= rules.contiguous_in_sequence => last,
                    _ => covered_from,
                },
                is_sync: frame.is_sync,
                size: frame.size,
            },
            rules,
        );
        self.last_decode = Some(dts);
        self.last_duration = Some(duration);
        self.highest_end = Some(self.highest_end.map_or(end, |highest| highest.max(end)));
        self.last_added = Some(key);
        self.last_end = Some(end);
        Processed::Added(end)
    }

    /// Adds a frame. Returns its place in decode order.
    fn add(&mut self, mut dts: Nanos, stored: Stored, rules: &Rules) -> Nanos {
        // Frames of another encoding, without B-frames, may be decoded at the same time and shown before.
        while self
            .frames
            .get(&dts)
            .is_some_and(|other| other.end <= stored.pts)
        {
            dts += 1;
        }
        self.reordering = self.reordering.max((stored.pts - dts).abs());
        let duration = stored.end - stored.pts;
        if duration > self.longest {
            self.longest = duration;
            self.ranges = None;
        }
        self.bytes += stored.size;
        // One with the same decode timestamp could not be decoded beside it.
        if let Some(replaced) = self.frames.insert(dts, stored) {
            self.bytes -= replaced.size;
            self.ranges = None;
        }
        let tolerance = self.tolerance(rules);
        if let Some(ranges) = &mut self.ranges {
            merge(ranges, stored.covers_from..stored.end, tolerance);
        }
        dts
    }

    /// Removes frames that begin in a range, extended to the next random access point (§ 3.5.9), and what
    /// depends on them. Returns what is removed, from the first to the last time.
    pub fn remove(
        &mut self,
        mut start: Nanos,
        end: Nanos,
        duration: Nanos,
        rules: &Rules,
    ) -> Option<Range<Nanos>> {
        if rules.removes_frame_at_start
            && let Some((_, frame)) = self.frame_at(start)
        {
            start = frame.pts;
        }
        let near = self.decoded_near(end, Nanos::MAX);
        let next = self
            .frames
            .range(near)
            .filter(|(_, it)| it.is_sync && it.pts >= end);
        let end = next
            .map(|(_, it)| it.pts)
            .min()
            .unwrap_or(duration.max(end));
        let removed = self.starting_in(start..end);
        if let Some(last) = self.last_decode
            && removed.contains(&last)
        {
            self.begin_group();
        }
        self.remove_frames(&removed)
    }

    /// Removes frames, and what depends on them: all that follow in decode order up to the next random access
    /// point.
    fn remove_frames(&mut self, removed: &[Nanos]) -> Option<Range<Nanos>> {
        let mut hull: Option<Range<Nanos>> = None;
        let mut all = removed.to_vec();
        for &dts in removed {
            let after = (std::ops::Bound::Excluded(dts), std::ops::Bound::Unbounded);
            let dependent = self.frames.range(after).take_while(|(_, it)| !it.is_sync);
            for (&dts, _) in dependent {
                // The rest of this group has been taken along with an earlier frame of it.
                if all.last() == Some(&dts) {
                    break;
                }
                all.push(dts);
            }
        }
        for dts in all {
            if let Some(stored) = self.frames.remove(&dts) {
                self.bytes -= stored.size;
                self.ranges = None;
                if self.last_added == Some(dts) {
                    self.last_end = None;
                }
                hull = Some(match hull {
                    None => stored.pts..stored.end,
                    Some(hull) => hull.start.min(stored.pts)..hull.end.max(stored.end),
                });
            }
        }
        hull
    }

    /// Decode timestamps of the frames that begin in a range, in decode order.
    fn starting_in(&self, range: Range<Nanos>) -> Vec<Nanos> {
        if range.start >= range.end {
            return Vec::new();
        }
        let near = self.frames.range(self.decoded_near(range.start, range.end));
        let inside = near.filter(|(_, it)| range.contains(&it.pts));
        inside.map(|(&dts, _)| dts).collect()
    }

    /// The frame whose presentation interval a time is in.
    fn frame_at(&self, time: Nanos) -> Option<(Nanos, Stored)> {
        let near = self.decoded_near(time.saturating_sub(self.longest), time);
        let mut near = self.frames.range(near);
        near.find(|(_, it)| it.pts <= time && time < it.end)
            .map(|(&dts, it)| (dts, *it))
    }

    /// Where the decode timestamps of frames lie whose presentation timestamps are in a range.
    const fn decoded_near(&self, start: Nanos, end: Nanos) -> std::ops::RangeInclusive<Nanos> {
        start.saturating_sub(self.reordering)..=end.saturating_add(self.reordering)
    }

    fn tolerance(&self, rules: &Rules) -> Nanos {
        (self.longest as f64 * rules.contiguous_frames) as Nanos
    }

    /// The track buffer ranges: where frames are, with the browser's tolerance for gaps.
    pub fn ranges(&mut self, rules: &Rules) -> &[Range<Nanos>] {
        let tolerance = self.tolerance(rules);
        let frames = &self.frames;
        self.ranges.get_or_insert_with(|| {
            let mut ranges = Vec::new();
            for frame in frames.values() {
                merge(&mut ranges, frame.covers_from..frame.end, tolerance);
            }
            ranges
        })
    }

    /// The highest presentation timestamp.
    pub fn highest_timestamp(&self) -> Option<Nanos> {
        let (&last, _) = self.frames.last_key_value()?;
        let near = self
            .frames
            .range(self.decoded_near(last - self.reordering, last));
        near.map(|(_, it)| it.pts).max()
    }

    /// Where the groups of frames between random access points begin and end, in decode order.
    pub fn groups(&self) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        for (dts, frame) in &self.frames {
            let is_last_added = self.last_added == Some(*dts);
            match groups.last_mut() {
                Some(group) if !frame.is_sync => {
                    group.end = group.end.max(frame.end);
                    group.bytes += frame.size;
                    group.holds_last_added |= is_last_added;
                }
                _ => groups.push(Group {
                    start: frame.pts,
                    end: frame.end,
                    bytes: frame.size,
                    holds_last_added: is_last_added,
                }),
            }
        }
        groups
    }
}

/// A random access point and what depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// Presentation timestamp of its first frame.
    pub start: Nanos,
    /// Where the last of its frames ends.
    pub end: Nanos,
    /// Bytes of its frames.
    pub bytes: usize,
    /// Whether the frame that was appended last is among them.
    pub holds_last_added: bool,
}

/// Adds a range to others, joining those that are no further apart than a tolerance.
fn merge(ranges: &mut Vec<Range<Nanos>>, mut added: Range<Nanos>, tolerance: Nanos) {
    let first = ranges.partition_point(|range| range.end.saturating_add(tolerance) < added.start);
    let mut last = first;
    while let Some(range) = ranges.get(last)
        && range.start <= added.end.saturating_add(tolerance)
    {
        added = range.start.min(added.start)..range.end.max(added.end);
        last += 1;
    }
    ranges.splice(first..last, [added]);
}

/// What two lists of ranges have in common.
pub fn intersection(one: &[Range<Nanos>], other: &[Range<Nanos>]) -> Vec<Range<Nanos>> {
    let mut common = Vec::new();
    let (mut left, mut right) = (one, other);
    while let ([a, after_a @ ..], [b, after_b @ ..]) = (left, right) {
        let both = a.start.max(b.start)..a.end.min(b.end);
        if both.start < both.end {
            common.push(both);
        }
        if a.end < b.end {
            left = after_a;
        } else {
            right = after_b;
        }
    }
    common
}
