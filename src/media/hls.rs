//! HLS playlists, after [RFC 8216bis](https://datatracker.ietf.org/doc/html/draft-pantos-hls-rfc8216bis).
//! Unknown tags are passed over, as § 6.3.1 asks; what this player cannot play is named.

use std::{mem::take, rc::Rc};

use super::{
    AdaptationSet, Availability, ByteRange, ContentType, EncryptionKey, Index, ListedSegment,
    ManifestError, Period, Presentation, Representation, Resource, SegmentAddresses, SegmentRun,
    Segments, Timestamps,
    captions::{self, CaptionTrack},
    content_type_of_codec,
    number::{decimal, digits},
};

/// A playlist of either kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Playlist {
    /// § 4.4.6: lists the variants of a film.
    Multivariant(MultivariantPlaylist),
    /// § 4.4.3: lists the segments of one of them.
    Media(MediaPlaylist),
}

/// The variants of a film, and the renditions that they share.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MultivariantPlaylist {
    /// One period, whose representations each have a media playlist of their own.
    pub presentation: Presentation,
    /// The variables that those playlists may import.
    pub variables: VariableDefinitions,
}

/// The segments of one representation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MediaPlaylist {
    /// All of them; paths are relative to the playlist.
    pub segments: Segments,
    /// Whether more of them will come.
    pub availability: Availability,
    /// Seconds that no segment is longer than; 0 if it is not said.
    pub target_duration: f64,
}

/// The variables of a playlist (EXT-X-DEFINE, § 4.4.2.3): names and values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VariableDefinitions(Vec<(String, String)>);

/// More variants, or more renditions, than this are refused: comparing each with each has to end.
const MAX_VARIANTS: usize = 1000;

/// More variables than this are refused, for the same reason.
const MAX_VARIABLES: usize = 100;

/// Longer lists of codecs than this are nonsense, and would be copied for each rendition.
const MAX_CODECS: usize = 1000;

/// How many bytes a playlist may make of itself by naming the same long variable or key in every line.
const MAX_GROWTH: usize = 1 << 26;

/// The ticks of a media playlist are microseconds.
const TIMESCALE: u64 = 1_000_000;

/// Reads a playlist of either kind, which was found at `url`. What it may import was defined by the
/// multivariant playlist that names it.
///
/// # Errors
/// [`Refusal`], with words for a person.
pub fn parse(
    text: &str,
    url: &str,
    imported: &VariableDefinitions,
) -> Result<Playlist, ManifestError> {
    let malformed = |reason: Reason| ManifestError::Malformed(reason.into());
    let mut definitions = VariableDefinitions::default();
    let text = definitions.fill(text, url, imported).map_err(malformed)?;
    let mut reader = PlaylistReader::default();
    reader.read(&text).map_err(malformed)?;
    if let Some(feature) = reader.unsupported {
        return Err(ManifestError::Unsupported(feature));
    }
    Ok(if reader.variants.is_empty() {
        Playlist::Media(reader.media())
    } else {
        Playlist::Multivariant(MultivariantPlaylist {
            presentation: reader.film(url),
            variables: definitions,
        })
    })
}

/// Why a playlist is malformed.
type Reason = &'static str;

/// What has been read of a playlist, of whichever kind it is.
#[derive(Default)]
struct PlaylistReader<'a> {
    variants: Vec<Variant<'a>>,
    renditions: Vec<RenditionTag<'a>>,
    /// EXT-X-MEDIA of text.
    subtitles: Vec<&'a str>,
    protected: bool,

    segments: Vec<ListedSegment>,
    runs: Vec<SegmentRun>,
    inits: Vec<Resource>,
    /// Whether there is a line without a tag that no tag speaks of.
    has_stray: bool,
    /// What of it this player cannot play.
    unsupported: Option<&'static str>,
    /// Whether what follows is encrypted by a key of a DRM system, which may stand beside one that anybody
    /// can fetch.
    has_foreign_key: bool,
    is_whole: bool,
    target_duration: f64,
    /// Where the last segment ends, in seconds and in ticks. Durations are summed up before they are
    /// rounded, so that no error grows with their number.
    end: f64,
    ticks: u64,
    /// Bytes of the paths of keys, of which each segment has one of its own.
    keys: usize,

    // What holds for the segments that follow, and what for the next line without a tag alone.
    encryption: Option<Encryption<'a>>,
    sequence: u64,
    stretch: u32,
    next: Next<'a>,
}

/// EXT-X-STREAM-INF and its URI line (§ 4.4.6.2).
struct Variant<'a> {
    list: &'a str,
    uri: &'a str,
    /// Pictures, unless it says that it has none.
    kind: ContentType,
    bandwidth: u64,
    /// Those of all that is played with it.
    codecs: &'a str,
    /// The group of audio renditions that it is played with; empty if there is none.
    audio: &'a str,
    /// Whether that group has media playlists of its own.
    is_apart: bool,
    /// Which copy of the film it belongs to (§ 7).
    pathway: &'a str,
}

/// EXT-X-MEDIA of sound (§ 4.4.6.1).
struct RenditionTag<'a> {
    list: &'a str,
    group: &'a str,
    /// Empty if it is muxed into the segments of the variants.
    uri: &'a str,
}

/// EXT-X-KEY with METHOD=AES-128 (§ 4.4.4.4).
#[derive(Clone, Copy)]
struct Encryption<'a> {
    path: &'a str,
    /// `None` if it is the media sequence number of each segment.
    iv: Option<u128>,
}

/// What the tags say of the line without a tag that follows them; empty if they do not.
#[derive(Default)]
struct Next<'a> {
    variant: &'a str,
    duration: &'a str,
    range: &'a str,
    is_missing: bool,
}

impl<'a> PlaylistReader<'a> {
    fn read(&mut self, text: &'a str) -> Result<(), Reason> {
        let mut lines = text.split('\n').filter(|line| !line.is_empty());
        if !lines.next().is_some_and(|line| line.starts_with("#EXTM3U")) {
            return Err("it does not begin with #EXTM3U");
        }
        for line in lines {
            if line.starts_with('#') {
                let (tag, value) = line.split_once(':').unwrap_or((line, ""));
                self.tag(tag, value.trim_ascii())?;
            } else {
                self.uri(line)?;
            }
        }
        let most = self.variants.len().max(self.renditions.len());
        if most.max(self.subtitles.len()) > MAX_VARIANTS {
            self.unsupported = Some("more than 1000 variants");
        }
        // § 4.1: what is in it says which of the two it is. One that is still to begin lists nothing.
        let is_to_begin = !self.is_whole && self.target_duration > 0.0;
        match (self.variants.is_empty(), self.segments.is_empty()) {
            (false, false) => Err("it lists both variants and segments"),
            (true, true) if !is_to_begin => Err("it lists neither variants nor segments"),
            (true, false) if self.has_stray => Err("a segment has no EXTINF before it"),
            _ => Ok(()),
        }
    }

