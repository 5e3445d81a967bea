//! What the files that describe a film say: a manifest, a media playlist, the first bytes of a segment.
//! Whoever fetches them is [`super::film`].

use std::rc::Rc;

use js_sys::Uint8Array;

use super::{
    context::{self, Trouble},
    network::{File, resolved},
};
use crate::{
    media::{
        AdaptationSet, Availability, Index, Kind, Period, Presentation, Refusal, Representation,
        Segments, Sidx, dash,
        hls::{self, Definitions, Playlist},
        mp4,
        sniff::{self, Content},
    },
    platform::web,
    protocol::{PlaybackError, ResourceKind},
};

const DRM: &str = "DRM protection";
const LIVE: &str = "a live stream";
const MPEG_TS: &str = "MPEG transport streams";

/// Reads a film's manifest. What it is is decided by what it says, not by its name.
///
/// # Errors
/// [`Fault::Manifest`] and [`Fault::Unsupported`].
pub fn read(file: &File) -> Result<(Presentation, Definitions), Trouble> {
    let url = &file.url;
    let mut definitions = Definitions::default();
    let film = match sniff::content(&beginning(&file.bytes), &file.content_type) {
        Content::Mpd => dash::read(&web::decode(&file.bytes), url, &resolved)
            .map_err(|refusal| refused(url, refusal))?,
        Content::Playlist => match playlist(file, &definitions)? {
            Playlist::Multivariant(it) => {
                definitions = it.definitions;
                it.film
            }
            Playlist::Media(it) => alone(url, Index::Known(Rc::new(it.segments)), it.availability),
        },
        Content::Mp4 => {
            let sidx = Sidx {
                end: f64::INFINITY,
                ..Sidx::default()
            };
            alone(url, Index::Sidx(sidx), Availability::Whole)
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
    if film.availability == Availability::Growing {
        return Err(unsupported(url, LIVE));
    }
    Ok((film, definitions))
}

/// Reads a media playlist of a film in HLS.
///
/// # Errors
/// [`Fault::Manifest`] and [`Fault::Unsupported`].
pub fn segments(file: &File, definitions: &Definitions) -> Result<Rc<Segments>, Trouble> {
    match playlist(file, definitions)? {
        Playlist::Media(media) if media.availability == Availability::Growing => {
            Err(unsupported(&file.url, LIVE))
        }
        Playlist::Media(media) => Ok(Rc::new(media.segments)),
        Playlist::Multivariant(_) => Err(malformed(
            &file.url,
            "it lists variants where segments were expected",
        )),
    }
}

fn playlist(file: &File, definitions: &Definitions) -> Result<Playlist, Trouble> {
    hls::read(&web::decode(&file.bytes), &file.url, definitions)
        .map_err(|refusal| refused(&file.url, refusal))
}

/// Finds out what a representation is from its init segment, or from the beginning of its first media
/// segment where that has none.
///
/// # Errors
/// [`Fault::Unsupported`] and [`Fault::Damaged`].
pub fn describe(it: &mut Representation, file: &File, what: ResourceKind) -> Result<Kind, Trouble> {
    let File { bytes, url, .. } = file;
    let (container, kind) = match sniff::content(&bytes.to_vec(), "") {
        Content::Mp4 => {
            let init = init(bytes, url, what)?;
            it.codecs = init.codecs;
            if it.size == (0, 0) {
                it.size = init.size;
            }
            match init.kind {
                Kind::Video => ("video/mp4", Kind::Video),
                Kind::Audio => ("audio/mp4", Kind::Audio),
            }
        }
        // These types name the codec themselves, and browsers want no other name beside it.
        Content::Mp3 => {
            it.codecs.clear();
            ("audio/mpeg", Kind::Audio)
        }
        Content::Aac => {
            it.codecs.clear();
            ("audio/aac", Kind::Audio)
        }
        Content::WebM => ("video/webm", Kind::Video),
        Content::TransportStream => return Err(unsupported(url, MPEG_TS)),
        _ => {
            return Err(unsupported(url, "segments of a kind that it does not know"));
        }
    };
    it.container = container.into();
    Ok(kind)
}

/// Reads an init segment in MP4.
///
/// # Errors
/// [`Fault::Damaged`], or [`Fault::Unsupported`] if what it belongs to is encrypted.
pub fn init(bytes: &Uint8Array, url: &str, what: ResourceKind) -> Result<mp4::Init, Trouble> {
    let init = mp4::init(&bytes.to_vec()).map_err(|refusal| damaged(what, url, refusal))?;
    if init.encrypted {
        return Err(unsupported(url, DRM));
    }
    Ok(init)
}

/// Why nothing of this kind can be played.
pub fn unplayable(url: &str, film: &Presentation, kind: Kind) -> Trouble {
    let mut mimes: Vec<String> = Vec::new();
    for &(_, set, it) in &film.all() {
        if set.kind != kind {
            continue;
        }
        if set.protected {
            return unsupported(url, DRM);
        }
        if has_cues(it) {
            return unsupported(url, "WebM files with an index of their own");
        }
        let mime = it.mime();
        if mime.starts_with("video/mp2t") {
            return unsupported(url, MPEG_TS);
        }
        if !mimes.contains(&mime) {
            mimes.push(mime);
        }
    }
    let mime = mimes.join(", ");
    PlaybackError::UnsupportedCodec { mime }.into()
}

/// Whether what tells where the segments of a file are is of WebM's own kind, which is not read here.
pub fn has_cues(it: &Representation) -> bool {
    it.container.ends_with("/webm") && matches!(it.index, Index::Sidx(_))
}

/// The fault of a file that breaks the rules of its format, or needs what this player has not.
pub fn damaged(what: ResourceKind, url: &str, refusal: Refusal) -> Trouble {
    match refusal {
        Refusal::Malformed(reason) => context::damaged(what, url, &reason),
        Refusal::Unsupported(feature) => unsupported(url, feature),
    }
}

fn refused(url: &str, refusal: Refusal) -> Trouble {
    match refusal {
        Refusal::Malformed(reason) => Box::new(PlaybackError::InvalidManifest {
            url: url.into(),
            reason,
        }),
        Refusal::Unsupported(feature) => unsupported(url, feature),
    }
}

/// The fault of a manifest that breaks the rules of its format.
pub fn malformed(url: &str, reason: &str) -> Trouble {
    refused(url, Refusal::Malformed(reason.into()))
}

/// The fault of a film that needs what this player has not.
pub fn unsupported(url: &str, feature: &str) -> Trouble {
    Box::new(PlaybackError::UnsupportedFeature {
        url: url.into(),
        feature: feature.into(),
    })
}

/// Enough of a file to tell what it is.
fn beginning(bytes: &Uint8Array) -> Vec<u8> {
    bytes.subarray(0, bytes.length().min(4096)).to_vec()
}

/// A film of one representation of which only the address is known.
fn alone(url: &str, index: Index, availability: Availability) -> Presentation {
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
        availability,
        periods: vec![Period {
            start: 0.0,
            end,
            sets: vec![set],
        }],
        captions: Vec::new(),
    }
}
