//! From a film's URL to its segments: reads the manifest, and later what the manifest only refers to.

use std::{cell::RefCell, rc::Rc};

use futures_util::future::select;
use gloo_timers::future::TimeoutFuture;
use js_sys::{Promise, Reflect, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;
use web_sys::MediaSource;

use super::{
    fetch::Progress,
    network::{Network, base, resolve, resolved},
};
use crate::{
    media::{
        AdaptationSet, Availability, Index, Kind, Period, Place, Presentation, Refusal,
        Representation, RepresentationId, Segments, Sidx, dash,
        hls::{self, Definitions, Playlist},
        kind_of, mp4,
        retry::Attempts,
        selection::{self, is_muxed},
        sniff::{self, Content},
    },
    web,
    wire::{Fault, Piece},
};

/// How long the browser may take to say how well it decodes, in milliseconds.
const OPINION: u32 = 1_000;

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
    kept: RefCell<Vec<(String, Place, Uint8Array)>>,
}

impl Film {
    /// Reads the film at an absolute URL. What it is is decided by what it says, not by its name.
    ///
    /// # Errors
    /// [`Fault::Manifest`] and [`Fault::Unsupported`], [`Fault::Undecodable`] if nothing in it can be
    /// played here, and what the network may fail with.
    pub async fn read(url: &str, network: Rc<Network>) -> Result<Self, Fault> {
        let file = network.file(url, Piece::Manifest).await?;
        let (presentation, definitions) = match sniff::content(&file.bytes, &file.content_type) {
            Content::Mpd => {
                let text = String::from_utf8_lossy(&file.bytes);
                let film = dash::read(&text, &file.url, &resolved);
                (
                    film.map_err(|refusal| refused(url, refusal))?,
                    Definitions::default(),
                )
            }
            Content::Playlist => {
                let text = String::from_utf8_lossy(&file.bytes);
                let playlist = hls::read(&text, &file.url, &Definitions::default());
                match playlist.map_err(|refusal| refused(url, refusal))? {
                    Playlist::Multivariant(film) => (film.film, film.definitions),
                    Playlist::Media(media) => {
                        let index = Index::Known(Rc::new(media.segments));
                        let mut film = alone(&file.url, index);
                        film.availability = media.availability;
                        (film, Definitions::default())
                    }
                }
            }
            Content::Mp4 => {
                let end = f64::INFINITY;
                let sidx = Sidx {
                    end,
                    ..Sidx::default()
                };
                (alone(&file.url, Index::Sidx(sidx)), Definitions::default())
            }
            Content::TransportStream => return Err(unsupported(url, MPEG_TS)),
            Content::Html => return Err(malformed(url, "it is a web page")),
            _ => {
                return Err(malformed(
                    url,
                    "it is neither a DASH manifest nor an HLS playlist",
                ));
            }
        };
        if presentation.availability == Availability::Growing {
            return Err(unsupported(url, "a live stream"));
        }
        let film = Self {
            url: file.url,
            network,
            presentation: RefCell::new(presentation),
            definitions,
            unplayable: RefCell::default(),
            kept: RefCell::default(),
        };
        film.identify_the_nameless().await?;
        film.exclude_the_undecodable().await;
        film.refuse_if_nothing_is_left()?;
        Ok(film)
    }

