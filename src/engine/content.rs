//! The content of a session: its presentation, which is completed by indexes, playlists and init segments when they are
//! needed.

mod availability;
mod live;
mod live_state;
mod playlists;
mod reload;

use std::{
    cell::{Cell, Ref, RefCell},
    mem,
    rc::Rc,
};

use futures_util::future::LocalBoxFuture;

use super::{
    decryption,
    error::{Error, file_error, invalid_manifest, not_for_media_source},
    manifest,
    media_file::MediaFile,
    network::{FetchedFile, Network},
    remuxing,
};
use crate::{
    media::{
        AdaptationSet, Container, ContentType, EncryptionKey, Index, Period, Presentation,
        Representation, RepresentationId, Resource, Segment, Segments,
        captions::CaptionFile,
        content_type_of_codec,
        hls::VariableDefinitions,
        mp4,
        ranges::TimeRange,
        selection::{self, SelectionCriteria, is_muxed},
        sniff::{self, SNIFF_BYTES},
        text,
    },
    platform::{self, Bytes, RemuxTracks, VideoConfiguration},
    protocol::{PlaybackError, ResourceKind, short_url},
};
use live_state::LiveContent;

/// How often to look whether a live stream has begun.
const NOT_STARTED_RETRY_MS: u32 = 2_000;
/// Frames per second of a video whose manifest does not say.
const ASSUMED_FRAME_RATE: f64 = 30.0;

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

