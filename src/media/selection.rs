//! Selects the adaptation sets to play, and groups the periods that one MediaSource can play.

use super::{
    language::{is_same_language, match_rank},
    presentation::{
        AdaptationSet, ContentType, Presentation, RepresentationId, content_type_of_codec,
    },
    purpose::{AutoSelect, Purpose},
    ranges::TimeRange,
    segments::BOUNDARY_TOLERANCE,
};

/// For each period of a presentation the index of the selected adaptation set, if there is one.
pub type SetPerPeriod = Vec<Option<usize>>;

/// The index of the adaptation set that is selected in a period.
pub fn set_in_period(sets: &SetPerPeriod, period: usize) -> Option<usize> {
    sets.get(period).copied().flatten()
}

/// An audio track that the viewer has selected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AudioPreference {
    /// [`AdaptationSet::language`].
    pub language: String,
    /// [`AdaptationSet::label`].
    pub label: String,
    /// [`AdaptationSet::purpose`].
    pub purpose: Purpose,
    /// Its index among the sets of its period that are equal in all of the above.
    pub nth: usize,
}

/// What decides between adaptation sets, in the order of its fields. After that come the author's default and the
/// order in the manifest.
#[derive(Clone, Copy, Debug, Default)]
pub struct SelectionCriteria<'a> {
    /// The track that the viewer has selected in this video.
    pub chosen: Option<&'a AudioPreference>,
    /// The track that the viewer selected last in another video. Its label does not count.
    pub remembered: Option<&'a AudioPreference>,
    /// The viewer's languages, in order of preference.
    pub languages: &'a [String],
}

/// How well an adaptation set fits: the greater, the better. Compared field by field.
type Rank = (u8, u8, usize, bool, AutoSelect);

impl SelectionCriteria<'_> {
    /// The rank of a set that is the `nth` of its kind in its period.
    fn rank(&self, set: &AdaptationSet, nth: usize) -> Rank {
        let chosen = self.chosen.map_or(0, |chosen| {
            let is_same = [
                chosen.purpose == set.purpose,
                chosen.label == set.label,
                chosen.nth == nth,
            ];
            let [purpose, label, nth] = is_same.map(u8::from);
            match chosen.language == set.language {
                true => 8 + 4 * purpose + 2 * label + nth,
                false => 0,
            }
        });
        let is_automatic = set.auto_select != AutoSelect::Never;
        let remembered = self.remembered.map_or(0, |remembered| {
            let is_same_purpose = remembered.purpose == set.purpose;
            let is_same_language = is_same_language(&set.language, &remembered.language);
            match is_same_language && (is_same_purpose || is_automatic) {
                true => 1 + u8::from(is_same_purpose),
                false => 0,
            }
        });
        let language = match is_automatic {
            true => match_rank(&set.language, self.languages),
            false => 0,
        };
        let is_default = set.is_main && is_automatic;
        (chosen, remembered, language, is_default, set.auto_select)
    }
}

/// Selects an adaptation set of a content type in each period, among those with a `playable` representation.
pub fn select_sets(
    presentation: &Presentation,
    content_type: ContentType,
    criteria: SelectionCriteria,
    playable: &dyn Fn(RepresentationId) -> bool,
) -> SetPerPeriod {
    let mut sets = SetPerPeriod::new();
    for (period_index, period) in presentation.periods.iter().enumerate() {
        let mut best = None;
        let mut best_rank = None;
        for (set_index, set) in period.adaptation_sets.iter().enumerate() {
            let rank = Some(criteria.rank(set, nth_of_kind(&period.adaptation_sets, set_index)));
            let is_playable = |representation| {
                playable(RepresentationId {
                    period: period_index,
                    set: set_index,
                    representation,
                })
            };
            if set.content_type == content_type
                && rank > best_rank
                && (0..set.representations.len()).any(is_playable)
            {
                (best, best_rank) = (Some(set_index), rank);
            }
        }
        sets.push(best);
    }
    sets
}

