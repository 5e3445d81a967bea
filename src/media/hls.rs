//! HLS playlists, after [RFC 8216bis](https://datatracker.ietf.org/doc/html/draft-pantos-hls-rfc8216bis).
//! Unknown tags are passed over, as § 6.3.1 asks; what this player cannot play is named.

use std::rc::Rc;

use super::{
    AdaptationSet, Addresses, Availability, ByteRange, Index, Key, Kind, Listed, Period, Place,
    Presentation, Refusal, Representation, Run, Segments, Timestamps, kind_of,
    number::{decimal, digits},
};

/// A playlist of either kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Playlist {
    /// § 4.4.6: lists the variants of a film.
    Multivariant(Multivariant),
    /// § 4.4.3: lists the segments of one of them.
    Media(Media),
}

/// The variants of a film, and the renditions that they share.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Multivariant {
    /// One period, whose representations each have a media playlist of their own.
    pub film: Presentation,
    /// The variables that those playlists may import.
    pub definitions: Definitions,
}

/// The segments of one representation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Media {
    /// All of them; paths are relative to the playlist.
    pub segments: Segments,
    /// Whether more of them will come.
    pub availability: Availability,
    /// Seconds that no segment is longer than; 0 if it is not said.
    pub target_duration: f64,
}

/// The variables of a playlist (EXT-X-DEFINE, § 4.4.2.3): names and values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Definitions(Vec<(String, String)>);

/// More variants, or more renditions, than this are refused: comparing each with each has to end.
const MAX_VARIANTS: usize = 1000;

/// More variables than this are refused, for the same reason.
const MAX_VARIABLES: usize = 100;

/// How many bytes a playlist may repeat of itself: a variable may be long, and be named in every line.
const MAX_GROWTH: usize = 1 << 26;

/// The ticks of a media playlist are microseconds.
const TIMESCALE: u64 = 1_000_000;

/// Reads a playlist of either kind, which was found at `url`. What it may import was defined by the
/// multivariant playlist that names it.
///
/// # Errors
/// [`Refusal`], with words for a person.
pub fn read(text: &str, url: &str, imported: &Definitions) -> Result<Playlist, Refusal> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    if lines.next() != Some("#EXTM3U") {
        return Err(malformed("it does not begin with #EXTM3U"));
    }
    let scope = Scope {
        url,
        imported,
        definitions: Definitions::default(),
        growth: MAX_GROWTH,
    };
    // § 4.1: what is in it says which of the two it is. One that is still to begin lists nothing.
    let has = |tag: &str| lines.clone().any(|line| line.starts_with(tag));
    match (has("#EXT-X-STREAM-INF"), has("#EXTINF")) {
        (true, true) => Err(malformed("it lists both variants and segments")),
        (true, false) => multivariant(lines, scope).map(Playlist::Multivariant),
        (false, false) if !has("#EXT-X-TARGETDURATION") => {
            Err(malformed("it lists neither variants nor segments"))
        }
        (false, _) => media(lines, scope).map(Playlist::Media),
    }
}

/// EXT-X-STREAM-INF and its URI line (§ 4.4.6.2).
struct Variant {
    uri: String,
    /// The group of audio renditions that it is played with; empty if there is none.
    audio: String,
    /// Which copy of the film it belongs to (§ 7).
    pathway: String,
    /// What else it says of itself. Its codecs are those of all that is played with it.
    says: Representation,
}

/// EXT-X-MEDIA of sound (§ 4.4.6.1).
struct Rendition {
    group: String,
    name: String,
    language: String,
    /// `None` if it is muxed into the segments of the variants.
    uri: Option<String>,
    default: bool,
}

