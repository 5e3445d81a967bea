//! What to do next for one SourceBuffer: fetch, evict, wait, or be done. Decided anew after every
//! step and whenever the viewer does something, from what is there and never from what was meant.

use super::{
    BOUNDARY_TOLERANCE, Index, Presentation, RepresentationId, Segment, Segments,
    ranges::{TimeRange, TimeRanges},
};

/// A segment that was appended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AppendedSegment {
    /// The time that it was to fill, by its manifest.
    pub time: TimeRange,
    /// What of that it filled, by the SourceBuffer, from the first to the last; `None` if nothing.
    pub buffered: Option<TimeRange>,
    /// How many seconds of that there were: fewer, if there are holes in it.
    pub replaced_seconds: f64,
    /// What it is a part of.
    pub representation: RepresentationId,
}

/// What was appended to a SourceBuffer, and is still in it.
///
/// A manifest's times and those of the media differ a little. What is still missing is therefore
/// found in this list, by the manifest's times; the SourceBuffer itself says whether what was appended
/// is still there.
#[derive(Clone, Debug, Default)]
pub struct BufferInventory {
    /// By ascending time, not overlapping.
    entries: Vec<AppendedSegment>,
}

impl BufferInventory {
    /// By ascending time.
    pub fn iter(&self) -> impl Iterator<Item = &AppendedSegment> {
        self.entries.iter()
    }

    /// A segment was appended: it takes the place of what was there at its time.
    pub fn record(&mut self, appended: AppendedSegment) {
        let before = TimeRange {
            start: f64::NEG_INFINITY,
            end: appended.time.start,
        };
        let after = TimeRange {
            start: appended.time.end,
            end: f64::INFINITY,
        };
        let mut entries = self.within(before);
        entries.push(appended);
        entries.append(&mut self.within(after));
        self.entries = entries;
    }

    /// What is left within a range. Boundaries that differ by rounding leave no slivers.
    fn within(&self, range: TimeRange) -> Vec<AppendedSegment> {
        let mut left = Vec::new();
        for entry in &self.entries {
            if let Some(time) = entry.time.intersection(range)
                && (time == entry.time || time.length() > BOUNDARY_TOLERANCE)
            {
                let filled = entry.buffered.and_then(|filled| filled.intersection(time));
                left.push(AppendedSegment {
                    time,
                    buffered: filled,
                    replaced_seconds: entry
                        .replaced_seconds
                        .min(filled.map_or(0.0, TimeRange::length)),
                    ..*entry
                });
            }
        }
        left
    }

    /// Forgets what the browser has evicted on its own, or was told to: it is fetched again when it is
    /// needed again. What filled nothing from the first is not fetched again.
    pub fn reconcile(&mut self, buffered: &TimeRanges) {
        self.entries.retain(|entry| {
            entry.buffered.is_none_or(|filled| {
                let missing = entry.replaced_seconds - buffered.covered_seconds(filled);
                missing <= (entry.replaced_seconds / 2.0).min(2.0 * BOUNDARY_TOLERANCE)
            })
        });
    }

    /// Whether what was appended, and it was not little, filled nothing at all: it is not of the time that its
    /// manifest says.
    pub fn is_futile(&self) -> bool {
        self.entries.len() >= FUTILE && self.entries.iter().all(|entry| entry.buffered.is_none())
    }

    /// Where the segment begins that is played at a time, or else the time itself: what is before it can
    /// be removed without harm to what is played, which cannot be decoded without its beginning.
    pub fn start_at(&self, time: f64) -> f64 {
        self.at(time).map_or(time, |time| time.start)
    }

    /// Where the segment ends that is played at a time, or else the time itself: what is after it can be
    /// removed as a whole.
    pub fn end_at(&self, time: f64) -> f64 {
        self.at(time).map_or(time, |time| time.end)
    }

    /// The time of the segment that is played at a time.
    fn at(&self, time: f64) -> Option<TimeRange> {
        let mut times = self.entries.iter().map(|entry| entry.time);
        times.find(|it| it.start <= time && time < it.end)
    }

