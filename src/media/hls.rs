//! HLS playlists, after [RFC 8216bis](https://datatracker.ietf.org/doc/html/draft-ietf-hls-rfc8216bis):
//! on demand, fragmented MP4. Unknown tags are passed over, as § 6.3.1 asks; what this player cannot
//! play is named.

/// A playlist of either kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Playlist {
    /// § 4.4.6: lists the variants of a film.
    Multivariant(Multivariant),
    /// § 4.4.3: lists the segments of one rendition.
    Media(Media),
}

/// The variants of a film, and the renditions that they share.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Multivariant {
    /// At least one, in the author's order: the first is the one to start with.
    pub variants: Vec<Variant>,
    /// The audio renditions.
    pub audio: Vec<Rendition>,
}

/// EXT-X-STREAM-INF and its URI line (§ 4.4.6.2).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Variant {
    /// Its media playlist, relative to this one.
    pub uri: String,
    /// RFC 6381 names of every format in it; empty if the author left them out.
    pub codecs: Vec<String>,
    /// The audio group that it is played with.
    pub audio_group: Option<String>,
}

/// EXT-X-MEDIA of sound (§ 4.4.6.1).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rendition {
    /// Which group it belongs to.
    pub group: String,
    /// Its media playlist, relative to the multivariant playlist; `None` if it is muxed into the
    /// variant's own segments.
    pub uri: Option<String>,
    /// Whether it is played where a person has not chosen.
    pub default: bool,
}

/// The segments of one rendition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Media {
    /// EXT-X-MAP: the init segment, relative to the playlist.
    pub init: String,
    /// At least one, in order.
    pub segments: Vec<Entry>,
}

/// EXTINF and its URI line (§ 4.4.4.1).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry {
    /// Relative to the playlist.
    pub uri: String,
    /// Seconds.
    pub duration: f64,
}

/// Why a playlist is of no use.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refusal {
    /// It breaks a rule that it cannot be read without.
    #[error("{0}")]
    Malformed(String),
    /// It needs a feature that this player does not have.
    #[error("{0}")]
    Unsupported(&'static str),
}

impl Multivariant {
    /// What to play: the first variant, which the author has put there to start with, and the media
    /// playlist of its sound, if that is not muxed.
    pub fn choose(&self) -> Option<(&Variant, Option<&str>)> {
        let variant = self.variants.first()?;
        let group = variant.audio_group.as_ref();
        let in_group = || {
            self.audio
                .iter()
                .filter(|audio| Some(&audio.group) == group)
        };
        let audio = in_group()
            .find(|audio| audio.default)
            .or_else(|| in_group().next());
        Some((variant, audio.and_then(|audio| audio.uri.as_deref())))
    }
}

impl Variant {
    /// The codecs of one kind, as a comma-separated list.
    pub fn codecs_of(&self, kind: Kind) -> String {
        let mut list = String::new();
        for codec in self
            .codecs
            .iter()
            .filter(|codec| Kind::of(codec) == Some(kind))
        {
            if !list.is_empty() {
                list.push(',');
            }
            list.push_str(codec);
        }
        list
    }
}

/// What a codec is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
}

impl Kind {
    /// What an RFC 6381 name stands for; `None` for text, which no SourceBuffer takes.
    fn of(codec: &str) -> Option<Self> {
        let format = codec.split('.').next().unwrap_or_default();
        let is_any = |known: &[&str]| known.iter().any(|known| format.eq_ignore_ascii_case(known));
        if is_any(&[
            "mp4a", "ac-3", "ec-3", "ac-4", "opus", "flac", "alac", "mp3",
        ]) {
            Some(Self::Audio)
        } else if is_any(&["wvtt", "stpp", "tx3g", "c608", "c708"]) {
            None
        } else {
            Some(Self::Video)
        }
    }
}

/// Reads a playlist of either kind.
///
/// # Errors
/// [`Refusal`], with words for a person.
pub fn read(text: &str) -> Result<Playlist, Refusal> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    if lines.next() != Some("#EXTM3U") {
        return Err(malformed("it does not begin with #EXTM3U"));
    }
    let lines: Vec<&str> = lines.collect();
    // § 4.1: what is in it says which of the two it is.
    let has = |tag: &str| lines.iter().any(|line| line.starts_with(tag));
    if has("#EXT-X-STREAM-INF") {
        multivariant(&lines).map(Playlist::Multivariant)
    } else if has("#EXTINF") {
        media(&lines).map(Playlist::Media)
    } else {
        Err(malformed("it lists neither variants nor segments"))
    }
}

