//! A film while it is being played: what is known of it, and how more comes to be known.

use std::{
    cell::{Ref, RefCell},
    rc::Rc,
};

use futures_util::future::LocalBoxFuture;
use js_sys::{Promise, Reflect, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

use super::{
    context::Error,
    decryption, manifest,
    network::{FetchedFile, Network},
};
use crate::{
    media::{
        AdaptationSet, ContentType, EncryptionKey, Index, Presentation, Representation,
        RepresentationId, Resource, Segment, captions, content_type_of_codec,
        hls::VariableDefinitions,
        mp4,
        selection::{self, is_muxed},
    },
    platform::web,
    protocol::{PlaybackError, ResourceKind},
};

/// A film that is being played.
pub struct Content {
    /// After redirects.
    url: String,
    network: Rc<Network>,
    presentation: RefCell<Presentation>,
    /// What its multivariant playlist hands on to the media playlists.
    definitions: VariableDefinitions,
    excluded: RefCell<Vec<RepresentationId>>,
    /// Init segments and keys: small, and needed again and again.
    cache: RefCell<Vec<CachedFile>>,
}

struct CachedFile {
    base: Rc<str>,
    place: Resource,
    file: Rc<FetchedFile>,
}

impl Content {
    /// Reads the film at an absolute URL.
    ///
    /// # Errors
    /// [`PlaybackError::InvalidManifest`] and [`PlaybackError::UnsupportedFeature`], [`PlaybackError::UnsupportedCodec`] if nothing in it can be
    /// played here, and what the network may fail with.
    pub async fn load(url: &str, network: Rc<Network>) -> Result<Rc<Self>, Error> {
        let (bases, whole) = ([Rc::from(url)], Resource::default());
        let file = network
            .get(ResourceKind::InvalidManifest, &bases, &whole)
            .await?;
        let film = Self::of(&file, network)?;
        // A set of which nothing is said at all has to be looked at before anything can be decided.
        while let Some(id) = film.first_undescribed() {
            film.load_index(id).await?;
        }
        film.exclude_undecodable();
        film.require_playable()?;
        Ok(film)
    }

    /// The film of a manifest.
    fn of(file: &FetchedFile, network: Rc<Network>) -> Result<Rc<Self>, Error> {
        let (presentation, definitions) = manifest::parse(file)?;
        Ok(Rc::new(Self {
            url: file.url.clone(),
            network,
            presentation: RefCell::new(presentation),
            definitions,
            excluded: RefCell::default(),
            cache: RefCell::default(),
        }))
    }

    /// What is known of it so far.
    pub fn presentation(&self) -> Ref<'_, Presentation> {
        self.presentation.borrow()
    }

    /// Whether a representation may be chosen.
    pub fn is_playable(&self, id: RepresentationId) -> bool {
        !self.excluded.borrow().contains(&id)
    }

    /// Gives a representation up, as long as there is another one in its set. Whether there was.
    pub fn exclude(&self, id: RepresentationId) -> bool {
        let another = self.is_one_of_many(id);
        if another {
            self.excluded.borrow_mut().push(id);
        }
        another
    }

    /// Whether there is another one in its set that can be played.
    fn is_one_of_many(&self, id: RepresentationId) -> bool {
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

    /// Whether a period is shorter than its manifest says, where a segment is not there: the last one is not
    /// there either, and no other representation is left that might have it. From now on it ends before that
    /// segment.
    pub async fn truncate_at_missing(&self, id: RepresentationId, segment: &Segment) -> bool {
        let Ok(mut it) = self.representation(id) else {
            return false;
        };
        let Index::Known(segments) = &it.index else {
            return false;
        };
        let last = segments.len().checked_sub(1);
        let Some(last) = last.and_then(|last| segments.get(last)) else {
            return false;
        };
        let is_last = segment.number == last.number;
        let is_cut_off = segment.number > 0
            && (is_last || !self.is_one_of_many(id))
            && (is_last
                || self
                    .resource(ResourceKind::MediaSegment, &it.base_urls, &last.resource)
                    .await
                    .is_err());
        if is_cut_off {
            it.index = Index::Known(Rc::new(segments.truncated_at(segment.start)));
            if let Some(set) = self.presentation.borrow_mut().adaptation_set_mut(id) {
                put(set, id, *it);
            }
        }
        is_cut_off
    }

    /// A representation, as far as it is known.
    ///
    /// # Errors
    /// None that a planner's own choice would meet.
    pub fn representation(&self, id: RepresentationId) -> Result<Box<Representation>, Error> {
        match self.presentation().representation(id) {
            Some(it) => Ok(Box::new(it.clone())),
            None => Err(manifest::invalid_manifest(
                &self.url,
                "it has no such representation",
            )),
        }
    }

    /// An init segment: fetched once, and kept if it is sound. A damaged one would end the MediaSource,
    /// and not only its own representation.
    ///
    /// # Errors
    /// [`PlaybackError::InvalidData`], [`PlaybackError::UnsupportedFeature`], and what the network may fail with.
    pub async fn init_segment(
        &self,
        of: &Representation,
        place: &Resource,
    ) -> Result<Uint8Array, Error> {
        if let Some(file) = self.find_cached(&of.base_urls, place) {
            return Ok(file.bytes.clone());
        }
        let file = self
            .resource(ResourceKind::InitSegment, &of.base_urls, place)
            .await?;
        if of.container.ends_with("/mp4")
            && let Err(fault) =
                manifest::parse_init_segment(&file.bytes, &file.url, ResourceKind::InitSegment)
        {
            self.discard(place);
            return Err(fault);
        }
        Ok(file.bytes.clone())
    }

    /// What came damaged may be sound the next time.
    fn discard(&self, place: &Resource) {
        self.cache.borrow_mut().retain(|it| it.place != *place);
    }

    /// A file that a representation refers to, decrypted; of a segment that is not encrypted, its beginning.
    /// Init segments and keys are fetched once, and kept.
    ///
    /// # Errors
    /// [`PlaybackError::InvalidData`], and what the network may fail with.
    pub async fn resource(
        &self,
        what: ResourceKind,
        bases: &[Rc<str>],
        place: &Resource,
    ) -> Result<Rc<FetchedFile>, Error> {
        if let Some(file) = self.find_cached(bases, place) {
            return Ok(file);
        }
        let mut file = self.network.get(what, bases, place).await?;
        if let Some(key) = &place.key {
            let secret = self.key(bases, key).await?;
            file.bytes =
                decryption::decrypt(what, &file.bytes, &secret.bytes, key.iv, &file.url).await?;
        }
        let file = Rc::new(file);
        if matches!(what, ResourceKind::InitSegment | ResourceKind::Key) {
            self.cache_file(bases, place, &file);
        }
        Ok(file)
    }

    /// The file with the bytes of a key: fetched once, and kept.
    ///
    /// # Errors
    /// What the network may fail with.
    pub fn key<'a>(
        &'a self,
        bases: &'a [Rc<str>],
        key: &EncryptionKey,
    ) -> LocalBoxFuture<'a, Result<Rc<FetchedFile>, Error>> {
        let place = Resource::whole(key.path.clone());
        // Boxed, because it is a file itself.
        Box::pin(async move { self.resource(ResourceKind::Key, bases, &place).await })
    }

    fn cache_file(&self, bases: &[Rc<str>], place: &Resource, file: &Rc<FetchedFile>) {
        if let Some(base) = bases.first() {
            self.cache.borrow_mut().push(CachedFile {
                base: base.clone(),
                place: place.clone(),
                file: file.clone(),
            });
        }
    }

    /// The file that a playlist of captions lists; `None` if they are in more than one, as segments.
    ///
    /// # Errors
    /// [`PlaybackError::InvalidManifest`], [`PlaybackError::UnsupportedFeature`], and what the network may fail with.
    pub async fn caption_file(
        &self,
        playlist: &captions::CaptionFile,
    ) -> Result<Option<captions::CaptionFile>, Error> {
        let captions::CaptionFile {
            base_urls: bases,
            resource: place,
            ..
        } = playlist;
        let file = self
            .resource(ResourceKind::InvalidManifest, bases, place)
            .await?;
        let segments = manifest::segments(&file, &self.definitions)?;
        let only = segments.get(0).filter(|_| segments.len() == 1);
        Ok(only.map(|it| captions::CaptionFile {
            base_urls: vec![file.url.as_str().into()],
            resource: it.resource,
            is_playlist: false,
            ..playlist.clone()
        }))
    }

    fn find_cached(&self, bases: &[Rc<str>], place: &Resource) -> Option<Rc<FetchedFile>> {
        let kept = self.cache.borrow();
        let is_it = |it: &&CachedFile| bases.first() == Some(&it.base) && it.place == *place;
        kept.iter().find(is_it).map(|it| it.file.clone())
    }

    /// Finds out about the segments of a representation, and whatever else its manifest left open.
    ///
    /// # Errors
    /// [`PlaybackError::InvalidManifest`], [`PlaybackError::UnsupportedFeature`], [`PlaybackError::InvalidData`], and what the network may fail
    /// with.
    pub async fn load_index(&self, id: RepresentationId) -> Result<(), Error> {
        let mut lesson = IndexLoad::about(self.representation(id)?);
        while let Some((what, place)) = self.next_request(&lesson)? {
            let file = self.resource(what, &lesson.it.base_urls, &place).await?;
            if let Err(fault) = self.apply_response(&mut lesson, id, what, &place, &file) {
                self.discard(&place);
                return Err(fault);
            }
        }
        self.apply_index(id, lesson)
    }

    /// What to read next, to know all of a representation.
    fn next_request(&self, lesson: &IndexLoad) -> Result<Option<(ResourceKind, Resource)>, Error> {
        let segments = match &lesson.it.index {
            Index::Playlist(path) => {
                return Ok(Some((
                    ResourceKind::InvalidManifest,
                    Resource::whole(path.clone()),
                )));
            }
            Index::Sidx(sidx) => {
                let range = lesson
                    .index
                    .as_ref()
                    .and_then(mp4::SegmentIndex::next_range);
                let place = Resource {
                    path: sidx.path.clone(),
                    range,
                    key: None,
                };
                return Ok(Some((ResourceKind::SegmentIndex, place)));
            }
            Index::Known(_) if lesson.is_described => return Ok(None),
            Index::Known(segments) => segments,
        };
        // It begins with its init segment, or else with its first media segment that is there.
        let mut all = (0..segments.len()).map_while(|nth| segments.get(nth));
        let Some(first) = all.find(|it| !it.is_missing) else {
            return Err(manifest::invalid_manifest(&self.url, "it has no segments"));
        };
        Ok(Some(match first.init {
            Some(init) => (ResourceKind::InitSegment, init),
            None => (ResourceKind::MediaSegment, first.resource),
        }))
    }

    /// Takes in what was read.
    fn apply_response(
        &self,
        lesson: &mut IndexLoad,
        id: RepresentationId,
        what: ResourceKind,
        place: &Resource,
        file: &FetchedFile,
    ) -> Result<(), Error> {
        let it = &mut *lesson.it;
        let segments = match (what, &it.index, &mut lesson.index) {
            (ResourceKind::InvalidManifest, ..) => {
                let segments = manifest::segments(file, &self.definitions)?;
                lesson.is_described &= self.is_unmuxed(id) && !segments.inits.is_empty();
                it.base_urls = vec![file.url.as_str().into()];
                segments
            }
            (ResourceKind::SegmentIndex, Index::Sidx(sidx), Some(index)) => {
                let first = place.range.map_or(0, |range| range.first);
                index
                    .read(&file.bytes.to_vec(), first)
                    .map_err(|refusal| manifest::invalid_data(what, &file.url, refusal))?;
                if index.next_range().is_some() {
                    return Ok(());
                }
                Rc::new(index.segments(sidx))
            }
            _ => {
                lesson.kind = Some(manifest::describe_representation(it, file, what)?);
                lesson.is_described = true;
                return Ok(());
            }
        };
        it.index = Index::Known(segments);
        Ok(())
    }

    /// Whether it is certain that a representation has no more in its segments than its manifest says.
    /// HLS playlists often keep silent about sound that is muxed in.
    fn is_unmuxed(&self, id: RepresentationId) -> bool {
        let film = self.presentation();
        let sets = film
            .periods
            .get(id.period)
            .map(|period| &period.adaptation_sets);
        let has_sound =
            |set: &AdaptationSet| set.content_type == ContentType::Audio || is_muxed(set);
        sets.is_some_and(|sets| sets.iter().any(has_sound))
    }

    /// Puts what was learned into the presentation.
    fn apply_index(&self, id: RepresentationId, lesson: IndexLoad) -> Result<(), Error> {
        let IndexLoad { it, kind, .. } = lesson;
        let mime = it.mime();
        if !web::can_decode(&mime) && !self.exclude(id) {
            return Err(PlaybackError::UnsupportedCodec { mime }.into());
        }
        let span = match &it.index {
            Index::Known(segments) => segments.span(),
            _ => None,
        };
        let mut film = self.presentation.borrow_mut();
        if let Some(set) = film.adaptation_set_mut(id) {
            // A film that consists of one representation is what that one turns out to be.
            if let Some(kind) = kind
                && is_undescribed(set)
            {
                set.content_type = kind;
            }
            put(set, id, *it);
        }
        // Where nothing else says, a film is as long as what is longest in it, as far as that is known.
        let is_open = film
            .periods
            .last()
            .is_some_and(|last| last.end.is_infinite());
        if let Some((_, end)) = span
            && is_open
        {
            film.duration = Some(film.duration.map_or(end, |known| known.max(end)));
        }
        Ok(())
    }

    /// The first of a set of which nothing is known but that it is there.
    fn first_undescribed(&self) -> Option<RepresentationId> {
        let film = self.presentation();
        let ids = film.representation_ids();
        let is_it = |id: &&RepresentationId| film.adaptation_set(**id).is_some_and(is_undescribed);
        ids.iter().find(is_it).copied()
    }

    /// Asks, on this thread, for everything that the film offers: what is decoded on the page may not
    /// be decoded in a worker.
    fn exclude_undecodable(&self) {
        let film = self.presentation();
        for &(id, set, it) in &film.representations() {
            let mime = it.mime();
            // What has no name is looked at before it is played. In HLS, what MP3 comes in is only known when
            // it has come.
            let is_unknown = it.codecs.is_empty() || it.codecs == "mp4a.40.34";
            let is_decoded = is_unknown || web::can_decode(&mime);
            if set.is_protected || manifest::has_cues(it) || !is_decoded {
                self.excluded.borrow_mut().push(id);
            }
        }
    }

    /// Asks how well it decodes, and leaves out what would stutter: unless that is all that there is of a
    /// set, for then it tells more of the browser than of the film. A film need not wait for this to begin.
    pub async fn exclude_unsmooth(self: Rc<Self>) {
        let mut opinions: Vec<(RepresentationId, bool)> = Vec::new();
        let ids = self.presentation().representation_ids();
        for &id in &ids {
            let asked = self
                .presentation()
                .representation(id)
                .and_then(decoding_info);
            if let Some(asked) = asked
                && self.is_playable(id)
                && let Ok(opinion) = JsFuture::from(asked).await
            {
                opinions.push((id, is_good(&opinion)));
            }
        }
        for (id, is_quick) in &opinions {
            let is_quicker = |(other, is_quick): &(RepresentationId, bool)| {
                *is_quick && (other.period, other.set) == (id.period, id.set)
            };
            if !is_quick && opinions.iter().any(is_quicker) {
                self.exclude(*id);
            }
        }
    }

    /// A film with pictures of which none can be shown is not played as sound alone.
    fn require_playable(&self) -> Result<(), Error> {
        let film = self.presentation();
        let is_video = |set: &AdaptationSet| set.content_type == ContentType::Video;
        let needed = match film
            .periods
            .iter()
            .any(|it| it.adaptation_sets.iter().any(is_video))
        {
            true => ContentType::Video,
            false => ContentType::Audio,
        };
        let selected = selection::select_sets(&film, needed, None, &|id| self.is_playable(id));
        if selected.iter().any(Option::is_some) {
            return Ok(());
        }
        Err(manifest::unplayable(&self.url, &film, needed))
    }
}