    /// Up to which time all is there from this time on. Entries that begin after `settled` count
    /// only if they are `accepted`.
    fn covered(
        &self,
        mut time: f64,
        settled: f64,
        accepted: &dyn Fn(&AppendedSegment) -> bool,
    ) -> f64 {
        for entry in &self.entries {
            let TimeRange { start, end } = entry.time;
            if end <= time {
                continue;
            }
            if start > time + BOUNDARY_TOLERANCE || (start > settled && !accepted(entry)) {
                break;
            }
            time = end;
        }
        time
    }
}

/// What a plan is made from.
pub struct Snapshot<'a> {
    /// The film.
    pub presentation: &'a Presentation,
    /// Where this MediaSource's part of the film ends.
    pub end: f64,
    /// Where the film is.
    pub position: f64,
    /// What is before this may be evicted.
    pub evictable_before: f64,
    /// Seconds of film that are wanted ahead of the position.
    pub goal: f64,
    /// For how many seconds nothing is missing in the other SourceBuffer; infinite if there is none.
    pub other_buffer_ahead: f64,
    /// What this SourceBuffer says that it holds.
    pub buffered: &'a TimeRanges,
    /// What was appended to it.
    pub inventory: &'a BufferInventory,
    /// What to fetch of a period now, if this SourceBuffer is fed from it at all.
    pub choose: &'a dyn Fn(usize) -> Option<RepresentationId>,
    /// Whether what was appended is of a representation that may still be played: not, if a
    /// person has chosen another.
    pub is_acceptable: &'a dyn Fn(&AppendedSegment) -> bool,
    /// Whether what was appended is worth fetching anew, in the representation that is chosen now.
    pub is_replaceable: &'a dyn Fn(&AppendedSegment) -> bool,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum BufferAction {
    /// Remove this from the SourceBuffer.
    Evict(TimeRange),
    /// Find out about the segments of this representation.
    LoadIndex(RepresentationId),
    /// Fetch this segment and append it.
    Fetch(RepresentationId, Box<Segment>),
    /// Nothing, as long as nothing changes but the time.
    Wait,
    /// Nothing at all: everything up to the end is there.
    End,
}

/// Segments of which none fills anything, before the others are taken to be alike: the first of a film may be
/// one that cannot be decoded by itself.
const FUTILE: usize = 3;
/// How far one SourceBuffer may be filled ahead of another, in seconds: more would only keep the
/// other waiting.
const LEAD: f64 = 6.0;
/// What begins sooner than this is played as it is, even if there is something better: seconds,
/// and a part of the goal.
const SETTLED: (f64, f64) = (4.0, 0.5);
/// Evicting is done by the piece, not by the frame: seconds.
const PIECE: f64 = 5.0;

/// Decides what to do next, and says up to which time nothing is missing.
pub fn plan(now: &Snapshot) -> (BufferAction, f64) {
    let settled = now.position + SETTLED.0.min(now.goal * SETTLED.1);
    let (step, complete) = needed(now, settled);
    let end = now.inventory.start_at(now.evictable_before);
    if let Some(first) = now.buffered.iter().next()
        && first.start < end - PIECE
    {
        return (BufferAction::Evict(TimeRange { start: 0.0, end }), complete);
    }
    let better = match step {
        BufferAction::Wait | BufferAction::End => improvement(now, settled),
        _ => None,
    };
    (better.unwrap_or(step), complete)
}