    fn tag(&mut self, tag: &str, value: &'a str) -> Result<(), Reason> {
        match tag {
            "#EXT-X-STREAM-INF" => self.next.variant = value,
            "#EXT-X-MEDIA" if says(value, "TYPE") == "AUDIO" => {
                self.renditions.push(RenditionTag {
                    list: value,
                    group: says(value, "GROUP-ID"),
                    uri: says(value, "URI"),
                })
            }
            "#EXT-X-MEDIA" if says(value, "TYPE") == "SUBTITLES" => self.subtitles.push(value),
            "#EXT-X-SESSION-KEY" => self.protected |= is_drm(value),
            "#EXTINF" => self.next.duration = value.split(',').next().unwrap_or_default(),
            "#EXT-X-BYTERANGE" => self.next.range = value,
            "#EXT-X-GAP" => self.next.is_missing = true,
            "#EXT-X-DISCONTINUITY" => self.stretch = self.stretch.saturating_add(1),
            "#EXT-X-KEY" => match says(value, "METHOD") {
                "NONE" => (self.encryption, self.has_foreign_key) = (None, false),
                _ if is_drm(value) => self.has_foreign_key = true,
                method => {
                    if method != "AES-128" {
                        self.unsupported = Some("encryption other than AES-128");
                    }
                    let encryption = encryption(value).ok_or("an EXT-X-KEY cannot be read")?;
                    self.encryption = Some(encryption);
                }
            },
            "#EXT-X-MAP" => {
                let mut init = init(value).ok_or("an EXT-X-MAP cannot be read")?;
                init.key = self.key()?;
                if self.inits.last() != Some(&init) {
                    self.inits.push(init);
                }
            }
            "#EXT-X-MEDIA-SEQUENCE" => self.sequence = number(digits(value))?,
            "#EXT-X-DISCONTINUITY-SEQUENCE" => {
                self.stretch = number(digits(value))?.try_into().unwrap_or(u32::MAX);
            }
            "#EXT-X-TARGETDURATION" => self.target_duration = number(decimal(value))?,
            "#EXT-X-ENDLIST" => self.is_whole = true,
            "#EXT-X-PLAYLIST-TYPE" => self.is_whole |= value == "VOD",
            "#EXT-X-I-FRAMES-ONLY" => {
                self.unsupported = Some("playlists of I-frames only");
            }
            "#EXT-X-SKIP" => return Err("it leaves out what nobody here has read"),
            _ => {}
        }
        Ok(())
    }

    fn uri(&mut self, uri: &'a str) -> Result<(), Reason> {
        let next = take(&mut self.next);
        if !next.variant.is_empty() {
            self.variants.push(Variant::new(next.variant, uri));
        } else if !next.duration.is_empty() {
            self.last(number(decimal(next.duration))?);
            self.segment(uri, &next)?;
        } else {
            self.has_stray = true;
        }
        Ok(())
    }

    /// Lets the next segment last for some seconds.
    fn last(&mut self, seconds: f64) {
        self.end += seconds;
        let end = (self.end * TIMESCALE as f64 + 0.5) as u64;
        let time = self.ticks;
        // Every segment lasts, however short its author says it is.
        let duration = end.saturating_sub(time).max(1);
        self.ticks = time.saturating_add(duration);
        match self.runs.last_mut() {
            Some(run) if run.duration == duration => run.count += 1,
            _ => self.runs.push(SegmentRun {
                time,
                duration,
                count: 1,
                first: self.segments.len() as u64,
            }),
        }
    }

    fn segment(&mut self, path: &str, next: &Next) -> Result<(), Reason> {
        // A range without an offset begins where the previous segment ends, in the same file.
        let end_within = |previous: &ListedSegment| {
            let last = previous.resource.range?.last?;
            (previous.resource.path == path).then(|| last.saturating_add(1))
        };
        let range = match next.range {
            "" => None,
            range => Some(
                byte_range(range, self.segments.last().and_then(end_within))
                    .ok_or("a byte range has no beginning or no end")?,
            ),
        };
        let key = self.key()?;
        self.segments.push(ListedSegment {
            resource: Resource {
                path: path.into(),
                range,
                key,
            },
            // It is the last that was read, so the last in the list.
            init: self.inits.len().checked_sub(1),
            discontinuity: self.stretch,
            is_missing: next.is_missing,
        });
        self.sequence = self.sequence.saturating_add(1);
        Ok(())
    }

    /// By which the next file is encrypted.
    fn key(&mut self) -> Result<Option<Rc<EncryptionKey>>, Reason> {
        let Some(Encryption { path, iv }) = self.encryption else {
            if self.has_foreign_key {
                self.unsupported = Some("DRM protection");
            }
            return Ok(None);
        };
        self.keys += path.len();
        if self.keys > MAX_GROWTH {
            return Err(REPEATS);
        }
        Ok(Some(Rc::new(EncryptionKey {
            path: path.into(),
            iv: iv.unwrap_or(self.sequence.into()).to_be_bytes(),
        })))
    }

    fn media(&mut self) -> MediaPlaylist {
        MediaPlaylist {
            segments: Segments {
                timescale: TIMESCALE,
                runs: take(&mut self.runs),
                addresses: SegmentAddresses::Listed(take(&mut self.segments)),
                inits: take(&mut self.inits),
                timestamps: Timestamps::Discontinuities,
                time_offset: 0.0,
                end: f64::INFINITY,
            },
            availability: if self.is_whole {
                Availability::Complete
            } else {
                Availability::Live
            },
            target_duration: self.target_duration,
        }
    }

    /// What there is to choose from. Where variants do not go together, those like the author's first one
    /// are kept.
    fn film(&mut self, url: &str) -> Presentation {
        for variant in &mut self.variants {
            variant.is_apart = sound_is_apart(variant.audio, &self.renditions);
        }
        // Sound alone, beside variants with pictures, is for those who cannot load pictures.
        let has_pictures = |variant: &&Variant| variant.kind == ContentType::Video;
        let first = self.variants.iter().find(has_pictures);
        let Some(first) = first.or(self.variants.first()) else {
            return Presentation::default();
        };
        let mut film = PresentationBuilder {
            base: url.into(),
            protected: self.protected,
            sets: Vec::new(),
        };
        // If there is nothing but sound, and it is apart, the renditions are all there is.
        if first.kind == ContentType::Video || !first.is_apart {
            for variant in &self.variants {
                if variant.goes_with(first) {
                    film.offer(variant.kind, variant, None);
                }
            }
        }
        // A group that no variant names is for nobody.
        for rendition in &self.renditions {
            let named_by = self
                .variants
                .iter()
                .find(|variant| variant.goes_with(first) && variant.audio == rendition.group);
            if let Some(variant) = named_by
                && variant.is_apart
            {
                film.offer(ContentType::Audio, variant, Some(rendition));
            }
        }
        Presentation {
            periods: vec![Period {
                start: 0.0,
                end: f64::INFINITY,
                adaptation_sets: film.sets,
            }],
            captions: self.captions(url),
            duration: None,
            availability: Availability::Complete,
        }
    }

