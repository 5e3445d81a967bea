//! Selects the adaptation sets to play, and groups the periods that one MediaSource can play.

use super::{
    language::{is_same_language, match_rank},
    presentation::{
        AdaptationSet, ContentType, Presentation, RepresentationId, content_type_of_codec,
    },
    purpose::{AutoSelect, Purpose},
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
            let group = period_group(&presentation, [&video, &audio], time, &|_, _| true).unwrap();
            assert!(group.start <= time && time < group.end, "{time} {group:?}");
        }
    }
}