/// What has been learned of a representation.
struct IndexLoad {
    it: Box<Representation>,
    /// The index of its segments, as far as it was read.
    index: Option<mp4::SegmentIndex>,
    is_described: bool,
    /// What it turned out to be.
    kind: Option<ContentType>,
}

impl IndexLoad {
    fn about(it: Box<Representation>) -> Self {
        let index = match &it.index {
            Index::Sidx(sidx) => Some(mp4::SegmentIndex::new(sidx)),
            _ => None,
        };
        Self {
            index,
            is_described: !it.container.is_empty() && !it.codecs.is_empty(),
            kind: None,
            it,
        }
    }
}

/// Puts what is known now of a representation in the place of what was known before.
fn put(set: &mut AdaptationSet, id: RepresentationId, it: Representation) {
    if let Some(place) = set.representations.get_mut(id.representation) {
        *place = it;
    }
}

/// Whether nothing is known of a set but that it is there.
fn is_undescribed(set: &AdaptationSet) -> bool {
    set.representations.iter().all(|it| it.container.is_empty())
}

/// Asks the browser whether it decodes this in time. `None` where that cannot be asked.
fn decoding_info(representation: &Representation) -> Option<Promise> {
    let (width, height) = representation.size;
    // It is asked of one codec at a time: of sound in the same segments nothing has to be known.
    let mut codecs = representation.codecs.split(',');
    let codec = codecs.find(|codec| content_type_of_codec(codec) == Some(ContentType::Video))?;
    if width == 0 || codec.is_empty() {
        return None;
    }
    let container = &representation.container;
    let mime = [container, "; codecs=\"", codec.trim_ascii(), "\""].concat();
    let frame_rate = representation.frame_rate;
    let video = web::object(&[
        ("contentType", mime.into()),
        ("width", width.into()),
        ("height", height.into()),
        ("bitrate", (representation.bandwidth.max(1) as f64).into()),
        (
            "framerate",
            if frame_rate > 0.0 { frame_rate } else { 30.0 }.into(),
        ),
    ]);
    let question = web::object(&[("type", "media-source".into()), ("video", video.into())]);
    web::decoding_info(&question).ok()
}

/// What the browser thinks of it.
fn is_good(opinion: &JsValue) -> bool {
    let denies = |name: &str| Reflect::get(opinion, &name.into()).is_ok_and(|it| it.is_falsy());
    !denies("supported") && !denies("smooth")
}