fn multivariant<'a>(
    lines: impl Iterator<Item = &'a str>,
    mut scope: Scope,
) -> Result<Multivariant, Refusal> {
    let mut variants = Vec::new();
    let mut renditions = Vec::new();
    let mut protected = false;
    let mut pending = None;
    for line in lines {
        let (tag, value) = line.split_once(':').unwrap_or((line, ""));
        match tag {
            "#EXT-X-STREAM-INF" => pending = Some(value),
            "#EXT-X-MEDIA" if attribute(value, "TYPE") == Some("AUDIO") => {
                renditions.push(rendition(value, &mut scope)?);
            }
            "#EXT-X-SESSION-KEY" => protected |= is_drm(value),
            "#EXT-X-DEFINE" => scope.define(value)?,
            _ if line.starts_with('#') => {}
            _ => {
                if let Some(list) = pending.take() {
                    variants.push(variant(list, line, &mut scope)?);
                }
            }
        }
        if variants.len().max(renditions.len()) > MAX_VARIANTS {
            return Err(Refusal::Unsupported("more than 1000 variants"));
        }
    }
    let mut sets = adaptation_sets(variants, &renditions, &mut scope)?;
    let base: Rc<str> = scope.url.into();
    for set in &mut sets {
        set.protected = protected;
        for representation in &mut set.representations {
            representation.bases = vec![Rc::clone(&base)];
            // A guess, and most often right: the bytes will tell.
            representation.container = match (set.kind, representation.codecs.is_empty()) {
                (_, true) => "",
                (Kind::Video, false) => "video/mp4",
                (Kind::Audio, false) => "audio/mp4",
            }
            .into();
        }
    }
    let period = Period {
        start: 0.0,
        end: f64::INFINITY,
        sets,
    };
    Ok(Multivariant {
        film: Presentation {
            periods: vec![period],
            ..Presentation::default()
        },
        definitions: scope.definitions,
    })
}

fn variant(list: &str, uri: &str, scope: &mut Scope) -> Result<Variant, Refusal> {
    let bandwidth = attribute(list, "BANDWIDTH").and_then(digits);
    let frame_rate = attribute(list, "FRAME-RATE").and_then(decimal);
    let says = Representation {
        id: scope.attribute(list, "NAME")?.unwrap_or_default(),
        bandwidth: bandwidth.unwrap_or_default(),
        size: attribute(list, "RESOLUTION")
            .and_then(resolution)
            .unwrap_or_default(),
        frame_rate: frame_rate.unwrap_or_default(),
        codecs: scope.attribute(list, "CODECS")?.unwrap_or_default(),
        ..Representation::default()
    };
    Ok(Variant {
        uri: scope.fill(uri)?,
        audio: scope.attribute(list, "AUDIO")?.unwrap_or_default(),
        pathway: scope
            .attribute(list, "PATHWAY-ID")?
            .unwrap_or_else(|| ".".into()),
        says,
    })
}

/// Width and height (§ 4.2).
fn resolution(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once('x')?;
    Some((
        digits(width)?.try_into().ok()?,
        digits(height)?.try_into().ok()?,
    ))
}

fn rendition(list: &str, scope: &mut Scope) -> Result<Rendition, Refusal> {
    Ok(Rendition {
        group: scope.attribute(list, "GROUP-ID")?.unwrap_or_default(),
        name: scope.attribute(list, "NAME")?.unwrap_or_default(),
        language: scope.attribute(list, "LANGUAGE")?.unwrap_or_default(),
        uri: scope.attribute(list, "URI")?,
        default: attribute(list, "DEFAULT") == Some("YES"),
    })
}

