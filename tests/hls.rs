//! Compares the HLS reader with quick-m3u8 on playlists from elsewhere (see `tests/manifests/README.md`), and checks
//! it on generated ones.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::{fmt::Write as _, fs, path::Path};

use proptest::{collection::vec, option, prelude::*};
use quick_m3u8::{
    HlsLine, Reader,
    config::ParsingOptionsBuilder,
    tag::{
        KnownTag,
        hls::{StreamInf, Tag},
    },
};
use yew_mse_worker::media::{
    BOUNDARY_TOLERANCE, ContentType, Index, ManifestError, Representation, Segment, Segments,
    boundary_tolerance,
    hls::{self, MediaPlaylist, MultivariantPlaylist, Playlist, VariableDefinitions},
};

const URL: &str = "https://a.example/video/playlist.m3u8";

fn read(text: &str) -> Result<Playlist, ManifestError> {
    hls::parse(text, URL, &VariableDefinitions::default())
}

fn read_media(text: &str) -> MediaPlaylist {
    match read(text) {
        Ok(Playlist::Media(media)) => media,
        other => panic!("not a media playlist: {other:?}"),
    }
}

fn all(segments: &Segments) -> Vec<Segment> {
    (0..segments.len())
        .map(|number| segments.get(number).unwrap())
        .collect()
}

/// Names and texts of the test playlists, sorted by name.
fn manifests() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifests");
    let mut found: Vec<(String, String)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "m3u8")
        })
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect();
    found.sort();
    found
}

/// A playlist according to quick-m3u8. That crate reads single lines; this combines tags with their URIs.
#[derive(Default)]
struct Oracle {
    variants: Vec<OracleVariant>,
    audio: Vec<String>,
    segments: Vec<OracleSegment>,
    has_end: bool,
}

#[derive(Debug, PartialEq)]
struct OracleVariant {
    uri: String,
    bandwidth: u64,
    size: (u32, u32),
    codecs: String,
}

#[derive(Debug, PartialEq)]
struct OracleSegment {
    uri: String,
    microseconds: u64,
    /// First and last byte.
    range: Option<(u64, u64)>,
    discontinuity: u32,
    key: Option<String>,
}

impl OracleVariant {
    fn of(variant: &StreamInf, uri: &str) -> Self {
        // Codecs of separate audio are not the variant's own; no playlist here has text codecs.
        let codecs = variant.codecs().unwrap_or_default().split(',');
        let codecs: Vec<_> = codecs
            .filter(|codec| variant.audio().is_none() || !codec.starts_with("mp4a"))
            .collect();
        let size = variant
            .resolution()
            .map_or((0, 0), |size| (size.width as u32, size.height as u32));
        Self {
            uri: uri.into(),
            bandwidth: variant.bandwidth(),
            size,
            codecs: codecs.join(","),
        }
    }
}

impl Oracle {
    fn read(text: &str) -> Self {
        let options = ParsingOptionsBuilder::new()
            .with_parsing_for_all_tags()
            .build();
        let mut reader = Reader::from_str(text, options);
        let mut oracle = Self::default();
        let (mut variant, mut duration, mut range, mut key) = (None, None, None, None);
        let (mut discontinuity, mut offset) = (0, 0);
        while let Some(line) = reader.read_line().unwrap() {
            match line {
                HlsLine::KnownTag(KnownTag::Hls(tag)) => match tag {
                    Tag::StreamInf(tag) => variant = Some(tag),
                    Tag::Media(tag) if tag.media_type().as_cow() == "AUDIO" => {
                        oracle.audio.extend(tag.uri().map(String::from));
                    }
                    Tag::Inf(tag) => duration = Some(tag.duration()),
                    Tag::Byterange(tag) => {
                        let first = tag.offset().unwrap_or(offset);
                        offset = first + tag.length();
                        range = Some((first, offset - 1));
                    }
                    Tag::Key(tag) => key = tag.uri().map(String::from),
                    Tag::Discontinuity(_) => discontinuity += 1,
                    Tag::Endlist(_) => oracle.has_end = true,
                    _ => {}
                },
                HlsLine::Uri(uri) => {
                    if let Some(variant) = variant.take() {
                        oracle.variants.push(OracleVariant::of(&variant, &uri));
                    } else if let Some(seconds) = duration.take() {
                        oracle.segments.push(OracleSegment {
                            uri: uri.into(),
                            microseconds: (seconds * 1e6_f64).round() as u64,
                            range: range.take(),
                            discontinuity,
                            key: key.clone(),
                        });
                    }
                }
                _ => {}
            }
        }
        oracle
    }
}