/// How many sets before the one at `index` are equal to it in content type, language, label and purpose.
pub fn nth_of_kind(sets: &[AdaptationSet], index: usize) -> usize {
    let Some(set) = sets.get(index) else { return 0 };
    let is_same = |other: &&AdaptationSet| {
        (other.content_type, other.purpose) == (set.content_type, set.purpose)
            && other.language == set.language
            && other.label == set.label
    };
    sets.iter().take(index).filter(is_same).count()
}

/// The shortest time for which one track plays alone in a MediaSource of its own. Below that, the longer track is
/// buffered to its end before the shorter one is over, so that the stream can be ended.
pub const MIN_ALONE_SECONDS: f64 = 5.0;

/// Consecutive periods, or parts of periods, that one MediaSource can play. Its SourceBuffers are created once, and
/// each of them needs data throughout.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PeriodGroup {
    /// Index of the period in the group that contains the requested time.
    pub period: usize,
    /// Start, in seconds.
    pub start: f64,
    /// End, in seconds; infinite for the last group.
    pub end: f64,
    /// Whether it has each of the content types. None if nothing can be played here nor after it.
    pub has_tracks: [bool; 2],
}

/// What [`period_group`] needs to know. Content types are given by their position in `sets_by_type`.
pub struct GroupQuery<'a> {
    /// The presentation.
    pub presentation: &'a Presentation,
    /// The adaptation sets that are selected, by content type.
    pub sets_by_type: [&'a SetPerPeriod; 2],
    /// Whether the formats of a period can follow those of another in the same SourceBuffers.
    pub can_follow: &'a dyn Fn(usize, usize) -> bool,
    /// The time range that the segments of a content type cover in a period; `None` if that is not known.
    pub media_range: &'a dyn Fn(usize, usize) -> Option<TimeRange>,
    /// Times, in seconds, at which another MediaSource is needed within a period, ascending.
    pub borders: &'a [f64],
}

/// A part of a period with the same content types throughout.
struct Part {
    period: usize,
    end: f64,
    has_tracks: [bool; 2],
    /// Whether it needs another MediaSource than the part before it.
    is_border: bool,
}

/// The group that contains a time (seconds), or else the last one. A group ends before a period in which other
/// content types are selected, or whose formats cannot follow in the same SourceBuffers; where a track is over, or
/// begins, long before the other; and at a border. Periods with nothing selected are skipped, unless no other
/// follows. `None` if nothing is selected at all.
pub fn period_group(query: &GroupQuery, time: f64) -> Option<PeriodGroup> {
    let mut current: Option<PeriodGroup> = None;
    let mut previous: Option<Part> = None;
    let mut skipped_end = None;
    let periods = query.presentation.periods.iter().enumerate();
    for part in periods.flat_map(|(index, _)| parts(query, index)) {
        if part.has_tracks == [false, false] {
            let period = query.presentation.periods.get(part.period);
            // A period without any track is no part of the presentation that could be missed.
            if period.is_some_and(|period| !period.adaptation_sets.is_empty()) {
                skipped_end = Some((part.period, part.end));
            }
            continue;
        }
        skipped_end = None;
        let continues = previous.as_ref().is_some_and(|previous| {
            !part.is_border
                && previous.has_tracks == part.has_tracks
                && (previous.period == part.period
                    || (query.can_follow)(previous.period, part.period))
        });
        match &mut current {
            Some(group) if continues => {
                if group.end <= time + BOUNDARY_TOLERANCE {
                    group.period = part.period;
                }
                group.end = part.end;
            }
            Some(group) if group.end > time + BOUNDARY_TOLERANCE => return current,
            // Skipped periods between two groups count as part of the second.
            finished => {
                let start = finished.map_or(0.0, |group| group.end);
                current = Some(PeriodGroup {
                    period: part.period,
                    start,
                    end: part.end,
                    has_tracks: part.has_tracks,
                });
            }
        }
        previous = Some(part);
    }
    match (current, skipped_end) {
        // What follows cannot be played, and must not be mistaken for the end.
        (Some(group), Some(_)) if group.end > time + BOUNDARY_TOLERANCE => Some(group),
        (Some(group), Some((period, _))) => Some(PeriodGroup {
            period,
            start: group.end,
            end: f64::INFINITY,
            has_tracks: [false, false],
        }),
        // No group follows the last one, so its end never needs to be waited for.
        (current, _) => current.map(|group| PeriodGroup {
            end: f64::INFINITY,
            ..group
        }),
    }
}

