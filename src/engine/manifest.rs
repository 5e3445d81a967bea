//! What the files that describe a film say: a manifest, a media playlist, the first bytes of a segment.
//! Whoever fetches them is [`super::film`].

use std::rc::Rc;

use js_sys::Uint8Array;

use super::network::{File, resolved};
use crate::{
    media::{
        AdaptationSet, Availability, Index, Kind, Period, Presentation, Refusal, Representation,
        Segments, Sidx, dash,
        hls::{self, Definitions, Playlist},
        mp4,
        sniff::{self, Content},
    },
    web,
    wire::{Fault, Piece},
};

const DRM: &str = "DRM protection";
const LIVE: &str = "a live stream";
const MPEG_TS: &str = "MPEG transport streams";

/// Reads a film's manifest. What it is is decided by what it says, not by its name.
///
/// # Errors
/// [`Fault::Manifest`] and [`Fault::Unsupported`].
pub fn read(file: &File) -> Result<(Presentation, Definitions), Fault> {
    let url = &file.url;
    let alone = |index, availability| (alone(url, index, availability), Definitions::default());
    let read = match sniff::content(&beginning(&file.bytes), &file.content_type) {
        Content::Mpd => dash::read(&web::decode(&file.bytes), url, &resolved)
            .map(|film| (film, Definitions::default())),
        Content::Playlist => hls::read(&web::decode(&file.bytes), url, &Definitions::default())
            .map(|it| match it {
                Playlist::Multivariant(it) => (it.film, it.definitions),
                Playlist::Media(it) => alone(Index::Known(Rc::new(it.segments)), it.availability),
            }),
        Content::Mp4 => {
            let sidx = Sidx {
                end: f64::INFINITY,
                ..Sidx::default()
            };
            Ok(alone(Index::Sidx(sidx), Availability::Whole))
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
    let (film, definitions) = read.map_err(|refusal| refused(url, refusal))?;
    if film.availability == Availability::Growing {
        return Err(unsupported(url, LIVE));
    }
    Ok((film, definitions))
}

/// Reads a media playlist of a film in HLS.
///
/// # Errors
/// [`Fault::Manifest`] and [`Fault::Unsupported`].
pub fn segments(file: &File, definitions: &Definitions) -> Result<Segments, Fault> {
    let url = &file.url;
    let playlist = hls::read(&web::decode(&file.bytes), url, definitions);
    match playlist.map_err(|refusal| refused(url, refusal))? {
        Playlist::Media(media) if media.availability == Availability::Growing => {
            Err(unsupported(url, LIVE))
        }
        Playlist::Media(media) => Ok(media.segments),
        Playlist::Multivariant(_) => Err(malformed(
            url,
            "it lists variants where segments were expected",
        )),
    }
}

/// Finds out what a representation is from its init segment, or from the beginning of its first media
/// segment where that has none.
///
/// # Errors
/// [`Fault::Unsupported`] and [`Fault::Damaged`].
pub fn describe(it: &mut Representation, file: &File, what: Piece) -> Result<Kind, Fault> {
    let bytes = file.bytes.to_vec();
    let (container, kind) = match sniff::content(&bytes, "") {
        Content::Mp4 => {
            let init = init(&file.bytes, &file.url, what)?;
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
        Content::TransportStream => return Err(unsupported(&file.url, MPEG_TS)),
        _ => {
            return Err(unsupported(
                &file.url,
                "segments of a kind that it does not know",
            ));
        }
    };
    it.container = container.into();
    Ok(kind)
}

/// Reads an init segment in MP4.
///
/// # Errors
/// [`Fault::Damaged`], or [`Fault::Unsupported`] if what it belongs to is encrypted.
pub fn init(bytes: &Uint8Array, url: &str, what: Piece) -> Result<mp4::Init, Fault> {
    let init = mp4::init(&bytes.to_vec()).map_err(|refusal| damaged(what, url, refusal))?;
    if init.encrypted {
        return Err(unsupported(url, DRM));
    }
    Ok(init)
}

/// Why nothing of these can be played.
pub fn unplayable<'a>(url: &str, sets: impl Iterator<Item = &'a AdaptationSet>) -> Fault {
    let mut mimes: Vec<String> = Vec::new();
    for set in sets {
        if set.protected {
            return unsupported(url, DRM);
        }
        for mime in set.representations.iter().map(Representation::mime) {
            if mime.starts_with("video/mp2t") {
                return unsupported(url, MPEG_TS);
            }
            if !mimes.contains(&mime) {
                mimes.push(mime);
            }
        }
    }
    let mime = mimes.join(", ");
    Fault::Undecodable { mime }
}

/// The fault of a file that breaks the rules of its format, or needs what this player has not.
pub fn damaged(what: Piece, url: &str, refusal: Refusal) -> Fault {
    match refusal {
        Refusal::Malformed(reason) => Fault::Damaged {
            what,
            url: url.into(),
            reason,
        },
        Refusal::Unsupported(feature) => unsupported(url, feature),
    }
}

fn refused(url: &str, refusal: Refusal) -> Fault {
    match refusal {
        Refusal::Malformed(reason) => Fault::Manifest {
            url: url.into(),
            reason,
        },
        Refusal::Unsupported(feature) => unsupported(url, feature),
    }
}

/// The fault of a manifest that breaks the rules of its format.
pub fn malformed(url: &str, reason: &str) -> Fault {
    refused(url, Refusal::Malformed(reason.into()))
}

/// The fault of a film that needs what this player has not.
pub fn unsupported(url: &str, feature: &str) -> Fault {
    Fault::Unsupported {
        url: url.into(),
        feature: feature.into(),
    }
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
    }
}