    /// The subtitles, each language and name once, whichever groups they are in.
    fn captions(&self, url: &str) -> Vec<CaptionTrack> {
        let mut all = Vec::new();
        for list in &self.subtitles {
            let path = says(list, "URI");
            if path.is_empty() {
                continue;
            }
            let file = captions::CaptionFile {
                base_urls: vec![url.into()],
                resource: Resource::whole(path.into()),
                is_playlist: true,
                start: 0.0,
                time_offset: 0.0,
            };
            CaptionTrack::add(&mut all, says(list, "LANGUAGE"), says(list, "NAME"), file);
        }
        all
    }
}

/// Whether the sound of a group has media playlists of its own (§ 4.4.6.2.1). If one of its renditions
/// is in the variants' own segments, no other one can be played beside it.
fn sound_is_apart(group: &str, renditions: &[RenditionTag]) -> bool {
    let mut is_apart = false;
    for rendition in renditions.iter().filter(|it| it.group == group) {
        if rendition.uri.is_empty() {
            return false;
        }
        is_apart = !group.is_empty();
    }
    is_apart
}

impl<'a> Variant<'a> {
    fn new(list: &'a str, uri: &'a str) -> Self {
        let codecs = says(list, "CODECS");
        let codecs = if codecs.len() > MAX_CODECS {
            ""
        } else {
            codecs
        };
        let has = |kind| !codecs_of(codecs, Some(kind)).is_empty();
        Self {
            list,
            uri,
            // Of what has a size, sound alone cannot be all that there is.
            kind: if has(ContentType::Audio)
                && !has(ContentType::Video)
                && says(list, "RESOLUTION").is_empty()
            {
                ContentType::Audio
            } else {
                ContentType::Video
            },
            bandwidth: digits(says(list, "BANDWIDTH")).unwrap_or_default(),
            codecs,
            audio: says(list, "AUDIO"),
            is_apart: false,
            pathway: attribute(list, "PATHWAY-ID").unwrap_or("."),
        }
    }

    /// Whether a person may switch from one to the other: other pathways are copies on other servers, and
    /// sound that is in the segments of some variants only would come and go with the bandwidth.
    fn goes_with(&self, other: &Self) -> bool {
        self.kind == other.kind && self.is_apart == other.is_apart && self.pathway == other.pathway
    }
}

/// The only period of a film.
struct PresentationBuilder {
    base: Rc<str>,
    protected: bool,
    sets: Vec<AdaptationSet>,
}

impl PresentationBuilder {
    /// Adds a representation of a kind, by ascending bandwidth and once: a variant, or a rendition that
    /// is played with it. There is a set for each name and language, in which the renditions of all
    /// groups meet.
    fn offer(&mut self, kind: ContentType, variant: &Variant, rendition: Option<&RenditionTag>) {
        let (list, uri) = rendition.map_or((variant.list, variant.uri), |it| (it.list, it.uri));
        let name = says(list, "NAME");
        let (id, label) = rendition.map_or((name, ""), |it| (it.group, name));
        let language = says(list, "LANGUAGE");
        let mut codecs = codecs_of(variant.codecs, variant.is_apart.then_some(kind));
        if variant.is_apart && codecs.contains(',') {
            // Which of them it is of all that the variant is played with, its bytes will tell.
            codecs.clear();
        }
        let offered = Representation {
            id: id.into(),
            // With pictures beside it, that of the variant says nothing of the sound.
            bandwidth: if kind == variant.kind {
                variant.bandwidth
            } else {
                0
            },
            size: resolution(says(list, "RESOLUTION")).unwrap_or_default(),
            frame_rate: decimal(says(list, "FRAME-RATE")).unwrap_or_default(),
            // A guess, and most often right: the bytes will tell.
            container: match kind {
                _ if codecs.is_empty() => "",
                ContentType::Video => "video/mp4",
                ContentType::Audio => "audio/mp4",
            }
            .into(),
            codecs,
            base_urls: vec![Rc::clone(&self.base)],
            index: Index::Playlist(uri.into()),
        };
        let known = self.sets.iter().position(|set| {
            set.content_type == kind && set.label == label && set.language == language
        });
        let at = known.unwrap_or(self.sets.len());
        if known.is_none() {
            self.sets.push(AdaptationSet {
                content_type: kind,
                language: language.into(),
                label: label.into(),
                is_protected: self.protected,
                is_main: false,
                representations: Vec::new(),
            });
        }
        if let Some(set) = self.sets.get_mut(at) {
            set.is_main |= rendition.is_none() || says(list, "DEFAULT") == "YES";
            let known = &mut set.representations;
            if !known.iter().any(|known| is_copy(known, &offered)) {
                let is_higher = |known: &Representation| known.bandwidth > offered.bandwidth;
                let at = known.iter().position(is_higher).unwrap_or(known.len());
                known.insert(at, offered);
            }
        }
    }
}

/// Whether two representations are one. The same playlist with other sound is no other representation;
/// neither is another playlist of which the same is said, for that is a copy for when the first fails.
fn is_copy(one: &Representation, other: &Representation) -> bool {
    match (&one.index, &other.index) {
        (Index::Playlist(one), Index::Playlist(other)) if one == other => return true,
        _ => {}
    }
    one.bandwidth == other.bandwidth
        && one.size == other.size
        && one.frame_rate == other.frame_rate
        && one.id == other.id
        && one.codecs == other.codecs
}

/// Those of the codecs in a list that are of a kind, or of either: text is left out, as no
/// SourceBuffer takes it.
fn codecs_of(list: &str, wanted: Option<ContentType>) -> String {
    let mut codecs = String::new();
    for codec in list.split(',').map(str::trim_ascii) {
        let kind = content_type_of_codec(codec);
        if codec.is_empty() || kind.is_none() || wanted.is_some() && kind != wanted {
            continue;
        }
        if !codecs.is_empty() {
            codecs.push(',');
        }
        codecs.push_str(codec);
    }
    codecs
}

/// Width and height (§ 4.2).
fn resolution(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once('x')?;
    Some((
        digits(width)?.try_into().ok()?,
        digits(height)?.try_into().ok()?,
    ))
}

/// EXT-X-KEY.
fn encryption(list: &str) -> Option<Encryption<'_>> {
    attribute(list, "METHOD")?;
    Some(Encryption {
        path: attribute(list, "URI")?,
        iv: match attribute(list, "IV") {
            Some(iv) => Some(initialization_vector(iv)?),
            None => None,
        },
    })
}