fn multivariant(lines: &[&str]) -> Result<Multivariant, Refusal> {
    let mut playlist = Multivariant::default();
    let mut pending: Option<Variant> = None;
    for line in lines {
        if let Some(list) = line.strip_prefix("#EXT-X-STREAM-INF:") {
            pending = Some(variant(list));
        } else if let Some(list) = line.strip_prefix("#EXT-X-MEDIA:") {
            playlist.audio.extend(audio_rendition(list));
        } else if !line.starts_with('#')
            && let Some(variant) = pending.take()
        {
            playlist.variants.push(Variant {
                uri: (*line).into(),
                ..variant
            });
        }
    }
    if playlist.variants.is_empty() {
        return Err(malformed("its EXT-X-STREAM-INF has no URI after it"));
    }
    Ok(playlist)
}

fn variant(list: &str) -> Variant {
    let mut variant = Variant::default();
    for (name, value) in attributes(list) {
        match name {
            "CODECS" => {
                variant.codecs = value.split(',').map(|codec| codec.trim().into()).collect()
            }
            "AUDIO" => variant.audio_group = Some(value.into()),
            _ => {}
        }
    }
    variant
}

fn audio_rendition(list: &str) -> Option<Rendition> {
    let mut rendition = Rendition::default();
    let mut is_audio = false;
    for (name, value) in attributes(list) {
        match name {
            "TYPE" => is_audio = value == "AUDIO",
            "GROUP-ID" => rendition.group = value.into(),
            "URI" => rendition.uri = Some(value.into()),
            "DEFAULT" => rendition.default = value == "YES",
            _ => {}
        }
    }
    is_audio.then_some(rendition)
}

fn media(lines: &[&str]) -> Result<Media, Refusal> {
    let mut playlist = Media::default();
    let mut duration = None;
    let mut ended = false;
    for line in lines {
        let (tag, value) = line.split_once(':').unwrap_or((line, ""));
        match tag {
            "#EXTINF" => {
                let seconds = value.split(',').next().unwrap_or_default();
                duration =
                    Some(decimal(seconds).ok_or_else(|| {
                        Refusal::Malformed(format!("“{seconds}” is not a duration"))
                    })?);
            }
            "#EXT-X-MAP" => {
                if attribute(value, "BYTERANGE").is_some() {
                    return Err(Refusal::Unsupported("byte ranges"));
                }
                let uri =
                    attribute(value, "URI").ok_or_else(|| malformed("its EXT-X-MAP has no URI"))?;
                if !playlist.init.is_empty() && playlist.init != uri {
                    return Err(Refusal::Unsupported("more than one init segment"));
                }
                playlist.init = uri.into();
            }
            "#EXT-X-KEY" if attribute(value, "METHOD") != Some("NONE") => {
                return Err(Refusal::Unsupported("encryption"));
            }
            "#EXT-X-BYTERANGE" => return Err(Refusal::Unsupported("byte ranges")),
            "#EXT-X-DISCONTINUITY" if !playlist.segments.is_empty() => {
                return Err(Refusal::Unsupported("discontinuities"));
            }
            "#EXT-X-GAP" => return Err(Refusal::Unsupported("gaps")),
            "#EXT-X-ENDLIST" => ended = true,
            _ if line.starts_with('#') => {}
            _ => playlist.segments.push(Entry {
                uri: (*line).into(),
                duration: duration
                    .take()
                    .ok_or_else(|| malformed("a segment has no EXTINF before it"))?,
            }),
        }
    }
    if playlist.segments.is_empty() {
        return Err(malformed("it lists no segments"));
    }
    if !ended {
        return Err(Refusal::Unsupported("a live playlist"));
    }
    if playlist.init.is_empty() {
        return Err(Refusal::Unsupported(
            "segments that are not fragmented MP4 (it has no EXT-X-MAP)",
        ));
    }
    Ok(playlist)
}

fn malformed(rule: &str) -> Refusal {
    Refusal::Malformed(rule.into())
}

/// The value of one attribute.
fn attribute<'a>(list: &'a str, wanted: &str) -> Option<&'a str> {
    attributes(list).find_map(|(name, value)| (name == wanted).then_some(value))
}

/// An attribute list (§ 4.2), quotes taken off. Reading ends where the list stops being one.
fn attributes(list: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = list;
    std::iter::from_fn(move || {
        let (name, after) = rest.split_once('=')?;
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => {
                let (value, after) = quoted.split_once('"')?;
                (value, after.strip_prefix(',').unwrap_or(after))
            }
            None => after.split_once(',').unwrap_or((after, "")),
        };
        rest = after;
        Some((name.trim(), value.trim()))
    })
}

