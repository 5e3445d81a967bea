//! Multivariant playlists (§ 4.4.6): variants and renditions become adaptation sets and representations.

use std::{mem::take, rc::Rc};

use super::{
    attributes::{attribute, attribute_or_empty, is_drm, is_yes, resolution, start_offset},
    limits::{MAX_CODECS_BYTES, MAX_VARIANTS, TOO_MANY_VARIANTS},
    variables::VariableDefinitions,
};
use crate::media::{
    AdaptationSet, AutoSelect, ContentType, Index, Period, Presentation, Purpose, Representation,
    Resource,
    captions::{CaptionFile, CaptionTrack},
    codec_names::normalize_codecs,
    content_type_of_codec,
    number::{integer, number},
};

/// The variants of a presentation, and the renditions that they share.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MultivariantPlaylist {
    /// One period, each of whose representations has a media playlist.
    pub presentation: Presentation,
    /// The variables that those media playlists may import.
    pub variables: VariableDefinitions,
}

/// Reads the tags and URI lines of a multivariant playlist.
#[derive(Default)]
pub(super) struct MultivariantReader<'a> {
    variants: Vec<Variant<'a>>,
    renditions: Vec<RenditionTag<'a>>,
    /// The attributes of EXT-X-MEDIA with TYPE=SUBTITLES.
    subtitles: Vec<&'a str>,
    is_protected: bool,
    /// EXT-X-START.
    start: Option<f64>,
    /// The pathway in EXT-X-CONTENT-STEERING (§ 4.4.6.6), if it names one.
    steered_pathway: Option<&'a str>,
    /// The attributes of the EXT-X-STREAM-INF before the next URI line.
    next_variant: Option<&'a str>,
}

/// EXT-X-STREAM-INF and its URI line (§ 4.4.6.2).
struct Variant<'a> {
    attributes: &'a str,
    uri: &'a str,
    /// Video, unless its codecs are only audio.
    content_type: ContentType,
    bandwidth: u64,
    /// Codecs of the variant and of all renditions that are played with it.
    codecs: &'a str,
    /// The group of audio renditions that it is played with; empty if there is none.
    audio_group: &'a str,
    /// Whether that group has media playlists of its own.
    has_separate_audio: bool,
    /// Id of the redundant copy of the presentation that it belongs to (§ 7).
    pathway: &'a str,
}

/// EXT-X-MEDIA with TYPE=AUDIO (§ 4.4.6.1).
struct RenditionTag<'a> {
    attributes: &'a str,
    group: &'a str,
    /// Empty if it is muxed into the segments of the variants.
    uri: &'a str,
}

impl<'a> MultivariantReader<'a> {
    pub(super) fn read_tag(&mut self, tag: &str, value: &'a str) {
        match tag {
            "#EXT-X-STREAM-INF" => self.next_variant = Some(value),
            "#EXT-X-MEDIA" => match attribute_or_empty(value, "TYPE") {
                "AUDIO" => self.renditions.push(RenditionTag {
                    attributes: value,
                    group: attribute_or_empty(value, "GROUP-ID"),
                    uri: attribute_or_empty(value, "URI"),
                }),
                "SUBTITLES" => self.subtitles.push(value),
                _ => {}
            },
            "#EXT-X-START" => self.start = start_offset(value),
            "#EXT-X-CONTENT-STEERING" => self.steered_pathway = attribute(value, "PATHWAY-ID"),
            "#EXT-X-SESSION-KEY" => self.is_protected |= is_drm(value),
            _ => {}
        }
    }

    /// Adds the variant at a URI line. Returns whether it is a variant: without an
    /// EXT-X-STREAM-INF it is not.
    pub(super) fn read_uri(&mut self, uri: &'a str) -> bool {
        let attributes = take(&mut self.next_variant);
        let variant = attributes.map(|attributes| Variant::new(attributes, uri));
        let is_variant = variant.is_some();
        self.variants.extend(variant);
        is_variant
    }

    pub(super) const fn has_variants(&self) -> bool {
        !self.variants.is_empty()
    }

