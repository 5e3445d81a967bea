use std::rc::Rc;

use proptest::prelude::*;

use super::*;
use crate::media::{
    AdaptationSet, ListedSegment, LiveList, Period, Representation, SegmentAddresses, SegmentRun,
    live::edge::is_available, ranges::TimeRanges,
};

/// A presentation of two representations, in `count` segments of `seconds` each.
fn presentation(seconds: u64, count: u64) -> Presentation {
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
            ..Period::default()
        }],
        ..Presentation::default()
    }
}

/// A SourceBuffer and the state of playback: the planner's input.
struct Harness {
    presentation: Presentation,
    inventory: BufferInventory,
    position: f64,
    evictable_before: f64,
    goal: f64,
    other_buffer_ahead: f64,
    chosen: usize,
    is_locked: bool,
    /// Presentation time by the wall clock, if segments become available by that.
    clock: Option<f64>,
}

impl Harness {
    fn new(presentation: Presentation) -> Self {
        Self {
            presentation,
            inventory: BufferInventory::default(),
            position: 0.0,
            evictable_before: 0.0,
            goal: 8.0,
            other_buffer_ahead: f64::INFINITY,
            chosen: 0,
            is_locked: false,
            clock: None,
        }
    }

    fn buffered(&self) -> TimeRanges {
        self.inventory
            .iter()
            .filter_map(|entry| entry.buffered)
            .collect()
    }