/// What there is to choose from. Where variants do not go together, those like the author's first one
/// are kept.
fn adaptation_sets(
    mut variants: Vec<Variant>,
    renditions: &[Rendition],
    scope: &mut Scope,
) -> Result<Vec<AdaptationSet>, Refusal> {
    let Some(first) = variants.first() else {
        return Err(malformed("its EXT-X-STREAM-INF has no URI after it"));
    };
    // The other pathways are copies on other servers.
    let pathway = first.pathway.clone();
    variants.retain(|variant| variant.pathway == pathway);
    // Sound alone, beside variants with pictures, is for those who cannot load pictures.
    let kind = if variants.iter().any(|variant| variant.kind() == Kind::Video) {
        Kind::Video
    } else {
        Kind::Audio
    };
    variants.retain(|variant| variant.kind() == kind);
    // Sound that is in the segments of some variants only would come and go with the bandwidth.
    let apart = |variant: &Variant| sound_is_apart(&variant.audio, renditions);
    let is_apart = variants.first().is_some_and(apart);
    variants.retain(|variant| apart(variant) == is_apart);

    let mut sets = Vec::new();
    if is_apart {
        audio_sets(&variants, renditions, scope, &mut sets)?;
    }
    // If there is nothing but sound, and it is apart, the renditions are all there is.
    if kind == Kind::Video || !is_apart {
        let mut set = AdaptationSet {
            kind,
            main: true,
            ..AdaptationSet::default()
        };
        for Variant { uri, says, .. } in variants {
            let codecs = codecs_of(&says.codecs, is_apart.then_some(kind));
            offer(&mut set, uri, Representation { codecs, ..says });
        }
        sets.insert(0, set);
    }
    Ok(sets)
}

impl Variant {
    /// Pictures, unless it says that it has none.
    fn kind(&self) -> Kind {
        let has = |kind| !codecs_of(&self.says.codecs, Some(kind)).is_empty();
        if has(Kind::Audio) && !has(Kind::Video) {
            Kind::Audio
        } else {
            Kind::Video
        }
    }
}

/// Whether the sound of a group has media playlists of its own (§ 4.4.6.2.1). If one of its renditions
/// is in the variants' own segments, no other one can be played beside it.
fn sound_is_apart(group: &str, renditions: &[Rendition]) -> bool {
    let any = |has_uri: bool| {
        renditions
            .iter()
            .any(|rendition| rendition.group == group && rendition.uri.is_some() == has_uri)
    };
    !group.is_empty() && any(true) && !any(false)
}

/// A set for each name and language, in which the renditions of all groups meet. A group that no
/// variant names is for nobody; of the others, variants tell the codecs.
fn audio_sets(
    variants: &[Variant],
    renditions: &[Rendition],
    scope: &mut Scope,
    sets: &mut Vec<AdaptationSet>,
) -> Result<(), Refusal> {
    for rendition in renditions {
        let named_by = variants
            .iter()
            .find(|variant| variant.audio == rendition.group);
        let (Some(variant), Some(uri)) = (named_by, &rendition.uri) else {
            continue;
        };
        scope.charge(variant.says.codecs.len())?;
        let says = Representation {
            id: rendition.group.clone(),
            // Only where it has nothing but sound is the variant's bandwidth that of the sound.
            bandwidth: match variant.kind() {
                Kind::Video => 0,
                Kind::Audio => variant.says.bandwidth,
            },
            codecs: codecs_of(&variant.says.codecs, Some(Kind::Audio)),
            ..Representation::default()
        };
        let known = sets
            .iter()
            .position(|set| set.label == rendition.name && set.language == rendition.language);
        let at = known.unwrap_or(sets.len());
        if known.is_none() {
            sets.push(AdaptationSet {
                kind: Kind::Audio,
                label: rendition.name.clone(),
                language: rendition.language.clone(),
                ..AdaptationSet::default()
            });
        }
        if let Some(set) = sets.get_mut(at) {
            set.main |= rendition.default;
            offer(set, uri.clone(), says);
        }
    }
    Ok(())
}

/// Adds a representation, by ascending bandwidth and once. The same playlist with other sound is no
/// other representation; neither is another playlist of which the same is said, for that is a copy for
/// when the first fails.
fn offer(set: &mut AdaptationSet, uri: String, says: Representation) {
    fn said(of: &Representation) -> (u64, (u32, u32), f64, &str, &str) {
        (of.bandwidth, of.size, of.frame_rate, &of.id, &of.codecs)
    }
    let index = Index::Playlist(uri);
    let known = &mut set.representations;
    if !known
        .iter()
        .any(|known| known.index == index || said(known) == said(&says))
    {
        let at = known.partition_point(|lower| lower.bandwidth <= says.bandwidth);
        known.insert(at, Representation { index, ..says });
    }
}