/// Whether EXT-X-KEY or EXT-X-SESSION-KEY speaks of a key that nobody may just fetch.
fn is_drm(list: &str) -> bool {
    says(list, "METHOD").starts_with("SAMPLE-AES")
        || !matches!(says(list, "KEYFORMAT"), "" | "identity")
}

/// A hexadecimal-sequence (§ 4.2) of up to 128 bits.
fn initialization_vector(text: &str) -> Option<u128> {
    let nibbles = text
        .strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))?;
    if !(1..=32).contains(&nibbles.len()) {
        return None;
    }
    let mut vector = 0_u128;
    for nibble in nibbles.bytes() {
        vector = vector << 4 | u128::from(hexadecimal(nibble)?);
    }
    Some(vector)
}

/// EXT-X-MAP (§ 4.4.4.5).
fn init(list: &str) -> Option<Resource> {
    Some(Resource {
        path: attribute(list, "URI")?.into(),
        range: match attribute(list, "BYTERANGE") {
            Some(range) => Some(byte_range(range, Some(0))?),
            None => None,
        },
        key: None,
    })
}

/// `length[@offset]` (§ 4.4.4.2), and where it begins if the offset is left out.
fn byte_range(text: &str, implied: Option<u64>) -> Option<ByteRange> {
    let (length, first) = match text.split_once('@') {
        Some((length, offset)) => (length, digits(offset.trim_ascii())),
        None => (text, implied),
    };
    let first = first?;
    let last = first.checked_add(digits(length.trim_ascii())?.checked_sub(1)?)?;
    Some(ByteRange {
        first,
        last: Some(last),
    })
}

impl VariableDefinitions {
    fn value(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        Some(value)
    }

    /// A playlist with the values of its variables in place of their names (§ 4.3), of which note is
    /// taken here.
    fn fill(&mut self, text: &str, url: &str, imported: &Self) -> Result<String, Reason> {
        let mut filled = String::new();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for line in text.split('\n').map(str::trim_ascii) {
            let begin = filled.len();
            if line.starts_with('#') && !line.starts_with("#EXT-X-") {
                // No variable is named in comments and titles.
                filled.push_str(line);
            } else {
                self.fill_line(&mut filled, line)?;
            }
            let line = filled.get(begin..).unwrap_or_default();
            if let Some(list) = line.strip_prefix("#EXT-X-DEFINE:") {
                let (name, value) =
                    definition(list, url, imported).ok_or("an EXT-X-DEFINE defines no variable")?;
                if self.value(&name).is_some() || self.0.len() == MAX_VARIABLES {
                    return Err("a variable is defined twice, or there are too many");
                }
                self.0.push((name, value));
            }
            filled.push('\n');
        }
        Ok(filled)
    }

    fn fill_line(&self, filled: &mut String, line: &str) -> Result<(), Reason> {
        let mut parts = line.split('{');
        filled.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let reference = part
                .strip_prefix('$')
                .and_then(|rest| rest.split_once('}'))
                .filter(|(name, _)| is_variable_name(name));
            if let Some((name, rest)) = reference {
                filled.push_str(self.value(name).ok_or("a variable is not defined")?);
                filled.push_str(rest);
            } else {
                filled.push('{');
                filled.push_str(part);
            }
            if filled.len() > MAX_GROWTH {
                return Err(REPEATS);
            }
        }
        Ok(())
    }
}

/// The name and the value of EXT-X-DEFINE, which tells the name in just one of three ways.
fn definition(list: &str, url: &str, imported: &VariableDefinitions) -> Option<(String, String)> {
    let says = |name| attribute(list, name);
    let (name, value) = match (says("NAME"), says("IMPORT"), says("QUERYPARAM")) {
        (Some(name), None, None) => (name, says("VALUE")?.into()),
        (None, Some(name), None) => (name, imported.value(name)?.into()),
        (None, None, Some(name)) => (name, query_parameter(url, name)?),
        _ => return None,
    };
    Some((name.into(), value))
}

fn is_variable_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !name.is_empty() && name.bytes().all(is_allowed)
}

/// The value of a parameter of a URL's query, percent-decoded. An empty one is none.
fn query_parameter(url: &str, name: &str) -> Option<String> {
    let (url, _) = url.split_once('#').unwrap_or((url, ""));
    let (_, query) = url.split_once('?')?;
    let encoded = query
        .split('&')
        .find_map(|parameter| parameter.strip_prefix(name)?.strip_prefix('='))
        .filter(|value| !value.is_empty())?;
    let mut bytes = encoded.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => hexadecimal(bytes.next()?)? << 4 | hexadecimal(bytes.next()?)?,
            _ => byte,
        };
        // § 4.2: what cannot stand in a quoted-string cannot come in by a variable.
        if matches!(byte, b'"' | b'\r' | b'\n') {
            return None;
        }
        decoded.push(byte);
    }
    String::from_utf8(decoded).ok()
}

fn hexadecimal(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).map(|digit| digit as u8)
}

fn number<T>(read: Option<T>) -> Result<T, Reason> {
    read.ok_or("a duration or a sequence number is not a number")
}

const REPEATS: Reason = "it repeats itself beyond measure";

/// The value of one attribute; empty if it is not there.
fn says<'a>(list: &'a str, wanted: &str) -> &'a str {
    attribute(list, wanted).unwrap_or_default()
}