fn uri(representation: &Representation) -> String {
    match &representation.index {
        Index::Playlist(uri) => uri.clone(),
        other => panic!("{other:?} where a playlist was expected"),
    }
}

/// Variants that the reader skips on purpose: audio alone, for networks too slow for video.
const SKIPPED: [(&str, &str); 3] = [
    ("master-not-ending-in-newline-1", "https://video-weaver"),
    (
        "master-playlist-with-blankline",
        "http://example.com/audio-only.m3u8",
    ),
    ("master-with-alternatives", "main/audio-only.m3u8"),
];

fn is_skipped(name: &str, variant: &OracleVariant) -> bool {
    SKIPPED
        .iter()
        .any(|(of, uri)| *of == name && variant.uri.starts_with(uri))
        && variant.codecs.starts_with("mp4a")
}

fn compare_multivariant(
    name: &str,
    MultivariantPlaylist { presentation, .. }: &MultivariantPlaylist,
    mut oracle: Oracle,
) {
    let [period] = presentation.periods.as_slice() else {
        panic!("{name}: {} periods", presentation.periods.len());
    };
    let sets_of = |content_type| {
        period
            .adaptation_sets
            .iter()
            .filter(move |set| set.content_type == content_type)
    };
    let variants: Vec<_> = sets_of(ContentType::Video)
        .flat_map(|set| &set.representations)
        .map(|representation| OracleVariant {
            uri: uri(representation),
            bandwidth: representation.bandwidth,
            size: representation.size,
            codecs: representation.codecs.clone(),
        })
        .collect();
    let before = oracle.variants.len();
    oracle.variants.retain(|variant| !is_skipped(name, variant));
    let expected_skipped = SKIPPED.iter().filter(|(of, _)| *of == name).count();
    assert_eq!(before - oracle.variants.len(), expected_skipped, "{name}");
    // Representations are sorted by bandwidth.
    oracle.variants.sort_by_key(|variant| variant.bandwidth);
    assert_eq!(variants, oracle.variants, "{name}");
    let audio: Vec<_> = sets_of(ContentType::Audio)
        .flat_map(|set| &set.representations)
        .map(uri)
        .collect();
    assert_eq!(audio, oracle.audio, "{name}");
}

fn compare_media(name: &str, media: &MediaPlaylist, oracle: Oracle) {
    let segments: Vec<_> = all(&media.segments)
        .into_iter()
        .map(|segment| OracleSegment {
            uri: segment.resource.path,
            microseconds: ((segment.end - segment.start) * 1e6).round() as u64,
            range: segment
                .resource
                .range
                .map(|range| (range.first, range.last.unwrap())),
            discontinuity: segment.discontinuity,
            key: segment.resource.key.map(|key| key.path.to_string()),
        })
        .collect();
    assert_eq!(segments, oracle.segments, "{name}");
    assert_eq!(!media.segments.live.is_growing, oracle.has_end, "{name}");
}

