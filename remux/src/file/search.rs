//! Finds the place of a time in a file without an index, by few reads: interpolation between the marks that are known.

use std::ops::Range;

use super::input::{Input, Read, Stop};

/// Largest number of reads of a search.
pub const MAX_READS: u32 = 20;

/// Bytes of the first read of a search; each further one doubles it, up to the last one.
const FIRST_WINDOW: u64 = 256 << 10;
const LAST_WINDOW: u64 = 8 << 20;

/// Bytes before the end of a window in which a mark may be cut off.
pub const OVERLAP: u64 = 512;

/// Largest number of marks that are remembered.
const MAX_MARKS: usize = 1 << 14;

/// A place where reading can begin: a cluster, a `moof`, a packet with a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mark {
    /// Position in the file in bytes.
    pub position: u64,
    /// Time in seconds.
    pub time: f64,
}

/// The marks of a file that are known.
#[derive(Debug, Clone, Default)]
pub struct Marks {
    /// By ascending position and time.
    known: Vec<Mark>,
    /// Where all marks are known, by ascending position, without overlaps.
    scanned: Vec<Range<u64>>,
    /// Reads of the current search.
    reads: u32,
}

impl Marks {
    /// Adds a mark, unless it contradicts the others.
    pub fn insert(&mut self, mark: Mark) {
        if self.known.len() >= MAX_MARKS {
            // Rare enough that forgetting all but the ends is fine.
            self.known.drain(1..MAX_MARKS - 1);
            self.scanned.clear();
        }
        let at = self
            .known
            .partition_point(|known| known.position < mark.position);
        let fits_before = at == 0
            || self
                .known
                .get(at - 1)
                .is_some_and(|before| before.time <= mark.time);
        let fits_after = self
            .known
            .get(at)
            .is_none_or(|after| after.position != mark.position && mark.time <= after.time);
        if fits_before && fits_after && mark.time.is_finite() {
            self.known.insert(at, mark);
        }
    }

    /// The last mark.
    pub fn last(&self) -> Option<Mark> {
        self.known.last().copied()
    }

    fn set_scanned(&mut self, range: Range<u64>) {
        let mut merged = range;
        self.scanned.retain(|other| {
            let touches = other.start <= merged.end && merged.start <= other.end;
            if touches {
                merged = merged.start.min(other.start)..merged.end.max(other.end);
            }
            !touches
        });
        let at = self
            .scanned
            .partition_point(|other| other.start < merged.start);
        self.scanned.insert(at, merged);
    }

    /// The scanned range around a position.
    fn scanned_around(&self, position: u64) -> Option<Range<u64>> {
        self.scanned
            .iter()
            .find(|range| range.contains(&position))
            .cloned()
    }

    /// The mark at or before `time`: the last one, or after [`MAX_READS`] reads an earlier one. `end` is where the marks
    /// end, and their last time. `scan` finds the marks in bytes at a position.
    pub fn locate(
        &mut self,
        input: &mut Input,
        time: f64,
        end: Mark,
        scan: impl Fn(&[u8], u64) -> Vec<Mark>,
    ) -> Read<Option<Mark>> {
        loop {
            let at = self.known.partition_point(|mark| mark.time <= time);
            let Some(low) = at.checked_sub(1).and_then(|at| self.known.get(at)).copied() else {
                self.reads = 0;
                return Ok(self.known.first().copied());
            };
            let high = self.known.get(at).copied().unwrap_or(end);
            let covered = self
                .scanned_around(low.position)
                .map_or(low.position, |range| range.end);
            if covered >= high.position || self.reads >= MAX_READS {
                self.reads = 0;
                return Ok(Some(low));
            }
            let window = (FIRST_WINDOW << self.reads.min(5)).min(LAST_WINDOW);
            let share = (time - low.time) / (high.time - low.time).max(1e-9);
            let span = (high.position - low.position) as f64;
            let guess = low.position + (span * share.clamp(0.0, 1.0)) as u64;
            // The mark before the time is wanted, so most of the window lies before it.
            let mut start = guess.saturating_sub(window / 2).max(covered);
            if let Some(range) = self.scanned_around(start) {
                start = range.end;
            }
            if start >= high.position {
                // All of it is known from there on: what is before it.
                let known_from = self
                    .scanned_around(high.position.saturating_sub(1))
                    .map_or(high.position, |range| range.start);
                start = known_from.saturating_sub(window).max(covered);
            }
            // What is scanned behind it bounds it, too.
            let range = start..(start + window).min(input.size);
            let bytes = match input.read_at_least("marks", range.clone(), 0) {
                Err(stop @ Stop::Need(_)) => return Err(stop),
                other => other?,
            };
            self.reads += 1;
            if bytes.is_empty() {
                self.reads = 0;
                return Ok(Some(low));
            }
            let is_end = range.end >= input.size;
            let scanned_end = if is_end {
                end.position.max(range.end)
            } else {
                range.end.saturating_sub(OVERLAP).max(start + 1)
            };
            for mark in scan(bytes, start) {
                if mark.position < scanned_end {
                    self.insert(mark);
                }
            }
            self.set_scanned(start..scanned_end);
        }
    }
}