/// The value of one attribute of a list (§ 4.2), quotes taken off. Reading ends where the list stops
/// being one.
fn attribute<'a>(mut list: &'a str, wanted: &str) -> Option<&'a str> {
    loop {
        let (name, after) = list.split_once('=')?;
        let (quoted, after) = match after.strip_prefix('"') {
            Some(quoted) => {
                let (value, after) = quoted.split_once('"')?;
                (Some(value), after)
            }
            None => (None, after),
        };
        let (unquoted, rest) = after.split_once(',').unwrap_or((after, ""));
        if name.trim_ascii() == wanted {
            return Some(quoted.unwrap_or(unquoted).trim_ascii());
        }
        list = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://a.example/film/main.m3u8?token=a%2Fb&empty=&token=c#part";

    fn read(text: &str) -> Result<Playlist, ManifestError> {
        super::parse(text, URL, &VariableDefinitions::default())
    }

    fn read_film(lines: &str) -> MultivariantPlaylist {
        match read(&["#EXTM3U\n", lines].concat()).unwrap() {
            Playlist::Multivariant(film) => film,
            Playlist::Media(_) => panic!("read as a media playlist"),
        }
    }

    fn sets(lines: &str) -> Vec<AdaptationSet> {
        read_film(lines)
            .presentation
            .periods
            .remove(0)
            .adaptation_sets
    }

    fn read_media(lines: &str) -> MediaPlaylist {
        match read(&["#EXTM3U\n", lines].concat()).unwrap() {
            Playlist::Media(playlist) => playlist,
            Playlist::Multivariant(_) => panic!("read as a multivariant playlist"),
        }
    }

    fn listed(lines: &str) -> Vec<ListedSegment> {
        match read_media(lines).segments.addresses {
            SegmentAddresses::Listed(listed) => listed,
            SegmentAddresses::Template { .. } => panic!("a template"),
        }
    }

    fn uri(representation: &Representation) -> &str {
        match &representation.index {
            Index::Playlist(uri) => uri,
            _ => panic!("no playlist"),
        }
    }

    fn uris(set: &AdaptationSet) -> Vec<&str> {
        set.representations.iter().map(uri).collect()
    }

    /// The reason, whichever of the two refusals it is.
    fn refusal(lines: &str) -> String {
        read(&["#EXTM3U\n", lines].concat())
            .unwrap_err()
            .to_string()
    }

    // § 9.1
    const SIMPLE: &str = "\
#EXT-X-TARGETDURATION:10
#EXT-X-VERSION:3
#EXTINF:9.009,
http://media.example.com/first.ts
#EXTINF:9.009,
http://media.example.com/second.ts
#EXTINF:3.003,
http://media.example.com/third.ts
#EXT-X-ENDLIST
";

    // § 9.4, and § 9.6 with its renditions
    const ALTERNATIVE_AUDIO: &str = r#"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aac",NAME="English",DEFAULT=YES,AUTOSELECT=YES,LANGUAGE="en",URI="main/english-audio.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aac",NAME="Deutsch",DEFAULT=NO,AUTOSELECT=YES,LANGUAGE="de",URI="main/german-audio.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="aac",NAME="Commentary",DEFAULT=NO,AUTOSELECT=NO,LANGUAGE="en",URI="commentary/audio-only.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=1280000,CODECS="avc1.4d401e,mp4a.40.2",AUDIO="aac"
low/video-only.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=2560000,CODECS="avc1.4d401e,mp4a.40.2",AUDIO="aac"
mid/video-only.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=7680000,CODECS="avc1.4d401f,mp4a.40.2",AUDIO="aac"
hi/video-only.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=65000,CODECS="mp4a.40.5",AUDIO="aac"
main/english-audio.m3u8
"#;

    #[test]
    fn a_simple_media_playlist_is_read() {
        let playlist = read_media(SIMPLE);
        assert_eq!(playlist.availability, Availability::Complete);
        assert_eq!(playlist.target_duration, 10.0);
        let segments = &playlist.segments;
        assert_eq!((segments.len(), segments.runs.len()), (3, 2));
        assert_eq!(segments.timestamps, Timestamps::Discontinuities);
        assert_eq!(segments.span(), Some((0.0, 21.021)));
        let third = segments.get(2).unwrap();
        assert_eq!((third.start, third.end), (18.018, 21.021));
        assert_eq!(third.resource.path, "http://media.example.com/third.ts");
        assert_eq!((third.init, third.discontinuity), (None, 0));
    }

    #[test]
    fn a_playlist_without_an_end_grows() {
        let open = SIMPLE.replace("#EXT-X-ENDLIST", "");
        for (extra, availability) in [
            ("", Availability::Live),
            ("#EXT-X-PLAYLIST-TYPE:EVENT\n", Availability::Live),
            ("#EXT-X-PLAYLIST-TYPE:VOD\n", Availability::Complete),
        ] {
            let playlist = read_media(&[&open, extra].concat());
            assert_eq!(playlist.availability, availability, "{extra}");
        }
        let unborn = read_media("#EXT-X-TARGETDURATION:4");
        assert!(unborn.segments.is_empty() && unborn.availability == Availability::Live);
    }

    #[test]
    fn encrypted_segments_count_their_vectors_until_the_next_key() {
        // § 9.3
        let keys: Vec<_> = listed(
            "#EXT-X-MEDIA-SEQUENCE:7794\n\
             #EXT-X-KEY:METHOD=AES-128,URI=\"https://priv.example.com/key.php?r=52\"\n\
             #EXTINF:2.833,\nA.ts\n#EXTINF:15.0,\nB.ts\n\
             #EXT-X-KEY:METHOD=AES-128,URI=\"key.php?r=53\",IV=0xFe,KEYFORMAT=\"identity\"\n\
             #EXTINF:15.0,\nC.ts\n#EXT-X-KEY:METHOD=NONE\n#EXTINF:15.0,\nD.ts\n",
        )
        .into_iter()
        .map(|segment| {
            let key = segment.resource.key?;
            Some((key.path.to_string(), u128::from_be_bytes(key.iv)))
        })
        .collect();
        let first = || "https://priv.example.com/key.php?r=52".to_owned();
        assert_eq!(
            keys,
            [
                Some((first(), 7794)),
                Some((first(), 7795)),
                Some(("key.php?r=53".to_owned(), 0xfe)),
                None,
            ]
        );
    }

    #[test]
    fn a_key_before_it_is_the_init_segments_too() {
        let playlist = read_media(
            "#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x1\n#EXT-X-MAP:URI=\"i\"\n#EXTINF:1,\na\n",
        );
        let segment = playlist.segments.get(0).unwrap();
        let key = segment.init.unwrap().key.unwrap();
        assert_eq!((key.path.as_str(), key.iv[15]), ("k", 1));
        assert_eq!(segment.resource.key, Some(key));
    }

    #[test]
    fn a_key_that_anybody_can_fetch_is_taken_before_one_of_a_drm_system() {
        let plain = "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n";
        let foreign = "#EXT-X-KEY:METHOD=AES-128,URI=\"f\",KEYFORMAT=\"com.example\"\n";
        for keys in [[plain, foreign].concat(), [foreign, plain].concat()] {
            let segments = listed(&[&keys, "#EXTINF:1,\na\n"].concat());
            assert_eq!(segments[0].resource.key.as_ref().unwrap().path, "k");
        }
        assert_eq!(
            refusal(&[foreign, "#EXTINF:1,\na\n"].concat()),
            "DRM protection"
        );
        let none = "#EXT-X-KEY:METHOD=NONE\n#EXTINF:1,\na\n";
        assert_eq!(listed(&[foreign, none].concat())[0].resource.key, None);
    }

    #[test]
    fn what_codecs_leave_open_the_bytes_will_tell() {
        let audio = "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"A\",URI=\"a\"\n";
        let found = sets(&[
            audio,
            "#EXT-X-STREAM-INF:BANDWIDTH=9,CODECS=\"avc1.4d401f,mp4a.40.2,ec-3\",AUDIO=\"a\"\nv\n",
        ]
        .concat());
        let codecs = |set: usize| found[set].representations[0].codecs.as_str();
        assert_eq!((codecs(0), codecs(1)), ("avc1.4d401f", ""));
        // Sound has no size.
        let found =
            sets("#EXT-X-STREAM-INF:BANDWIDTH=9,CODECS=\"mp4a.40.2\",RESOLUTION=640x360\nv\n");
        assert_eq!(found[0].content_type, ContentType::Video);
    }

    #[test]
    fn subtitles_are_listed_once_for_each_name() {
        let film = read_film(
            "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"Deutsch\",LANGUAGE=\"de\",URI=\"s/de.m3u8\"\n\
             #EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"t\",NAME=\"Deutsch\",LANGUAGE=\"de\",URI=\"t/de.m3u8\"\n\
             #EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"c\",NAME=\"CC\",INSTREAM-ID=\"CC1\"\n\
             #EXT-X-STREAM-INF:BANDWIDTH=9,SUBTITLES=\"s\"\nv\n",
        )
        .presentation;
        let [only] = film.captions.as_slice() else {
            panic!("{:?}", film.captions);
        };
        assert_eq!(
            (only.language.as_str(), only.label.as_str()),
            ("de", "Deutsch")
        );
        assert_eq!(only.files[0].resource.path, "s/de.m3u8");
    }

    #[test]
    fn initialization_vectors() {
        for (text, vector) in [
            ("0x0", Some(0)),
            ("0XfF", Some(255)),
            ("0x100000000000000000000000000000000", None),
            ("0xffffffffffffffffffffffffffffffff", Some(u128::MAX)),
            ("0x", None),
            ("12", None),
            ("0x+1", None),
        ] {
            assert_eq!(initialization_vector(text), vector, "{text}");
        }
    }

    #[test]
    fn an_init_segment_holds_until_the_next_one() {
        let playlist = read_media(
            "#EXTINF:1,\na\n#EXT-X-MAP:URI=\"i.mp4\",BYTERANGE=\"720@0\"\n#EXTINF:1,\nb\n\
             #EXT-X-MAP:URI=\"i.mp4\",BYTERANGE=\"720\"\n#EXTINF:1,\nc\n\
             #EXT-X-MAP:URI=\"j.mp4\"\n#EXTINF:1,\nd\n",
        );
        let first = Resource {
            path: "i.mp4".into(),
            range: Some(ByteRange {
                first: 0,
                last: Some(719),
            }),
            key: None,
        };
        let second = Resource {
            path: "j.mp4".into(),
            ..Resource::default()
        };
        assert_eq!(playlist.segments.inits.len(), 2);
        let inits: Vec<_> = (0..4)
            .map(|number| playlist.segments.get(number).unwrap().init)
            .collect();
        assert_eq!(
            inits,
            [None, Some(first.clone()), Some(first), Some(second)]
        );
    }

    #[test]
    fn a_byte_range_begins_where_the_previous_one_of_its_file_ends() {
        let ranges = |lines: &str| -> Vec<_> {
            listed(lines)
                .iter()
                .map(|segment| {
                    segment
                        .resource
                        .range
                        .map(|range| (range.first, range.last))
                })
                .collect()
        };
        assert_eq!(
            ranges(
                "#EXTINF:1,\n#EXT-X-BYTERANGE:10@5\na\n#EXT-X-BYTERANGE:7\n#EXTINF:1,\na\n\
                 #EXTINF:1,\nb\n"
            ),
            [Some((5, Some(14))), Some((15, Some(21))), None]
        );
        for lines in [
            "#EXTINF:1,\n#EXT-X-BYTERANGE:10\na\n",
            "#EXTINF:1,\na\n#EXTINF:1,\n#EXT-X-BYTERANGE:10\na\n",
            "#EXTINF:1,\n#EXT-X-BYTERANGE:10@0\na\n#EXTINF:1,\n#EXT-X-BYTERANGE:10\nb\n",
            "#EXTINF:1,\n#EXT-X-BYTERANGE:0@0\na\n",
            "#EXTINF:1,\n#EXT-X-BYTERANGE:2@18446744073709551615\na\n",
            "#EXTINF:1,\n#EXT-X-BYTERANGE:2@x\na\n",
        ] {
            assert!(refusal(lines).contains("byte range"), "{lines}");
        }
    }

    #[test]
    fn discontinuities_are_counted_from_the_number_that_is_told() {
        let segments = listed(
            "#EXT-X-DISCONTINUITY-SEQUENCE:7\n#EXT-X-DISCONTINUITY\n#EXTINF:1,\na\n#EXTINF:1,\nb\n\
             #EXT-X-GAP\n#EXT-X-DISCONTINUITY\n#EXTINF:1,\nc\n#EXTINF:1,\nd\n",
        );
        let told: Vec<_> = segments
            .iter()
            .map(|s| (s.discontinuity, s.is_missing))
            .collect();
        assert_eq!(told, [(8, false), (8, false), (9, true), (9, false)]);
    }

    #[test]
    fn rounding_does_not_add_up_and_nothing_lasts_for_nothing() {
        let thirds = "#EXTINF:0.333333333,\na\n".repeat(30_000);
        let (_, end) = read_media(&thirds).segments.span().unwrap();
        assert!((end - 9_999.999_99).abs() < 1e-6, "{end}");
        let runs = read_media("#EXTINF:0,\na\n#EXTINF:0,\nb\n#EXTINF:1,\nc\n#EXTINF:1,\nd\n")
            .segments
            .runs;
        let times: Vec<_> = runs
            .iter()
            .map(|run| (run.time, run.duration, run.count, run.first))
            .collect();
        assert_eq!(
            times,
            [
                (0, 1, 2, 0),
                (2, 999_998, 1, 2),
                (1_000_000, 1_000_000, 1, 3)
            ]
        );
        let rounded = read_media("#EXTINF:1.0000006,\na\n").segments.runs;
        assert_eq!(rounded[0].duration, 1_000_001);
        let far = read_media(&"#EXTINF:18446744073709551615,\na\n".repeat(3));
        assert_eq!(far.segments.len(), 3);
    }

    #[test]
    fn bom_crlf_blank_lines_unknown_tags_and_comments_change_nothing() {
        let dirty = SIMPLE.replace('\n', " \r\n\r\n#EXT-X-NEW:A=1\r\n# comment\r\n");
        let text = ["\u{feff}#EXTM3U\r\n", &dirty].concat();
        assert_eq!(read(&text), Ok(Playlist::Media(read_media(SIMPLE))));
    }

    #[test]
    fn each_rendition_is_an_adaptation_set_beside_that_of_the_variants() {
        let found = sets(ALTERNATIVE_AUDIO);
        let told: Vec<_> = found
            .iter()
            .map(|set| {
                (
                    set.content_type,
                    set.label.as_str(),
                    set.language.as_str(),
                    set.is_main,
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (ContentType::Video, "", "", true),
                (ContentType::Audio, "English", "en", true),
                (ContentType::Audio, "Deutsch", "de", false),
                (ContentType::Audio, "Commentary", "en", false),
            ]
        );
        assert_eq!(
            uris(&found[0]),
            [
                "low/video-only.m3u8",
                "mid/video-only.m3u8",
                "hi/video-only.m3u8"
            ]
        );
        assert_eq!(
            found[0].representations[2].mime(),
            "video/mp4; codecs=\"avc1.4d401f\""
        );
        assert_eq!(
            found[2].representations[0].mime(),
            "audio/mp4; codecs=\"mp4a.40.2\""
        );
        assert_eq!(&*found[0].representations[0].base_urls[0], URL);
    }

    #[test]
    fn a_rendition_has_a_representation_in_each_group_that_is_named() {
        let found = sets(
            r#"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="lo",NAME="en, main",LANGUAGE="en",URI="lo-en.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="hi",NAME="en, main",LANGUAGE="en",URI="hi-en.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="un",NAME="en, main",LANGUAGE="en",URI="un-en.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="lo",NAME="de",LANGUAGE="de",URI="de.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="hi",NAME="de",LANGUAGE="de",URI="de.m3u8"
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="lo",NAME="de",LANGUAGE="gsw",URI="gsw.m3u8"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID="lo",NAME="sub",URI="sub.m3u8"
#EXT-X-STREAM-INF:BANDWIDTH=9,RESOLUTION=640x360,FRAME-RATE=29.97,NAME="n",CODECS="avc1.1, wvtt,mp4a.40.2",AUDIO="lo"
v.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=10,RESOLUTION=640x360,FRAME-RATE=29.97,NAME="n",CODECS="avc1.1,ec-3",AUDIO="hi"
v.m3u8
"#,
        );
        assert_eq!(found.len(), 4);
        let video = &found[0].representations[0];
        assert_eq!((uris(&found[0]), video.bandwidth), (vec!["v.m3u8"], 9));
        assert_eq!((video.size, video.frame_rate), ((640, 360), 29.97));
        assert_eq!((video.id.as_str(), video.codecs.as_str()), ("n", "avc1.1"));
        assert_eq!(uris(&found[1]), ["lo-en.m3u8", "hi-en.m3u8"]);
        assert_eq!(found[1].representations[0].codecs, "mp4a.40.2");
        assert_eq!(found[1].representations[1].codecs, "ec-3");
        assert_eq!(uris(&found[2]), ["de.m3u8"]);
        assert_eq!(uris(&found[3]), ["gsw.m3u8"]);
    }

    #[test]
    fn sound_in_the_segments_of_the_variants_is_theirs() {
        const MUXED: &str = "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"in\",DEFAULT=YES\n";
        const OTHER: &str = "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\",URI=\"x.m3u8\"\n";
        for (groups, audio) in [
            ([MUXED, ""], ",AUDIO=\"a\""),
            ([OTHER, MUXED], ",AUDIO=\"a\""),
            ([OTHER, ""], ",AUDIO=\"unknown\""),
            ([OTHER, ""], ""),
        ] {
            let inf = "#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.1,stpp.ttml,mp4a.40.2\"";
            let found = sets(&[groups[0], groups[1], inf, audio, "\nv.m3u8\n"].concat());
            assert_eq!(found.len(), 1, "{groups:?} {audio}");
            assert_eq!(found[0].representations[0].codecs, "avc1.1,mp4a.40.2");
        }
    }

    #[test]
    fn variants_whose_sound_is_elsewhere_than_that_of_the_first_are_left_out() {
        let group = "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\",URI=\"x.m3u8\"\n";
        let apart = "#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"\napart\n";
        let muxed = "#EXT-X-STREAM-INF:BANDWIDTH=2\nmuxed\n";
        let found = sets(&[group, apart, muxed].concat());
        assert_eq!((found.len(), uris(&found[0])), (2, vec!["apart"]));
        let found = sets(&[group, muxed, apart].concat());
        assert_eq!((found.len(), uris(&found[0])), (1, vec!["muxed"]));
    }

    #[test]
    fn sound_alone_is_left_out_beside_pictures_and_a_film_of_its_own_otherwise() {
        let variant = |bandwidth, codecs, rest| {
            [
                "#EXT-X-STREAM-INF:BANDWIDTH=",
                bandwidth,
                codecs,
                "\n",
                rest,
                "\n",
            ]
            .concat()
        };
        let sound = variant("9", ",CODECS=\"mp4a.40.2\"", "sound");
        let less = variant("8", ",CODECS=\"mp4a.40.5\"", "less");
        let untold = variant("7", "", "untold");
        let text = variant("6", ",CODECS=\"stpp\"", "text");
        for (lines, kind, wanted) in [
            ([&sound, &untold, ""], ContentType::Video, vec!["untold"]),
            (
                [&sound, &text, &untold],
                ContentType::Video,
                vec!["text", "untold"],
            ),
            (
                [&sound, &less, ""],
                ContentType::Audio,
                vec!["less", "sound"],
            ),
        ] {
            let found = sets(&lines.concat());
            assert_eq!(
                (found.len(), found[0].content_type, uris(&found[0])),
                (1, kind, wanted)
            );
        }
        let silent_about_codecs = &sets(&untold)[0].representations[0];
        assert_eq!(silent_about_codecs.mime(), "");
        let renditions = sets(
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\",URI=\"x.m3u8\"\n\
             #EXT-X-STREAM-INF:BANDWIDTH=8,CODECS=\"mp4a.40.5\",AUDIO=\"a\"\nx.m3u8\n",
        );
        assert_eq!(
            (renditions.len(), uris(&renditions[0])),
            (1, vec!["x.m3u8"])
        );
        assert_eq!(renditions[0].representations[0].bandwidth, 8);
    }

    #[test]
    fn copies_for_when_the_first_fails_are_left_out() {
        let lines = "#EXT-X-STREAM-INF:BANDWIDTH=2,PATHWAY-ID=\"one\"\na/2\n\
             #EXT-X-STREAM-INF:BANDWIDTH=2,PATHWAY-ID=\"two\"\nb/2\n\
             #EXT-X-STREAM-INF:BANDWIDTH=1,PATHWAY-ID=\"two\"\nb/1\n\
             #EXT-X-STREAM-INF:BANDWIDTH=1,PATHWAY-ID=\"one\"\na/1\n";
        assert_eq!(uris(&sets(lines)[0]), ["a/1", "a/2"]);
        let same = lines
            .replace(",PATHWAY-ID=\"one\"", "")
            .replace(",PATHWAY-ID=\"two\"", "");
        assert_eq!(uris(&sets(&same)[0]), ["b/1", "a/2"]);
    }

    #[test]
    fn session_keys_tell_what_is_protected() {
        for (list, protected) in [
            ("METHOD=AES-128,URI=\"k\"", false),
            ("METHOD=AES-128,URI=\"k\",KEYFORMAT=\"identity\"", false),
            ("METHOD=SAMPLE-AES,URI=\"k\"", true),
            (
                "METHOD=AES-128,URI=\"k\",KEYFORMAT=\"com.apple.streamingkeydelivery\"",
                true,
            ),
        ] {
            let key = ["#EXT-X-SESSION-KEY:", list, "\n", ALTERNATIVE_AUDIO].concat();
            assert!(
                sets(&key).iter().all(|set| set.is_protected == protected),
                "{list}"
            );
        }
    }

    #[test]
    fn variables_are_filled_in() {
        let film = read_film(
            "#EXT-X-DEFINE:NAME=\"host\",VALUE=\"https://h\"\n\
             #EXT-X-DEFINE:QUERYPARAM=\"token\"\n\
             #EXT-X-DEFINE:NAME=\"both-1_\",VALUE=\"{$host}/{$token}\"\n\
             #EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"{$\"\n{$both-1_}/{v}?{$}{$token}\n",
        );
        assert_eq!(
            uris(&film.presentation.periods[0].adaptation_sets[0]),
            ["https://h/a/b/{v}?{$}a/b"]
        );
        let media = "#EXTM3U\n#EXT-X-DEFINE:IMPORT=\"host\"\n#EXTINF:1,\n{$host}/s\n";
        let Ok(Playlist::Media(read)) = super::parse(media, URL, &film.variables) else {
            panic!("not read");
        };
        assert_eq!(read.segments.get(0).unwrap().resource.path, "https://h/s");
    }

    #[test]
    fn variables_that_stand_for_nothing_are_refused() {
        for define in [
            "NAME=\"a\"",
            "VALUE=\"a\"",
            "NAME=\"a\",VALUE=\"\"\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"\"",
            "NAME=\"a\",VALUE=\"\",IMPORT=\"a\"",
            "IMPORT=\"a\"",
            "QUERYPARAM=\"empty\"",
            "QUERYPARAM=\"part\"",
            "NAME=\"a\",VALUE=\"{$later}\"",
        ] {
            let lines = ["#EXT-X-DEFINE:", define, "\n", SIMPLE].concat();
            assert!(refusal(&lines).contains("variable"), "{define}");
        }
        assert_eq!(refusal("#EXTINF:1,\n{$b}\n"), "a variable is not defined");
    }

    #[test]
    fn what_is_escaped_in_a_query_stays_a_value() {
        for (url, value) in [
            ("u?n=%c3%A9%41", Some("éA")),
            ("u?m=1&n=a=b#n=2", Some("a=b")),
            ("u?n=%ff", None),
            ("u?n=%2", None),
            ("u?n=%22", None),
            ("u?n=%0a", None),
            ("u#?n=1", None),
        ] {
            assert_eq!(query_parameter(url, "n").as_deref(), value, "{url}");
        }
    }

    #[test]
    fn what_cannot_be_played_is_named() {
        let key = |list: &str| ["#EXT-X-KEY:", list, "\n", SIMPLE].concat();
        for (lines, feature) in [
            (key("METHOD=SAMPLE-AES,URI=\"k\""), "DRM protection"),
            (key("METHOD=SAMPLE-AES-CTR,URI=\"k\""), "DRM protection"),
            (
                key("METHOD=AES-128,URI=\"k\",KEYFORMAT=\"com.widevine\""),
                "DRM protection",
            ),
            (
                key("METHOD=AES-256-GCM,URI=\"k\""),
                "encryption other than AES-128",
            ),
            (
                ["#EXT-X-I-FRAMES-ONLY\n", SIMPLE].concat(),
                "playlists of I-frames only",
            ),
        ] {
            let read = read(&["#EXTM3U\n", &lines].concat());
            assert_eq!(read, Err(ManifestError::Unsupported(feature)));
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "<!doctype html>",
            "#EXTM3U",
            "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n",
            "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na\n#EXTINF:1,\nb\n",
            "#EXTM3U\n#EXTINF:abc,\na\n",
            "#EXTM3U\n#EXTINF:-1,\na\n",
            "#EXTM3U\n#EXTINF:1,\na\nb\n",
            "#EXTM3U\n#EXTINF:1,\n#EXT-X-ENDLIST\n",
            "#EXTM3U\n#EXT-X-MAP:BYTERANGE\n#EXTINF:1,\na\n",
            "#EXTM3U\n#EXT-X-KEY:URI=\"k\"\n#EXTINF:1,\na\n",
            "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128\n#EXTINF:1,\na\n",
            "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=1\n#EXTINF:1,\na\n",
            "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:x\n#EXTINF:1,\na\n",
            "#EXTM3U\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n#EXTINF:1,\na\n",
        ] {
            assert!(
                matches!(read(text), Err(ManifestError::Malformed(_))),
                "{text:?}"
            );
        }
    }

    #[test]
    fn attribute_lists() {
        for (list, wanted) in [
            (
                "A=1,B=\"x,y=z\",C=0xA",
                [Some("1"), Some("x,y=z"), Some("0xA")],
            ),
            (
                " A = 1 , B=\"x\" junk,C=2",
                [Some("1"), Some("x"), Some("2")],
            ),
            ("A=,B=\"\"", [Some(""), Some(""), None]),
            ("A=1,B=\"open", [Some("1"), None, None]),
            ("A", [None; 3]),
        ] {
            let read = ["A", "B", "C"].map(|name| attribute(list, name));
            assert_eq!(read, wanted, "{list}");
        }
    }

    #[test]
    fn what_repeats_itself_beyond_measure_is_refused() {
        let long = "x".repeat(1 << 20);
        let key = ["#EXT-X-KEY:METHOD=AES-128,URI=\"", &long, "\"\n"].concat();
        let text = [key, "#EXTINF:1,\na\n".repeat(100)].concat();
        assert!(refusal(&text).contains("repeats"));
        let variable = ["#EXT-X-DEFINE:NAME=\"x\",VALUE=\"", &long, "\"\n"].concat();
        let text = [variable, "#EXTINF:1,\n{$x}\n".repeat(100)].concat();
        assert!(refusal(&text).contains("repeats"));
        let codecs = ["#EXT-X-STREAM-INF:CODECS=\"mp4a,", &long, "\"\nb\n"].concat();
        assert_eq!(sets(&codecs)[0].representations[0].codecs, "");
        let variants = "#EXT-X-STREAM-INF:A\nb\n".repeat(1001);
        assert_eq!(refusal(&variants), "more than 1000 variants");
    }
}