    fn plan(&self) -> BufferAction {
        let other = |entry: &AppendedSegment| entry.representation.representation != self.chosen;
        plan(&Snapshot {
            presentation: &self.presentation,
            end: self.presentation.periods.last().unwrap().end,
            position: self.position,
            evictable_before: self.evictable_before,
            goal: self.goal,
            other_buffer_ahead: self.other_buffer_ahead,
            buffered: &self.buffered(),
            inventory: &self.inventory,
            may_continue: &|_| true,
            choose: &|period| {
                Some(RepresentationId {
                    period,
                    set: 0,
                    representation: self.chosen,
                })
            },
            status: &|_, segments, segment| {
                let is_available = self
                    .clock
                    .is_none_or(|now| is_available(segments, segment, now));
                match is_available {
                    true => SegmentStatus::Available,
                    false => SegmentStatus::NotYet,
                }
            },
            is_acceptable: &|entry| !(self.is_locked && other(entry)),
            is_replaceable: &|entry| {
                !self.is_locked && entry.representation.representation < self.chosen
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
            buffered_seconds: time.length(),
            representation: id,
        });
    }

    /// Fetches planned segments until none is planned; returns their numbers.
    fn settle(&mut self) -> Vec<u64> {
        let mut fetched = Vec::new();
        while let BufferAction::Fetch(id, segment) = self.plan() {
            self.append(id, &segment);
            fetched.push(segment.number);
            assert!(fetched.len() < 1000, "fetches without end");
        }
        fetched
    }
}

#[test]
fn fetches_to_goal_then_waits_then_ends() {
    let mut harness = Harness::new(presentation(2, 10));
    assert_eq!(harness.settle(), [0, 1, 2, 3]);
    assert_eq!(harness.plan(), BufferAction::Wait);
    harness.position = 3.0;
    assert_eq!(harness.settle(), [4, 5]);
    harness.position = 19.0;
    assert_eq!(harness.settle(), [9]);
    assert_eq!(harness.plan(), BufferAction::End);
    harness.position = 12.0;
    assert_eq!(harness.settle(), [6, 7, 8]);
    assert_eq!(harness.plan(), BufferAction::End);
}

#[test]
fn position_past_end_needs_last_segment() {
    let mut harness = Harness::new(presentation(2, 10));
    harness.settle();
    harness.position = 20.0;
    assert_eq!(harness.settle(), [9]);
    assert_eq!(harness.plan(), BufferAction::End);
    harness.position = 1000.0;
    assert_eq!(harness.plan(), BufferAction::End);
}

#[test]
fn waits_when_too_far_ahead_of_other_buffer() {
    let mut harness = Harness::new(presentation(2, 30));
    harness.goal = 30.0;
    harness.other_buffer_ahead = 1.0;
    assert_eq!(harness.settle(), [0, 1, 2, 3]);
    assert_eq!(harness.plan(), BufferAction::Wait);
}

#[test]
fn evicted_segments_are_fetched_again() {
    let mut harness = Harness::new(presentation(2, 10));
    harness.settle();
    let remaining = [TimeRange {
        start: 4.0,
        end: 8.0,
    }];
    harness
        .inventory
        .reconcile(&remaining.into_iter().collect(), 0.0);
    assert_eq!(harness.settle(), [0, 1]);
}

#[test]
fn segment_that_filled_nothing_is_not_fetched_again() {
    let mut harness = Harness::new(presentation(2, 10));
    let id = RepresentationId::default();
    harness.inventory.record(AppendedSegment {
        time: TimeRange {
            start: 0.0,
            end: 2.0,
        },
        buffered: None,
        buffered_seconds: 0.0,
        representation: id,
    });
    harness.inventory.reconcile(&TimeRanges::default(), 0.0);
    assert_eq!(harness.settle(), [1, 2, 3]);
}

#[test]
fn segment_appended_with_gap_is_not_fetched_again() {
    let mut harness = Harness::new(presentation(2, 10));
    let time = TimeRange {
        start: 0.0,
        end: 2.0,
    };
    harness.inventory.record(AppendedSegment {
        time,
        buffered: Some(time),
        buffered_seconds: 1.5,
        representation: RepresentationId::default(),
    });
    let halves = [(0.0, 0.75), (1.25, 2.0)].map(|(start, end)| TimeRange { start, end });
    harness
        .inventory
        .reconcile(&halves.into_iter().collect(), 0.0);
    assert_eq!(harness.settle(), [1, 2, 3]);
}

#[test]
fn evicts_only_several_seconds_at_once() {
    let mut harness = Harness::new(presentation(2, 30));
    harness.settle();
    harness.position = 8.0;
    harness.settle();
    harness.evictable_before = 4.0;
    assert_eq!(harness.plan(), BufferAction::Wait);
    harness.evictable_before = 6.0;
    assert_eq!(
        harness.plan(),
        BufferAction::Evict(TimeRange {
            start: 0.0,
            end: 6.0
        })
    );
}

#[test]
fn evicts_whole_segments() {
    let mut harness = Harness::new(presentation(10, 6));
    harness.goal = 30.0;
    harness.settle();
    harness.evictable_before = 8.0;
    assert_eq!(harness.plan(), BufferAction::Wait);
    harness.evictable_before = 12.0;
    let first = TimeRange {
        start: 0.0,
        end: 10.0,
    };
    assert_eq!(harness.plan(), BufferAction::Evict(first));
}

#[test]
fn better_representation_replaces_what_is_far_ahead() {
    let mut harness = Harness::new(presentation(2, 30));
    harness.settle();
    harness.chosen = 1;
    assert_eq!(harness.settle(), [3]);
    harness.chosen = 0;
    assert!(
        harness.settle().is_empty(),
        "a worse representation replaces nothing"
    );
}

#[test]
fn chosen_representation_replaces_what_is_not_imminent() {
    let mut harness = Harness::new(presentation(2, 30));
    harness.chosen = 1;
    harness.settle();
    (harness.chosen, harness.is_locked) = (0, true);
    harness.position = 1.0;
    assert_eq!(harness.settle(), [3, 4]);
    assert_eq!(harness.plan(), BufferAction::Wait);
}

#[test]
fn missing_segment_is_skipped() {
    let mut presentation = presentation(2, 10);
    let listed = |missing| ListedSegment {
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
    presentation.periods[0].adaptation_sets[0].representations[0].index =
        Index::Known(Rc::new(segments));
    assert_eq!(Harness::new(presentation).settle(), [0, 2, 3]);
}

#[test]
fn continues_into_next_period_and_skips_empty_one() {
    let mut two = presentation(2, 4);
    two.periods.push(Period {
        start: 8.0,
        end: 10.0,
        ..Period::default()
    });
    let mut third = presentation(2, 4).periods.remove(0);
    (third.start, third.end) = (10.0, 18.0);
    for representation in &mut third.adaptation_sets[0].representations {
        if let Index::Known(segments) = &mut representation.index {
            Rc::make_mut(segments).time_offset = 10.0;
        }
    }
    two.periods.push(third);
    let mut harness = Harness::new(two);
    harness.goal = 14.0;
    assert_eq!(harness.settle(), [0, 1, 2, 3, 0, 1]);
}

#[test]
fn loads_unknown_index_first() {
    let mut unknown = presentation(2, 4);
    unknown.periods[0].adaptation_sets[0].representations[0].index = Index::Playlist("x".into());
    assert_eq!(
        Harness::new(unknown).plan(),
        BufferAction::LoadIndex(RepresentationId::default())
    );
}

#[derive(Clone, Debug)]
enum Event {
    Play(u8),
    Seek(u8),
    Choose(usize, bool),
    Evict(u8, u8),
}

fn any_event() -> impl Strategy<Value = Event> {
    prop_oneof![
        (0_u8..10).prop_map(Event::Play),
        (0_u8..60).prop_map(Event::Seek),
        (0_usize..2, any::<bool>()).prop_map(|(which, locked)| Event::Choose(which, locked)),
        (0_u8..60, 1_u8..20).prop_map(|(start, length)| Event::Evict(start, length)),
    ]
}

proptest! {
    /// After any events, the planner fetches only segments that are missing or can be improved, stops
    /// fetching at some point, and has then filled the goal.
    #[test]
    fn settles_with_goal_filled_after_any_events(
        seconds in 1_u64..7,
        goal in 1_u8..30,
        events in prop::collection::vec(any_event(), 0..20),
    ) {
        let count = 60 / seconds;
        let end = (seconds * count) as f64;
        let mut harness = Harness::new(presentation(seconds, count));
        harness.goal = f64::from(goal);
        for event in events {
            match event {
                Event::Play(time) => harness.position = (harness.position + f64::from(time)).min(end),
                Event::Seek(time) => harness.position = f64::from(time).min(end),
                Event::Choose(which, locked) => (harness.chosen, harness.is_locked) = (which, locked),
                Event::Evict(start, length) => {
                    let (start, length) = (f64::from(start), f64::from(length));
                    let all = [
                        TimeRange { start: 0.0, end: start },
                        TimeRange { start: start + length, end: 100.0 },
                    ];
                    let remaining = harness.buffered().intersection(&all.into_iter().collect());
                    harness.inventory.reconcile(&remaining, harness.position);
                }
            }
            let mut last = None;
            while let BufferAction::Fetch(id, segment) = harness.plan() {
                prop_assert_ne!(Some((id, segment.number)), last, "fetched twice in a row");
                let before = harness.buffered();
                let there = before.covered_seconds(TimeRange { start: segment.start, end: segment.end });
                let same = harness.inventory.iter().any(|entry| {
                    entry.representation == id && entry.time.start == segment.start && entry.time.end == segment.end
                });
                prop_assert!(!(same && there == segment.end - segment.start), "fetched what is already there");
                last = Some((id, segment.number));
                harness.append(id, &segment);
            }
            let goal_end = (harness.position + harness.goal).min(end);
            let ahead = harness.buffered().ahead(harness.position);
            prop_assert!(harness.position + ahead >= goal_end || harness.position >= end - BOUNDARY_TOLERANCE);
        }
    }
}

/// A live presentation of segments of 2 s.
fn live(count: u64, availability_offset: Option<f64>) -> Presentation {
    let mut presentation = presentation(2, count);
    presentation.periods[0].end = f64::INFINITY;
    for representation in &mut presentation.periods[0].adaptation_sets[0].representations {
        if let Index::Known(segments) = &mut representation.index {
            Rc::make_mut(segments).live = LiveList {
                is_growing: true,
                availability_offset,
                ..LiveList::default()
            };
        }
    }
    presentation
}

#[test]
fn end_of_live_list_is_waited_for() {
    let mut harness = Harness::new(live(3, None));
    assert_eq!(harness.settle(), [0, 1, 2]);
    assert_eq!(harness.plan(), BufferAction::Wait);
    harness.presentation = live(4, None);
    assert_eq!(harness.settle(), [3]);
    assert_eq!(Harness::new(live(0, None)).plan(), BufferAction::Wait);
}

#[test]
fn segment_is_fetched_once_the_clock_says_it_is_there() {
    let mut harness = Harness::new(live(1 << 40, Some(0.0)));
    harness.clock = Some(4.5);
    assert_eq!(harness.settle(), [0, 1]);
    harness.clock = Some(6.0);
    assert_eq!(harness.settle(), [2]);
}

#[test]
fn next_live_period_is_not_waited_for_in_the_one_before() {
    // The list of the first period ends before the period does.
    let mut two = live(3, None);
    two.periods[0].end = 8.0;
    let mut second = live(10, None).periods.remove(0);
    second.start = 8.0;
    two.periods.push(second);
    let mut harness = Harness::new(two);
    harness.goal = 10.0;
    assert_eq!(harness.settle(), [0, 1, 2, 4]);
}
