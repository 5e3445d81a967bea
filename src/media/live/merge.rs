//! Merges an update of an MPD into the presentation that is played.
//!
//! A representation keeps its id, and a segment its place, for as long as the presentation is played: the engine has
//! appended segments under both. Periods are therefore only appended, and those that are gone stay as empty ones
//! (some 80 bytes each).

use std::rc::Rc;

use super::FIRST_WINDOW_START;
use crate::media::{
    AdaptationSet, Index, Period, Presentation, Representation, RepresentationId, Segments,
    ranges::TimeRange,
};

/// Differences of times up to this many seconds come from rounding.
const ROUNDING_SECONDS: f64 = 0.001;
/// An availabilityStartTime that moves by no more than this many seconds is the same.
const SAME_ORIGIN_SECONDS: f64 = 0.5;

/// Moves all times of a presentation by some seconds.
pub fn shift(presentation: &mut Presentation, seconds: f64) {
    for period in &mut presentation.periods {
        shift_period(period, seconds);
    }
    for file in presentation
        .captions
        .iter_mut()
        .flat_map(|track| &mut track.files)
    {
        file.start += seconds;
        file.time_offset += seconds;
    }
    presentation.duration = presentation.duration.map(|duration| duration + seconds);
}

fn shift_period(period: &mut Period, seconds: f64) {
    period.start += seconds;
    period.end += seconds;
    let sets = period.adaptation_sets.iter_mut();
    for representation in sets.flat_map(|set| &mut set.representations) {
        match &mut representation.index {
            Index::Known(segments) => {
                let segments = Rc::make_mut(segments);
                segments.time_offset += seconds;
                segments.end += seconds;
            }
            Index::Sidx(location) => {
                location.time_offset += seconds;
                location.end += seconds;
            }
            Index::Playlist(_) => {}
        }
    }
}

/// Moves the times of a live presentation from an MPD, so that its window begins at [`FIRST_WINDOW_START`].
/// `seekable` is the window in the MPD's times.
pub fn rebase(presentation: &mut Presentation, seekable: Option<TimeRange>) {
    let first = presentation
        .periods
        .first()
        .map_or(0.0, |period| period.start);
    let start = seekable.map_or(first, |seekable| seekable.start);
    let epoch = start.floor() - FIRST_WINDOW_START;
    shift(presentation, -epoch);
    if let Some(live) = &mut presentation.live {
        live.zero = live.zero.map(|zero| zero + epoch);
        live.epoch = epoch;
    }
}

/// The result of [`merge`].
#[derive(Debug)]
pub struct Merged {
    /// The presentation after the update.
    pub presentation: Presentation,
    /// Representations that are no longer in the MPD, although their period is.
    pub removed: Vec<RepresentationId>,
    /// Whether the update was used: not if it is older than the presentation.
    pub is_newer: bool,
}

/// Merges `new`, an update of an MPD in its own times, into the presentation `old`, which was rebased.
///
/// Periods are matched by their ids, or else by their starts; representations by theirs. A matched period keeps its
/// place, even if the update moves it. An MPD with another `availabilityStartTime` describes new periods, unless its
/// media times continue those before.
pub fn merge(old: Presentation, mut new: Presentation) -> Merged {
    let Some(live) = old.live.clone() else {
        return unchanged(old);
    };
    let mut has_same_origin = true;
    match (&mut new.live, live.zero) {
        (Some(new_live), Some(zero)) => {
            let start = new_live.zero.unwrap_or(zero - live.epoch);
            has_same_origin = (start - (zero - live.epoch)).abs() < SAME_ORIGIN_SECONDS;
            let is_older = matches!(
                (new_live.published, live.published),
                (Some(new), Some(old)) if new < old
            );
            if has_same_origin && is_older {
                return unchanged(old);
            }
            new_live.zero = Some(zero);
            new_live.epoch = zero - start;
        }
        (Some(new_live), None) => new_live.epoch = live.epoch,
        (None, _) => {}
    }
    let epoch = new.live.as_ref().map_or(live.epoch, |live| live.epoch);
    shift(&mut new, -epoch);

    let new_start = new
        .periods
        .first()
        .map_or(f64::INFINITY, |period| period.start);
    let mut merge = PeriodMerge {
        is_matched: vec![false; old.periods.len()],
        periods: old.periods,
        has_same_origin,
        next: 0,
        moved_by: 0.0,
        removed: Vec::new(),
    };
    for period in new.periods {
        merge.add(period);
    }
    merge.retire_unmatched(new_start);
    Merged {
        presentation: Presentation {
            duration: new.duration,
            live: new.live,
            periods: merge.periods,
            captions: new.captions,
            start: new.start,
        },
        removed: merge.removed,
        is_newer: true,
    }
}