    /// A feature in the playlist that the player does not support.
    pub(super) fn unsupported(&self) -> Option<&'static str> {
        let counts = [
            self.variants.len(),
            self.renditions.len(),
            self.subtitles.len(),
        ];
        let is_too_long = counts.iter().any(|count| *count > MAX_VARIANTS);
        is_too_long.then_some(TOO_MANY_VARIANTS)
    }

    /// Builds the presentation from the variants that the player can switch between: those that are compatible with
    /// the first. Variants with the same attributes, and those of other pathways, are copies for fail-over.
    pub(super) fn into_presentation(mut self, url: &str) -> Presentation {
        for variant in &mut self.variants {
            variant.has_separate_audio = has_separate_audio(variant.audio_group, &self.renditions);
        }
        let Some(first) = self.first_variant() else {
            return Presentation::default();
        };
        let mut builder = PresentationBuilder {
            base_url: url.into(),
            is_protected: self.is_protected,
            adaptation_sets: Vec::new(),
        };
        let (mut originals, mut copies): (Vec<&Variant>, Vec<&Variant>) = Default::default();
        for variant in &self.variants {
            let is_copy = variant.pathway != first.pathway
                || originals
                    .iter()
                    .any(|original| variant.is_copy_of(original));
            match variant.is_compatible_with(first) {
                true if is_copy => copies.push(variant),
                true => originals.push(variant),
                false => {}
            }
        }
        // If there is only audio, and it is in renditions, the variants repeat the renditions.
        if first.content_type == ContentType::Video || !first.has_separate_audio {
            for variant in &originals {
                builder.add(variant.content_type, variant, None);
            }
            for variant in &copies {
                builder.add_copy(variant.content_type, variant, None);
            }
        }
        // Renditions in groups that no variant refers to are ignored.
        for rendition in &self.renditions {
            if let Some(variant) = with_audio_group(&originals, rendition.group) {
                builder.add(ContentType::Audio, variant, Some(rendition));
            }
        }
        for rendition in &self.renditions {
            if with_audio_group(&originals, rendition.group).is_none()
                && let Some(variant) = with_audio_group(&copies, rendition.group)
            {
                builder.add_copy(ContentType::Audio, variant, Some(rendition));
            }
        }
        Presentation {
            periods: vec![Period {
                end: f64::INFINITY,
                adaptation_sets: builder.adaptation_sets,
                ..Period::default()
            }],
            captions: self.captions(url),
            start: self.start,
            duration: None,
            live: None,
        }
    }

    /// The variant that decides which others are played: the first one with video, or else the first one, of the
    /// pathway that content steering begins with. Variants of audio alone, beside variants of video, are for networks too
    /// slow for video.
    fn first_variant(&self) -> Option<&Variant<'a>> {
        let is_video = |variant: &&&Variant| variant.content_type == ContentType::Video;
        let in_pathway: Vec<&Variant> = (self.variants.iter())
            .filter(|variant| Some(variant.pathway) == self.steered_pathway)
            .collect();
        let all: Vec<&Variant> = match in_pathway.is_empty() {
            true => self.variants.iter().collect(),
            false => in_pathway,
        };
        all.iter().find(is_video).or(all.first()).copied()
    }

    /// The subtitles, one track for each language and name, whichever groups they are in.
    fn captions(&self, url: &str) -> Vec<CaptionTrack> {
        let mut tracks = Vec::new();
        for attributes in &self.subtitles {
            let path = attribute_or_empty(attributes, "URI");
            if path.is_empty() {
                continue;
            }
            let file = CaptionFile {
                base_urls: vec![url.into()],
                resource: Resource::whole(path.into()),
                copies: Vec::new(),
                is_playlist: true,
                start: 0.0,
                time_offset: 0.0,
                has_timestamp_map: true,
            };
            let language = attribute_or_empty(attributes, "LANGUAGE");
            let name = attribute_or_empty(attributes, "NAME");
            CaptionTrack::add(&mut tracks, language, name, purpose(attributes), file);
        }
        tracks
    }
}

/// The first variant that is played with the audio renditions of a group.
fn with_audio_group<'v, 'a>(variants: &[&'v Variant<'a>], group: &str) -> Option<&'v Variant<'a>> {
    let mut variants = variants.iter().copied();
    variants.find(|variant| variant.has_separate_audio && variant.audio_group == group)
}

/// Whether all audio renditions of a group have media playlists of their own (§ 4.4.6.2.1). If one is muxed into
/// the segments of the variants, no other one can be played beside it.
fn has_separate_audio(group: &str, renditions: &[RenditionTag]) -> bool {
    let mut in_group = renditions
        .iter()
        .filter(|rendition| rendition.group == group)
        .peekable();
    !group.is_empty()
        && in_group.peek().is_some()
        && in_group.all(|rendition| !rendition.uri.is_empty())
}

