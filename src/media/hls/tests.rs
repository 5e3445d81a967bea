mod leniency;
mod redundancy;

use super::*;
use crate::media::{
    AdaptationSet, AutoSelect, ByteRange, ContentType, Index, ListedSegment, Purpose,
    Representation, Resource, SegmentAddresses, Timestamps,
};

const URL: &str = "https://a.example/video/main.m3u8?token=a%2Fb&empty=&token=c#part";

fn read(text: &str) -> Result<Playlist, ManifestError> {
    super::parse(text, URL, &VariableDefinitions::default())
}

fn read_multivariant(lines: &str) -> MultivariantPlaylist {
    match read(&["#EXTM3U\n", lines].concat()).unwrap() {
        Playlist::Multivariant(playlist) => playlist,
        Playlist::Media(_) => panic!("read as a media playlist"),
    }
}

fn sets(lines: &str) -> Vec<AdaptationSet> {
    read_multivariant(lines)
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

/// The error's text, whichever variant it is.
fn error_text(lines: &str) -> String {
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
fn reads_simple_media_playlist() {
    let playlist = read_media(SIMPLE);
    let segments = &playlist.segments;
    assert!(!segments.live.is_growing);
    assert_eq!(segments.live.target_duration, 10.0);
    assert_eq!((segments.len(), segments.runs.len()), (3, 2));
    assert_eq!(segments.timestamps, Timestamps::Discontinuities);
    assert_eq!(segments.span(), Some((0.0, 21.021)));
    let third = segments.get(2).unwrap();
    assert_eq!((third.start, third.end), (18.018, 21.021));
    assert_eq!(third.resource.path, "http://media.example.com/third.ts");
    assert_eq!((third.init, third.discontinuity), (None, 0));
}

#[test]
fn playlist_without_end_is_live() {
    let open = SIMPLE.replace("#EXT-X-ENDLIST", "");
    for (extra, is_live) in [
        ("", true),
        ("#EXT-X-PLAYLIST-TYPE:EVENT\n", true),
        ("#EXT-X-PLAYLIST-TYPE:VOD\n", false),
    ] {
        let playlist = read_media(&[&open, extra].concat());
        assert_eq!(playlist.segments.live.is_growing, is_live, "{extra}");
    }
    let not_started = read_media("#EXT-X-TARGETDURATION:4");
    assert!(not_started.segments.is_empty() && not_started.segments.live.is_growing);
}

#[test]
fn iv_is_sequence_number_until_next_key() {
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
fn key_applies_to_following_init_segment() {
    let playlist = read_media(
        "#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x1\n#EXT-X-MAP:URI=\"i\"\n#EXTINF:1,\na\n",
    );
    let segment = playlist.segments.get(0).unwrap();
    let key = segment.init.unwrap().key.unwrap();
    assert_eq!((key.path.as_str(), key.iv[15]), ("k", 1));
    assert_eq!(segment.resource.key, Some(key));
}

#[test]
fn fetchable_key_is_preferred_to_drm_key() {
    let plain = "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n";
    let foreign = "#EXT-X-KEY:METHOD=AES-128,URI=\"f\",KEYFORMAT=\"com.example\"\n";
    for keys in [[plain, foreign].concat(), [foreign, plain].concat()] {
        let segments = listed(&[&keys, "#EXTINF:1,\na\n"].concat());
        assert_eq!(segments[0].resource.key.as_ref().unwrap().path, "k");
    }
    assert_eq!(
        error_text(&[foreign, "#EXTINF:1,\na\n"].concat()),
        "DRM protection"
    );
    let none = "#EXT-X-KEY:METHOD=NONE\n#EXTINF:1,\na\n";
    assert_eq!(listed(&[foreign, none].concat())[0].resource.key, None);
}

#[test]
fn ambiguous_codecs_are_left_empty() {
    let audio = "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"A\",URI=\"a\"\n";
    let found = sets(
        &[
            audio,
            "#EXT-X-STREAM-INF:BANDWIDTH=9,CODECS=\"avc1.4d401f,mp4a.40.2,ec-3\",AUDIO=\"a\"\nv\n",
        ]
        .concat(),
    );
    let codecs = |set: usize| found[set].representations[0].codecs.as_str();
    assert_eq!((codecs(0), codecs(1)), ("avc1.4d401f", ""));
    // A variant with a resolution has video.
    let found = sets("#EXT-X-STREAM-INF:BANDWIDTH=9,CODECS=\"mp4a.40.2\",RESOLUTION=640x360\nv\n");
    assert_eq!(found[0].content_type, ContentType::Video);
}

#[test]
fn lists_subtitles_once_per_name() {
    let playlist = read_multivariant(
        "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"Deutsch\",LANGUAGE=\"de\",URI=\"s/de.m3u8\"\n\
         #EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"t\",NAME=\"Deutsch\",LANGUAGE=\"de\",URI=\"t/de.m3u8\"\n\
         #EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"c\",NAME=\"CC\",INSTREAM-ID=\"CC1\"\n\
         #EXT-X-STREAM-INF:BANDWIDTH=9,SUBTITLES=\"s\"\nv\n",
    );
    let [only] = playlist.presentation.captions.as_slice() else {
        panic!("{:?}", playlist.presentation.captions);
    };
    assert_eq!(
        (only.language.as_str(), only.label.as_str()),
        ("de", "Deutsch")
    );
    assert_eq!(only.files[0].resource.path, "s/de.m3u8");
}

#[test]
fn init_segment_applies_until_next_one() {
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
fn byte_range_follows_previous_one_of_same_file() {
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
    // Without a range before it in the same file, it begins at 0.
    for lines in [
        "#EXTINF:1,\n#EXT-X-BYTERANGE:10\na\n",
        "#EXTINF:1,\n#EXT-X-BYTERANGE: 10.0@\na\n",
        "#EXT-X-BYTERANGE:10@+0\n#EXTINF:1,\na\n",
    ] {
        assert_eq!(ranges(lines), [Some((0, Some(9)))], "{lines}");
    }
    let empty = listed("#EXTINF:1,\n#EXT-X-BYTERANGE:0@0\na\n");
    assert!(empty[0].is_missing);
    for lines in [
        "#EXTINF:1,\n#EXT-X-BYTERANGE:2@18446744073709551615\na\n",
        "#EXTINF:1,\n#EXT-X-BYTERANGE:2@x\na\n",
    ] {
        assert!(error_text(lines).contains("EXT-X-BYTERANGE"), "{lines}");
    }
}

#[test]
fn counts_discontinuities_from_given_number() {
    let segments = listed(
        "#EXT-X-DISCONTINUITY-SEQUENCE:7\n#EXT-X-DISCONTINUITY\n#EXTINF:1,\na\n#EXTINF:1,\nb\n\
         #EXT-X-GAP\n#EXT-X-DISCONTINUITY\n#EXTINF:1,\nc\n#EXTINF:1,\nd\n",
    );
    let actual: Vec<_> = segments
        .iter()
        .map(|s| (s.discontinuity, s.is_missing))
        .collect();
    assert_eq!(actual, [(8, false), (8, false), (9, true), (9, false)]);
}

#[test]
fn rounding_errors_do_not_add_up() {
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
        [(0, 10_000_000, 2, 0), (20_000_000, 1_000_000, 2, 2),]
    );
    let rounded = read_media("#EXTINF:1.0000006,\na\n").segments.runs;
    assert_eq!(rounded[0].duration, 1_000_001);
    let far = read_media(&"#EXTINF:18446744073709551615,\na\n".repeat(3));
    assert_eq!(far.segments.len(), 3);
}

#[test]
fn ignores_bom_crlf_blank_lines_and_unknown_tags() {
    let dirty = SIMPLE.replace('\n', " \r\n\r\n#EXT-X-NEW:A=1\r\n# comment\r\n");
    let text = ["\u{feff}#EXTM3U\r\n", &dirty].concat();
    assert_eq!(read(&text), Ok(Playlist::Media(read_media(SIMPLE))));
}

#[test]
fn renditions_and_variants_become_adaptation_sets() {
    let found = sets(ALTERNATIVE_AUDIO);
    let actual: Vec<_> = found
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
        actual,
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
fn attributes_tell_purpose_and_default_of_renditions() {
    let rendition = |attributes: &str| {
        format!(
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\",LANGUAGE=\"en\",URI=\"u\",{attributes}\n"
        )
    };
    for (attributes, purpose, auto_select, is_main) in [
        (
            "DEFAULT=YES",
            Purpose::Programme,
            AutoSelect::Preferred,
            true,
        ),
        (
            "AUTOSELECT=YES",
            Purpose::Programme,
            AutoSelect::Preferred,
            false,
        ),
        (
            "AUTOSELECT=NO",
            Purpose::Programme,
            AutoSelect::Never,
            false,
        ),
        ("X=1", Purpose::Programme, AutoSelect::Allowed, false),
        (
            "AUTOSELECT=YES,CHARACTERISTICS=\"public.accessibility.describes-video\"",
            Purpose::AudioDescription,
            AutoSelect::Never,
            false,
        ),
    ] {
        let variant = "#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"\nv\n";
        let set = sets(&[&rendition(attributes), variant].concat()).remove(1);
        assert_eq!(
            (set.purpose, set.auto_select, set.is_main),
            (purpose, auto_select, is_main),
            "{attributes}"
        );
    }
    // The same name and language, for different purposes.
    let two = [
        rendition("CHARACTERISTICS=\"public.easy-to-read\""),
        rendition("DEFAULT=YES"),
    ];
    let variant = "#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"\nv\n";
    assert_eq!(sets(&[two.concat().as_str(), variant].concat()).len(), 3);
}

#[test]
fn rendition_has_representation_per_used_group() {
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
fn muxed_audio_belongs_to_variants() {
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
fn skips_variants_with_other_audio_layout_than_first() {
    let group = "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\",URI=\"x.m3u8\"\n";
    let apart = "#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"\napart\n";
    let muxed = "#EXT-X-STREAM-INF:BANDWIDTH=2\nmuxed\n";
    let found = sets(&[group, apart, muxed].concat());
    assert_eq!((found.len(), uris(&found[0])), (2, vec!["apart"]));
    let found = sets(&[group, muxed, apart].concat());
    assert_eq!((found.len(), uris(&found[0])), (1, vec!["muxed"]));
}

#[test]
fn audio_variants_are_used_only_without_video() {
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
    let audio = variant("9", ",CODECS=\"mp4a.40.2\"", "sound");
    let lower = variant("8", ",CODECS=\"mp4a.40.5\"", "less");
    let no_codecs = variant("7", "", "untold");
    let text = variant("6", ",CODECS=\"stpp\"", "text");
    for (lines, kind, wanted) in [
        ([&audio, &no_codecs, ""], ContentType::Video, vec!["untold"]),
        (
            [&audio, &text, &no_codecs],
            ContentType::Video,
            vec!["text", "untold"],
        ),
        (
            [&audio, &lower, ""],
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
    let representation = &sets(&no_codecs)[0].representations[0];
    assert_eq!(representation.mime(), "");
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
fn session_key_of_drm_marks_sets_as_protected() {
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
fn variables_are_substituted() {
    let playlist = read_multivariant(
        "#EXT-X-DEFINE:NAME=\"host\",VALUE=\"https://h\"\n\
         #EXT-X-DEFINE:QUERYPARAM=\"token\"\n\
         #EXT-X-DEFINE:NAME=\"both-1_\",VALUE=\"{$host}/{$token}\"\n\
         #EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"{$\"\n{$both-1_}/{v}?{$}{$token}\n",
    );
    assert_eq!(
        uris(&playlist.presentation.periods[0].adaptation_sets[0]),
        ["https://h/a/b/{v}?{$}a/b"]
    );
    let media = "#EXTM3U\n#EXT-X-DEFINE:IMPORT=\"host\"\n#EXTINF:1,\n{$host}/s\n";
    let Ok(Playlist::Media(read)) = super::parse(media, URL, &playlist.variables) else {
        panic!("not read");
    };
    assert_eq!(read.segments.get(0).unwrap().resource.path, "https://h/s");
}

#[test]
fn invalid_definitions_are_ignored_unless_used() {
    for define in [
        "NAME=\"a\"",
        "VALUE=\"a\"",
        "NAME=\"a\",VALUE=\"\",IMPORT=\"a\"",
        "IMPORT=\"a\"",
        "QUERYPARAM=\"empty\"",
        "QUERYPARAM=\"part\"",
    ] {
        let lines = ["#EXT-X-DEFINE:", define, "\n", SIMPLE].concat();
        assert_eq!(read_media(&lines), read_media(SIMPLE), "{define}");
    }
    let twice = "#EXT-X-DEFINE:NAME=\"a\",VALUE=\"1\"\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"2\"\n";
    let segments = listed(&[twice, "#EXTINF:1,\n{$a}\n"].concat());
    assert_eq!(segments[0].resource.path, "1");
    assert_eq!(
        error_text("#EXTINF:1,\n{$b}\n"),
        "its variable “b” is not defined"
    );
}

#[test]
fn unsupported_feature_is_named() {
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
fn excessive_repetition_is_rejected() {
    let long = "x".repeat(1 << 20);
    let key = ["#EXT-X-KEY:METHOD=AES-128,URI=\"", &long, "\"\n"].concat();
    let text = [key, "#EXTINF:1,\na\n".repeat(100)].concat();
    assert!(error_text(&text).contains("64 MB"));
    let variable = ["#EXT-X-DEFINE:NAME=\"x\",VALUE=\"", &long, "\"\n"].concat();
    let text = [variable, "#EXTINF:1,\n{$x}\n".repeat(100)].concat();
    assert!(error_text(&text).contains("64 MB"));
    let codecs = ["#EXT-X-STREAM-INF:CODECS=\"mp4a,", &long, "\"\nb\n"].concat();
    assert_eq!(sets(&codecs)[0].representations[0].codecs, "");
    let variants = "#EXT-X-STREAM-INF:A\nb\n".repeat(1001);
    assert_eq!(error_text(&variants), "more than 1000 variants");
}