#[test]
fn reads_playlists_like_quick_m3u8() {
    let manifests = manifests();
    assert_eq!(manifests.len(), 12);
    for (name, text) in manifests {
        let oracle = Oracle::read(&text);
        match read(&text) {
            Ok(Playlist::Multivariant(playlist)) => compare_multivariant(&name, &playlist, oracle),
            Ok(Playlist::Media(media)) => compare_media(&name, &media, oracle),
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

#[test]
fn audio_rendition_has_codecs_and_label() {
    let (_, text) = manifests()
        .into_iter()
        .find(|(name, _)| name == "masterplaylist")
        .unwrap();
    let Ok(Playlist::Multivariant(MultivariantPlaylist { presentation, .. })) = read(&text) else {
        panic!("no multivariant playlist");
    };
    let [_, audio] = presentation.periods[0].adaptation_sets.as_slice() else {
        panic!("no video or no audio");
    };
    assert_eq!(
        audio.representations[0].mime(),
        "audio/mp4; codecs=\"mp4a.40.2\""
    );
    assert_eq!((audio.language.as_str(), audio.is_main), ("spa", true));
    assert_eq!(audio.label, "mp4a.40.2_96K_Spanish");
}

#[test]
fn cut_playlists_do_not_panic() {
    for (_, text) in manifests() {
        for (end, _) in text.char_indices() {
            let _ = read(&text[..end]);
        }
    }
}

/// Playlists of five megabytes. Quadratic cost would show as a test that does not end, so there is no time limit.
#[test]
fn cost_is_linear_in_length() {
    const SIZE: usize = 5_000_000;
    let many = |before: &str, line: &str, after: &str| {
        ["#EXTM3U\n", before, &line.repeat(SIZE / line.len()), after].concat()
    };
    const INF: &str = "#EXTINF:1,\na\n";
    const VARIANT: &str = "#EXT-X-STREAM-INF:BANDWIDTH=1\nv\n";
    let long = "v".repeat(4_000);
    let distinct: String = (0..1000)
        .map(|n| {
            format!(
                "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{long}\",NAME=\"{long}{n}\",URI=\"{long}{n}\"\n\
                 #EXT-X-STREAM-INF:BANDWIDTH=1,NAME=\"{n}\",AUDIO=\"{long}\"\n{long}{n}\n"
            )
        })
        .collect();
    for text in [
        many(VARIANT, "a\n", ""),
        many(INF, "\n", ""),
        many("", INF, ""),
        many(
            "",
            "#EXTINF:1,\n#EXT-X-BYTERANGE:1@0\n#EXT-X-DISCONTINUITY\na\n",
            "",
        ),
        many("#EXT-X-MAP:URI=\"a\",", "A=\"=\",", "\n#EXTINF:1,\na\n"),
        many("#EXT-X-MAP:URI=\"", "x", "\n#EXTINF:1,\na\n"),
        many("#EXTINF:1,\n", "{$", "\n"),
        many("#EXTINF:1,\n", "{$a", "}\n"),
        many("#EXTINF:", "9", ",\na\n"),
        many("", VARIANT, ""),
        many("", "#EXT-X-MEDIA:TYPE=AUDIO\n", VARIANT),
        many("", "#EXT-X-DEFINE:NAME=\"a\",VALUE=\"\"\n", INF),
        many("#EXT-X-STREAM-INF:CODECS=\"", "a,", "\"\nv\n"),
        ["#EXTM3U\n", &distinct].concat(),
    ] {
        let _ = read(&text);
    }
    let media = read_media(&many("", "#EXTINF:1\na\n", ""));
    assert_eq!(media.segments.len(), (SIZE / 12) as u64);
}

/// A generated segment.
#[derive(Clone, Debug)]
struct Authored {
    microseconds: u64,
    file: u8,
    length: Option<u64>,
    offset: Option<u64>,
    init: Option<u8>,
    is_discontinuity: bool,
    is_missing: bool,
}

fn authored() -> impl Strategy<Value = Authored> {
    (
        prop_oneof![Just(0), Just(4_000_000), 1..20_000_000_u64],
        0..2_u8,
        option::of(1..1000_u64),
        option::of(0..10_000_u64),
        option::weighted(0.2, 0..3_u8),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(
            |(microseconds, file, length, offset, init, is_discontinuity, is_missing)| Authored {
                microseconds,
                file,
                length,
                offset,
                init,
                is_discontinuity,
                is_missing,
            },
        )
}

impl Authored {
    /// Writes its lines. The offset is left out if it is implied by the previous segment of the same file.
    fn write(&self, text: &mut String, implied_first: Option<u64>) {
        let mut line = |arguments: std::fmt::Arguments| writeln!(text, "{arguments}").unwrap();
        if let Some(init) = self.init {
            line(format_args!(
                "#EXT-X-MAP:BYTERANGE=\"9@1\",URI=\"{init}.mp4\""
            ));
        }
        if self.is_discontinuity {
            line(format_args!("#EXT-X-DISCONTINUITY"));
        }
        if self.is_missing {
            line(format_args!("#EXT-X-GAP"));
        }
        let (whole, fraction) = (self.microseconds / 1_000_000, self.microseconds % 1_000_000);
        line(format_args!("#EXTINF:{whole}.{fraction:06},title, of it"));
        if let Some(length) = self.length {
            match self.offset.or_else(|| implied_first.is_none().then_some(0)) {
                Some(offset) => line(format_args!("#EXT-X-BYTERANGE:{length}@{offset}")),
                None => line(format_args!("#EXT-X-BYTERANGE:{length}")),
            }
        }
        line(format_args!("{}.m4s", self.file));
    }
}

proptest! {
    #[test]
    fn reads_written_segments(authored in vec(authored(), 1..40)) {
        let mut text = String::from("#EXTM3U\n");
        let mut expected = Vec::new();
        let (mut discontinuity, mut init) = (0, None);
        let mut previous: Option<(u8, u64)> = None;
        for segment in &authored {
            let implied = previous
                .filter(|(file, _)| *file == segment.file)
                .map(|(_, end)| end);
            segment.write(&mut text, implied);
            let first = segment.offset.or(implied).unwrap_or(0);
            let range = segment.length.map(|length| (first, first + length - 1));
            previous = range.map(|(_, last)| (segment.file, last + 1));
            discontinuity += u32::from(segment.is_discontinuity);
            init = segment.init.map(|init| format!("{init}.mp4")).or(init);
            let path = format!("{}.m4s", segment.file);
            expected.push((path, range, discontinuity, init.clone(), segment.is_missing));
        }
        let segments = read_media(&text).segments;
        let read: Vec<_> = all(&segments)
            .into_iter()
            .map(|segment| {
                let range = segment.resource.range.map(|range| (range.first, range.last.unwrap()));
                let init = segment.init.map(|init| init.path);
                (segment.resource.path, range, segment.discontinuity, init, segment.is_missing)
            })
            .collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn times_ascend_and_segments_are_found(
        authored in vec(authored(), 1..40),
        time in 0.0..400.0_f64,
    ) {
        let mut text = String::from("#EXTM3U\n");
        for segment in &authored {
            Authored { length: None, ..segment.clone() }.write(&mut text, None);
        }
        let segments = read_media(&text).segments;
        let mut end = 0.0;
        let (mut exact, mut previous) = (0, 10_000_000);
        for (segment, authored) in all(&segments).iter().zip(&authored) {
            prop_assert_eq!(segment.start, end);
            prop_assert!(segment.end > segment.start);
            end = segment.end;
            // A segment without a duration is assumed to be as long as the one before.
            if authored.microseconds > 0 {
                previous = authored.microseconds;
            }
            exact += previous;
            prop_assert!((end - exact as f64 / 1e6).abs() < 41e-6);
        }
        match segments.segment_at(time) {
            Some(found) => {
                prop_assert!(found.start <= time + BOUNDARY_TOLERANCE + 1e-6);
                prop_assert!(found.end > time + boundary_tolerance(found.end - found.start) - 1e-6);
            }
            None => prop_assert!(end <= time + BOUNDARY_TOLERANCE + 1e-6),
        }
    }

    #[test]
    fn arbitrary_lines_do_not_panic(lines in vec(
        prop_oneof![
            "#EXT(INF|-X-(MAP|KEY|BYTERANGE|DEFINE|STREAM-INF|MEDIA|SESSION-KEY|MEDIA-SEQUENCE)):\
             [A-Z0-9=\",@.x{}$é-]{0,40}",
            "#EXTINF:[0-9.]{1,25},",
            "[a-z{}$]{1,9}",
            "\\PC{0,20}",
        ],
        0..20,
    )) {
        let _ = read(&["#EXTM3U\n", &lines.join("\n")].concat());
    }
}