/// Those of the codecs in a list that are of a kind, or of either: text is left out, as no
/// SourceBuffer takes it.
fn codecs_of(list: &str, wanted: Option<Kind>) -> String {
    let mut codecs = String::new();
    for codec in list.split(',').map(str::trim) {
        let kind = kind_of(codec);
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

fn media<'a>(lines: impl Iterator<Item = &'a str>, mut scope: Scope) -> Result<Media, Refusal> {
    let mut playlist = Media {
        availability: Availability::Growing,
        ..Media::default()
    };
    let mut timeline = Timeline::default();
    let mut listed: Vec<Listed> = Vec::new();
    let mut inits: Vec<Place> = Vec::new();
    // What holds for the segments that follow, and what for the next one alone.
    let mut encryption = Encryption::Clear;
    let mut sequence = 0;
    let mut stretch = 0_u32;
    let mut next = Next::default();
    for line in lines {
        let (tag, value) = line.split_once(':').unwrap_or((line, ""));
        match tag {
            "#EXTINF" => next.duration = Some(value.split(',').next().unwrap_or_default()),
            "#EXT-X-BYTERANGE" => next.range = Some(value),
            "#EXT-X-GAP" => next.is_missing = true,
            "#EXT-X-DISCONTINUITY" => stretch = stretch.saturating_add(1),
            "#EXT-X-KEY" => encryption = Encryption::read(value, &mut scope)?,
            "#EXT-X-MAP" => {
                if !matches!(encryption, Encryption::Clear) {
                    return Err(Refusal::Unsupported("encrypted init segments"));
                }
                let init = init(value, &mut scope)?;
                if inits.last() != Some(&init) {
                    inits.push(init);
                }
            }
            "#EXT-X-MEDIA-SEQUENCE" => sequence = number(value)?,
            "#EXT-X-DISCONTINUITY-SEQUENCE" => stretch = number(value)?,
            "#EXT-X-TARGETDURATION" => playlist.target_duration = duration(value)?,
            "#EXT-X-ENDLIST" => playlist.availability = Availability::Whole,
            "#EXT-X-PLAYLIST-TYPE" if value.trim() == "VOD" => {
                playlist.availability = Availability::Whole;
            }
            "#EXT-X-DEFINE" => scope.define(value)?,
            "#EXT-X-I-FRAMES-ONLY" => {
                return Err(Refusal::Unsupported("playlists of I-frames only"));
            }
            "#EXT-X-SKIP" => return Err(malformed("it leaves out what nobody here has read")),
            _ if line.starts_with('#') => {}
            _ => {
                let next = std::mem::take(&mut next);
                let seconds = next
                    .duration
                    .ok_or_else(|| malformed("a segment has no EXTINF before it"))?;
                timeline.push(duration(seconds)?);
                let path = scope.fill(line)?;
                let range = match next.range {
                    Some(range) => Some(byte_range(range, end_within(&path, listed.last()))?),
                    None => None,
                };
                listed.push(Listed {
                    place: Place { path, range },
                    // It is the last that was read, so the last in the list.
                    init: inits.len().checked_sub(1),
                    key: encryption.key(sequence, &mut scope)?,
                    stretch,
                    missing: next.is_missing,
                });
                sequence = sequence.saturating_add(1);
            }
        }
    }
    if listed.is_empty() && playlist.availability == Availability::Whole {
        return Err(malformed("it lists no segments"));
    }
    playlist.segments = Segments {
        timescale: TIMESCALE,
        runs: timeline.runs,
        addresses: Addresses::Listed(listed),
        inits,
        timestamps: Timestamps::Stretches,
        ..Segments::default()
    };
    Ok(playlist)
}

/// The tags that hold for the next segment alone.
#[derive(Default)]
struct Next<'a> {
    duration: Option<&'a str>,
    range: Option<&'a str>,
    is_missing: bool,
}