/// The first thing that is missing from the position on, and up to where nothing is.
fn needed(now: &Snapshot, settled: f64) -> (BufferAction, f64) {
    let mut time = now
        .inventory
        .covered(now.position, settled, now.is_acceptable);
    loop {
        if time >= now.end - BOUNDARY_TOLERANCE && now.position < now.end {
            return (BufferAction::End, f64::INFINITY);
        }
        let ahead = time - now.position;
        if ahead >= now.goal || ahead > now.other_buffer_ahead + LEAD {
            return (BufferAction::Wait, time);
        }
        let step = match find(now, time) {
            // Behind the last segment it is all there only if that one is.
            BufferAction::End => last(now, settled),
            found => found,
        };
        let segment = match &step {
            BufferAction::Fetch(_, segment) => segment,
            BufferAction::End => return (step, f64::INFINITY),
            _ => return (step, time),
        };
        if !segment.is_missing && !is_there(now, segment, settled) {
            let missing = segment.start.max(time);
            // After a gap in the film, the next segment may be far off.
            let is_far = segment.start - now.position >= now.goal;
            return (if is_far { BufferAction::Wait } else { step }, missing);
        }
        let after = segment.end.max(time + BOUNDARY_TOLERANCE);
        time = now.inventory.covered(after, settled, now.is_acceptable);
    }
}

/// Whether a segment is in the SourceBuffer already.
fn is_there(now: &Snapshot, segment: &Segment, settled: f64) -> bool {
    let covered = now
        .inventory
        .covered(segment.start, settled, now.is_acceptable);
    covered >= segment.end - BOUNDARY_TOLERANCE
}

/// Fetches the segment at a time, or else the first one after it, in whatever period.
fn find(now: &Snapshot, time: f64) -> BufferAction {
    for (period, it) in now.presentation.periods.iter().enumerate() {
        if it.end <= time + BOUNDARY_TOLERANCE || it.start >= now.end {
            continue;
        }
        let step = of_period(now, period, &|segments| {
            segments.segment_at(time.max(it.start))
        });
        if !matches!(step, BufferAction::End) {
            return step;
        }
    }
    BufferAction::End
}

/// Fetches the last segment of all, if it is not there.
fn last(now: &Snapshot, settled: f64) -> BufferAction {
    for (period, it) in now.presentation.periods.iter().enumerate().rev() {
        if it.start >= now.end {
            continue;
        }
        let last = |segments: &Segments| segments.get(segments.len().checked_sub(1)?);
        match of_period(now, period, &last) {
            BufferAction::End => {}
            BufferAction::Fetch(_, last) if last.is_missing || is_there(now, &last, settled) => {
                break;
            }
            step => return step,
        }
    }
    BufferAction::End
}

/// Fetches one of the segments of a period, once they are known. The end is where there is none.
fn of_period(
    now: &Snapshot,
    period: usize,
    which: &dyn Fn(&Segments) -> Option<Segment>,
) -> BufferAction {
    let id = (now.choose)(period);
    let Some((id, it)) = id.and_then(|id| Some((id, now.presentation.representation(id)?))) else {
        return BufferAction::End;
    };
    match &it.index {
        Index::Known(segments) if it.is_resolved() => which(segments)
            .map_or(BufferAction::End, |segment| {
                BufferAction::Fetch(id, Box::new(segment))
            }),
        _ => BufferAction::LoadIndex(id),
    }
}