    /// What is known of it so far.
    pub fn presentation(&self) -> std::cell::Ref<'_, Presentation> {
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
        let film = self.presentation();
        let found = film.representation(id).cloned();
        found.ok_or_else(|| malformed(&self.url, "it has no such representation"))
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
        let first = bases.first().map_or("", |base| base);
        let find = || {
            let kept = self.kept.borrow();
            let known = kept
                .iter()
                .find(|(base, at, _)| base == first && at == place);
            known.map(|(_, _, bytes)| bytes.clone())
        };
        if let Some(bytes) = find() {
            return Ok(bytes);
        }
        let bytes = self.network.bytes(what, bases, place).await?;
        let mut kept = self.kept.borrow_mut();
        kept.push((first.into(), place.clone(), bytes.clone()));
        Ok(bytes)
    }

    /// Finds out about the segments of a representation, and whatever else its manifest left open.
    ///
    /// # Errors
    /// [`Fault::Manifest`], [`Fault::Unsupported`], [`Fault::Damaged`], and what the network may fail
    /// with.
    pub async fn learn(&self, id: RepresentationId) -> Result<(), Fault> {
        let mut representation = self.representation(id)?;
        let is_hls = matches!(representation.index, Index::Playlist(_));
        let segments = match &representation.index {
            Index::Known(segments) => segments.clone(),
            Index::Playlist(path) => {
                let (url, segments) = self.playlist(&representation, path).await?;
                representation.bases = vec![url.into()];
                Rc::new(segments)
            }
            Index::Sidx(sidx) => Rc::new(self.segment_index(&representation, sidx).await?),
        };
        let kind = if self.is_described(id, &representation, is_hls, &segments) {
            None
        } else {
            Some(self.identify(&mut representation, &segments).await?)
        };
        representation.index = Index::Known(segments.clone());
        if !MediaSource::is_type_supported(&representation.mime()) && !self.exclude(id) {
            let mime = representation.mime();
            return Err(Fault::Undecodable { mime });
        }
        self.take(id, representation, kind, segments.span());
        Ok(())
    }

    /// Puts what was learned into the presentation.
    fn take(
        &self,
        id: RepresentationId,
        representation: Representation,
        kind: Option<Kind>,
        span: Option<(f64, f64)>,
    ) {
        let mut film = self.presentation.borrow_mut();
        let Some(period) = film.periods.get_mut(id.period) else {
            return;
        };
        if period.end.is_infinite()
            && let Some((_, end)) = span
        {
            period.end = end;
            film.duration = film.periods.last().map(|period| period.end);
        }
        let period = film.periods.get_mut(id.period);
        let Some(set) = period.and_then(|period| period.sets.get_mut(id.set)) else {
            return;
        };
        // A film that consists of one representation is what that one turns out to be.
        if let Some(kind) = kind
            && is_nameless(set)
        {
            set.kind = kind;
        }
        if let Some(place) = set.representations.get_mut(id.representation) {
            *place = representation;
        }
    }

    /// Reads the media playlist at a path: its URL after redirects, and its segments.
    async fn playlist(
        &self,
        representation: &Representation,
        path: &str,
    ) -> Result<(String, Segments), Fault> {
        let attempts = Attempts::new(1);
        let url = resolve(base(&representation.bases, &attempts), path)?;
        let file = self.network.file(&url, Piece::Manifest).await?;
        let text = String::from_utf8_lossy(&file.bytes);
        let playlist = hls::read(&text, &file.url, &self.definitions);
        match playlist.map_err(|refusal| refused(&url, refusal))? {
            Playlist::Media(media) if media.availability == Availability::Growing => {
                Err(unsupported(&url, "a live stream"))
            }
            Playlist::Media(media) => Ok((file.url, media.segments)),
            Playlist::Multivariant(_) => Err(malformed(
                &url,
                "it lists variants where segments were expected",
            )),
        }
    }

    /// Reads the segment index of a file.
    async fn segment_index(
        &self,
        representation: &Representation,
        sidx: &Sidx,
    ) -> Result<Segments, Fault> {
        let what = Piece::Index;
        let mut index = mp4::SegmentIndex::new(sidx);
        while let Some(range) = index.wanted() {
            let place = Place {
                path: sidx.path.clone(),
                range: Some(range),
            };
            let bytes = self
                .network
                .bytes(what, &representation.bases, &place)
                .await?;
            index
                .read(&bytes.to_vec(), range.first)
                .map_err(|refusal| damaged(what, &self.url, refusal))?;
        }
        Ok(index.segments(sidx))
    }

    /// Whether the manifest has said all that a SourceBuffer has to know. Of HLS it often says too
    /// little: nothing, or nothing of the sound that is muxed in, or nothing of what the segments are.
    fn is_described(
        &self,
        id: RepresentationId,
        representation: &Representation,
        is_hls: bool,
        segments: &Segments,
    ) -> bool {
        if representation.container.is_empty() || representation.codecs.is_empty() {
            return false;
        }
        let film = self.presentation();
        let sets = film.periods.get(id.period).map(|period| &period.sets);
        let has_sound = |set: &AdaptationSet| set.kind == Kind::Audio || is_muxed(set);
        let may_be_muxed = !sets.is_some_and(|sets| sets.iter().any(has_sound));
        !is_hls || !(segments.inits.is_empty() || may_be_muxed)
    }

    /// Finds out what a representation is from its first bytes.
    async fn identify(
        &self,
        representation: &mut Representation,
        segments: &Segments,
    ) -> Result<Kind, Fault> {
        let first = segments
            .get(0)
            .ok_or_else(|| malformed(&self.url, "it has no segments"))?;
        let (what, bytes) = match &first.init {
            Some(init) => {
                let bytes = self.file(Piece::Init, &representation.bases, init).await?;
                (Piece::Init, bytes.to_vec())
            }
            None if first.key.is_some() => {
                return Err(unsupported(
                    &self.url,
                    "encrypted segments without an init segment",
                ));
            }
            None => {
                let url = resolve(
                    base(&representation.bases, &Attempts::new(1)),
                    &first.place.path,
                )?;
                let bytes = self.beginning(&url, &first.place).await?;
                (Piece::Segment, bytes.to_vec())
            }
        };
        let (container, kind) = match sniff::content(&bytes, "") {
            Content::Mp4 => {
                let init = mp4::init(&bytes).map_err(|it| damaged(what, &self.url, it))?;
                if init.encrypted {
                    return Err(unsupported(&self.url, DRM));
                }
                representation.codecs = init.codecs;
                if representation.size == (0, 0) {
                    representation.size = init.size;
                }
                match init.kind {
                    Kind::Video => ("video/mp4", Kind::Video),
                    Kind::Audio => ("audio/mp4", Kind::Audio),
                }
            }
            Content::Mp3 => ("audio/mpeg", Kind::Audio),
            Content::Aac => ("audio/aac", Kind::Audio),
            Content::WebM => ("video/webm", Kind::Video),
            Content::TransportStream => return Err(unsupported(&self.url, MPEG_TS)),
            _ => {
                return Err(unsupported(
                    &self.url,
                    "segments in a format that it cannot tell",
                ));
            }
        };
        if matches!(container, "audio/mpeg" | "audio/aac") {
            // The type itself names the codec, and browsers want no other name beside it.
            representation.codecs.clear();
        }
        representation.container = container.into();
        Ok(kind)
    }

    /// The first bytes of a segment, with some trouble at the network overcome.
    async fn beginning(&self, url: &str, place: &Place) -> Result<Uint8Array, Fault> {
        let mut attempts = Attempts::new(1);
        loop {
            let fetched = async {
                let progress = Progress::default();
                let mut answer = self
                    .network
                    .open(Piece::Segment, url, place, &progress)
                    .await?;
                Ok(answer.next().await?.unwrap_or_default())
            };
            match fetched.await {
                Ok(bytes) => return Ok(bytes),
                Err(fault) => self.network.failed(&mut attempts, fault).await?,
            }
        }
    }

    /// A set of which nothing is said at all has to be looked at before anything can be decided.
    async fn identify_the_nameless(&self) -> Result<(), Fault> {
        let ids = self.presentation().ids();
        for id in ids.into_iter().filter(|id| id.representation == 0) {
            let is_nameless = self.presentation().set(id).is_some_and(is_nameless);
            if is_nameless {
                self.learn(id).await?;
            }
        }
        Ok(())
    }

    /// Asks, on this thread, for everything that the film offers: what is decoded on the page may not
    /// be decoded in a worker.
    async fn exclude_the_undecodable(&self) {
        let ids = self.presentation().ids();
        self.unplayable
            .borrow_mut()
            .extend(ids.iter().filter(|id| !self.is_decodable(**id)));
        let asking = async {
            for id in ids {
                let asked = self
                    .presentation()
                    .representation(id)
                    .and_then(ask_how_well);
                if let Some(asked) = asked
                    && let Ok(opinion) = JsFuture::from(asked).await
                    && !is_good(&opinion)
                {
                    // Better a film that stutters than none.
                    self.exclude(id);
                }
            }
        };
        select(Box::pin(asking), TimeoutFuture::new(OPINION)).await;
    }

    fn is_decodable(&self, id: RepresentationId) -> bool {
        let film = self.presentation();
        let (Some(set), Some(it)) = (film.set(id), film.representation(id)) else {
            return false;
        };
        let is_known = !it.container.is_empty();
        // The index of a WebM file is of another kind.
        let is_indexed = !(it.container.ends_with("webm") && matches!(it.index, Index::Sidx(_)));
        let is_supported = !is_known || MediaSource::is_type_supported(&it.mime());
        !set.protected && is_indexed && is_supported
    }

    /// A film with pictures of which none can be shown is not played as sound alone.
    fn refuse_if_nothing_is_left(&self) -> Result<(), Fault> {
        let film = self.presentation();
        let sets = film.periods.iter().flat_map(|period| &period.sets);
        let has_pictures = sets.clone().any(|set| set.kind == Kind::Video);
        let sets = sets.filter(|set| !has_pictures || set.kind == Kind::Video);
        let needed = if has_pictures {
            Kind::Video
        } else {
            Kind::Audio
        };
        let selected = selection::select(&film, needed, None, &|id| self.is_playable(id));
        if selected.iter().any(Option::is_some) {
            return Ok(());
        }
        if sets.clone().any(|set| set.protected) {
            return Err(unsupported(&self.url, DRM));
        }
        let mut mimes: Vec<String> = Vec::new();
        for mime in sets
            .flat_map(|set| &set.representations)
            .map(Representation::mime)
        {
            if !mimes.contains(&mime) {
                mimes.push(mime);
            }
        }
        if mimes.iter().any(|mime| mime.starts_with("video/mp2t")) {
            return Err(unsupported(&self.url, MPEG_TS));
        }
        let mime = mimes.join(", ");
        Err(Fault::Undecodable { mime })
    }
}