/// Divides a period where a track begins or is over long before the other, and at the borders.
fn parts(query: &GroupQuery, index: usize) -> Vec<Part> {
    let Some(period) = query.presentation.periods.get(index) else {
        return Vec::new();
    };
    let selected = query
        .sets_by_type
        .map(|sets| set_in_period(sets, index).is_some());
    let ranges = [0, 1].map(|kind| (query.media_range)(index, kind));
    let mut cuts = vec![(period.end, selected)];
    if let ([true, true], [Some(one), Some(other)]) = (selected, ranges) {
        let (first, second) = (one.start.min(other.start), one.start.max(other.start));
        if second - first > MIN_ALONE_SECONDS {
            cuts.insert(0, (second, [one.start < second, other.start < second]));
        }
        let (end, last_end) = (one.end.min(other.end), one.end.max(other.end));
        if last_end - end > MIN_ALONE_SECONDS && end > second {
            cuts.insert(cuts.len() - 1, (end, selected));
            if let Some((_, has_tracks)) = cuts.last_mut() {
                *has_tracks = [one.end > end, other.end > end];
            }
        }
    }
    let mut parts: Vec<Part> = Vec::new();
    let mut start = period.start;
    for (end, has_tracks) in cuts {
        let borders = query.borders.iter().copied();
        let inside = borders.filter(|border| start < *border && *border < end);
        // `start` changes in the loop.
        let ends: Vec<f64> = inside.chain([end]).collect();
        for end in ends {
            parts.push(Part {
                period: index,
                end,
                has_tracks,
                is_border: query.borders.contains(&start),
            });
            start = end;
        }
    }
    parts
}