/// Something that is there and could be better, and is far enough ahead to be fetched anew.
fn improvement(now: &Snapshot, settled: f64) -> Option<BufferAction> {
    let worse = now
        .inventory
        .iter()
        .find(|entry| entry.time.start > settled && (now.is_replaceable)(entry))?;
    // The middle: boundaries of another representation may be elsewhere.
    let within = worse.time.start + (worse.time.length() / 2.0).min(2.0 * BOUNDARY_TOLERANCE);
    let step = find(now, within);
    let is_better = match &step {
        BufferAction::Fetch(_, segment) => {
            !segment.is_missing && segment.start > settled - BOUNDARY_TOLERANCE
        }
        step => !matches!(step, BufferAction::End),
    };
    is_better.then_some(step)
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use proptest::prelude::*;

    use super::*;
    use crate::media::{AdaptationSet, Period, Representation, SegmentAddresses, SegmentRun};

    /// A film of two representations, in segments of `seconds` each.
    fn film(seconds: u64, count: u64) -> Presentation {
        let segments = Rc::new(Segments {
            runs: vec![SegmentRun {
                time: 0,
                duration: seconds,
                count,
                first: 0,
            }],
            addresses: SegmentAddresses::Template {
                media: "$Number$".into(),
                numbers: vec![0],
            },
            ..Segments::default()
        });
        let representation = |bandwidth| Representation {
            bandwidth,
            index: Index::Known(segments.clone()),
            ..Representation::default()
        };
        Presentation {
            periods: vec![Period {
                start: 0.0,
                end: (seconds * count) as f64,
                adaptation_sets: vec![AdaptationSet {
                    representations: vec![representation(1), representation(2)],
                    ..AdaptationSet::default()
                }],
            }],
            ..Presentation::default()
        }
    }

    /// A SourceBuffer as the planner sees it, and a viewer.
    struct Bench {
        film: Presentation,
        inventory: BufferInventory,
        position: f64,
        evictable: f64,
        goal: f64,
        others: f64,
        chosen: usize,
        locked: bool,
    }

    impl Bench {
        fn new(film: Presentation) -> Self {
            Self {
                film,
                inventory: BufferInventory::default(),
                position: 0.0,
                evictable: 0.0,
                goal: 8.0,
                others: f64::INFINITY,
                chosen: 0,
                locked: false,
            }
        }

        fn buffered(&self) -> TimeRanges {
            let filled = self.inventory.iter().filter_map(|entry| entry.buffered);
            filled.collect()
        }

        fn plan(&self) -> BufferAction {
            let other =
                |entry: &AppendedSegment| entry.representation.representation != self.chosen;
            plan(&Snapshot {
                presentation: &self.film,
                end: self.film.periods.last().unwrap().end,
                position: self.position,
                evictable_before: self.evictable,
                goal: self.goal,
                other_buffer_ahead: self.others,
                buffered: &self.buffered(),
                inventory: &self.inventory,
                choose: &|period| {
                    Some(RepresentationId {
                        period,
                        set: 0,
                        representation: self.chosen,
                    })
                },
                is_acceptable: &|entry| !(self.locked && other(entry)),
                is_replaceable: &|entry| {
                    !self.locked && entry.representation.representation < self.chosen
                },
            })
            .0
        }

        fn append(&mut self, id: RepresentationId, segment: &Segment) {
            let time = TimeRange {
                start: segment.start,
                end: segment.end,
            };
            self.inventory.record(AppendedSegment {
                time,
                buffered: Some(time),
                replaced_seconds: time.length(),
                representation: id,
            });
        }

        /// Carries out what is planned until there is nothing to do; the numbers that were fetched.
        fn settle(&mut self) -> Vec<u64> {
            let mut fetched = Vec::new();
            while let BufferAction::Fetch(id, segment) = self.plan() {
                self.append(id, &segment);
                fetched.push(segment.number);
                assert!(fetched.len() < 1000, "it never ends");
            }
            fetched
        }
    }

    #[test]
    fn it_fetches_up_to_the_goal_and_waits_and_then_ends() {
        let mut bench = Bench::new(film(2, 10));
        assert_eq!(bench.settle(), [0, 1, 2, 3]);
        assert_eq!(bench.plan(), BufferAction::Wait);
        bench.position = 3.0;
        assert_eq!(bench.settle(), [4, 5]);
        bench.position = 19.0;
        assert_eq!(bench.settle(), [9]);
        assert_eq!(bench.plan(), BufferAction::End);
        bench.position = 12.0;
        assert_eq!(bench.settle(), [6, 7, 8]);
        assert_eq!(bench.plan(), BufferAction::End);
    }

    #[test]
    fn behind_the_end_it_is_all_there_only_if_the_last_segment_is() {
        let mut bench = Bench::new(film(2, 10));
        bench.settle();
        bench.position = 20.0;
        assert_eq!(bench.settle(), [9]);
        assert_eq!(bench.plan(), BufferAction::End);
        bench.position = 1000.0;
        assert_eq!(bench.plan(), BufferAction::End);
    }

    #[test]
    fn it_does_not_run_away_from_the_other_buffer() {
        let mut bench = Bench::new(film(2, 30));
        bench.goal = 30.0;
        bench.others = 1.0;
        assert_eq!(bench.settle(), [0, 1, 2, 3]);
        assert_eq!(bench.plan(), BufferAction::Wait);
    }

    #[test]
    fn what_the_browser_evicted_is_fetched_again() {
        let mut bench = Bench::new(film(2, 10));
        bench.settle();
        let left = [TimeRange {
            start: 4.0,
            end: 8.0,
        }];
        bench.inventory.reconcile(&left.into_iter().collect());
        assert_eq!(bench.settle(), [0, 1]);
    }

    #[test]
    fn what_filled_nothing_is_not_fetched_for_ever() {
        let mut bench = Bench::new(film(2, 10));
        let id = RepresentationId::default();
        bench.inventory.record(AppendedSegment {
            time: TimeRange {
                start: 0.0,
                end: 2.0,
            },
            buffered: None,
            replaced_seconds: 0.0,
            representation: id,
        });
        bench.inventory.reconcile(&TimeRanges::default());
        assert_eq!(bench.settle(), [1, 2, 3]);
    }

    #[test]
    fn a_hole_that_was_there_from_the_first_is_not_fetched_for_ever() {
        let mut bench = Bench::new(film(2, 10));
        let time = TimeRange {
            start: 0.0,
            end: 2.0,
        };
        bench.inventory.record(AppendedSegment {
            time,
            buffered: Some(time),
            replaced_seconds: 1.5,
            representation: RepresentationId::default(),
        });
        let halves = [(0.0, 0.75), (1.25, 2.0)].map(|(start, end)| TimeRange { start, end });
        bench.inventory.reconcile(&halves.into_iter().collect());
        assert_eq!(bench.settle(), [1, 2, 3]);
    }

    #[test]
    fn what_lies_behind_is_evicted_by_the_piece() {
        let mut bench = Bench::new(film(2, 30));
        bench.settle();
        bench.position = 8.0;
        bench.settle();
        bench.evictable = 4.0;
        assert_eq!(bench.plan(), BufferAction::Wait);
        bench.evictable = 6.0;
        assert_eq!(
            bench.plan(),
            BufferAction::Evict(TimeRange {
                start: 0.0,
                end: 6.0
            })
        );
    }

    #[test]
    fn a_segment_is_evicted_as_a_whole() {
        let mut bench = Bench::new(film(10, 6));
        bench.goal = 30.0;
        bench.settle();
        bench.evictable = 8.0;
        assert_eq!(bench.plan(), BufferAction::Wait);
        bench.evictable = 12.0;
        let first = TimeRange {
            start: 0.0,
            end: 10.0,
        };
        assert_eq!(bench.plan(), BufferAction::Evict(first));
    }

    #[test]
    fn a_better_representation_replaces_what_is_far_enough_ahead() {
        let mut bench = Bench::new(film(2, 30));
        bench.settle();
        bench.chosen = 1;
        assert_eq!(bench.settle(), [3]);
        bench.chosen = 0;
        assert!(
            bench.settle().is_empty(),
            "nothing is replaced by what is worse"
        );
    }

    #[test]
    fn a_chosen_representation_replaces_whatever_is_not_about_to_be_played() {
        let mut bench = Bench::new(film(2, 30));
        bench.chosen = 1;
        bench.settle();
        (bench.chosen, bench.locked) = (0, true);
        bench.position = 1.0;
        assert_eq!(bench.settle(), [3, 4]);
        assert_eq!(bench.plan(), BufferAction::Wait);
    }

    #[test]
    fn a_segment_that_is_said_to_be_missing_is_passed_over() {
        let mut film = film(2, 10);
        let listed = |missing| crate::media::ListedSegment {
            is_missing: missing,
            ..Default::default()
        };
        let segments = Segments {
            addresses: SegmentAddresses::Listed((0..10).map(|n| listed(n == 1)).collect()),
            runs: vec![SegmentRun {
                time: 0,
                duration: 2,
                count: 10,
                first: 0,
            }],
            ..Segments::default()
        };
        film.periods[0].adaptation_sets[0].representations[0].index =
            Index::Known(Rc::new(segments));
        assert_eq!(Bench::new(film).settle(), [0, 2, 3]);
    }

    #[test]
    fn periods_follow_each_other_and_one_without_content_is_passed_over() {
        let mut two = film(2, 4);
        two.periods.push(Period {
            start: 8.0,
            end: 10.0,
            adaptation_sets: Vec::new(),
        });
        let mut third = film(2, 4).periods.remove(0);
        (third.start, third.end) = (10.0, 18.0);
        for representation in &mut third.adaptation_sets[0].representations {
            if let Index::Known(segments) = &mut representation.index {
                Rc::make_mut(segments).time_offset = 10.0;
            }
        }
        two.periods.push(third);
        let mut bench = Bench::new(two);
        bench.goal = 14.0;
        assert_eq!(bench.settle(), [0, 1, 2, 3, 0, 1]);
    }

    #[test]
    fn what_is_not_known_has_to_be_learned_first() {
        let mut unknown = film(2, 4);
        unknown.periods[0].adaptation_sets[0].representations[0].index =
            Index::Playlist("x".into());
        assert_eq!(
            Bench::new(unknown).plan(),
            BufferAction::LoadIndex(RepresentationId::default())
        );
    }

    #[derive(Clone, Debug)]
    enum Event {
        Play(u8),
        Seek(u8),
        Choose(usize, bool),
        Lose(u8, u8),
    }

    fn any_event() -> impl Strategy<Value = Event> {
        prop_oneof![
            (0_u8..10).prop_map(Event::Play),
            (0_u8..60).prop_map(Event::Seek),
            (0_usize..2, any::<bool>()).prop_map(|(which, locked)| Event::Choose(which, locked)),
            (0_u8..60, 1_u8..20).prop_map(|(start, length)| Event::Lose(start, length)),
        ]
    }

    proptest! {
        /// Whatever happens, the planner fetches nothing twice but what was lost or is to be better,
        /// comes to rest, and has then filled the goal.
        #[test]
        fn it_comes_to_rest_with_the_goal_filled(
            seconds in 1_u64..7,
            goal in 1_u8..30,
            events in prop::collection::vec(any_event(), 0..20),
        ) {
            let count = 60 / seconds;
            let end = (seconds * count) as f64;
            let mut bench = Bench::new(film(seconds, count));
            bench.goal = f64::from(goal);
            for event in events {
                match event {
                    Event::Play(time) => bench.position = (bench.position + f64::from(time)).min(end),
                    Event::Seek(time) => bench.position = f64::from(time).min(end),
                    Event::Choose(which, locked) => (bench.chosen, bench.locked) = (which, locked),
                    Event::Lose(start, length) => {
                        let (start, length) = (f64::from(start), f64::from(length));
                        let all = [
                            TimeRange { start: 0.0, end: start },
                            TimeRange { start: start + length, end: 100.0 },
                        ];
                        let left = bench.buffered().intersection(&all.into_iter().collect());
                        bench.inventory.reconcile(&left);
                    }
                }
                let mut last = None;
                while let BufferAction::Fetch(id, segment) = bench.plan() {
                    prop_assert_ne!(Some((id, segment.number)), last, "fetched twice in a row");
                    let before = bench.buffered();
                    let there = before.covered_seconds(TimeRange { start: segment.start, end: segment.end });
                    let same = bench.inventory.iter().any(|entry| {
                        entry.representation == id && entry.time.start == segment.start && entry.time.end == segment.end
                    });
                    prop_assert!(!(same && there == segment.end - segment.start), "it is there already");
                    last = Some((id, segment.number));
                    bench.append(id, &segment);
                }
                let wanted = (bench.position + bench.goal).min(end);
                let ahead = bench.buffered().ahead(bench.position);
                prop_assert!(bench.position + ahead >= wanted || bench.position >= end - BOUNDARY_TOLERANCE);
            }
        }
    }
}
