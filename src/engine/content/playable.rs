//! What of the presentation can be played: decodable, decoded smoothly, not failed.

use super::Content;
use crate::{
    engine::{error::Error, manifest},
    media::{
        ContentType, Index, Presentation, Representation, RepresentationId, content_type_of_codec,
        ranges::TimeRange,
        selection::{self, SelectionCriteria},
    },
    platform::{self, VideoConfiguration},
};

/// Frames per second of a video whose manifest does not say.
const ASSUMED_FRAME_RATE: f64 = 30.0;

impl Content {
    /// Whether a representation may be chosen.
    pub fn is_playable(&self, id: RepresentationId) -> bool {
        !self.excluded.borrow().contains(&id)
    }

    /// Excludes a representation, unless it is the last playable one of its set. Returns whether it was excluded.
    pub fn exclude(&self, id: RepresentationId) -> bool {
        let has_alternative = self.has_alternative(id);
        if has_alternative {
            self.excluded.borrow_mut().push(id);
        }
        has_alternative
    }

    /// Makes a representation use the next copy of its media playlist, after an error. `false` if it has none, or each has
    /// failed since the last [`succeeded`](Self::succeeded).
    pub fn fail_over(&self, id: RepresentationId) -> bool {
        let mut presentation = self.presentation.borrow_mut();
        let set = presentation.adaptation_set_mut(id);
        let Some(representation) =
            set.and_then(|set| set.representations.get_mut(id.representation))
        else {
            return false;
        };
        let mut failed_copies = self.failed_copies.borrow_mut();
        let known = failed_copies.iter().position(|(known, _)| *known == id);
        let failures = known.map_or(0, |index| failed_copies.remove(index).1);
        let count = match &representation.index {
            Index::Playlist(_) => representation.copies.len(),
            // The loaded playlist is among the copies.
            _ => representation.copies.len().saturating_sub(1),
        };
        let has_next = failures < count;
        failed_copies.push((id, failures + usize::from(has_next)));
        if !has_next {
            return false;
        }
        if let Index::Playlist(failed) = &representation.index {
            representation.copies.push(failed.clone());
        }
        let next = representation.copies.remove(0);
        representation.index = Index::Playlist(next);
        representation.base_urls = vec![self.url.as_str().into()];
        true
    }

    /// Records that a segment of a representation was fetched.
    pub fn succeeded(&self, id: RepresentationId) {
        self.failed_copies
            .borrow_mut()
            .retain(|(known, _)| *known != id);
    }

    /// Whether another representation of the set is playable.
    pub(super) fn has_alternative(&self, id: RepresentationId) -> bool {
        !self.alternatives(id).is_empty()
    }

    /// The other playable representations of the set.
    pub(super) fn alternatives(&self, id: RepresentationId) -> Vec<RepresentationId> {
        let count = self
            .presentation()
            .adaptation_set(id)
            .map_or(0, |set| set.representations.len());
        let others = (0..count).map(|representation| RepresentationId {
            representation,
            ..id
        });
        others
            .filter(|other| *other != id && self.is_playable(*other))
            .collect()
    }

    /// Excludes representations that this thread cannot decode. Workers may support other codecs than the page.
    pub(super) fn exclude_undecodable(&self) {
        let presentation = self.presentation();
        for &(id, set, representation) in &presentation.representations() {
            // Unknown codecs are detected before they are played. The container of MP3 in HLS is only known once a
            // segment is fetched.
            let mut codecs = representation.codecs.split(',');
            let is_unknown = representation.codecs.is_empty() || codecs.any(|it| it == "mp4a.6B");
            let is_decodable = is_unknown || platform::can_decode(&representation.mime());
            let is_excluded =
                set.is_protected || manifest::has_cues(representation) || !is_decodable;
            if is_excluded && self.is_playable(id) {
                self.excluded.borrow_mut().push(id);
            }
        }
    }