const fn unchanged(presentation: Presentation) -> Merged {
    Merged {
        presentation,
        removed: Vec::new(),
        is_newer: false,
    }
}

struct PeriodMerge {
    periods: Vec<Period>,
    /// For each period before the update whether the update has it.
    is_matched: Vec<bool>,
    has_same_origin: bool,
    /// Index of the first period that may still be matched. The update lists its periods in the same order.
    next: usize,
    /// By how many seconds the last period was moved to stay in its place.
    moved_by: f64,
    removed: Vec<RepresentationId>,
}

impl PeriodMerge {
    /// Adds the next period of the update.
    fn add(&mut self, mut period: Period) {
        let Some(index) = self.find(&period) else {
            shift_period(&mut period, self.moved_by);
            self.append(period);
            return;
        };
        self.next = index + 1;
        if let Some(is_matched) = self.is_matched.get_mut(index) {
            *is_matched = true;
        }
        let Some(old) = self.periods.get_mut(index) else {
            return;
        };
        self.moved_by = displacement(old, &period);
        shift_period(&mut period, self.moved_by);
        if old.adaptation_sets.is_empty() {
            old.start = period.start;
        }
        old.end = period.end;
        merge_sets(
            index,
            &mut old.adaptation_sets,
            period.adaptation_sets,
            &mut self.removed,
        );
    }

    /// The index of a period of the update among those before it.
    fn find(&self, period: &Period) -> Option<usize> {
        let candidates = self.is_matched.len();
        let is_same = |old: &Period| {
            if period.id.is_empty() {
                (old.start - period.start).abs() < SAME_ORIGIN_SECONDS && self.has_same_origin
            } else {
                old.id == period.id && (self.has_same_origin || continues(old, period))
            }
        };
        (self.next..candidates)
            .rev()
            .find(|index| self.periods.get(*index).is_some_and(is_same))
    }

    /// Appends a period. Those before it end where it begins; known periods that begin later are gone, because an id is
    /// a position.
    fn append(&mut self, period: Period) {
        for old in &mut self.periods {
            if old.start >= period.start - ROUNDING_SECONDS {
                old.adaptation_sets.clear();
                old.id.clear();
                old.end = old.end.min(period.start.max(old.start));
            } else if old.end > period.start {
                end_at(old, period.start);
            }
        }
        self.next = self.periods.len();
        self.periods.push(period);
    }

    /// Empties the periods that are not in the update and end before it begins.
    fn retire_unmatched(&mut self, new_start: f64) {
        for (old, _) in self
            .periods
            .iter_mut()
            .zip(&self.is_matched)
            .filter(|(_, it)| !**it)
        {
            if old.end <= new_start + ROUNDING_SECONDS {
                old.adaptation_sets = Vec::new();
            }
        }
    }
}

/// Ends a period, and the lists in it.
fn end_at(period: &mut Period, end: f64) {
    period.end = end;
    let sets = period.adaptation_sets.iter_mut();
    for representation in sets.flat_map(|set| &mut set.representations) {
        if let Index::Known(segments) = &mut representation.index {
            let segments = Rc::make_mut(segments);
            segments.end = segments.end.min(end);
            segments.live.is_growing = false;
        }
    }
}

/// The segments of the first representation that both have segments of.
fn common_segments<'a>(old: &'a Period, new: &'a Period) -> Option<(&'a Segments, &'a Segments)> {
    let representations = |period: &'a Period| {
        period
            .adaptation_sets
            .iter()
            .flat_map(|set| &set.representations)
    };
    for new in representations(new) {
        let old = representations(old).find(|old| is_same_representation(old, new));
        if let Some(Index::Known(old)) = old.map(|old| &old.index)
            && let Index::Known(new) = &new.index
            && !old.is_empty()
            && !new.is_empty()
        {
            return Some((old, new));
        }
    }
    None
}

