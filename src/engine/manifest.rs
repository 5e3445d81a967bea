//! Interprets the files that describe the content: manifests, media playlists, and the start of segments.

use std::rc::Rc;

use super::{
    error::{Error, file_error, invalid_manifest, manifest_error, unsupported_feature},
    network::FetchedFile,
};
use crate::{
    media::{
        AdaptationSet, Container, ContentType, Index, Period, Presentation, Representation,
        Segments, dash,
        hls::{self, MediaPlaylist, Playlist, VariableDefinitions},
        mp4,
        sniff::{self, Format, SNIFF_BYTES},
        text,
    },
    platform::{self, Bytes},
    protocol::{PlaybackError, ResourceKind},
};

const DRM: &str = "DRM protection";
const MPEG_TS: &str = "MPEG transport streams";

/// Parses a manifest, after detecting its format by its content. Also returns the variable definitions that it passes to
/// its media playlists.
///
/// # Errors
/// [`PlaybackError::InvalidManifest`] and [`PlaybackError::UnsupportedFeature`].
pub fn parse(file: &FetchedFile) -> Result<(Presentation, VariableDefinitions), Error> {
    let url = &file.url;
    let mut definitions = VariableDefinitions::default();
    let first_bytes = file.bytes.prefix(SNIFF_BYTES);
    let presentation = match sniff::detect(&first_bytes, &file.content_type) {
        Format::Mpd => dash::parse(
            &text::decode(&file.bytes.to_vec()),
            url,
            &platform::resolve_url,
        )
        .map_err(|error| manifest_error(url, error))?,
        Format::Playlist => match parse_playlist(file, &definitions)? {
            Playlist::Multivariant(playlist) => {
                definitions = playlist.variables;
                playlist.presentation
            }
            Playlist::Media(playlist) => {
                let index = Index::Known(Rc::new(playlist.segments));
                Presentation {
                    start: playlist.start,
                    ..single_representation(url, index)
                }
            }
        },
        Format::TransportStream => return Err(unsupported_feature(url, MPEG_TS)),
        Format::Html => return Err(invalid_manifest(url, "it is a web page")),
        _ => {
            let reason = "it is neither a DASH manifest nor an HLS playlist";
            return Err(invalid_manifest(url, reason));
        }
    };
    Ok((presentation, definitions))
}

/// Parses an HLS media playlist.
///
/// # Errors
/// [`PlaybackError::InvalidManifest`] and [`PlaybackError::UnsupportedFeature`].
pub fn parse_media_playlist(
    file: &FetchedFile,
    definitions: &VariableDefinitions,
) -> Result<Rc<Segments>, Error> {
    read_media_playlist(&text::decode(&file.bytes.to_vec()), &file.url, definitions)
        .map(|playlist| Rc::new(playlist.segments))
}

/// Parses the text of an HLS media playlist that was fetched from `url`.
///
/// # Errors
/// [`PlaybackError::InvalidManifest`] and [`PlaybackError::UnsupportedFeature`].
pub fn read_media_playlist(
    text: &str,
    url: &str,
    definitions: &VariableDefinitions,
) -> Result<MediaPlaylist, Error> {
    match hls::parse(text, url, definitions).map_err(|error| manifest_error(url, error))? {
        Playlist::Media(media) => Ok(media),
        Playlist::Multivariant(_) => Err(invalid_manifest(
            url,
            "it lists variants instead of segments",
        )),
    }
}

fn parse_playlist(
    file: &FetchedFile,
    definitions: &VariableDefinitions,
) -> Result<Playlist, Error> {
    hls::parse(&text::decode(&file.bytes.to_vec()), &file.url, definitions)
        .map_err(|error| manifest_error(&file.url, error))
}

/// Detects the container and the codecs of a representation from its init segment, or from the start of its first media
/// segment if it has none. Returns its content type.
///
/// # Errors
/// [`PlaybackError::UnsupportedFeature`] and [`PlaybackError::InvalidData`].
pub fn describe_representation(
    representation: &mut Representation,
    file: &FetchedFile,
    resource: ResourceKind,
) -> Result<ContentType, Error> {
    describe_container(representation, &file.bytes, &file.url, resource)
}

/// Like [`describe_representation`], with the bytes of a file at `url`.
///
/// # Errors
/// [`PlaybackError::UnsupportedFeature`] and [`PlaybackError::InvalidData`].
pub fn describe_container(
    representation: &mut Representation,
    bytes: &Bytes,
    url: &str,
    resource: ResourceKind,
) -> Result<ContentType, Error> {
    let Some(container) = detect_container(bytes) else {
        return Err(unsupported_feature(url, "segments of an unknown format"));
    };
    let content_type = match container {
        Container::Mp4 => {
            let init = parse_init_segment(bytes, url, resource)?;
            // The manifest's codecs may have parameters that the init segment lacks.
            if !mp4::is_same_format(&init.codecs, &representation.codecs) {
                representation.codecs = init.codecs;
            }
            if representation.size == (0, 0) {
                representation.size = init.size;
            }
            init.content_type
        }
        // These types imply their codec, and browsers refuse them with a `codecs` parameter.
        Container::Mp3 | Container::Aac => {
            representation.codecs.clear();
            ContentType::Audio
        }
        Container::WebM => ContentType::Video,
        Container::TransportStream => return Err(unsupported_feature(url, MPEG_TS)),
    };
    representation.container = container.media_type(content_type).into();
    Ok(content_type)
}

/// Detects the container by the first bytes of an init segment or a media segment; `None` if they do not tell.
pub fn detect_container(bytes: &Bytes) -> Option<Container> {
    let first_bytes = bytes.prefix(SNIFF_BYTES);
    if first_bytes.starts_with(b"ID3") {
        // The tag may contain a picture: the audio begins after it.
        return Container::detect(&bytes.to_vec());
    }
    Container::detect(&first_bytes)
}

/// Parses an MP4 init segment.
///
/// # Errors
/// [`PlaybackError::InvalidData`], or [`PlaybackError::UnsupportedFeature`] if its media is encrypted.
pub fn parse_init_segment(
    bytes: &Bytes,
    url: &str,
    resource: ResourceKind,
) -> Result<mp4::InitSegment, Error> {
    let init = mp4::parse_init_segment(&bytes.to_vec())
        .map_err(|error| file_error(resource, url, error))?;
    if init.is_encrypted {
        return Err(unsupported_feature(url, DRM));
    }
    Ok(init)
}

/// The error that says why no representation of a content type is playable.
pub fn unplayable(url: &str, presentation: &Presentation, content_type: ContentType) -> Error {
    let mut mimes: Vec<String> = Vec::new();
    for &(_, set, representation) in &presentation.representations() {
        if set.content_type != content_type {
            continue;
        }
        if set.is_protected {
            return unsupported_feature(url, DRM);
        }
        if has_cues(representation) {
            return unsupported_feature(url, "WebM files with an index of their own");
        }
        let mime = representation.mime();
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

/// Whether the segment index is a WebM `Cues` element, which this player cannot read.
pub fn has_cues(representation: &Representation) -> bool {
    representation.container.ends_with("/webm") && matches!(representation.index, Index::Sidx(_))
}

/// A presentation with one representation, for a media playlist or an MP4 file.
fn single_representation(url: &str, index: Index) -> Presentation {
    let end = match &index {
        Index::Known(segments) if !segments.live.is_growing => {
            segments.span().map_or(0.0, |(_, end)| end)
        }
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
        periods: vec![Period {
            end,
            adaptation_sets: vec![set],
            ..Period::default()
        }],
        ..Presentation::default()
    }
}