/// How many init segments and keys are kept. A live stream has ever new ones.
const MAX_CACHED_FILES: usize = 64;

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
    /// [`PlaybackError::InvalidManifest`], [`PlaybackError::UnsupportedFeature`],
    /// [`PlaybackError::NotForMediaSource`], [`PlaybackError::UnsupportedCodec`] if nothing can be played, and those of
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

    /// The absolute URLs of a media playlist and its copies, relative to `base`.
    fn playlist_urls(base: &str, path: &str, copies: &[String]) -> Vec<Rc<str>> {
        let paths = std::iter::once(path).chain(copies.iter().map(String::as_str));
        let urls = paths.filter_map(|path| platform::resolve_url(base, path));
        urls.map(Rc::from).collect()
    }

    /// Whether another representation of the set is playable.
    fn has_alternative(&self, id: RepresentationId) -> bool {
        let count = self
            .presentation()
            .adaptation_set(id)
            .map_or(0, |set| set.representations.len());
        (0..count).any(|representation| {
            representation != id.representation
                && self.is_playable(RepresentationId {
                    representation,
                    ..id
                })
        })
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
        let last = segments.len().checked_sub(1);
        let Some(last) = last.and_then(|last| segments.get(last)) else {
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
            representation.index = Index::Known(Rc::new(segments.truncated_at(segment.start)));
            self.count_correction();
            if let Some(set) = self.presentation.borrow_mut().adaptation_set_mut(id) {
                let end = (id.period, set.content_type);
                self.doubtful_ends.borrow_mut().push(end);
                replace_representation(set, id, *representation);
            }
        }
        is_truncated
    }

    /// Whether a segment that the server does not have is a hole in what is there otherwise: whether one of the next
    /// segments is there, and no copy of the playlist nor other representation may have it.
    pub async fn is_hole(&self, id: RepresentationId, segment: &Segment) -> bool {
        if self.has_alternative(id) || self.has_copy(id) {
            return false;
        }
        for number in (segment.number + 1..).take(MAX_HOLE_SEGMENTS) {
            let Some(next) = self.segment(id, number) else {
                return false;
            };
            if self.exists(id, &next).await {
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

    /// Records that the tracks change at a segment, which has another init segment than the one before it. Returns
    /// the time of the border in seconds, unless it was known.
    pub fn add_border(&self, id: RepresentationId, segment: &Segment) -> Option<f64> {
        let number = (0..segment.number)
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
    /// [`PlaybackError::InvalidManifest`] if there is none with this id.
    pub fn representation(&self, id: RepresentationId) -> Result<Box<Representation>, Error> {
        match self.presentation().representation(id) {
            Some(representation) => Ok(Box::new(representation.clone())),
            None => Err(invalid_manifest(&self.url, "it has no such representation")),
        }
    }

    /// Fetches an init segment, or takes it from the cache. Validates it, because appending a damaged one ends the
    /// MediaSource.
    ///
    /// # Errors
    /// [`PlaybackError::InvalidData`], [`PlaybackError::UnsupportedFeature`], and those of the network.
    pub async fn init_segment(
        &self,
        representation: &Representation,
        resource: &Resource,
    ) -> Result<Bytes, Error> {
        let (kind, base_urls) = (ResourceKind::InitSegment, &representation.base_urls);
        if let Some(file) = self.find_cached(base_urls, resource) {
            return Ok(file.bytes.clone());
        }
        let file = self.resource(kind, base_urls, resource).await?;
        let is_mp4 = matches!(
            manifest::detect_container(&file.bytes),
            Some(Container::Mp4) | None
        );
        if is_mp4 && let Err(error) = manifest::parse_init_segment(&file.bytes, &file.url, kind) {
            self.discard(resource);
            return Err(error);
        }
        Ok(file.bytes.clone())
    }

    /// Whether an init segment is in the cache.
    pub fn has_init_segment(&self, representation: &Representation, resource: &Resource) -> bool {
        self.find_cached(&representation.base_urls, resource)
            .is_some()
    }

    /// Removes a damaged file from the cache, so that it is fetched again.
    fn discard(&self, resource: &Resource) {
        let mut cache = self.cache.borrow_mut();
        cache.retain(|cached| cached.resource != *resource);
    }

    /// Fetches a file, and decrypts it if necessary. Fetches only the first bytes of an unencrypted media segment. Init
    /// segments and keys are cached.
    ///
    /// # Errors
    /// [`PlaybackError::InvalidData`], and those of the network.
    pub async fn resource(
        &self,
        kind: ResourceKind,
        base_urls: &[Rc<str>],
        resource: &Resource,
    ) -> Result<Rc<FetchedFile>, Error> {
        if let Some(file) = self.find_cached(base_urls, resource) {
            return Ok(file);
        }
        let mut file = self.network.get(kind, base_urls, resource).await?;
        if let Some(key) = &resource.key {
            let key_file = self.key(base_urls, key).await?;
            file.bytes =
                decryption::decrypt(kind, &file.bytes, &key_file.bytes, key.iv, &file.url).await?;
        }
        let file = Rc::new(file);
        if matches!(kind, ResourceKind::InitSegment | ResourceKind::Key) {
            self.cache_file(base_urls, resource, &file);
        }
        Ok(file)
    }

    /// Fetches a key, or takes it from the cache.
    ///
    /// # Errors
    /// Those of the network.
    pub fn key<'a>(
        &'a self,
        base_urls: &'a [Rc<str>],
        key: &EncryptionKey,
    ) -> LocalBoxFuture<'a, Result<Rc<FetchedFile>, Error>> {
        let resource = Resource::whole(key.path.clone());
        // Boxed, because `resource` and `key` are mutually recursive.
        Box::pin(async move { self.resource(ResourceKind::Key, base_urls, &resource).await })
    }

    fn cache_file(&self, base_urls: &[Rc<str>], resource: &Resource, file: &Rc<FetchedFile>) {
        if let Some(url) = first_url(base_urls, resource) {
            let mut cache = self.cache.borrow_mut();
            if cache.len() == MAX_CACHED_FILES {
                cache.remove(0);
            }
            cache.push(CachedFile {
                url,
                resource: resource.clone(),
                file: file.clone(),
            });
        }
    }

    fn find_cached(&self, base_urls: &[Rc<str>], resource: &Resource) -> Option<Rc<FetchedFile>> {
        // By its URL, because several playlists may refer to the same key.
        let url = first_url(base_urls, resource)?;
        let cache = self.cache.borrow();
        cache
            .iter()
            .find(|cached| cached.url == url && cached.resource.range == resource.range)
            .map(|cached| cached.file.clone())
    }

    /// The only file in a playlist of captions; `None` if it lists several segments.
    ///
    /// # Errors
    /// [`PlaybackError::InvalidManifest`], [`PlaybackError::UnsupportedFeature`], and those of the network.
    pub async fn caption_file(&self, playlist: &CaptionFile) -> Result<Option<CaptionFile>, Error> {
        let base = playlist.base_urls.first().map_or("", |base| base);
        let urls = Self::playlist_urls(base, &playlist.resource.path, &playlist.copies);
        let file = self
            .resource(ResourceKind::Manifest, &urls, &Resource::default())
            .await?;
        let segments = manifest::parse_media_playlist(&file, &self.definitions)?;
        let only = segments.get(0).filter(|_| segments.len() == 1);
        Ok(only.map(|segment| CaptionFile {
            base_urls: with_redirect(urls, &file),
            resource: segment.resource,
            is_playlist: false,
            ..playlist.clone()
        }))
    }

    /// Completes a representation: loads its segment list, and detects its container and codecs if the manifest does not
    /// state them.
    ///
    /// # Errors
    /// [`PlaybackError::InvalidManifest`], [`PlaybackError::UnsupportedFeature`], [`PlaybackError::InvalidData`],
    /// [`PlaybackError::UnsupportedCodec`], and those of the network.
    pub async fn load_index(&self, id: RepresentationId) -> Result<(), Error> {
        loop {
            match self.try_load_index(id).await {
                // A live playlist may not list anything yet.
                Err(error) if matches!(*error, PlaybackError::NotStarted { .. }) => {
                    self.network.set_waiting(Some(*error));
                    platform::sleep(NOT_STARTED_RETRY_MS).await;
                }
                result => {
                    self.network.set_waiting(None);
                    return result;
                }
            }
        }
    }

    async fn try_load_index(&self, id: RepresentationId) -> Result<(), Error> {
        let mut load = IndexLoad::new(self.representation(id)?);
        if let Index::Playlist(path) = &load.representation.index {
            let copies = &load.representation.copies;
            let urls = Self::playlist_urls(&self.url, path, copies);
            if urls.is_empty() {
                let path = short_url(path);
                let reason = format!("“{path}” is not the address of a file");
                return Err(invalid_manifest(&self.url, &reason));
            }
            load.representation.base_urls = urls;
        }
        while let Some((kind, resource)) = self.next_request(&load)? {
            let base_urls = &load.representation.base_urls;
            load.requested_at = platform::now();
            let file = self.resource(kind, base_urls, &resource).await?;
            let applied = match manifest::detect_container(&file.bytes) {
                Some(Container::TransportStream) if kind == ResourceKind::MediaSegment => {
                    self.describe_stream(&mut load, id, &file).await
                }
                _ => self.apply_response(&mut load, id, kind, &resource, &file),
            };
            if let Err(error) = applied {
                self.discard(&resource);
                return Err(error);
            }
        }
        self.apply_index(id, load)
    }

    /// The next file that is needed to complete a representation; `None` if it is complete.
    fn next_request(&self, load: &IndexLoad) -> Result<Option<(ResourceKind, Resource)>, Error> {
        let segments = match &load.representation.index {
            // The base URLs are those of the playlist and its copies.
            Index::Playlist(_) => return Ok(Some((ResourceKind::Manifest, Resource::default()))),
            Index::Sidx(location) => {
                let sidx = load.sidx.as_ref();
                let resource = Resource {
                    path: location.path.clone(),
                    range: sidx.and_then(mp4::SegmentIndex::next_range),
                    key: None,
                };
                return Ok(Some((ResourceKind::SegmentIndex, resource)));
            }
            Index::Known(_) if load.is_described => return Ok(None),
            Index::Known(segments) => segments,
        };
        // In a live stream, the oldest segment may be removed before it is fetched.
        let middle = if segments.live.is_growing {
            segments.len() / 2
        } else {
            0
        };
        let first = (middle..segments.len())
            .map_while(|index| segments.get(index))
            .find(|segment| !segment.is_missing)
            .ok_or_else(|| match segments.live.is_growing {
                true => Error::from(PlaybackError::NotStarted { at: None }),
                false => invalid_manifest(&self.url, "it has no segments"),
            })?;
        Ok(Some(match first.init {
            Some(init) => (ResourceKind::InitSegment, init),
            None => (ResourceKind::MediaSegment, first.resource),
        }))
    }

    /// Applies the file that [`next_request`](Self::next_request) asked for to the representation.
    fn apply_response(
        &self,
        load: &mut IndexLoad,
        id: RepresentationId,
        kind: ResourceKind,
        resource: &Resource,
        file: &FetchedFile,
    ) -> Result<(), Error> {
        let representation = &mut *load.representation;
        let segments = match (kind, &representation.index, &mut load.sidx) {
            (ResourceKind::Manifest, ..) => {
                let text = text::decode(&file.bytes.to_vec());
                let playlist = manifest::read_media_playlist(&text, &file.url, &self.definitions)?;
                let mut segments = playlist.segments;
                if segments.is_empty() && segments.live.is_growing {
                    return Err(PlaybackError::NotStarted { at: None }.into());
                }
                load.start = playlist.start;
                let has_init = segments.get(0).is_some_and(|first| first.init.is_some());
                load.is_described &= self.is_unmuxed(id) && has_init;
                // Before redirects: a live playlist is requested again there.
                let url = representation.base_urls.get(file.server).cloned();
                let url = url.unwrap_or_else(|| file.url.as_str().into());
                self.place_playlist(id, url, text, &mut segments, load.requested_at);
                let first = segments.get(0);
                if first.is_some_and(|first| sniff::is_named_as_ts(&first.resource.path)) {
                    Network::preload_remuxer();
                }
                representation.base_urls =
                    with_redirect(std::mem::take(&mut representation.base_urls), file);
                if let Index::Playlist(path) = &representation.index
                    && !representation.copies.is_empty()
                {
                    // The next to fail over to is the one after this.
                    let mut all = vec![path.clone()];
                    all.append(&mut representation.copies);
                    let after = (file.server + 1).min(all.len());
                    all.rotate_left(after);
                    representation.copies = all;
                }
                Rc::new(segments)
            }
            (ResourceKind::SegmentIndex, Index::Sidx(location), Some(sidx)) => {
                let first = resource.range.map_or(0, |range| range.first);
                sidx.read(&file.bytes.to_vec(), first)
                    .map_err(|error| file_error(kind, &file.url, error))?;
                if sidx.next_range().is_some() {
                    return Ok(());
                }
                Rc::new(sidx.segments(location))
            }
            _ => {
                let content_type = manifest::describe_representation(representation, file, kind)?;
                load.content_type = Some(content_type);
                load.is_described = true;
                return Ok(());
            }
        };
        representation.index = Index::Known(segments);
        Ok(())
    }

    /// Describes a representation by the beginning of its first segment, which is MPEG-TS.
    async fn describe_stream(
        &self,
        load: &mut IndexLoad,
        id: RepresentationId,
        file: &FetchedFile,
    ) -> Result<(), Error> {
        let remuxer = self.network.load_remuxer().await?;
        let tracks = self.stream_tracks(id);
        let stream = remuxing::describe(remuxer, &file.bytes, &file.url, tracks)?;
        let representation = &mut *load.representation;
        representation.codecs = stream.codecs;
        representation.container = stream.container.into();
        if representation.size == (0, 0) {
            representation.size = stream.size;
        }
        load.content_type = Some(match stream.container {
            "audio/mp4" => ContentType::Audio,
            _ => ContentType::Video,
        });
        load.is_described = true;
        Ok(())
    }

    /// The tracks to read from a stream: audio alone for audio, and video alone if the period has audio apart.
    fn stream_tracks(&self, id: RepresentationId) -> RemuxTracks {
        let presentation = self.presentation();
        let is_audio = |set: &AdaptationSet| set.content_type == ContentType::Audio;
        let sets = presentation.periods.get(id.period);
        let has_audio_apart =
            sets.is_some_and(|period| period.adaptation_sets.iter().any(is_audio));
        let is_for_audio = presentation.adaptation_set(id).is_some_and(is_audio);
        RemuxTracks {
            video: !is_for_audio,
            audio: is_for_audio || !has_audio_apart,
        }
    }

    /// Whether a period declares its audio, so that a representation's segments can be trusted to contain no other track
    /// than declared. HLS playlists often do not declare muxed audio.
    fn is_unmuxed(&self, id: RepresentationId) -> bool {
        let has_audio =
            |set: &AdaptationSet| set.content_type == ContentType::Audio || is_muxed(set);
        let presentation = self.presentation();
        let period = presentation.periods.get(id.period);
        period.is_some_and(|period| period.adaptation_sets.iter().any(has_audio))
    }

    /// Stores a completed representation in the presentation.
    ///
    /// # Errors
    /// [`PlaybackError::UnsupportedCodec`] if it cannot be decoded and no other one is left in its set.
    fn apply_index(&self, id: RepresentationId, load: IndexLoad) -> Result<(), Error> {
        let mut representation = load.representation;
        self.adopt_placement(id, &mut representation);
        let mime = representation.mime();
        if !platform::can_decode(&mime) && !self.exclude(id) {
            return Err(PlaybackError::UnsupportedCodec { mime }.into());
        }
        let span = match &representation.index {
            Index::Known(segments) if !segments.live.is_growing => segments.span(),
            _ => None,
        };
        let mut presentation = self.presentation.borrow_mut();
        if let Some(set) = presentation.adaptation_set_mut(id) {
            // The set of a media playlist without a multivariant one takes the type of its only representation.
            if let Some(content_type) = load.content_type
                && is_undescribed(set)
            {
                set.content_type = content_type;
            }
            replace_representation(set, id, *representation);
        }
        presentation.start = presentation.start.or(load.start);
        // Without a duration in the manifest, the longest known representation determines it.
        let is_open_ended = presentation
            .periods
            .last()
            .is_some_and(|last| last.end.is_infinite());
        if let Some((_, end)) = span
            && is_open_ended
        {
            let known = presentation.duration;
            presentation.duration = Some(known.map_or(end, |known| known.max(end)));
        }
        drop(presentation);
        self.update_completeness();
        Ok(())
    }

    /// Takes over what is known of the segments of another representation with the same times.
    fn adopt_placement(&self, id: RepresentationId, representation: &mut Representation) {
        let Index::Known(new) = &mut representation.index else {
            return;
        };
        let presentation = self.presentation();
        let set = presentation.adaptation_set(id);
        for other in set.iter().flat_map(|set| &set.representations) {
            if let Index::Known(other) = &other.index
                && !other.placement.is_empty()
                && other.has_same_times(new)
            {
                Rc::make_mut(new).placement = other.placement.clone();
                return;
            }
        }
    }

    /// The first representation of a set of unknown type.
    fn first_undescribed(&self) -> Option<RepresentationId> {
        let presentation = self.presentation();
        let ids = presentation.representation_ids();
        let is_in_undescribed_set = |id: &&RepresentationId| {
            presentation
                .adaptation_set(**id)
                .is_some_and(is_undescribed)
        };
        ids.iter().find(is_in_undescribed_set).copied()
    }

    /// Excludes representations that this thread cannot decode. Workers may support other codecs than the page.
    fn exclude_undecodable(&self) {
        let presentation = self.presentation();
        for &(id, set, representation) in &presentation.representations() {
            // Unknown codecs are detected before they are played. The container of MP3 in HLS is only known once a
            // segment is fetched.
            let is_unknown = representation.codecs.is_empty() || representation.codecs == "mp4a.6B";
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
    fn require_playable(&self) -> Result<(), Error> {
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

/// A representation while its index is loaded.
struct IndexLoad {
    representation: Box<Representation>,
    /// The `sidx` boxes that are read so far.
    sidx: Option<mp4::SegmentIndex>,
    /// Whether its container and codecs are known.
    is_described: bool,
    /// The content type of its segments, if they were inspected.
    content_type: Option<ContentType>,
    /// When its last file was requested, in milliseconds since the Unix epoch.
    requested_at: f64,
    /// Where its playlist wants playback to start, in seconds.
    start: Option<f64>,
}

impl IndexLoad {
    fn new(representation: Box<Representation>) -> Self {
        let sidx = match &representation.index {
            Index::Sidx(location) => Some(mp4::SegmentIndex::new(location)),
            _ => None,
        };
        Self {
            sidx,
            is_described: !representation.container.is_empty() && !representation.codecs.is_empty(),
            content_type: None,
            requested_at: 0.0,
            start: None,
            representation,
        }
    }
}

/// The base URLs of the files in a playlist: the URLs of the playlist and its copies. That of the fetched one is the URL
/// after redirects.
fn with_redirect(mut urls: Vec<Rc<str>>, file: &FetchedFile) -> Vec<Rc<str>> {
    if let Some(fetched) = urls.get_mut(file.server) {
        *fetched = file.url.as_str().into();
    }
    urls
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

/// Whether no container type in a set is known.
fn is_undescribed(set: &AdaptationSet) -> bool {
    set.representations
        .iter()
        .all(|representation| representation.container.is_empty())
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

/// The URL of a resource at the first of its base URLs.
fn first_url(base_urls: &[Rc<str>], resource: &Resource) -> Option<String> {
    platform::resolve_url(base_urls.first()?, &resource.path)
}
