//! Loads what tells the segments of a representation: indexes, media playlists, descriptions of streams.

use std::rc::Rc;

use super::{Content, files::with_redirect, replace_representation};
use crate::{
    engine::{
        error::{Error, file_error, invalid_manifest},
        http::ReadMode,
        manifest,
        network::{FetchedFile, Network},
        remuxing::{DescriptionReader, StreamDescription},
    },
    media::{
        AdaptationSet, Container, ContentType, Index, Representation, RepresentationId, Resource,
        Segment, mp4, selection::is_muxed, sniff, text,
    },
    platform::{self, Bytes, RemuxTracks},
    protocol::{PlaybackError, ResourceKind, short_url},
};

/// How often to look whether a live stream has begun.
const NOT_STARTED_RETRY_MS: u32 = 2_000;

impl Content {
    /// The absolute URLs of a media playlist and its copies, relative to `base`.
    pub(super) fn playlist_urls(base: &str, path: &str, copies: &[String]) -> Vec<Rc<str>> {
        let paths = std::iter::once(path).chain(copies.iter().map(String::as_str));
        let urls = paths.filter_map(|path| platform::resolve_url(base, path));
        urls.map(Rc::from).collect()
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
            let is_transport_stream =
                manifest::detect_container(&file.bytes) == Some(Container::TransportStream);
            let applied = match kind {
                ResourceKind::MediaSegment if is_transport_stream => {
                    self.describe_stream(&mut load, id, &resource, &file).await
                }
                ResourceKind::InitSegment if is_transport_stream => {
                    load.map = Some(file.bytes.clone());
                    Ok(())
                }
                _ => self.apply_response(&mut load, id, kind, &resource, &file),
            };
            if let Err(error) = applied {
                self.discard(&resource);
                return Err(error);
            }
            if let Some(request) = file.request.take() {
                self.network.keep(request);
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
            Some(init) if load.map.is_none() => (ResourceKind::InitSegment, init),
            _ => (ResourceKind::MediaSegment, first.resource),
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
        resource: &Resource,
        file: &FetchedFile,
    ) -> Result<(), Error> {
        let map = load.map.as_ref();
        let stream = self.read_description(id, map, resource, file).await?;
        if let Some(track) = stream.left_out {
            self.network.report_left_out(track);
        }
        let representation = &mut *load.representation;
        representation.codecs = stream.codecs;
        representation.container = stream.container.into();
        if representation.size == (0, 0) {
            representation.size = stream.size;
        }
        load.content_type = Some(match stream.container {
            "video/mp4" => ContentType::Video,
            _ => ContentType::Audio,
        });
        load.is_described = true;
        Ok(())
    }

    /// The media type of a segment if it is MPEG-TS, whose tracks may change from segment to segment.
    ///
    /// # Errors
    /// Those of [`load_index`](Self::load_index).
    pub async fn transport_stream_type(
        &self,
        id: RepresentationId,
        segment: &Segment,
    ) -> Result<Option<String>, Error> {
        let base_urls = self.representation(id)?.base_urls;
        let kind = ResourceKind::MediaSegment;
        let file = self.resource(kind, &base_urls, &segment.resource).await?;
        if manifest::detect_container(&file.bytes) != Some(Container::TransportStream) {
            return Ok(None);
        }
        let map = match &segment.init {
            Some(init) => {
                let kind = ResourceKind::InitSegment;
                Some(self.resource(kind, &base_urls, init).await?.bytes.clone())
            }
            None => None,
        };
        let resource = &segment.resource;
        let stream = self
            .read_description(id, map.as_ref(), resource, &file)
            .await?;
        if let Some(request) = file.request.take() {
            self.network.keep(request);
        }
        Ok(Some(stream.mime()))
    }

    /// Describes a segment that is MPEG-TS by its first bytes, which are fetched, and by more of it until its tracks are
    /// known. `map` are packets with its program map.
    async fn read_description(
        &self,
        id: RepresentationId,
        map: Option<&Bytes>,
        resource: &Resource,
        file: &FetchedFile,
    ) -> Result<StreamDescription, Error> {
        let remuxer = self.network.load_remuxer().await?;
        let mut reader = DescriptionReader::new(remuxer, self.stream_tracks(id));
        if let Some(map) = map {
            reader.push(map);
        }
        // An encrypted segment has been fetched as a whole.
        if !reader.push(&file.bytes)
            && resource.key.is_none()
            && let Some(request) = file.request.take()
        {
            let mut response = request.response(Rc::default()).await?;
            let mut parts = Vec::new();
            let mut pushed = file.bytes.len();
            while let Some(part) = response.read(ReadMode::Soon).await? {
                // The first part begins with the bytes that were read before.
                let new = part.slice(pushed.min(part.len())..part.len());
                pushed = pushed.saturating_sub(part.len());
                parts.push(part);
                if reader.push(&new) {
                    break;
                }
            }
            file.request
                .set(Some(response.into_request(Bytes::concat(&parts))));
        }
        reader.finish(&file.url)
    }

    /// The tracks to read from a stream: audio alone for audio, and video alone if the period has audio apart.
    pub fn stream_tracks(&self, id: RepresentationId) -> RemuxTracks {
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

    /// Copies what the media have corrected in the times of another representation, if its segments have the same times.
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
    pub(super) fn first_undescribed(&self) -> Option<RepresentationId> {
        let presentation = self.presentation();
        let ids = presentation.representation_ids();
        let is_in_undescribed_set = |id: &&RepresentationId| {
            presentation
                .adaptation_set(**id)
                .is_some_and(is_undescribed)
        };
        ids.iter().find(is_in_undescribed_set).copied()
    }
}

/// A representation while its index is loaded.
struct IndexLoad {
    representation: Box<Representation>,
    /// The `sidx` boxes that are read so far.
    sidx: Option<mp4::SegmentIndex>,
    /// The program of all segments in MPEG-TS, which the playlist gives as their init segment.
    map: Option<Bytes>,
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
            map: None,
            is_described: !representation.container.is_empty() && !representation.codecs.is_empty(),
            content_type: None,
            requested_at: 0.0,
            start: None,
            representation,
        }
    }
}

/// Whether no container type in a set is known.
fn is_undescribed(set: &AdaptationSet) -> bool {
    set.representations
        .iter()
        .all(|representation| representation.container.is_empty())
}
