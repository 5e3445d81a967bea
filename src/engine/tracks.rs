//! The tracks of a period group: selects adaptation sets, and lists what the viewer can select.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use futures_util::future::try_join;

use super::{
    context::Context,
    error::{Error, nothing_to_play},
    track_feeder::TrackFeeder,
};
use crate::{
    media::{
        AdaptationSet, ContentType, Index, Representation, RepresentationId,
        ranges::TimeRange,
        selection::{
            self, AudioPreference, GroupQuery, PeriodGroup, SelectionCriteria, SetPerPeriod,
            is_muxed, set_in_period,
        },
    },
    platform,
    protocol::{Event, Quality, TrackInfo},
};

/// The content types, in the order of [`Tracks::feeders`].
pub const CONTENT_TYPES: [ContentType; 2] = [ContentType::Video, ContentType::Audio];

/// The tracks that the viewer can select, in the order of the last [`Event::Tracks`].
#[derive(Default)]
pub struct OfferedTracks {
    /// Bits per second of the video qualities.
    pub qualities: Vec<u64>,
    /// The audio tracks.
    pub audio: Vec<Rc<AudioPreference>>,
}

/// The video and audio tracks that feed one MediaSource.
pub struct Tracks {
    /// What the MediaSource plays: consecutive periods, or parts of them. It may change while it is played.
    pub group: Cell<PeriodGroup>,
    /// The end of the group in seconds, for the feeders.
    end: Rc<Cell<f64>>,
    /// The feeders of video and audio, in the order of [`CONTENT_TYPES`].
    pub feeders: [Option<TrackFeeder>; 2],
    /// The [`Content::version`](super::content::Content::version) that they are of.
    version: Cell<u32>,
}

impl Tracks {
    /// The tracks of the period group at a position, in seconds.
    ///
    /// # Errors
    /// [`PlaybackError::NothingToPlay`](crate::protocol::PlaybackError::NothingToPlay) if there are none.
    pub fn at(context: &Rc<Context>, position: f64) -> Result<Self, Error> {
        let version = Cell::new(context.content.version());
        let sets = CONTENT_TYPES.map(|kind| select_adaptation_sets(context, kind));
        let group = find_group(context, &sets, position);
        let group = group.ok_or_else(|| nothing_to_play(position))?;
        if group.has_tracks == [false, false] {
            let reason = context.content.unplayable_reason(group.period);
            return Err(reason.unwrap_or_else(|| nothing_to_play(position)));
        }
        let end = Rc::new(Cell::new(group.end));
        let feeder = |nth: usize, sets: SetPerPeriod| {
            let kind = *CONTENT_TYPES.get(nth)?;
            let has_track = *group.has_tracks.get(nth)?;
            has_track.then(|| TrackFeeder::new(context.clone(), kind, sets, end.clone()))
        };
        let [video, audio] = sets;
        let feeders = [feeder(0, video), feeder(1, audio)];
        Ok(Self {
            group: Cell::new(group),
            end,
            feeders,
            version,
        })
    }

    /// The group at a position as far as it is known now. The media may have shown that a track is over earlier, or
    /// that the tracks change.
    pub fn current_group(context: &Context, position: f64) -> Option<PeriodGroup> {
        let sets = CONTENT_TYPES.map(|kind| select_adaptation_sets(context, kind));
        find_group(context, &sets, position)
    }

    /// Changes the group that is played.
    pub fn set_group(&self, group: PeriodGroup) {
        self.group.set(group);
        self.end.set(group.end);
    }

    /// Loads the first indexes of the tracks. Returns the media types to create the SourceBuffers with; `None` without a
    /// track.
    ///
    /// # Errors
    /// Any that ends the session.
    pub async fn load_first_indexes(
        &self,
        position: f64,
    ) -> Result<(Option<String>, Option<String>), Error> {
        let group = self.group.get();
        let first_type = async |feeder: &Option<TrackFeeder>| match feeder {
            Some(feeder) => feeder.first_type(group, position).await.map(Some),
            None => Ok(None),
        };
        let [video, audio] = &self.feeders;
        try_join(first_type(video), first_type(audio)).await
    }

    /// Extends the tracks to the periods that a live presentation has got since.
    pub fn update(&self, context: &Context) {
        let version = context.content.version();
        if self.version.replace(version) == version {
            return;
        }
        let sets = CONTENT_TYPES.map(|kind| select_adaptation_sets(context, kind));
        let position = context.state.position();
        if let Some(group) = find_group(context, &sets, position) {
            self.set_group(group);
        }
        for (feeder, sets) in self.feeders.iter().zip(sets) {
            if let Some(feeder) = feeder {
                feeder.select(sets);
            }
        }
        context.state.notify();
    }