impl<'a> Variant<'a> {
    fn new(attributes: &'a str, uri: &'a str) -> Self {
        let mut codecs = attribute_or_empty(attributes, "CODECS");
        if codecs.len() > MAX_CODECS_BYTES {
            codecs = "";
        }
        let has = |content_type| {
            let mut types = codecs
                .split(',')
                .filter(|codec| !codec.trim_ascii().is_empty());
            types.any(|codec| content_type_of_codec(codec) == Some(content_type))
        };
        let is_audio = has(ContentType::Audio)
            && !has(ContentType::Video)
            && attribute_or_empty(attributes, "RESOLUTION").is_empty();
        Self {
            attributes,
            uri,
            content_type: if is_audio {
                ContentType::Audio
            } else {
                ContentType::Video
            },
            bandwidth: ["BANDWIDTH", "AVERAGE-BANDWIDTH"]
                .into_iter()
                .find_map(|name| integer(attribute(attributes, name)?))
                .unwrap_or_default(),
            codecs,
            audio_group: attribute_or_empty(attributes, "AUDIO"),
            has_separate_audio: false,
            pathway: attribute(attributes, "PATHWAY-ID").unwrap_or("."),
        }
    }

    /// Whether the player may switch between both. If only some variants had muxed audio, it would come and go with the
    /// quality.
    fn is_compatible_with(&self, other: &Self) -> bool {
        self.content_type == other.content_type
            && self.has_separate_audio == other.has_separate_audio
    }

    /// Whether both are redundant copies: they have the same attributes, but for the groups of renditions, and other
    /// playlists.
    fn is_copy_of(&self, other: &Self) -> bool {
        let is_same =
            |name: &str| attribute(self.attributes, name) == attribute(other.attributes, name);
        let names = [
            "RESOLUTION",
            "FRAME-RATE",
            "NAME",
            "VIDEO-RANGE",
            "STABLE-VARIANT-ID",
        ];
        self.uri != other.uri
            && (self.bandwidth, self.codecs) == (other.bandwidth, other.codecs)
            && names.into_iter().all(is_same)
    }
}

/// Collects the adaptation sets of the only period.
struct PresentationBuilder {
    base_url: Rc<str>,
    is_protected: bool,
    adaptation_sets: Vec<AdaptationSet>,
}

impl PresentationBuilder {
    /// Adds the representation of a variant, or of a rendition that is played with that variant. There is one
    /// adaptation set per name and language, which has the renditions of all groups.
    fn add(
        &mut self,
        content_type: ContentType,
        variant: &Variant,
        rendition: Option<&RenditionTag>,
    ) {
        let (attributes, uri) = match rendition {
            Some(rendition) => (rendition.attributes, rendition.uri),
            None => (variant.attributes, variant.uri),
        };
        let name = attribute_or_empty(attributes, "NAME");
        let (id, label) = rendition.map_or((name, ""), |rendition| (rendition.group, name));
        let language = attribute_or_empty(attributes, "LANGUAGE");
        let is_main = rendition.is_none() || is_yes(attributes, "DEFAULT");
        let purpose = match rendition {
            Some(_) => purpose(attributes),
            None => Purpose::Programme,
        };
        let representation = self.representation(content_type, variant, id, attributes, uri);
        let set = self.adaptation_set(content_type, label, language, purpose);
        set.is_main |= is_main;
        set.auto_select = auto_select(attributes, purpose);
        let known = &mut set.representations;
        // The same playlist, with other audio.
        if known
            .iter()
            .any(|known| known.index == representation.index)
        {
            return;
        }
        let original = known.iter_mut().find(|known| {
            has_same_attributes(known, &representation) && known.id == representation.id
        });
        if let Some(original) = original {
            original.copies.push(uri.into());
        } else {
            let at = known.partition_point(|known| known.bandwidth <= representation.bandwidth);
            known.insert(at, representation);
        }
    }

    /// Adds a copy of a variant, or of a rendition that is played with a copy of a variant, to the representation that
    /// has its attributes and the fewest copies. Without one, it is ignored.
    fn add_copy(
        &mut self,
        content_type: ContentType,
        variant: &Variant,
        rendition: Option<&RenditionTag>,
    ) {
        let (attributes, uri) = match rendition {
            Some(rendition) => (rendition.attributes, rendition.uri),
            None => (variant.attributes, variant.uri),
        };
        let label = match rendition {
            Some(_) => attribute_or_empty(attributes, "NAME"),
            None => "",
        };
        let language = attribute_or_empty(attributes, "LANGUAGE");
        let representation = self.representation(content_type, variant, "", attributes, uri);
        let purpose = match rendition {
            Some(_) => purpose(attributes),
            None => Purpose::Programme,
        };
        let set = self.adaptation_set(content_type, label, language, purpose);
        let originals = (set.representations.iter_mut()).filter(|known| {
            has_same_attributes(known, &representation) && known.index != representation.index
        });
        if let Some(original) = originals.min_by_key(|known| known.copies.len()) {
            original.copies.push(uri.into());
        }
        self.adaptation_sets
            .retain(|set| !set.representations.is_empty());
    }