/// The seconds by which a period of an update has to be moved so that its segments stay in their place.
fn displacement(old: &Period, new: &Period) -> f64 {
    let moved =
        common_segments(old, new).map_or(0.0, |(old, new)| old.time_offset - new.time_offset);
    if moved.abs() > ROUNDING_SECONDS {
        moved
    } else {
        0.0
    }
}

/// Whether the media times of a period continue those of a period with another origin.
fn continues(old: &Period, new: &Period) -> bool {
    let Some((old, new)) = common_segments(old, new) else {
        return false;
    };
    let range = |segments: &Segments| {
        let (first, last) = (segments.runs.first()?, segments.runs.last()?);
        let duration = last.duration.saturating_mul(last.count);
        Some((first.time, last.time.saturating_add(duration)))
    };
    let (Some((_, old_end)), Some((new_start, new_end))) = (range(old), range(new)) else {
        return false;
    };
    let is_listed = new.live.availability_offset.is_none();
    is_listed && old.timescale == new.timescale && new_start <= old_end && old_end <= new_end
}

/// Merges the adaptation sets of a period. New ones are appended.
fn merge_sets(
    period: usize,
    old: &mut Vec<AdaptationSet>,
    new: Vec<AdaptationSet>,
    removed: &mut Vec<RepresentationId>,
) {
    let known = old.len();
    let mut is_matched = vec![false; known];
    for set in new {
        let index = (0..known).find(|index| {
            let old = old.get(*index);
            is_matched.get(*index) == Some(&false) && old.is_some_and(|old| is_same_set(old, &set))
        });
        let Some(index) = index else {
            old.push(set);
            continue;
        };
        if let (Some(is_matched), Some(old)) = (is_matched.get_mut(index), old.get_mut(index)) {
            *is_matched = true;
            let gone = merge_representations(&mut old.representations, set.representations);
            removed.extend(gone.into_iter().map(|representation| RepresentationId {
                period,
                set: index,
                representation,
            }));
        }
    }
    for (set, old) in old.iter().enumerate().take(known) {
        if is_matched.get(set) == Some(&false) {
            removed.extend(
                (0..old.representations.len()).map(|representation| RepresentationId {
                    period,
                    set,
                    representation,
                }),
            );
        }
    }
}

fn is_same_set(old: &AdaptationSet, new: &AdaptationSet) -> bool {
    let container = |set: &AdaptationSet| {
        set.representations
            .first()
            .map(|first| first.container.clone())
    };
    (old.content_type, old.is_main, old.is_protected)
        == (new.content_type, new.is_main, new.is_protected)
        && (&old.language, &old.label) == (&new.language, &new.label)
        && container(old) == container(new)
}

fn is_same_representation(old: &Representation, new: &Representation) -> bool {
    if old.id.is_empty() {
        (old.bandwidth, old.size) == (new.bandwidth, new.size)
    } else {
        old.id == new.id
    }
}

/// Merges the representations of a set. Returns the indexes of those that are gone. A new one is appended if it keeps
/// the order of bandwidths, and left out otherwise.
fn merge_representations(old: &mut Vec<Representation>, new: Vec<Representation>) -> Vec<usize> {
    let known = old.len();
    let mut is_matched = vec![false; known];
    for representation in new {
        let index = old
            .iter()
            .take(known)
            .position(|old| is_same_representation(old, &representation));
        match index.and_then(|index| Some((is_matched.get_mut(index)?, old.get_mut(index)?))) {
            Some((is_matched, old)) => {
                *is_matched = true;
                update_representation(old, representation);
            }
            None => {
                if old
                    .last()
                    .is_none_or(|last| last.bandwidth <= representation.bandwidth)
                {
                    old.push(representation);
                }
            }
        }
    }
    let is_gone = |(index, is_matched): (usize, bool)| (!is_matched).then_some(index);
    is_matched
        .into_iter()
        .enumerate()
        .filter_map(is_gone)
        .collect()
}

/// Updates a representation. What was read from its media stays known.
fn update_representation(old: &mut Representation, new: Representation) {
    old.base_urls = new.base_urls;
    if !new.codecs.is_empty() {
        old.codecs = new.codecs;
    }
    let keeps_index = matches!((&old.index, &new.index), (Index::Known(_), Index::Sidx(_)));
    if !keeps_index {
        old.index = new.index;
    }
}

#[cfg(test)]
mod tests;
