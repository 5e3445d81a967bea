//! The content of a session: its presentation, which is completed by indexes, playlists and init segments when they are
//! needed.

mod availability;
mod files;
mod index;
mod live;
mod live_state;
mod playable;
mod playlists;
mod reload;

use std::{
    cell::{Cell, Ref, RefCell},
    mem,
    rc::Rc,
};

use super::{
    error::{Error, invalid_manifest, not_for_media_source},
    manifest,
    media_file::MediaFile,
    network::{FetchedFile, Network},
};
use crate::{
    media::{
        AdaptationSet, ContentType, Index, Period, Presentation, Representation, RepresentationId,
        Resource, Segment, Segments,
        hls::VariableDefinitions,
        ranges::TimeRange,
        sniff::{self, SNIFF_BYTES},
    },
    platform,
    protocol::ResourceKind,
};
use live_state::LiveContent;

/// How long before its period a segment may begin.
const PERIOD_EDGE_SECONDS: f64 = 1.0;

/// The content of a session.
pub struct Content {
    /// The manifest's URL, after redirects.
    url: String,
    network: Rc<Network>,
    presentation: RefCell<Presentation>,
    /// The variables that a multivariant playlist passes to its media playlists.
    definitions: VariableDefinitions,
    /// The reader of the content if it is a media file.
    pub file: Option<MediaFile>,
    /// Representations that must not be chosen.
    excluded: RefCell<Vec<RepresentationId>>,
    /// Representations whose media playlists have copies, and how many copies have failed since the last success.
    failed_copies: RefCell<Vec<(RepresentationId, usize)>>,
    /// Init segments and keys, which are small and needed repeatedly. The oldest first.
    cache: RefCell<Vec<CachedFile>>,
    live: LiveContent,
    /// Counts what the media have corrected in the presentation.
    corrections: Cell<u32>,
    /// The times, in seconds, at which the tracks change within a period, ascending.
    borders: RefCell<Vec<f64>>,
    /// Periods, with the type of a track that ends early because a segment is missing. The other track may be about to
    /// end there too.
    doubtful_ends: RefCell<Vec<(usize, ContentType)>>,
}

/// How many segments in a row may be missing from the server before nothing seems to be there any more.
const MAX_HOLE_SEGMENTS: usize = 3;

struct CachedFile {
    /// Its URL at the first of its base URLs.
    url: String,
    resource: Resource,
    file: Rc<FetchedFile>,
}

impl Content {
    /// Loads the manifest at an absolute URL.
    ///
    /// # Errors
    /// `PlaybackError::InvalidManifest`, `PlaybackError::UnsupportedFeature`,
    /// `PlaybackError::NotForMediaSource`, `PlaybackError::UnsupportedCodec` if nothing can be played, and those of
    /// the network.
    pub async fn load(url: &str, network: Rc<Network>) -> Result<Rc<Self>, Error> {
        let requested_at = platform::now();
        let (file, size) = network.get_content(url).await?;
        let format = sniff::detect(&file.bytes.prefix(SNIFF_BYTES), &file.content_type);
        if format.is_audio_file() {
            return Err(not_for_media_source(&file.url, "an audio file"));
        }
        let mut opened = match format.is_media_file() {
            true => Some(MediaFile::open(&file.url, format, size, network.clone()).await?),
            false => None,
        };
        let (mut presentation, definitions) = match &mut opened {
            Some(opened) => (
                mem::take(&mut opened.presentation),
                VariableDefinitions::default(),
            ),
            None => manifest::parse(&file)?,
        };
        let live = LiveContent::open(&mut presentation, &network, &file, requested_at).await;
        let media_file = opened.map(|opened| opened.file);
        let content = Rc::new(Self {
            url: file.url.clone(),
            network,
            presentation: RefCell::new(presentation),
            definitions,
            file: media_file,
            excluded: RefCell::default(),
            failed_copies: RefCell::default(),
            cache: RefCell::default(),
            live,
            corrections: Cell::default(),
            borders: RefCell::default(),
            doubtful_ends: RefCell::default(),
        });
        content.adopt_playlist(&file, requested_at);
        // Adaptation sets of unknown type have to be described before any can be selected.
        while let Some(id) = content.first_undescribed() {
            if let Err(error) = content.load_index(id).await
                && !content.fail_over(id)
            {
                return Err(error);
            }
        }
        content.exclude_undecodable();
        content.require_playable()?;
        Ok(content)
    }