    /// Excludes representations that this device does not decode smoothly, by `MediaCapabilities`. A set without any
    /// smooth representation keeps all of them.
    pub async fn exclude_unsmooth(&self) {
        let mut results: Vec<(RepresentationId, bool)> = Vec::new();
        let ids = self.presentation().representation_ids();
        for &id in &ids {
            let video = self
                .presentation()
                .representation(id)
                .and_then(video_configuration);
            if let Some(video) = video
                && self.is_playable(id)
                && let Some(is_smooth) = platform::decodes_smoothly(&video).await
            {
                results.push((id, is_smooth));
            }
        }
        for (id, is_smooth) in &results {
            let is_smooth_alternative = |(other, is_smooth): &(RepresentationId, bool)| {
                *is_smooth && (other.period, other.set) == (id.period, id.set)
            };
            if !is_smooth && results.iter().any(is_smooth_alternative) {
                self.exclude(*id);
            }
        }
    }

    /// Why nothing of a period can be played; `None` if something can be, or if it has no tracks.
    pub fn unplayable_reason(&self, period: usize) -> Option<Error> {
        let presentation = self.presentation();
        let found = presentation.periods.get(period)?;
        let kinds = [ContentType::Video, ContentType::Audio];
        let has = |kind: &ContentType| {
            let mut sets = found.adaptation_sets.iter();
            sets.any(|set| set.content_type == *kind)
        };
        let kind = kinds.into_iter().find(has)?;
        let is_playable = &|id: RepresentationId| id.period == period && self.is_playable(id);
        let any_playable = kinds.into_iter().any(|kind| {
            let selected = selection::select_sets(
                &presentation,
                kind,
                SelectionCriteria::default(),
                is_playable,
            );
            selected.iter().any(Option::is_some)
        });
        let only = Presentation {
            periods: vec![found.clone()],
            ..Presentation::default()
        };
        (!any_playable).then(|| manifest::unplayable(&self.url, &only, kind))
    }

    /// The periods of which nothing can be played, with the reason.
    pub fn unplayable_periods(&self) -> Vec<(TimeRange, Error)> {
        let count = self.presentation().periods.len();
        let reasons = (0..count).filter_map(|index| {
            let reason = self.unplayable_reason(index)?;
            let presentation = self.presentation();
            let period = presentation.periods.get(index)?;
            let time = TimeRange {
                start: period.start,
                end: period.end,
            };
            Some((time, reason))
        });
        reasons.collect()
    }

    /// Checks that something can be played. Content with video is not played as audio only.
    pub(super) fn require_playable(&self) -> Result<(), Error> {
        let presentation = self.presentation();
        let has_video = presentation
            .periods
            .iter()
            .flat_map(|period| &period.adaptation_sets)
            .any(|set| set.content_type == ContentType::Video);
        let required = match has_video {
            true => ContentType::Video,
            false => ContentType::Audio,
        };
        let is_playable = &|id| self.is_playable(id);
        let selected = selection::select_sets(
            &presentation,
            required,
            SelectionCriteria::default(),
            is_playable,
        );
        if selected.iter().any(Option::is_some) {
            return Ok(());
        }
        Err(manifest::unplayable(&self.url, &presentation, required))
    }
}

/// The `MediaCapabilities` query for a video representation. `None` for audio, and if the size is unknown.
fn video_configuration(representation: &Representation) -> Option<VideoConfiguration> {
    let (width, height) = representation.size;
    // A query takes one codec; muxed audio is left out.
    let codec = representation
        .codecs
        .split(',')
        .find(|codec| content_type_of_codec(codec) == Some(ContentType::Video))?;
    if width == 0 || codec.is_empty() {
        return None;
    }
    let container = &representation.container;
    Some(VideoConfiguration {
        mime: format!("{container}; codecs=\"{}\"", codec.trim_ascii()),
        width,
        height,
        bitrate: representation.bandwidth.max(1),
        frame_rate: match representation.frame_rate {
            rate if rate > 0.0 => rate,
            _ => ASSUMED_FRAME_RATE,
        },
    })
}
