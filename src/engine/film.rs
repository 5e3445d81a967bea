//! A film while it is being played: what is known of it, and how more comes to be known.

use std::{
    cell::{Ref, RefCell},
    rc::Rc,
};

use js_sys::{Promise, Reflect, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::MediaSource;

use super::{
    manifest,
    network::{Extent, File, Network},
};
use crate::{
    media::{
        AdaptationSet, Index, Kind, Place, Presentation, Representation, RepresentationId,
        Segments, Sidx,
        hls::Definitions,
        kind_of, mp4,
        selection::{self, is_muxed},
    },
    web,
    wire::{Fault, Piece},
};

/// A film that is being played.
pub struct Film {
    /// After redirects.
    url: String,
    network: Rc<Network>,
    presentation: RefCell<Presentation>,
    /// What its multivariant playlist hands on to the media playlists.
    definitions: Definitions,
    unplayable: RefCell<Vec<RepresentationId>>,
    /// Init segments and keys: small, and needed again and again.
    kept: RefCell<Vec<(Rc<str>, Place, Uint8Array)>>,
}

impl Film {
    /// Reads the film at an absolute URL.
    ///
    /// # Errors
    /// [`Fault::Manifest`] and [`Fault::Unsupported`], [`Fault::Undecodable`] if nothing in it can be
    /// played here, and what the network may fail with.
    pub async fn read(url: &str, network: Rc<Network>) -> Result<Self, Fault> {
        let (bases, whole) = ([Rc::from(url)], Place::default());
        let get = network.get(Piece::Manifest, &bases, &whole, Extent::Whole);
        let file = get.await?;
        let (presentation, definitions) = manifest::read(&file)?;
        let film = Self {
            url: file.url,
            network,
            presentation: RefCell::new(presentation),
            definitions,
            unplayable: RefCell::default(),
            kept: RefCell::default(),
        };
        // A set of which nothing is said at all has to be looked at before anything can be decided.
        for id in film.nameless() {
            film.learn(id).await?;
        }
        film.exclude_the_undecodable();
        film.refuse_if_nothing_is_left()?;
        Ok(film)
    }

    /// What is known of it so far.
    pub fn presentation(&self) -> Ref<'_, Presentation> {
        self.presentation.borrow()
    }

    /// Whether a representation may be chosen.
    pub fn is_playable(&self, id: RepresentationId) -> bool {
        !self.unplayable.borrow().contains(&id)
    }

    /// Gives a representation up, as long as there is another one in its set. Whether there was.
    pub fn exclude(&self, id: RepresentationId) -> bool {
        let count = self
            .presentation()
            .set(id)
            .map_or(0, |set| set.representations.len());
        let another = (0..count).any(|representation| {
            representation != id.representation
                && self.is_playable(RepresentationId {
                    representation,
                    ..id
                })
        });
        if another {
            self.unplayable.borrow_mut().push(id);
        }
        another
    }

    /// A representation, as far as it is known.
    ///
    /// # Errors
    /// None that a planner's own choice would meet.
    pub fn representation(&self, id: RepresentationId) -> Result<Representation, Fault> {
        let found = self.presentation().representation(id).cloned();
        found.ok_or_else(|| manifest::malformed(&self.url, "it has no such representation"))
    }

    /// An init segment: fetched once, and kept if it is sound. A damaged one would end the MediaSource,
    /// and not only its own representation.
    ///
    /// # Errors
    /// [`Fault::Damaged`], [`Fault::Unsupported`], and what the network may fail with.
    pub async fn init(&self, of: &Representation, place: &Place) -> Result<Uint8Array, Fault> {
        let bytes = self.file(Piece::Init, &of.bases, place).await?;
        if of.container.ends_with("/mp4")
            && let Err(fault) = manifest::init(&bytes, &place.path, Piece::Init)
        {
            self.kept.borrow_mut().retain(|(_, kept, _)| kept != place);
            return Err(fault);
        }
        Ok(bytes)
    }

    /// A small file that a representation refers to: fetched once, and kept.
    ///
    /// # Errors
    /// What the network may fail with.
    pub async fn file(
        &self,
        what: Piece,
        bases: &[Rc<str>],
        place: &Place,
    ) -> Result<Uint8Array, Fault> {
        if let Some(bytes) = self.find(bases, place) {
            return Ok(bytes);
        }
        let get = self.network.get(what, bases, place, Extent::Whole);
        let bytes = get.await?.bytes;
        if let Some(base) = bases.first() {
            let kept = (base.clone(), place.clone(), bytes.clone());
            self.kept.borrow_mut().push(kept);
        }
        Ok(bytes)
    }

    fn find(&self, bases: &[Rc<str>], place: &Place) -> Option<Uint8Array> {
        let kept = self.kept.borrow();
        let is_it = |it: &&(Rc<str>, Place, _)| bases.first() == Some(&it.0) && it.1 == *place;
        kept.iter().find(is_it).map(|(_, _, bytes)| bytes.clone())
    }

    /// Finds out about the segments of a representation, and whatever else its manifest left open.
    ///
    /// # Errors
    /// [`Fault::Manifest`], [`Fault::Unsupported`], [`Fault::Damaged`], and what the network may fail
    /// with.
    pub async fn learn(&self, id: RepresentationId) -> Result<(), Fault> {
        let mut it = self.representation(id)?;
        let mut is_described = !it.container.is_empty() && !it.codecs.is_empty();
        match it.index.clone() {
            Index::Known(_) => {}
            Index::Playlist(path) => {
                let place = Place { path, range: None };
                let get = self
                    .network
                    .get(Piece::Manifest, &it.bases, &place, Extent::Whole);
                let file = get.await?;
                let segments = manifest::segments(&file, &self.definitions)?;
                is_described &= self.is_unmuxed(id) && !segments.inits.is_empty();
                it.index = Index::Known(Rc::new(segments));
                it.bases = vec![file.url.into()];
            }
            Index::Sidx(sidx) => {
                let segments = self.segment_index(&it.bases, &sidx).await?;
                it.index = Index::Known(Rc::new(segments));
            }
        }
        let mut kind = None;
        if !is_described {
            let (what, file) = self.first_bytes(&it).await?;
            kind = Some(manifest::describe(&mut it, &file, what)?);
        }
        self.take(id, it, kind)
    }

    /// Reads the segment index of a file.
    async fn segment_index(&self, bases: &[Rc<str>], sidx: &Sidx) -> Result<Segments, Fault> {
        let what = Piece::Index;
        let mut index = mp4::SegmentIndex::new(sidx);
        while let Some(range) = index.wanted() {
            let place = Place {
                path: sidx.path.clone(),
                range: Some(range),
            };
            let file = self.network.get(what, bases, &place, Extent::Whole).await?;
            index
                .read(&file.bytes.to_vec(), range.first)
                .map_err(|refusal| manifest::damaged(what, &file.url, refusal))?;
        }
        Ok(index.segments(sidx))
    }

    /// What a representation begins with: its init segment, or else its first media segment.
    async fn first_bytes(&self, it: &Representation) -> Result<(Piece, File), Fault> {
        let first = match &it.index {
            Index::Known(segments) => segments.get(0),
            _ => None,
        };
        let first = first.ok_or_else(|| manifest::malformed(&self.url, "it has no segments"))?;
        if let Some(init) = &first.init {
            let bytes = self.file(Piece::Init, &it.bases, init).await?;
            let file = File {
                bytes,
                url: self.url.clone(),
                content_type: String::new(),
            };
            return Ok((Piece::Init, file));
        }
        if first.key.is_some() {
            let feature = "encrypted segments without an init segment";
            return Err(manifest::unsupported(&self.url, feature));
        }
        let what = Piece::Segment;
        let get = self
            .network
            .get(what, &it.bases, &first.place, Extent::Beginning);
        Ok((what, get.await?))
    }

    /// Whether it is certain that a representation has no more in its segments than its manifest says.
    /// HLS playlists often keep silent about sound that is muxed in.
    fn is_unmuxed(&self, id: RepresentationId) -> bool {
        let film = self.presentation();
        let sets = film.periods.get(id.period).map(|period| &period.sets);
        let has_sound = |set: &AdaptationSet| set.kind == Kind::Audio || is_muxed(set);
        sets.is_some_and(|sets| sets.iter().any(has_sound))
    }

    /// Puts what was learned into the presentation.
    fn take(
        &self,
        id: RepresentationId,
        it: Representation,
        kind: Option<Kind>,
    ) -> Result<(), Fault> {
        if !MediaSource::is_type_supported(&it.mime()) && !self.exclude(id) {
            return Err(Fault::Undecodable { mime: it.mime() });
        }
        let span = match &it.index {
            Index::Known(segments) => segments.span(),
            _ => None,
        };
        let mut film = self.presentation.borrow_mut();
        if let Some(period) = film.periods.get_mut(id.period)
            && let Some(set) = period.sets.get_mut(id.set)
        {
            if let Some((_, end)) = span
                && period.end.is_infinite()
            {
                period.end = end;
            }
            // A film that consists of one representation is what that one turns out to be.
            if let Some(kind) = kind
                && is_nameless(set)
            {
                set.kind = kind;
            }
            if let Some(place) = set.representations.get_mut(id.representation) {
                *place = it;
            }
        }
        if film.duration.is_none() {
            let end = film.periods.last().map(|period| period.end);
            film.duration = end.filter(|end| end.is_finite());
        }
        Ok(())
    }

    /// The first of each set of which nothing is known but that it is there.
    fn nameless(&self) -> Vec<RepresentationId> {
        let film = self.presentation();
        let mut ids = film.ids();
        ids.retain(|id| id.representation == 0 && film.set(*id).is_some_and(is_nameless));
        ids
    }

    /// Asks, on this thread, for everything that the film offers: what is decoded on the page may not
    /// be decoded in a worker.
    fn exclude_the_undecodable(&self) {
        let film = self.presentation();
        for id in film.ids() {
            let (Some(set), Some(it)) = (film.set(id), film.representation(id)) else {
                continue;
            };
            let mime = it.mime();
            // The index of a WebM file is of another kind.
            let is_indexed =
                !(mime.starts_with("video/webm") && matches!(it.index, Index::Sidx(_)));
            // In HLS, what MP3 comes in is only known when it has come.
            let is_unknown = it.container.is_empty() || it.codecs == "mp4a.40.34";
            let is_decoded = is_unknown || MediaSource::is_type_supported(&mime);
            if set.protected || !is_indexed || !is_decoded {
                self.unplayable.borrow_mut().push(id);
            }
        }
    }

    /// Asks how well it decodes. Better a film that stutters than none: of each set, one stays. A film
    /// need not wait for this to begin.
    pub async fn exclude_the_slow(&self) {
        let ids = self.presentation().ids();
        for id in ids {
            let asked = self
                .presentation()
                .representation(id)
                .and_then(ask_how_well);
            if let Some(asked) = asked
                && self.is_playable(id)
                && let Ok(opinion) = JsFuture::from(asked).await
                && !is_good(&opinion)
            {
                self.exclude(id);
            }
        }
    }

    /// A film with pictures of which none can be shown is not played as sound alone.
    fn refuse_if_nothing_is_left(&self) -> Result<(), Fault> {
        let film = self.presentation();
        let sets = film.periods.iter().flat_map(|period| &period.sets);
        let needed = match sets.clone().any(|set| set.kind == Kind::Video) {
            true => Kind::Video,
            false => Kind::Audio,
        };
        let selected = selection::select(&film, needed, None, &|id| self.is_playable(id));
        if selected.iter().any(Option::is_some) {
            return Ok(());
        }
        let refused = sets.filter(|set| set.kind == needed);
        Err(manifest::unplayable(&self.url, refused))
    }
}

/// Whether nothing is known of a set but that it is there.
fn is_nameless(set: &AdaptationSet) -> bool {
    set.representations.iter().all(|it| it.container.is_empty())
}

/// Asks the browser whether it decodes this in time. `None` where that cannot be asked.
fn ask_how_well(representation: &Representation) -> Option<Promise> {
    let (width, height) = representation.size;
    let is_picture = kind_of(&representation.codecs) == Some(Kind::Video);
    if width == 0 || !is_picture || representation.codecs.contains(',') {
        return None;
    }
    let frame_rate = representation.frame_rate;
    let video = web::object(&[
        ("contentType", representation.mime().into()),
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