/// Where segments begin and end. Their durations are summed up before they are rounded to ticks, so
/// that no error grows with their number.
#[derive(Default)]
struct Timeline {
    runs: Vec<Run>,
    /// Where the last one ends, exactly and in ticks.
    nanoseconds: u64,
    ticks: u64,
}

impl Timeline {
    fn push(&mut self, seconds: f64) {
        let nanoseconds = (seconds * 1e9 + 0.5) as u64;
        self.nanoseconds = self.nanoseconds.saturating_add(nanoseconds);
        let end = self.nanoseconds.saturating_add(500) / 1000;
        // Every segment lasts, however short its author says it is.
        let duration = end.saturating_sub(self.ticks).max(1);
        let time = self.ticks;
        self.ticks = time.saturating_add(duration);
        match self.runs.last_mut() {
            Some(run) if run.duration == duration => run.count += 1,
            last => {
                let first = last.map_or(0, |run| run.first + run.count);
                self.runs.push(Run {
                    time,
                    duration,
                    count: 1,
                    first,
                });
            }
        }
    }
}

/// How the segments that follow are encrypted (§ 4.4.4.4).
enum Encryption {
    Clear,
    /// With an initialization vector that the author gives.
    Given(Rc<Key>),
    /// With the media sequence number of each for its initialization vector: the path of the key.
    Counted(String),
}

impl Encryption {
    fn read(list: &str, scope: &mut Scope) -> Result<Self, Refusal> {
        match attribute(list, "METHOD") {
            Some("NONE") => return Ok(Self::Clear),
            _ if is_drm(list) => return Err(Refusal::Unsupported("DRM protection")),
            Some("AES-128") => {}
            Some(_) => return Err(Refusal::Unsupported("encryption other than AES-128")),
            None => return Err(malformed("an EXT-X-KEY has no METHOD")),
        }
        let path = scope
            .attribute(list, "URI")?
            .ok_or_else(|| malformed("an EXT-X-KEY has no URI"))?;
        Ok(match scope.attribute(list, "IV")? {
            None => Self::Counted(path),
            Some(iv) => {
                let iv = initialization_vector(&iv)
                    .ok_or_else(|| malformed("the IV of an EXT-X-KEY is not a 128-bit number"))?;
                Self::Given(Rc::new(Key { path, iv }))
            }
        })
    }

    /// The key of the segment with a media sequence number.
    fn key(&self, sequence: u64, scope: &mut Scope) -> Result<Option<Rc<Key>>, Refusal> {
        Ok(match self {
            Self::Clear => None,
            Self::Given(key) => Some(Rc::clone(key)),
            Self::Counted(path) => {
                scope.charge(path.len())?;
                Some(Rc::new(Key {
                    path: path.clone(),
                    iv: u128::from(sequence).to_be_bytes(),
                }))
            }
        })
    }
}

/// Whether EXT-X-KEY or EXT-X-SESSION-KEY speaks of a key that nobody may just fetch.
fn is_drm(list: &str) -> bool {
    let says = |name| attribute(list, name).unwrap_or_default();
    says("METHOD").starts_with("SAMPLE-AES") || !matches!(says("KEYFORMAT"), "" | "identity")
}

/// A hexadecimal-sequence (§ 4.2) of up to 128 bits.
fn initialization_vector(text: &str) -> Option<[u8; 16]> {
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
    Some(vector.to_be_bytes())
}

/// EXT-X-MAP (§ 4.4.4.5).
fn init(list: &str, scope: &mut Scope) -> Result<Place, Refusal> {
    let path = scope
        .attribute(list, "URI")?
        .ok_or_else(|| malformed("an EXT-X-MAP has no URI"))?;
    let range = match scope.attribute(list, "BYTERANGE")? {
        Some(range) => Some(byte_range(&range, Some(0))?),
        None => None,
    };
    Ok(Place { path, range })
}

