//! Reads the Representation elements of an AdaptationSet (§ 5.3.5).

use std::rc::Rc;

use super::{
    attributes::{language_and_label, parse_frame_rate},
    inheritance::{attribute, child, number, segment_info},
    reader::MpdReader,
    segments::{availability_offset, read_segments, sidx_location, time_offset},
};
use crate::media::{
    captions::{CaptionFile, CaptionTrack},
    codec_names::normalize_codecs,
    error::ManifestError,
    presentation::{ContentType, Index, Period, Representation, content_type_of_codec},
    purpose::Purpose,
    segments::Resource,
    xml::Element,
};

/// The error if [`MpdReader::exceeds_limit`].
pub const EXCEEDS_LIMIT: &str = "more than 64 MB of inherited attributes and elements";

/// Reads a representation. `levels` are its element and those above it.
pub fn read_representation(
    reader: &mut MpdReader,
    levels: &[&Element; 4],
    base_urls: Vec<Rc<str>>,
    period: &Period,
) -> Result<Representation, ManifestError> {
    let text = |name| attribute(levels, name).unwrap_or_default();
    let [element, ..] = levels;
    let id = element.attribute("id").unwrap_or_default();
    let container = text("mimeType").split(';').next().unwrap_or_default();
    let codecs = text("codecs");
    let segment_info = segment_info(levels);
    reader.inherit(container.len() + codecs.len());
    for element in &segment_info {
        reader.inherit(element.bytes);
    }
    for name in ["media", "initialization"] {
        // `$RepresentationID$` (18 characters) expands to the id, in which each `$` is doubled.
        let template = attribute(&segment_info, name).unwrap_or_default();
        reader.inherit(template.len().saturating_mul(id.len() / 9));
    }
    if reader.exceeds_limit() {
        return Err(ManifestError::Unsupported(EXCEEDS_LIMIT));
    }
    if base_urls.is_empty() {
        return Err(ManifestError::Unsupported("an invalid BaseURL"));
    }
    let bandwidth = number(levels, "bandwidth").unwrap_or(0);
    let index = match segment_info.first() {
        Some(element) if element.name != "SegmentBase" => {
            let identifiers = [
                ("RepresentationID", &*id.replace('$', "$$")),
                ("Bandwidth", &*bandwidth.to_string()),
            ];
            let offset = (reader.is_dynamic).then(|| availability_offset(levels, &segment_info));
            let segments = read_segments(offset, &segment_info, &identifiers, period)?;
            Index::Known(Rc::new(segments))
        }
        _ if child(levels, "BaseURL").is_none() => {
            let feature = "a representation without segments";
            return Err(ManifestError::Unsupported(feature));
        }
        _ => Index::Sidx(sidx_location(&segment_info, period)?),
    };
    let pixels = |name| {
        let pixels = number(levels, name).unwrap_or(0);
        u32::try_from(pixels).unwrap_or(0)
    };
    Ok(Representation {
        id: id.to_owned(),
        bandwidth,
        size: (pixels("width"), pixels("height")),
        frame_rate: parse_frame_rate(text("frameRate")).unwrap_or(0.0),
        container: container.to_owned(),
        codecs: normalize_codecs(codecs),
        base_urls,
        copies: Vec::new(),
        index,
    })
}

/// Adds a representation to the captions of the reader, if it is a whole WebVTT file.
pub fn read_captions(
    reader: &mut MpdReader,
    levels: &[&Element; 4],
    base_urls: Vec<Rc<str>>,
    period: &Period,
) {
    let segment_info = segment_info(levels);
    let is_whole_file = (segment_info.iter()).all(|element| element.name == "SegmentBase");
    let is_webvtt = attribute(levels, "mimeType") == Some("text/vtt");
    if is_webvtt && is_whole_file && child(levels, "BaseURL").is_some() && !base_urls.is_empty() {
        let [_, set_element, ..] = levels;
        let (language, label) = language_and_label(set_element);
        reader.inherit(language.len() + label.len());
        let file = CaptionFile {
            base_urls,
            resource: Resource::default(),
            copies: Vec::new(),
            is_playlist: false,
            start: period.start,
            time_offset: time_offset(&segment_info, period).unwrap_or(period.start),
            has_timestamp_map: false,
        };
        let purpose = Purpose::of_adaptation_set(set_element);
        CaptionTrack::add(&mut reader.captions, language, label, purpose, file);
    }
}

/// The content type of a representation; `None` for text, images and unknown types.
pub fn content_type(levels: &[&Element]) -> Option<ContentType> {
    let text = |name| attribute(levels, name).unwrap_or_default();
    let (content_type, mime_type) = (text("contentType"), text("mimeType"));
    let codecs = text("codecs");
    if content_type == "audio" || mime_type.starts_with("audio/") {
        return Some(ContentType::Audio);
    }
    if content_type == "video" || mime_type.starts_with("video/") {
        return Some(ContentType::Video);
    }
    if content_type.is_empty() && !codecs.is_empty() {
        let types: Vec<_> = codecs.split(',').map(content_type_of_codec).collect();
        if types.contains(&Some(ContentType::Video)) {
            return Some(ContentType::Video);
        }
        return types.last().copied().flatten();
    }
    None
}