/// Whether the segments of a video adaptation set contain audio too.
pub fn is_muxed(set: &AdaptationSet) -> bool {
    let is_audio = |codec: &str| content_type_of_codec(codec) == Some(ContentType::Audio);
    let has_audio = |codecs: &str| codecs.split(',').any(is_audio);
    set.content_type == ContentType::Video
        && (set.representations.iter()).any(|representation| has_audio(&representation.codecs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::presentation::{Period, Representation};

    fn set(content_type: ContentType, language: &str, is_main: bool) -> AdaptationSet {
        AdaptationSet {
            content_type,
            language: language.into(),
            is_main,
            representations: vec![Representation::default()],
            ..AdaptationSet::default()
        }
    }

    fn presentation(periods: Vec<Vec<AdaptationSet>>) -> Presentation {
        let periods = periods.into_iter().enumerate().map(|(index, sets)| Period {
            start: index as f64 * 10.0,
            end: index as f64 * 10.0 + 10.0,
            adaptation_sets: sets,
            ..Period::default()
        });
        Presentation {
            periods: periods.collect(),
            ..Presentation::default()
        }
    }

    fn audio(language: &str, purpose: Purpose, auto_select: AutoSelect) -> AdaptationSet {
        AdaptationSet {
            purpose,
            auto_select,
            ..set(ContentType::Audio, language, false)
        }
    }

    fn select(sets: Vec<AdaptationSet>, criteria: SelectionCriteria) -> Option<usize> {
        let presentation = presentation(vec![sets]);
        select_sets(&presentation, ContentType::Audio, criteria, &|_| true)[0]
    }

    fn find_group(
        presentation: &Presentation,
        sets_by_type: [&SetPerPeriod; 2],
        time: f64,
        can_follow: bool,
    ) -> Option<PeriodGroup> {
        let query = GroupQuery {
            presentation,
            sets_by_type,
            can_follow: &|_, _| can_follow,
            media_range: &|_, _| None,
            borders: &[],
        };
        period_group(&query, time)
    }

    #[test]
    fn chosen_then_remembered_then_languages_then_default() {
        let sets = || {
            vec![
                set(ContentType::Video, "", true),
                set(ContentType::Audio, "it", false),
                set(ContentType::Audio, "de", false),
                set(ContentType::Audio, "en", true),
                set(ContentType::Audio, "fr", false),
            ]
        };
        let preference = |language: &str| AudioPreference {
            language: language.into(),
            ..AudioPreference::default()
        };
        let (chosen, remembered, absent) = (preference("fr"), preference("it"), preference("xx"));
        let languages = ["de-AT".to_owned()];
        let mut criteria = SelectionCriteria {
            chosen: Some(&chosen),
            remembered: Some(&remembered),
            languages: &languages,
        };
        assert_eq!(select(sets(), criteria), Some(4));
        criteria.chosen = Some(&absent);
        assert_eq!(select(sets(), criteria), Some(1));
        criteria.remembered = Some(&absent);
        assert_eq!(select(sets(), criteria), Some(2));
        criteria.languages = &[];
        assert_eq!(select(sets(), criteria), Some(3));
        let without_default = sets()
            .into_iter()
            .filter(|set| set.language != "en")
            .collect();
        assert_eq!(select(without_default, criteria), Some(1));
    }

    #[test]
    fn audio_description_is_played_only_if_chosen() {
        let sets = || {
            vec![
                audio("en", Purpose::AudioDescription, AutoSelect::Never),
                audio("en", Purpose::Programme, AutoSelect::Allowed),
                audio("de", Purpose::Programme, AutoSelect::Preferred),
            ]
        };
        let languages = ["en".to_owned()];
        let automatic = SelectionCriteria {
            languages: &languages,
            ..SelectionCriteria::default()
        };
        assert_eq!(select(sets(), automatic), Some(1));
        let described = AudioPreference {
            language: "en".into(),
            purpose: Purpose::AudioDescription,
            ..AudioPreference::default()
        };
        for criteria in [
            SelectionCriteria {
                chosen: Some(&described),
                ..automatic
            },
            SelectionCriteria {
                remembered: Some(&described),
                ..automatic
            },
        ] {
            assert_eq!(select(sets(), criteria), Some(0));
        }
        // Without another one, it is better than silence.
        assert_eq!(select(sets().drain(..1).collect(), automatic), Some(0));
    }

    #[test]
    fn autoselect_decides_among_equals() {
        let sets = vec![
            audio("en", Purpose::Programme, AutoSelect::Allowed),
            audio("en", Purpose::Programme, AutoSelect::Preferred),
        ];
        assert_eq!(select(sets, SelectionCriteria::default()), Some(1));
    }

    #[test]
    fn each_of_equal_sets_can_be_chosen() {
        for nth in 0..3 {
            let equal = || audio("en", Purpose::Programme, AutoSelect::Allowed);
            let chosen = AudioPreference {
                language: "en".into(),
                nth,
                ..AudioPreference::default()
            };
            let criteria = SelectionCriteria {
                chosen: Some(&chosen),
                ..SelectionCriteria::default()
            };
            assert_eq!(select(vec![equal(), equal(), equal()], criteria), Some(nth));
        }
    }

    #[test]
    fn group_ends_where_other_content_types_are_selected() {
        let both = || {
            vec![
                set(ContentType::Video, "", true),
                set(ContentType::Audio, "", true),
            ]
        };
        let video_only = || vec![set(ContentType::Video, "", true)];
        let presentation = presentation(vec![both(), both(), video_only(), both()]);
        let (video, audio) = (
            select_sets(
                &presentation,
                ContentType::Video,
                SelectionCriteria::default(),
                &|_| true,
            ),
            select_sets(
                &presentation,
                ContentType::Audio,
                SelectionCriteria::default(),
                &|_| true,
            ),
        );
        let group = |time| {
            let group = find_group(&presentation, [&video, &audio], time, true).unwrap();
            (group.period, group.start, group.end)
        };
        assert_eq!(group(0.0), (0, 0.0, 20.0));
        assert_eq!(group(12.0), (1, 0.0, 20.0));
        assert_eq!(group(20.0), (2, 20.0, 30.0));
        assert_eq!(group(99.0), (3, 30.0, f64::INFINITY));
        let strict = find_group(&presentation, [&video, &audio], 0.0, false);
        assert_eq!(strict.map(|group| group.end), Some(10.0));
    }

    #[test]
    fn periods_without_selected_sets_are_skipped() {
        let one = || vec![set(ContentType::Video, "", true)];
        let presentation = presentation(vec![one(), Vec::new(), one()]);
        let video = select_sets(
            &presentation,
            ContentType::Video,
            SelectionCriteria::default(),
            &|_| true,
        );
        let audio = select_sets(
            &presentation,
            ContentType::Audio,
            SelectionCriteria::default(),
            &|_| true,
        );
        let group = find_group(&presentation, [&video, &audio], 12.0, true).unwrap();
        assert_eq!((group.period, group.start), (2, 0.0));
    }

    #[test]
    fn group_found_for_a_time_contains_it() {
        let both = || {
            vec![
                set(ContentType::Video, "", true),
                set(ContentType::Audio, "", true),
            ]
        };
        let video_only = || vec![set(ContentType::Video, "", true)];
        let mut presentation = presentation(vec![both(), Vec::new(), video_only(), both()]);
        presentation.periods[0].start = 5.0;
        let (video, audio) = (
            select_sets(
                &presentation,
                ContentType::Video,
                SelectionCriteria::default(),
                &|_| true,
            ),
            select_sets(
                &presentation,
                ContentType::Audio,
                SelectionCriteria::default(),
                &|_| true,
            ),
        );
        for time in [0.0, 3.0, 9.0, 10.0, 15.0, 20.0, 29.0, 35.0, 100.0] {
            let group = find_group(&presentation, [&video, &audio], time, true).unwrap();
            assert!(group.start <= time && time < group.end, "{time} {group:?}");
        }
    }

    #[test]
    fn period_is_divided_where_a_track_is_over_or_begins() {
        let both = vec![
            set(ContentType::Video, "", true),
            set(ContentType::Audio, "", true),
        ];
        let mut presentation = presentation(vec![both]);
        presentation.periods[0].end = 100.0;
        let sets = vec![Some(0)];
        let groups = |video: (f64, f64), audio: (f64, f64), borders: &[f64]| {
            let ranges = [video, audio].map(|(start, end)| TimeRange { start, end });
            let query = GroupQuery {
                presentation: &presentation,
                sets_by_type: [&sets, &sets],
                can_follow: &|_, _| true,
                media_range: &|_, kind| Some(ranges[kind]),
                borders,
            };
            let mut found = Vec::new();
            let mut time = 0.0;
            while f64::is_finite(time) {
                let group = period_group(&query, time).unwrap();
                found.push((group.start, group.end, group.has_tracks));
                time = group.end;
            }
            found
        };
        let end = f64::INFINITY;
        let (both, video, audio) = ([true; 2], [true, false], [false, true]);
        assert_eq!(
            groups((0.0, 100.0), (0.0, 12.0), &[]),
            [(0.0, 12.0, both), (12.0, end, video)]
        );
        assert_eq!(
            groups((20.0, 80.0), (0.0, 100.0), &[]),
            [(0.0, 20.0, audio), (20.0, 80.0, both), (80.0, end, audio)]
        );
        assert_eq!(groups((0.0, 100.0), (4.0, 96.0), &[]), [(0.0, end, both)]);
        assert_eq!(
            groups((0.0, 100.0), (0.0, 100.0), &[30.0, 40.0]),
            [(0.0, 30.0, both), (30.0, 40.0, both), (40.0, end, both)]
        );
    }

    #[test]
    fn unplayable_last_period_is_not_the_end() {
        let one = || vec![set(ContentType::Video, "", true)];
        let presentation = presentation(vec![one(), one()]);
        let group = |time| {
            let group = find_group(
                &presentation,
                [&vec![Some(0), None], &vec![None; 2]],
                time,
                true,
            );
            let group = group.unwrap();
            (group.start, group.end, group.has_tracks)
        };
        assert_eq!(group(3.0), (0.0, 10.0, [true, false]));
        assert_eq!(group(10.0), (10.0, f64::INFINITY, [false, false]));
    }
}