/// `length[@offset]` (§ 4.4.4.2), and where it begins if the offset is left out.
fn byte_range(text: &str, implied: Option<u64>) -> Result<ByteRange, Refusal> {
    let (length, first) = match text.split_once('@') {
        Some((length, offset)) => (length, digits(offset.trim())),
        None => (text, implied),
    };
    let range = || {
        let first = first?;
        let last = first.checked_add(digits(length.trim())?.checked_sub(1)?)?;
        Some(ByteRange {
            first,
            last: Some(last),
        })
    };
    range().ok_or_else(|| malformed("a byte range has no beginning or no end"))
}

/// The byte after the previous segment, if that is a part of the same file.
fn end_within(path: &str, previous: Option<&Listed>) -> Option<u64> {
    let place = &previous?.place;
    let last = place.range?.last?;
    (place.path == path).then(|| last.saturating_add(1))
}

/// What the variables of a playlist stand for (§ 4.3), and how much it may still repeat.
struct Scope<'a> {
    /// Of the playlist.
    url: &'a str,
    imported: &'a Definitions,
    definitions: Definitions,
    /// Bytes.
    growth: usize,
}

impl Scope<'_> {
    /// EXT-X-DEFINE (§ 4.4.2.3).
    fn define(&mut self, list: &str) -> Result<(), Refusal> {
        let says = |name| attribute(list, name);
        let (name, value) = match (says("NAME"), says("IMPORT"), says("QUERYPARAM")) {
            (Some(name), None, None) => (name, self.attribute(list, "VALUE")?),
            (None, Some(name), None) => (name, self.imported.value(name).map(String::from)),
            (None, None, Some(name)) => (name, query_parameter(self.url, name)),
            _ => return Err(malformed("an EXT-X-DEFINE does not define one variable")),
        };
        let value = value.ok_or_else(|| undefined(name))?;
        if self.definitions.value(name).is_some() {
            return Err(malformed("a variable is defined twice"));
        }
        if self.definitions.0.len() == MAX_VARIABLES {
            return Err(Refusal::Unsupported("more than 100 variables"));
        }
        self.definitions.0.push((name.into(), value));
        Ok(())
    }

    /// A text, with the values of the variables that it refers to.
    fn fill(&mut self, text: &str) -> Result<String, Refusal> {
        let mut parts = text.split('{');
        let mut filled = String::from(parts.next().unwrap_or_default());
        for part in parts {
            let reference = part
                .strip_prefix('$')
                .and_then(|rest| rest.split_once('}'))
                .filter(|(name, _)| is_variable_name(name));
            let Some((name, rest)) = reference else {
                filled.push('{');
                filled.push_str(part);
                continue;
            };
            let value = self
                .definitions
                .value(name)
                .ok_or_else(|| undefined(name))?;
            filled.push_str(value);
            filled.push_str(rest);
            let length = value.len();
            self.charge(length)?;
        }
        Ok(filled)
    }

    /// The value of one attribute, filled.
    fn attribute(&mut self, list: &str, name: &str) -> Result<Option<String>, Refusal> {
        attribute(list, name)
            .map(|value| self.fill(value))
            .transpose()
    }

    /// Takes note of bytes that are repeated.
    fn charge(&mut self, bytes: usize) -> Result<(), Refusal> {
        self.growth = self
            .growth
            .checked_sub(bytes)
            .ok_or_else(|| malformed("it repeats itself beyond measure"))?;
        Ok(())
    }
}

impl Definitions {
    fn value(&self, name: &str) -> Option<&str> {
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        Some(value)
    }
}

fn is_variable_name(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    !name.is_empty() && name.bytes().all(is_allowed)
}

/// The value of a parameter of a URL's query, percent-decoded. An empty one is none.
fn query_parameter(url: &str, name: &str) -> Option<String> {
    let (_, query) = url.split('#').next()?.split_once('?')?;
    let encoded = query
        .split('&')
        .filter_map(|parameter| parameter.split_once('='))
        .find_map(|(known, value)| (known == name && !value.is_empty()).then_some(value))?;
    let mut bytes = encoded.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hexadecimal(bytes.next()?)? << 4 | hexadecimal(bytes.next()?)?,
            _ => byte,
        });
    }
    // § 4.2: what cannot stand in a quoted-string cannot come in by a variable.
    let value = String::from_utf8(decoded).ok()?;
    (!value.contains(['"', '\r', '\n'])).then_some(value)
}

