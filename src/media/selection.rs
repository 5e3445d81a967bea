//! Which adaptation sets are played, and for how long one MediaSource will do.

use super::{
    AdaptationSet, BOUNDARY_TOLERANCE, ContentType, Presentation, RepresentationId,
    content_type_of_codec,
};

/// For each period of a film the adaptation set that feeds a SourceBuffer, if any does.
pub type SetPerPeriod = Vec<Option<usize>>;

/// Which set that is in a period.
pub fn set_in_period(sets: &SetPerPeriod, period: usize) -> Option<usize> {
    sets.get(period).copied().flatten()
}

/// What a person has said about the sound.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AudioPreference {
    /// [`AdaptationSet::language`].
    pub language: String,
    /// [`AdaptationSet::label`].
    pub label: String,
}

/// Chooses the sets of one kind. Only such are chosen of which something is `playable`; a wish goes
/// before what the author has marked, and that before what stands first.
pub fn select_sets(
    film: &Presentation,
    kind: ContentType,
    wish: Option<&AudioPreference>,
    playable: &dyn Fn(RepresentationId) -> bool,
) -> SetPerPeriod {
    let mut sets = SetPerPeriod::new();
    for (period, it) in film.periods.iter().enumerate() {
        let mut best = None;
        let mut highest = None;
        for (set, it) in it.adaptation_sets.iter().enumerate() {
            let rank = Some(match wish {
                Some(wish) if wish.language == it.language => 2 + u8::from(wish.label == it.label),
                _ => u8::from(it.is_main),
            });
            let playable = |representation| {
                playable(RepresentationId {
                    period,
                    set,
                    representation,
                })
            };
            if it.content_type == kind
                && rank > highest
                && (0..it.representations.len()).any(playable)
            {
                (best, highest) = (Some(set), rank);
            }
        }
        sets.push(best);
    }
    sets
}

/// A stretch of a film that one MediaSource can play: its SourceBuffers are made once, and each must
/// be fed throughout.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PeriodGroup {
    /// The one of its periods that was asked for.
    pub period: usize,
    /// Where it begins, in seconds of film.
    pub start: f64,
    /// Where it ends, in seconds of film; infinite if it is the last.
    pub end: f64,
}

/// The act that a time is in, or else the last one. An act goes on for as long as there is the same to
/// feed in every period, and `alike` says that one period's formats can follow another's in the same
/// SourceBuffer. Periods in which nothing can be played are passed over.
pub fn period_group(
    film: &Presentation,
    kinds: [&SetPerPeriod; 2],
    at: f64,
    alike: &dyn Fn(usize, usize) -> bool,
) -> Option<PeriodGroup> {
    let fed = |period: usize| kinds.map(|sets| set_in_period(sets, period).is_some());
    let mut found: Option<PeriodGroup> = None;
    let mut last = None;
    for (period, it) in film.periods.iter().enumerate() {
        if fed(period) == [false, false] {
            continue;
        }
        let goes_on = last.is_some_and(|last| fed(last) == fed(period) && alike(last, period));
        last = Some(period);
        match &mut found {
            Some(act) if goes_on => {
                if act.end <= at + BOUNDARY_TOLERANCE {
                    act.period = period;
                }
                act.end = it.end;
            }
            Some(act) if act.end > at + BOUNDARY_TOLERANCE => return found,
            // What lies between two acts, and has nothing to play, belongs to the second.
            before => {
                let start = before.map_or(0.0, |before| before.end);
                found = Some(PeriodGroup {
                    period,
                    start,
                    end: it.end,
                });
            }
        }
    }
    // What follows the last one is never waited for, wherever its end turns out to be.
    found.map(|act| PeriodGroup {
        end: f64::INFINITY,
        ..act
    })
}