    /// Switches the audio feeder to the audio track that the viewer has selected.
    pub fn select_audio(&self, context: &Context) {
        if let [_, Some(audio)] = &self.feeders {
            audio.select(select_adaptation_sets(context, ContentType::Audio));
            context.state.notify();
        }
    }

    /// Posts the tracks that can be selected, and stores them in `offered`.
    pub fn announce(&self, context: &Context, offered: &RefCell<OfferedTracks>) {
        let presentation = context.content.presentation();
        let period = self.group.get().period;
        let [video, audio] = &self.feeders;
        let video_set = video
            .as_ref()
            .and_then(|feeder| feeder.adaptation_set(period));
        let mut qualities = Vec::new();
        let mut selectable = OfferedTracks::default();
        for &(id, _, representation) in &presentation.representations() {
            if (id.period, Some(id.set)) == (period, video_set) && context.content.is_playable(id) {
                selectable.qualities.push(representation.bandwidth);
                qualities.push(Quality {
                    size: representation.size,
                    bandwidth: representation.bandwidth,
                    mime: representation.mime(),
                });
            }
        }
        let sets = (presentation.periods.get(period))
            .map_or(&[] as &[AdaptationSet], |period| &period.adaptation_sets);
        let is_selectable = |(index, set): &(usize, &AdaptationSet)| {
            let is_playable = |representation| {
                context.content.is_playable(RepresentationId {
                    period,
                    set: *index,
                    representation,
                })
            };
            set.content_type == ContentType::Audio
                && audio.is_some()
                && (0..set.representations.len()).any(is_playable)
        };
        let audio_sets: Vec<(usize, &AdaptationSet)> =
            sets.iter().enumerate().filter(is_selectable).collect();
        for (index, set) in &audio_sets {
            selectable.audio.push(Rc::new(AudioPreference {
                language: set.language.clone(),
                label: set.label.clone(),
                purpose: set.purpose,
                nth: selection::nth_of_kind(sets, *index),
            }));
        }
        let audio_sets: Vec<&AdaptationSet> = audio_sets.iter().map(|(_, set)| *set).collect();
        let tracks = audio_track_infos(&audio_sets);
        offered.replace(selectable);
        context.port.post(Event::Tracks {
            session: context.session,
            qualities,
            audio: tracks,
        });
    }
}

/// The part of the presentation around a position that one MediaSource can play.
fn find_group(context: &Context, sets: &[SetPerPeriod; 2], position: f64) -> Option<PeriodGroup> {
    let presentation = context.content.presentation();
    let [video, audio] = sets;
    let representation = |sets: &SetPerPeriod, period: usize| {
        let set = set_in_period(sets, period)?;
        let id = |representation| RepresentationId {
            period,
            set,
            representation,
        };
        let count = presentation.adaptation_set(id(0))?.representations.len();
        let playable = |index: &usize| context.content.is_playable(id(*index));
        // All have the same tracks; those that are resolved say which.
        let mut candidates = (0..count).filter(playable).map(id);
        let resolved = candidates.clone().find(|id| {
            let found = presentation.representation(*id);
            found.is_some_and(Representation::is_resolved)
        });
        presentation.representation(resolved.or_else(|| candidates.next())?)
    };
    let format = |sets: &SetPerPeriod, period: usize| {
        let representation = representation(sets, period)?;
        let codec = representation.codecs.split('.').next();
        Some((representation.container.clone(), codec.map(str::to_owned)))
    };
    // A SourceBuffer needs the same number of tracks in all periods.
    let track_count = |sets: &SetPerPeriod, period: usize| {
        let codecs = &representation(sets, period)?.codecs;
        (!codecs.is_empty()).then(|| codecs.split(',').count())
    };
    let can_follow = |one: usize, other: usize| {
        sets.iter().all(|sets| {
            let counts = track_count(sets, one).zip(track_count(sets, other));
            counts.is_none_or(|(one, other)| one == other)
                && (platform::can_change_type() || format(sets, one) == format(sets, other))
        })
    };
    let media_range = |period: usize, nth: usize| {
        let representation = representation(sets.get(nth)?, period)?;
        let Index::Known(segments) = &representation.index else {
            return None;
        };
        let content_type = *CONTENT_TYPES.get(nth)?;
        // The tracks of a live stream end where they have got to.
        if context.content.is_live() || context.content.has_doubtful_end(period, content_type) {
            return None;
        }
        let (start, end) = segments.span()?;
        Some(TimeRange { start, end })
    };
    selection::period_group(
        &GroupQuery {
            presentation: &presentation,
            sets_by_type: [video, audio],
            can_follow: &can_follow,
            media_range: &media_range,
            borders: &context.content.borders(),
        },
        position,
    )
}