    fn representation(
        &self,
        content_type: ContentType,
        variant: &Variant,
        id: &str,
        attributes: &str,
        uri: &str,
    ) -> Representation {
        let mut codecs = select_codecs(
            variant.codecs,
            variant.has_separate_audio.then_some(content_type),
        );
        if variant.has_separate_audio && codecs.contains(',') {
            // Only the init segment tells which of the variant's codecs this representation has.
            codecs.clear();
        }
        let size = resolution(attribute_or_empty(attributes, "RESOLUTION"));
        let frame_rate = number(attribute_or_empty(attributes, "FRAME-RATE"));
        Representation {
            id: id.into(),
            // The bandwidth of a video variant is not that of its audio renditions.
            bandwidth: if content_type == variant.content_type {
                variant.bandwidth
            } else {
                0
            },
            size: size.unwrap_or_default(),
            frame_rate: frame_rate.unwrap_or_default().max(0.0),
            // A guess that is mostly right; the first bytes of the media decide.
            container: match content_type {
                _ if codecs.is_empty() => "",
                ContentType::Video => "video/mp4",
                ContentType::Audio => "audio/mp4",
            }
            .into(),
            codecs,
            base_urls: vec![Rc::clone(&self.base_url)],
            copies: Vec::new(),
            index: Index::Playlist(uri.into()),
        }
    }

    /// The adaptation set for a content type, label, language and purpose, which is added if it is new.
    fn adaptation_set(
        &mut self,
        content_type: ContentType,
        label: &str,
        language: &str,
        purpose: Purpose,
    ) -> &mut AdaptationSet {
        let known = self.adaptation_sets.iter().position(|set| {
            (set.content_type, set.purpose) == (content_type, purpose)
                && set.label == label
                && set.language == language
        });
        let index = known.unwrap_or(self.adaptation_sets.len());
        if known.is_none() {
            self.adaptation_sets.push(AdaptationSet {
                content_type,
                language: language.into(),
                label: label.into(),
                purpose,
                auto_select: AutoSelect::Allowed,
                is_protected: self.is_protected,
                is_main: false,
                representations: Vec::new(),
            });
        }
        &mut self.adaptation_sets[index]
    }
}

/// What a rendition is for.
fn purpose(attributes: &str) -> Purpose {
    let characteristics = attribute_or_empty(attributes, "CHARACTERISTICS");
    Purpose::of_characteristics(characteristics, is_yes(attributes, "FORCED"))
}

/// Whether a rendition may be played without having been chosen. Those for accessibility are often marked with
/// AUTOSELECT, for players that know that their viewer needs them.
fn auto_select(attributes: &str, purpose: Purpose) -> AutoSelect {
    match attribute(attributes, "AUTOSELECT") {
        _ if purpose.is_special() => AutoSelect::Never,
        _ if is_yes(attributes, "DEFAULT") => AutoSelect::Preferred,
        Some(value) if value.eq_ignore_ascii_case("YES") => AutoSelect::Preferred,
        Some(value) if value.eq_ignore_ascii_case("NO") => AutoSelect::Never,
        _ => AutoSelect::Allowed,
    }
}

/// Whether two representations differ at most in their addresses and names.
fn has_same_attributes(one: &Representation, other: &Representation) -> bool {
    one.bandwidth == other.bandwidth
        && one.size == other.size
        && one.frame_rate == other.frame_rate
        && one.codecs == other.codecs
}

/// The codecs in a comma-separated list that are of a content type, or of any. Text is left out: no SourceBuffer
/// accepts it.
fn select_codecs(list: &str, wanted: Option<ContentType>) -> String {
    let is_selected = |codec: &&str| match content_type_of_codec(codec) {
        Some(content_type) => {
            !codec.is_empty() && wanted.is_none_or(|wanted| wanted == content_type)
        }
        None => false,
    };
    let selected: Vec<&str> = list
        .split(',')
        .map(str::trim_ascii)
        .filter(is_selected)
        .collect();
    normalize_codecs(&selected.join(","))
}