    /// The presentation, as far as it is known.
    pub fn presentation(&self) -> Ref<'_, Presentation> {
        self.presentation.borrow()
    }

    /// Shortens a representation to end before a missing segment, if its period seems to be shorter than the manifest
    /// says: if the missing segment is the last one, or if the last one is missing too and the set has no other
    /// representation. Returns whether it was shortened.
    pub async fn truncate_at_missing(&self, id: RepresentationId, segment: &Segment) -> bool {
        let Ok(mut representation) = self.representation(id) else {
            return false;
        };
        let Index::Known(segments) = &representation.index else {
            return false;
        };
        let Some(last) = segments.last() else {
            return false;
        };
        let is_last = segment.number == last.number;
        let kind = ResourceKind::MediaSegment;
        let is_truncated = segment.number > 0
            && (is_last || !self.has_alternative(id))
            && (is_last
                || self
                    .resource(kind, &representation.base_urls, &last.resource)
                    .await
                    .is_err());
        if is_truncated {
            let end = self.first_missing(id, segment).await;
            representation.index = Index::Known(Rc::new(segments.truncated_at(end)));
            self.count_correction();
            let mut presentation = self.presentation.borrow_mut();
            if let Some(set) = presentation.adaptation_set_mut(id) {
                let end = (id.period, set.content_type);
                self.doubtful_ends.borrow_mut().push(end);
                replace_representation(set, id, *representation);
            }
            if id.period + 1 == presentation.periods.len() {
                let longest = presentation.periods.last().and_then(longest_end);
                presentation.duration = longest.or(presentation.duration);
            }
        }
        is_truncated
    }

    /// When the first of the segments begins, in seconds, that are missing up to this one. Looks for it by bisection:
    /// the viewer may have sought far beyond the end of the media.
    async fn first_missing(&self, id: RepresentationId, segment: &Segment) -> f64 {
        let mut first = segment.clone();
        let mut present = None;
        loop {
            let low = present.map_or(0, |number: u64| number + 1);
            if low >= first.number {
                return first.start;
            }
            // The one before is there in most cases.
            let number = match first.number == segment.number {
                true => first.number - 1,
                false => low.midpoint(first.number),
            };
            match self.segment(id, number) {
                Some(found) if !self.exists(id, &found).await => first = found,
                _ => present = Some(number),
            }
        }
    }

    /// Whether a missing segment is a gap in the middle of the presentation, not its end: the server has one of the next
    /// segments, and no other representation of the set has the segment. Always false if a copy of the playlist may
    /// have it.
    pub async fn is_hole(&self, id: RepresentationId, segment: &Segment) -> bool {
        if self.has_copy(id) {
            return false;
        }
        for number in (segment.number + 1..).take(MAX_HOLE_SEGMENTS) {
            let Some(next) = self.segment(id, number) else {
                return false;
            };
            if self.exists(id, &next).await {
                return !self.is_in_alternative(id, segment).await;
            }
        }
        false
    }

    /// Whether the server has the segment of another playable representation of the set at the time of this one.
    async fn is_in_alternative(&self, id: RepresentationId, segment: &Segment) -> bool {
        let middle = f64::midpoint(segment.start, segment.end);
        for other in self.alternatives(id) {
            // A representation that cannot be completed does not have it either.
            if self.load_index(other).await.is_err() {
                continue;
            }
            let found = match self
                .presentation()
                .representation(other)
                .map(|it| &it.index)
            {
                Some(Index::Known(segments)) => segments.segment_at(middle),
                _ => None,
            };
            if let Some(found) = found
                && !found.is_missing
                && found.start <= middle
                && self.exists(other, &found).await
            {
                return true;
            }
        }
        false
    }

    /// Whether a copy of a representation's media playlist has not failed yet.
    fn has_copy(&self, id: RepresentationId) -> bool {
        let presentation = self.presentation();
        let copies = presentation
            .representation(id)
            .map_or(0, |representation| representation.copies.len());
        let failed_copies = self.failed_copies.borrow();
        let known = failed_copies.iter().find(|(known, _)| *known == id);
        known.map_or(0, |(_, failures)| *failures) + 1 < copies
    }

    /// How many times the media have corrected the presentation.
    pub const fn corrections(&self) -> u32 {
        self.corrections.get()
    }

    fn count_correction(&self) {
        self.corrections.set(self.corrections.get().wrapping_add(1));
    }

    /// The segment of a representation with a number, where it is known to be now.
    pub fn segment(&self, id: RepresentationId, number: u64) -> Option<Segment> {
        match &self.presentation().representation(id)?.index {
            Index::Known(segments) => segments.get(number),
            _ => None,
        }
    }

    /// Moves the start of a segment to where its media begin, in seconds. Those after it follow. Those before it follow
    /// too, unless there is an `origin`: the number of a segment that is where it is claimed to be.
    pub fn move_segment(&self, id: RepresentationId, number: u64, start: f64, origin: Option<u64>) {
        self.correct(id, |segments| {
            if let Some((origin, _)) = origin.and_then(|origin| segments.claimed_range(origin)) {
                let place = segments.placement.place(origin);
                segments.placement.insert(origin, place);
            }
            if let Some((claimed, _)) = segments.claimed_range(number) {
                segments.placement.insert(claimed, start);
            }
        });
    }

    /// Sets the time range of a segment whose media have ended elsewhere than claimed. Those after it follow.
    pub fn resize_segment(&self, id: RepresentationId, number: u64, range: TimeRange) {
        self.correct(id, |segments| {
            if let Some((start, end)) = segments.claimed_range(number) {
                segments.placement.insert(start, range.start);
                segments.placement.insert(end, range.end);
            }
        });
    }

    /// Corrects the segments of a representation, and of all others of its type and period with the same times.
    fn correct(&self, id: RepresentationId, correct: impl Fn(&mut Segments)) {
        // The list of a live stream is replaced again and again.
        if self.is_live() {
            return;
        }
        let mut presentation = self.presentation.borrow_mut();
        let known = presentation.representation(id);
        let Some(Index::Known(old)) = known.map(|found| found.index.clone()) else {
            return;
        };
        let mut corrected = Segments::clone(&old);
        correct(&mut corrected);
        let sets_duration = id.period + 1 == presentation.periods.len();
        let mut duration = None;
        let content_type = presentation.adaptation_set(id).map(|set| set.content_type);
        if let Some(period) = presentation.periods.get_mut(id.period) {
            let sets = period.adaptation_sets.iter_mut();
            let sets = sets.filter(|set| Some(set.content_type) == content_type);
            for representation in sets.flat_map(|set| &mut set.representations) {
                if let Index::Known(segments) = &mut representation.index
                    && segments.has_same_times(&old)
                {
                    let placement = corrected.placement.clone();
                    Rc::make_mut(segments).placement = placement;
                }
            }
            duration = longest_end(period).filter(|_| sets_duration);
        }
        presentation.duration = duration.or(presentation.duration);
        drop(presentation);
        self.count_correction();
    }

    /// Whether a time in seconds is within a period, or just before it.
    pub fn is_in_period(&self, period: usize, time: f64) -> bool {
        let presentation = self.presentation();
        let found = presentation.periods.get(period);
        found.is_some_and(|period| period.start - PERIOD_EDGE_SECONDS <= time && time < period.end)
    }

    /// The times, in seconds, at which the tracks change within a period, ascending.
    pub fn borders(&self) -> Ref<'_, Vec<f64>> {
        self.borders.borrow()
    }

    /// Whether a track of a period is known to end early, and it is not known whether the other does too.
    pub fn has_doubtful_end(&self, period: usize, content_type: ContentType) -> bool {
        self.doubtful_ends
            .borrow()
            .contains(&(period, content_type))
    }

    /// Records that the other track goes on where a track of this type ends early.
    pub fn confirm_ends(&self, content_type: ContentType) {
        let mut ends = self.doubtful_ends.borrow_mut();
        let count = ends.len();
        ends.retain(|(_, doubtful)| *doubtful != content_type);
        if ends.len() < count {
            self.count_correction();
        }
    }

    /// Records that the tracks change at a segment, or `by_init` at the first of the segments up to it that have the same
    /// init segment. Returns the time of the border in seconds, unless it was known.
    pub fn add_border(
        &self,
        id: RepresentationId,
        segment: &Segment,
        by_init: bool,
    ) -> Option<f64> {
        let earlier = if by_init { segment.number } else { 0 };
        let number = (0..earlier)
            .rev()
            .take_while(|number| {
                let earlier = self.segment(id, *number);
                earlier.is_some_and(|earlier| earlier.init == segment.init)
            })
            .last();
        let first = number.and_then(|number| self.segment(id, number));
        let border = first.map_or(segment.start, |first| first.start);
        let mut borders = self.borders.borrow_mut();
        if borders.contains(&border) {
            return None;
        }
        let index = borders.partition_point(|earlier| *earlier < border);
        borders.insert(index, border);
        self.count_correction();
        Some(border)
    }

    /// A copy of a representation.
    ///
    /// # Errors
    /// `PlaybackError::InvalidManifest` if there is none with this id.
    pub fn representation(&self, id: RepresentationId) -> Result<Box<Representation>, Error> {
        match self.presentation().representation(id) {
            Some(representation) => Ok(Box::new(representation.clone())),
            None => Err(invalid_manifest(&self.url, "it has no such representation")),
        }
    }
}

fn replace_representation(
    set: &mut AdaptationSet,
    id: RepresentationId,
    representation: Representation,
) {
    if let Some(old) = set.representations.get_mut(id.representation) {
        *old = representation;
    }
}

/// The end of the longest representation of a period, in seconds, as far as they are known.
fn longest_end(period: &Period) -> Option<f64> {
    let sets = period.adaptation_sets.iter();
    let representations = sets.flat_map(|set| &set.representations);
    let ends = representations.filter_map(|representation| match &representation.index {
        Index::Known(segments) => Some(segments.span()?.1),
        _ => None,
    });
    ends.reduce(f64::max)
}

/// The URL of a resource at the first of its base URLs.
fn first_url(base_urls: &[Rc<str>], resource: &Resource) -> Option<String> {
    platform::resolve_url(base_urls.first()?, &resource.path)
}
