//! What the files that describe a film say: a manifest, a media playlist, the first bytes of a segment.
//! Whoever fetches them is [`super::film`].

use std::rc::Rc;

use js_sys::Uint8Array;

use super::{
    context::{self, Error},
    network::{FetchedFile, resolved},
};
use crate::{
    media::{
        AdaptationSet, Availability, ContentType, Index, ManifestError, Period, Presentation,
        Representation, Segments, SidxLocation, dash,
        hls::{self, Playlist, VariableDefinitions},
        mp4,
        sniff::{self, Format},
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
/// [`PlaybackError::InvalidManifest`] and [`PlaybackError::UnsupportedFeature`].
pub fn parse(file: &FetchedFile) -> Result<(Presentation, VariableDefinitions), Error> {
    let url = &file.url;
    let mut definitions = VariableDefinitions::default();
    let film = match sniff::detect(&beginning(&file.bytes), &file.content_type) {
        Format::Mpd => dash::parse(&web::decode(&file.bytes), url, &resolved)
            .map_err(|refusal| refused(url, refusal))?,
        Format::Playlist => match playlist(file, &definitions)? {
            Playlist::Multivariant(it) => {
                definitions = it.variables;
                it.presentation
            }
            Playlist::Media(it) => alone(url, Index::Known(Rc::new(it.segments)), it.availability),
        },
        Format::Mp4 => {
            let sidx = SidxLocation {
                end: f64::INFINITY,
                ..SidxLocation::default()
            };
            alone(url, Index::Sidx(sidx), Availability::Complete)
        }
        Format::TransportStream => return Err(unsupported_feature(url, MPEG_TS)),
        Format::Html => return Err(invalid_manifest(url, "it is a web page")),
        _ => {
            return Err(invalid_manifest(
                url,
                "it is neither a DASH manifest nor an HLS playlist",
            ));
        }
    };
    if film.availability == Availability::Live {
        return Err(unsupported_feature(url, LIVE));
    }
    Ok((film, definitions))
}

/// Reads a media playlist of a film in HLS.
///
/// # Errors
/// [`PlaybackError::InvalidManifest`] and [`PlaybackError::UnsupportedFeature`].
pub fn segments(
    file: &FetchedFile,
    definitions: &VariableDefinitions,
) -> Result<Rc<Segments>, Error> {
    match playlist(file, definitions)? {
        Playlist::Media(media) if media.availability == Availability::Live => {
            Err(unsupported_feature(&file.url, LIVE))
        }
        Playlist::Media(media) => Ok(Rc::new(media.segments)),
        Playlist::Multivariant(_) => Err(invalid_manifest(
            &file.url,
            "it lists variants where segments were expected",
        )),
    }
}

fn playlist(file: &FetchedFile, definitions: &VariableDefinitions) -> Result<Playlist, Error> {
    hls::parse(&web::decode(&file.bytes), &file.url, definitions)
        .map_err(|refusal| refused(&file.url, refusal))
}

/// Finds out what a representation is from its init segment, or from the beginning of its first media
/// segment where that has none.
///
/// # Errors
/// [`PlaybackError::UnsupportedFeature`] and [`PlaybackError::InvalidData`].
pub fn describe_representation(
    it: &mut Representation,
    file: &FetchedFile,
    what: ResourceKind,
) -> Result<ContentType, Error> {
    let FetchedFile { bytes, url, .. } = file;
    let (container, kind) = match sniff::detect(&bytes.to_vec(), "") {
        Format::Mp4 => {
            let init = parse_init_segment(bytes, url, what)?;
            it.codecs = init.codecs;
            if it.size == (0, 0) {
                it.size = init.size;
            }
            match init.content_type {
                ContentType::Video => ("video/mp4", ContentType::Video),
                ContentType::Audio => ("audio/mp4", ContentType::Audio),
            }
        }
        // These types name the codec themselves, and browsers want no other name beside it.
        Format::Mp3 => {
            it.codecs.clear();
            ("audio/mpeg", ContentType::Audio)
        }
        Format::Aac => {
            it.codecs.clear();
            ("audio/aac", ContentType::Audio)
        }
        Format::WebM => ("video/webm", ContentType::Video),
        Format::TransportStream => return Err(unsupported_feature(url, MPEG_TS)),
        _ => {
            return Err(unsupported_feature(
                url,
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
/// [`PlaybackError::InvalidData`], or [`PlaybackError::UnsupportedFeature`] if what it belongs to is encrypted.
pub fn parse_init_segment(
    bytes: &Uint8Array,
    url: &str,
    what: ResourceKind,
) -> Result<mp4::InitSegment, Error> {
    let init = mp4::parse_init_segment(&bytes.to_vec())
        .map_err(|refusal| invalid_data(what, url, refusal))?;
    if init.is_encrypted {
        return Err(unsupported_feature(url, DRM));
    }
    Ok(init)
}

/// Why nothing of this kind can be played.
pub fn unplayable(url: &str, film: &Presentation, kind: ContentType) -> Error {
    let mut mimes: Vec<String> = Vec::new();
    for &(_, set, it) in &film.representations() {
        if set.content_type != kind {
            continue;
        }
        if set.is_protected {
            return unsupported_feature(url, DRM);
        }
        if has_cues(it) {
            return unsupported_feature(url, "WebM files with an index of their own");
        }
        let mime = it.mime();
        if mime.starts_with("video/mp2t") {
            return unsupported_feature(url, MPEG_TS);
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
pub fn invalid_data(what: ResourceKind, url: &str, refusal: ManifestError) -> Error {
    match refusal {
        ManifestError::Malformed(reason) => context::invalid_data(what, url, &reason),
        ManifestError::Unsupported(feature) => unsupported_feature(url, feature),
    }
}

fn refused(url: &str, refusal: ManifestError) -> Error {
    match refusal {
        ManifestError::Malformed(reason) => Box::new(PlaybackError::InvalidManifest {
            url: url.into(),
            reason,
        }),
        ManifestError::Unsupported(feature) => unsupported_feature(url, feature),
    }
}

/// The fault of a manifest that breaks the rules of its format.
pub fn invalid_manifest(url: &str, reason: &str) -> Error {
    refused(url, ManifestError::Malformed(reason.into()))
}

/// The fault of a film that needs what this player has not.
pub fn unsupported_feature(url: &str, feature: &str) -> Error {
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
        base_urls: vec![url.into()],
        index,
        ..Representation::default()
    };
    let set = AdaptationSet {
        is_main: true,
        representations: vec![representation],
        ..AdaptationSet::default()
    };
    Presentation {
        duration: end.is_finite().then_some(end),
        availability,
        periods: vec![Period {
            start: 0.0,
            end,
            adaptation_sets: vec![set],
        }],
        captions: Vec::new(),
    }
}
