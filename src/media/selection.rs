//! Selects the adaptation sets to play, and groups the periods that one MediaSource can play.

use super::{
    presentation::{
        AdaptationSet, ContentType, Presentation, RepresentationId, content_type_of_codec,
    },
    segments::BOUNDARY_TOLERANCE,
};

/// For each period of a presentation the index of the selected adaptation set, if there is one.
pub type SetPerPeriod = Vec<Option<usize>>;

/// The index of the adaptation set that is selected in a period.
pub fn set_in_period(sets: &SetPerPeriod, period: usize) -> Option<usize> {
    sets.get(period).copied().flatten()
}

/// The audio track that the viewer has selected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AudioPreference {
    /// [`AdaptationSet::language`].
    pub language: String,
    /// [`AdaptationSet::label`].
    pub label: String,
}

/// Selects an adaptation set of a content type in each period, among those with a `playable`
/// representation: by the viewer's preference, then the author's default, then the order in the manifest.
pub fn select_sets(
    presentation: &Presentation,
    content_type: ContentType,
    preference: Option<&AudioPreference>,
    playable: &dyn Fn(RepresentationId) -> bool,
) -> SetPerPeriod {
    let mut sets = SetPerPeriod::new();
    for (period_index, period) in presentation.periods.iter().enumerate() {
        let mut best = None;
        let mut best_rank = None;
        for (set_index, set) in period.adaptation_sets.iter().enumerate() {
            let rank = Some(match preference {
                Some(preference) if preference.language == set.language => {
                    2 + u8::from(preference.label == set.label)
                }
                _ => u8::from(set.is_main),
            });
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

/// Consecutive periods that one MediaSource can play. Its SourceBuffers are created once, and each of them
/// needs data in every period.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PeriodGroup {
    /// Index of the period in the group that contains the requested time.
    pub period: usize,
    /// Start, in seconds.
    pub start: f64,
    /// End, in seconds; infinite for the last group.
    pub end: f64,
}

/// The group of periods that contains a time (seconds), or else the last one. A group ends before a period
/// in which other content types are selected, or whose formats cannot follow those of the previous period
/// in the same SourceBuffer according to `can_follow(previous, next)`. Periods with nothing selected are
/// skipped. `None` if there are no others.
pub fn period_group(
    presentation: &Presentation,
    sets_by_type: [&SetPerPeriod; 2],
    time: f64,
    can_follow: &dyn Fn(usize, usize) -> bool,
) -> Option<PeriodGroup> {
    let has_sets = |period: usize| sets_by_type.map(|sets| set_in_period(sets, period).is_some());
    let mut current: Option<PeriodGroup> = None;
    let mut previous = None;
    for (index, period) in presentation.periods.iter().enumerate() {
        if has_sets(index) == [false, false] {
            continue;
        }
        let continues = previous.is_some_and(|previous| {
            has_sets(previous) == has_sets(index) && can_follow(previous, index)
        });
        previous = Some(index);
        match &mut current {
            Some(group) if continues => {
                if group.end <= time + BOUNDARY_TOLERANCE {
                    group.period = index;
                }
                group.end = period.end;
            }
            Some(group) if group.end > time + BOUNDARY_TOLERANCE => return current,
            // Skipped periods between two groups count as part of the second.
            finished => {
                let start = finished.map_or(0.0, |group| group.end);
                current = Some(PeriodGroup {
                    period: index,
                    start,
                    end: period.end,
                });
            }
        }
    }
    // No group follows the last one, so its end never needs to be waited for.
    current.map(|group| PeriodGroup {
        end: f64::INFINITY,
        ..group
    })
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

    #[test]
    fn preference_beats_author_default_beats_order() {
        let audio = |language, is_main| set(ContentType::Audio, language, is_main);
        let presentation = presentation(vec![vec![
            set(ContentType::Video, "", true),
            audio("de", false),
            audio("en", true),
            audio("fr", false),
        ]]);
        let select = |language: Option<&str>| {
            let preference = language.map(|language| AudioPreference {
                language: language.into(),
                label: String::new(),
            });
            select_sets(
                &presentation,
                ContentType::Audio,
                preference.as_ref(),
                &|_| true,
            )
        };
        assert_eq!(select(None), [Some(2)]);
        assert_eq!(select(Some("fr")), [Some(3)]);
        assert_eq!(select(Some("it")), [Some(2)]);
        let german = select_sets(&presentation, ContentType::Audio, None, &|id| id.set == 1);
        assert_eq!(german, [Some(1)]);
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
            select_sets(&presentation, ContentType::Video, None, &|_| true),
            select_sets(&presentation, ContentType::Audio, None, &|_| true),
        );
        let group = |time| {
            let group = period_group(&presentation, [&video, &audio], time, &|_, _| true).unwrap();
            (group.period, group.start, group.end)
        };
        assert_eq!(group(0.0), (0, 0.0, 20.0));
        assert_eq!(group(12.0), (1, 0.0, 20.0));
        assert_eq!(group(20.0), (2, 20.0, 30.0));
        assert_eq!(group(99.0), (3, 30.0, f64::INFINITY));
        let strict = period_group(&presentation, [&video, &audio], 0.0, &|_, _| false);
        assert_eq!(strict.map(|group| group.end), Some(10.0));
    }

    #[test]
    fn periods_without_selected_sets_are_skipped() {
        let one = || vec![set(ContentType::Video, "", true)];
        let presentation = presentation(vec![one(), Vec::new(), one()]);
        let video = select_sets(&presentation, ContentType::Video, None, &|_| true);
        let audio = select_sets(&presentation, ContentType::Audio, None, &|_| true);
        let group = period_group(&presentation, [&video, &audio], 12.0, &|_, _| true).unwrap();
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
            select_sets(&presentation, ContentType::Video, None, &|_| true),
            select_sets(&presentation, ContentType::Audio, None, &|_| true),
        );
        for time in [0.0, 3.0, 9.0, 10.0, 15.0, 20.0, 29.0, 35.0, 100.0] {
            let group = period_group(&presentation, [&video, &audio], time, &|_, _| true).unwrap();
            assert!(group.start <= time && time < group.end, "{time} {group:?}");
        }
    }
}