/// Whether the segments of a set have sound in them beside pictures.
pub fn is_muxed(set: &AdaptationSet) -> bool {
    let has_sound = |codec: &str| content_type_of_codec(codec) == Some(ContentType::Audio);
    let mut all = set.representations.iter();
    set.content_type == ContentType::Video && all.any(|it| it.codecs.split(',').any(has_sound))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{Period, Representation};

    fn set(kind: ContentType, language: &str, main: bool) -> AdaptationSet {
        AdaptationSet {
            content_type: kind,
            language: language.into(),
            is_main: main,
            representations: vec![Representation::default()],
            ..AdaptationSet::default()
        }
    }

    fn film(periods: Vec<Vec<AdaptationSet>>) -> Presentation {
        let periods = periods.into_iter().enumerate().map(|(nth, sets)| Period {
            start: nth as f64 * 10.0,
            end: nth as f64 * 10.0 + 10.0,
            adaptation_sets: sets,
        });
        Presentation {
            periods: periods.collect(),
            ..Presentation::default()
        }
    }

    #[test]
    fn a_wish_goes_before_the_authors_mark_and_that_before_the_order() {
        let sound = |language, main| set(ContentType::Audio, language, main);
        let film = film(vec![vec![
            set(ContentType::Video, "", true),
            sound("de", false),
            sound("en", true),
            sound("fr", false),
        ]]);
        let select = |language: Option<&str>| {
            let wish = language.map(|language| AudioPreference {
                language: language.into(),
                label: String::new(),
            });
            super::select_sets(&film, ContentType::Audio, wish.as_ref(), &|_| true)
        };
        assert_eq!(select(None), [Some(2)]);
        assert_eq!(select(Some("fr")), [Some(3)]);
        assert_eq!(select(Some("it")), [Some(2)]);
        let german = super::select_sets(&film, ContentType::Audio, None, &|id| id.set == 1);
        assert_eq!(german, [Some(1)]);
    }

    #[test]
    fn an_act_ends_where_there_is_something_else_to_feed() {
        let both = || {
            vec![
                set(ContentType::Video, "", true),
                set(ContentType::Audio, "", true),
            ]
        };
        let silent = || vec![set(ContentType::Video, "", true)];
        let film = film(vec![both(), both(), silent(), both()]);
        let (video, audio) = (
            select_sets(&film, ContentType::Video, None, &|_| true),
            select_sets(&film, ContentType::Audio, None, &|_| true),
        );
        let act = |at| {
            let act = super::period_group(&film, [&video, &audio], at, &|_, _| true).unwrap();
            (act.period, act.start, act.end)
        };
        assert_eq!(act(0.0), (0, 0.0, 20.0));
        assert_eq!(act(12.0), (1, 0.0, 20.0));
        assert_eq!(act(20.0), (2, 20.0, 30.0));
        assert_eq!(act(99.0), (3, 30.0, f64::INFINITY));
        let strict = super::period_group(&film, [&video, &audio], 0.0, &|_, _| false);
        assert_eq!(strict.map(|act| act.end), Some(10.0));
    }

    #[test]
    fn periods_in_which_nothing_can_be_played_are_passed_over() {
        let one = || vec![set(ContentType::Video, "", true)];
        let film = film(vec![one(), Vec::new(), one()]);
        let video = select_sets(&film, ContentType::Video, None, &|_| true);
        let audio = select_sets(&film, ContentType::Audio, None, &|_| true);
        let act = super::period_group(&film, [&video, &audio], 12.0, &|_, _| true).unwrap();
        assert_eq!((act.period, act.start), (2, 0.0));
    }

    #[test]
    fn every_time_is_in_the_act_that_is_found_for_it() {
        let both = || {
            vec![
                set(ContentType::Video, "", true),
                set(ContentType::Audio, "", true),
            ]
        };
        let silent = || vec![set(ContentType::Video, "", true)];
        let mut film = film(vec![both(), Vec::new(), silent(), both()]);
        film.periods[0].start = 5.0;
        let (video, audio) = (
            select_sets(&film, ContentType::Video, None, &|_| true),
            select_sets(&film, ContentType::Audio, None, &|_| true),
        );
        for at in [0.0, 3.0, 9.0, 10.0, 15.0, 20.0, 29.0, 35.0, 100.0] {
            let act = super::period_group(&film, [&video, &audio], at, &|_, _| true).unwrap();
            assert!(act.start <= at && at < act.end, "{at} in {act:?}");
        }
    }
}