/// The audio tracks as a viewer can tell them apart.
fn audio_track_infos(sets: &[&AdaptationSet]) -> Vec<TrackInfo> {
    let is_same = |one: &AdaptationSet, other: &AdaptationSet| {
        (one.purpose, &one.language, &one.label) == (other.purpose, &other.language, &other.label)
    };
    let note = |index: usize, set: &AdaptationSet| {
        let purpose = set.purpose.name().to_owned();
        let same: Vec<&AdaptationSet> = (sets.iter())
            .filter(|other| is_same(set, other))
            .copied()
            .collect();
        if same.len() < 2 {
            return purpose;
        }
        let formats: Vec<&str> = same.iter().map(|set| audio_format(set)).collect();
        let is_unique = |format| formats.iter().filter(|other| **other == format).count() == 1;
        let detail = match audio_format(set) {
            format if !format.is_empty() && is_unique(format) => format.to_owned(),
            _ => {
                let before = sets.iter().take(index);
                let nth = 1 + before.filter(|other| is_same(set, other)).count();
                nth.to_string()
            }
        };
        match purpose.is_empty() {
            true => detail,
            false => [&purpose, ", ", &detail].concat(),
        }
    };
    (sets.iter().enumerate())
        .map(|(index, set)| TrackInfo {
            language: set.language.clone(),
            label: set.label.clone(),
            note: note(index, set),
        })
        .collect()
}

/// The name of the audio format of a set; empty if it is unknown.
fn audio_format(set: &AdaptationSet) -> &'static str {
    let codecs = set.representations.first().map(|first| &first.codecs);
    let entry = codecs.and_then(|codecs| codecs.split('.').next());
    match entry.unwrap_or_default().to_ascii_lowercase().as_str() {
        "mp4a" => "AAC",
        "ac-3" => "Dolby Digital",
        "ec-3" => "Dolby Digital Plus",
        "ac-4" => "Dolby AC-4",
        "opus" => "Opus",
        "flac" => "FLAC",
        "dtsc" | "dtse" | "dtsx" => "DTS",
        _ => "",
    }
}

/// The adaptation set that is played in each period.
fn select_adaptation_sets(context: &Context, kind: ContentType) -> SetPerPeriod {
    let presentation = context.content.presentation();
    let chosen = context.state.audio_preference();
    let is_playable = &|id| context.content.is_playable(id);
    let criteria = SelectionCriteria {
        chosen: chosen.as_deref(),
        remembered: context.audio_defaults.remembered.as_ref(),
        languages: &context.audio_defaults.languages,
    };
    let video_criteria = SelectionCriteria::default();
    let select =
        |kind, criteria| selection::select_sets(&presentation, kind, criteria, is_playable);
    if kind == ContentType::Video {
        return select(kind, video_criteria);
    }
    let mut sets = select(kind, criteria);
    if chosen.is_none() {
        // Muxed audio is played unless the viewer has selected another track.
        let video = select(ContentType::Video, video_criteria);
        for ((period, video), audio) in presentation.periods.iter().zip(video).zip(&mut sets) {
            let video = video.and_then(|set| period.adaptation_sets.get(set));
            if video.is_some_and(is_muxed) {
                *audio = None;
            }
        }
    }
    sets
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{Purpose, Representation};

    #[test]
    fn tracks_of_one_language_have_different_notes() {
        let set = |purpose, codecs: &str| AdaptationSet {
            content_type: ContentType::Audio,
            language: "en".into(),
            purpose,
            representations: vec![Representation {
                codecs: codecs.into(),
                ..Representation::default()
            }],
            ..AdaptationSet::default()
        };
        let sets = [
            set(Purpose::Programme, "mp4a.40.2"),
            set(Purpose::Programme, "ec-3"),
            set(Purpose::AudioDescription, "mp4a.40.2"),
            set(Purpose::Commentary, "mp4a.40.2"),
            set(Purpose::Commentary, "mp4a.40.2"),
        ];
        let infos = audio_track_infos(&sets.iter().collect::<Vec<_>>());
        let notes: Vec<&str> = infos.iter().map(|info| info.note.as_str()).collect();
        assert_eq!(
            notes,
            [
                "AAC",
                "Dolby Digital Plus",
                "audio description",
                "commentary, 1",
                "commentary, 2"
            ]
        );
    }
}