const DRM: &str = "DRM protection";
const MPEG_TS: &str = "MPEG transport streams";

/// A film of one representation of which only the address is known.
fn alone(url: &str, index: Index) -> Presentation {
    let end = match &index {
        Index::Known(segments) => segments.span().map_or(0.0, |(_, end)| end),
        _ => f64::INFINITY,
    };
    let representation = Representation {
        bases: vec![url.into()],
        index,
        ..Representation::default()
    };
    let set = AdaptationSet {
        main: true,
        representations: vec![representation],
        ..AdaptationSet::default()
    };
    Presentation {
        duration: end.is_finite().then_some(end),
        availability: Availability::Whole,
        periods: vec![Period {
            start: 0.0,
            end,
            sets: vec![set],
        }],
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

fn refused(url: &str, refusal: Refusal) -> Fault {
    match refusal {
        Refusal::Malformed(reason) => malformed(url, &reason),
        Refusal::Unsupported(feature) => unsupported(url, feature),
    }
}

fn damaged(what: Piece, url: &str, refusal: Refusal) -> Fault {
    match refusal {
        Refusal::Malformed(reason) => Fault::Damaged {
            what,
            url: url.into(),
            reason,
        },
        Refusal::Unsupported(feature) => unsupported(url, feature),
    }
}

fn malformed(url: &str, reason: &str) -> Fault {
    Fault::Manifest {
        url: url.into(),
        reason: reason.into(),
    }
}

fn unsupported(url: &str, feature: &str) -> Fault {
    Fault::Unsupported {
        url: url.into(),
        feature: feature.into(),
    }
}