/// A decimal-floating-point (§ 4.2) in seconds. `str::parse::<f64>` would do, and would more than
/// double this reader's size in the worker; a billionth of a second is close enough.
fn decimal(text: &str) -> Option<f64> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let whole: u32 = whole.parse().ok()?;
    let digits = fraction.get(..9).unwrap_or(fraction);
    if digits.is_empty() {
        return Some(f64::from(whole));
    }
    let numerator: u32 = digits.parse().ok()?;
    let denominator = 10_u32.pow(u32::try_from(digits.len()).ok()?);
    Some(f64::from(whole) + f64::from(numerator) / f64::from(denominator))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_multivariant(text: &str) -> Multivariant {
        match read(text).unwrap() {
            Playlist::Multivariant(playlist) => playlist,
            Playlist::Media(_) => panic!("read as a media playlist"),
        }
    }

    fn read_media(text: &str) -> Media {
        match read(text).unwrap() {
            Playlist::Media(playlist) => playlist,
            Playlist::Multivariant(_) => panic!("read as a multivariant playlist"),
        }
    }

    const SEGMENTS: &str =
        "#EXT-X-MAP:URI=\"init.mp4\"\n#EXTINF:4.5,\na.m4s\n#EXTINF:2,title\nb.m4s\n";

    #[test]
    fn the_first_variant_and_its_groups_default_sound_are_chosen() {
        let playlist = read_multivariant(
            "#EXTM3U\n\
             #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"other\",NAME=\"x\",DEFAULT=YES,URI=\"no.m3u8\"\n\
             #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"A, B\",URI=\"first.m3u8\"\n\
             #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"=\",DEFAULT=YES,URI=\"wanted.m3u8\"\n\
             #EXT-X-STREAM-INF:BANDWIDTH=900,CODECS=\"avc1.4d401f, wvtt,mp4a.40.2\",AUDIO=\"a\"\n\
             # a comment\n\
             mid.m3u8\n\
             #EXT-X-STREAM-INF:BANDWIDTH=100\n\
             low.m3u8\n",
        );
        let (variant, audio) = playlist.choose().unwrap();
        assert_eq!(variant.uri, "mid.m3u8");
        assert_eq!(variant.codecs_of(Kind::Video), "avc1.4d401f");
        assert_eq!(variant.codecs_of(Kind::Audio), "mp4a.40.2");
        assert_eq!(audio, Some("wanted.m3u8"));
    }

    #[test]
    fn sound_without_a_playlist_of_its_own_is_muxed() {
        let playlist = read_multivariant(
            "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"de\",URI=\"de.m3u8\"\n\
             #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"in\",DEFAULT=YES\n\
             #EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"\nv.m3u8\n",
        );
        assert_eq!(playlist.choose().unwrap().1, None);
    }

    #[test]
    fn segments_are_read_with_bom_crlf_blank_lines_and_unknown_tags() {
        let text = format!("\u{feff}#EXTM3U\n\n#EXT-X-NEW:A=1\n{SEGMENTS}#EXT-X-ENDLIST");
        let playlist = read_media(&text.replace('\n', "\r\n"));
        assert_eq!(playlist.init, "init.mp4");
        let entries: Vec<_> = playlist
            .segments
            .iter()
            .map(|s| (s.uri.as_str(), s.duration))
            .collect();
        assert_eq!(entries, [("a.m4s", 4.5), ("b.m4s", 2.0)]);
    }

    #[test]
    fn what_cannot_be_played_is_named() {
        for (extra, feature) in [
            ("#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n", "encryption"),
            ("#EXT-X-BYTERANGE:10@0\n", "byte ranges"),
            ("#EXT-X-GAP\n", "gaps"),
        ] {
            let text = format!("#EXTM3U\n{extra}{SEGMENTS}#EXT-X-ENDLIST\n");
            assert_eq!(read(&text), Err(Refusal::Unsupported(feature)));
        }
        let text = format!("#EXTM3U\n{SEGMENTS}");
        assert_eq!(read(&text), Err(Refusal::Unsupported("a live playlist")));
    }

    #[test]
    fn a_plain_key_and_a_discontinuity_before_the_first_segment_change_nothing() {
        let text = format!(
            "#EXTM3U\n#EXT-X-KEY:METHOD=NONE\n#EXT-X-DISCONTINUITY\n{SEGMENTS}#EXT-X-ENDLIST\n"
        );
        assert_eq!(read_media(&text).segments.len(), 2);
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "<!doctype html>",
            "#EXTM3U",
            "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n",
            "#EXTM3U\n#EXTINF:abc,\na\n#EXT-X-ENDLIST",
            "#EXTM3U\n#EXTINF:1,\na\nb\n#EXT-X-ENDLIST",
            "#EXTM3U\n#EXT-X-MAP:BYTERANGE\n#EXTINF:1,\na\n#EXT-X-ENDLIST",
        ] {
            assert!(matches!(read(text), Err(Refusal::Malformed(_))), "{text:?}");
        }
    }

    #[test]
    fn decimals() {
        for (text, seconds) in [
            ("2", 2.0),
            ("2.", 2.0),
            (" 9.009 ", 9.009),
            ("0.1234567891", 0.123_456_789),
        ] {
            assert!((decimal(text).unwrap() - seconds).abs() < 1e-12, "{text}");
        }
        for text in ["", ".", "-1", "1e3", "NaN", "99999999999", "1.x"] {
            assert_eq!(decimal(text), None, "{text}");
        }
    }
}