fn hexadecimal(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

fn duration(text: &str) -> Result<f64, Refusal> {
    decimal(text).ok_or_else(|| malformed("a duration is not a number"))
}

fn number<T: TryFrom<u64>>(text: &str) -> Result<T, Refusal> {
    digits(text.trim())
        .and_then(|number| number.try_into().ok())
        .ok_or_else(|| malformed("a sequence number is not a number"))
}

fn malformed(rule: &str) -> Refusal {
    Refusal::Malformed(rule.into())
}

fn undefined(name: &str) -> Refusal {
    Refusal::Malformed(["its variable “", name, "” is not defined"].concat())
}

/// The value of one attribute as it is written, quotes taken off.
fn attribute<'a>(list: &'a str, wanted: &str) -> Option<&'a str> {
    attributes(list).find_map(|(name, value)| (name == wanted).then_some(value))
}

/// An attribute list (§ 4.2). Reading ends where the list stops being one.
fn attributes(list: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = list;
    std::iter::from_fn(move || {
        let (name, after) = rest.split_once('=')?;
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => {
                let (value, after) = quoted.split_once('"')?;
                (value, after.split_once(',').unwrap_or_default().1)
            }
            None => after.split_once(',').unwrap_or((after, "")),
        };
        rest = after;
        Some((name.trim(), value.trim()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://a.example/film/main.m3u8?token=a%2Fb&empty=&token=c#part";

    fn read(text: &str) -> Result<Playlist, Refusal> {
        super::read(text, URL, &Definitions::default())
    }

    fn read_film(lines: &str) -> Multivariant {
        match read(&["#EXTM3U\n", lines].concat()).unwrap() {
            Playlist::Multivariant(film) => film,
            Playlist::Media(_) => panic!("read as a media playlist"),
        }
    }

    fn sets(lines: &str) -> Vec<AdaptationSet> {
        read_film(lines).film.periods.remove(0).sets
    }

    fn read_media(lines: &str) -> Media {
        match read(&["#EXTM3U\n", lines].concat()).unwrap() {
            Playlist::Media(playlist) => playlist,
            Playlist::Multivariant(_) => panic!("read as a multivariant playlist"),
        }
    }

    fn listed(lines: &str) -> Vec<Listed> {
        match read_media(lines).segments.addresses {
            Addresses::Listed(listed) => listed,
            Addresses::Template { .. } => panic!("a template"),
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
        assert_eq!(playlist.availability, Availability::Whole);
        assert_eq!(playlist.target_duration, 10.0);
        let segments = &playlist.segments;
        assert_eq!((segments.len(), segments.runs.len()), (3, 2));
        assert_eq!(segments.timestamps, Timestamps::Stretches);
        assert_eq!(segments.span(), Some((0.0, 21.021)));
        let third = segments.get(2).unwrap();
        assert_eq!((third.start, third.end), (18.018, 21.021));
        assert_eq!(third.place.path, "http://media.example.com/third.ts");
        assert_eq!((third.init, third.key, third.stretch), (None, None, 0));
    }

    #[test]
    fn a_playlist_without_an_end_grows() {
        let open = SIMPLE.replace("#EXT-X-ENDLIST", "");
        for (extra, availability) in [
            ("", Availability::Growing),
            ("#EXT-X-PLAYLIST-TYPE:EVENT\n", Availability::Growing),
            ("#EXT-X-PLAYLIST-TYPE:VOD\n", Availability::Whole),
        ] {
            let playlist = read_media(&[&open, extra].concat());
            assert_eq!(playlist.availability, availability, "{extra}");
        }
        let unborn = read_media("#EXT-X-TARGETDURATION:4");
        assert!(unborn.segments.is_empty() && unborn.availability == Availability::Growing);
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
            let key = segment.key?;
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
            let read = initialization_vector(text).map(u128::from_be_bytes);
            assert_eq!(read, vector, "{text}");
        }
    }

    #[test]
    fn an_init_segment_holds_until_the_next_one() {
        let playlist = read_media(
            "#EXTINF:1,\na\n#EXT-X-MAP:URI=\"i.mp4\",BYTERANGE=\"720@0\"\n#EXTINF:1,\nb\n\
             #EXT-X-MAP:URI=\"i.mp4\",BYTERANGE=\"720\"\n#EXTINF:1,\nc\n\
             #EXT-X-MAP:URI=\"j.mp4\"\n#EXTINF:1,\nd\n",
        );
        let first = Place {
            path: "i.mp4".into(),
            range: Some(ByteRange {
                first: 0,
                last: Some(719),
            }),
        };
        let second = Place {
            path: "j.mp4".into(),
            range: None,
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
                .map(|segment| segment.place.range.map(|range| (range.first, range.last)))
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
        let told: Vec<_> = segments.iter().map(|s| (s.stretch, s.missing)).collect();
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
                    set.kind,
                    set.label.as_str(),
                    set.language.as_str(),
                    set.main,
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                (Kind::Video, "", "", true),
                (Kind::Audio, "English", "en", true),
                (Kind::Audio, "Deutsch", "de", false),
                (Kind::Audio, "Commentary", "en", false),
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
        assert_eq!(&*found[0].representations[0].bases[0], URL);
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
            ([&sound, &untold, ""], Kind::Video, vec!["untold"]),
            (
                [&sound, &text, &untold],
                Kind::Video,
                vec!["text", "untold"],
            ),
            ([&sound, &less, ""], Kind::Audio, vec!["less", "sound"]),
        ] {
            let found = sets(&lines.concat());
            assert_eq!(
                (found.len(), found[0].kind, uris(&found[0])),
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
                sets(&key).iter().all(|set| set.protected == protected),
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
            uris(&film.film.periods[0].sets[0]),
            ["https://h/a/b/{v}?{$}a/b"]
        );
        let media = "#EXTM3U\n#EXT-X-DEFINE:IMPORT=\"host\"\n#EXTINF:1,\n{$host}/s\n";
        let Ok(Playlist::Media(read)) = super::read(media, URL, &film.definitions) else {
            panic!("not read");
        };
        assert_eq!(read.segments.get(0).unwrap().place.path, "https://h/s");
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
        assert_eq!(
            refusal("#EXTINF:1,\n{$b}\n"),
            "its variable “b” is not defined"
        );
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
                key("METHOD=AES-128,URI=\"k\",IV=0x1\n#EXT-X-MAP:URI=\"i\""),
                "encrypted init segments",
            ),
            (
                ["#EXT-X-I-FRAMES-ONLY\n", SIMPLE].concat(),
                "playlists of I-frames only",
            ),
        ] {
            let read = read(&["#EXTM3U\n", &lines].concat());
            assert_eq!(read, Err(Refusal::Unsupported(feature)));
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
            assert!(matches!(read(text), Err(Refusal::Malformed(_))), "{text:?}");
        }
    }

    #[test]
    fn attribute_lists() {
        for (list, wanted) in [
            (
                "A=1,B=\"x,y=z\",C=0xA",
                vec![("A", "1"), ("B", "x,y=z"), ("C", "0xA")],
            ),
            (
                " A = 1 , B=\"x\" junk,C=2",
                vec![("A", "1"), ("B", "x"), ("C", "2")],
            ),
            ("A=,B=\"\"", vec![("A", ""), ("B", "")]),
            ("A=1,B=\"open", vec![("A", "1")]),
            ("A", vec![]),
        ] {
            assert_eq!(attributes(list).collect::<Vec<_>>(), wanted, "{list}");
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
        let variants = "#EXT-X-STREAM-INF:A\nb\n".repeat(1001);
        assert_eq!(refusal(&variants), "more than 1000 variants");
    }
}
