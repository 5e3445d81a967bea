//! Playlists with odd syntax, as real servers send them.

use super::{error_text, read, sets, uris};
use crate::media::{ManifestError, hls::Playlist};

#[test]
fn malformed_playlist_is_rejected() {
    for text in [
        "",
        "<!doctype html>",
        "#EXTM3U",
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n",
        "#EXTM3U\nhttps://example.com/video.mp4\n",
        "#EXTM3U\n#EXTINF:1,\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n#EXT-X-SKIP:SKIPPED-SEGMENTS=3\n#EXTINF:1,\na\n",
    ] {
        assert!(
            matches!(read(text), Err(ManifestError::Malformed(_))),
            "{text:?}"
        );
    }
}

#[test]
fn needed_attribute_that_cannot_be_read_is_named() {
    for (line, named) in [
        ("#EXT-X-KEY:METHOD=AES-128", "EXT-X-KEY has no URI"),
        ("#EXT-X-KEY:METHOD=AES-128,URI=\"\"", "EXT-X-KEY has no URI"),
        (
            "#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0xg",
            "IV “0xg” of an EXT-X-KEY",
        ),
        (
            "#EXT-X-MAP:URI=\"i\",BYTERANGE=\"x\"",
            "BYTERANGE “x” of an EXT-X-MAP",
        ),
    ] {
        let error = error_text(&[line, "\n#EXTINF:1,\na\n"].concat());
        assert!(error.contains(named), "{error}");
    }
}

/// Odd spellings of three segments of 2 s, the first of which begins with an init segment.
#[test]
fn odd_syntax_is_read() {
    const PLAIN: &str = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-PLAYLIST-TYPE:VOD\n\
        #EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-MAP:URI=\"i.mp4\"\n#EXTINF:2.0,\na\n#EXTINF:2.0,\nb\n\
        #EXTINF:2.0,\nc\n#EXT-X-ENDLIST\n";
    let Ok(Playlist::Media(plain)) = read(PLAIN) else {
        panic!("not read");
    };
    let sequence = |number: &str| {
        let tag = format!("#EXT-X-MEDIA-SEQUENCE:{number}");
        PLAIN.replace("#EXT-X-MEDIA-SEQUENCE:0", &tag)
    };
    let extinf = |text: &str| PLAIN.replace("#EXTINF:2.0,", &format!("#EXTINF:{text}"));
    let second = |text: &str| PLAIN.replace("#EXTINF:2.0,\nb", &format!("{text}b"));
    let before = |line: &str| PLAIN.replace("#EXTINF:2.0,\nb", &format!("{line}\n#EXTINF:2.0,\nb"));
    for text in [
        sequence(""),
        sequence(" +0 "),
        sequence("0.0"),
        sequence("-1"),
        sequence("x"),
        sequence("99999999999999999999"),
        PLAIN.replace("DURATION:2", "DURATION:"),
        PLAIN.replace("DURATION:2", "DURATION:2.0"),
        PLAIN
            .replace(":VOD", ":vod")
            .replace("#EXT-X-ENDLIST\n", ""),
        PLAIN.replace("#EXT-X-PLAYLIST-TYPE:VOD\n", ""),
        PLAIN.replace("#EXTM3U\n", ""),
        PLAIN.replace("#EXTM3U", "\u{feff}\n\n #extm3u"),
        PLAIN.replace('\n', "\r"),
        PLAIN.replace('\n', " \t\r\n"),
        PLAIN.replace("\"i.mp4\"", "i.mp4"),
        PLAIN.replace("URI=\"i.mp4\"", " uri = 'i.mp4' "),
        PLAIN.replace("URI=\"i.mp4\"", "NEW,URI=\"i.mp4\",X"),
        PLAIN.replace("URI=\"i.mp4\"", "URI=\"i.mp4"),
        extinf("2.0"),
        extinf(" +2 "),
        extinf("2e0,"),
        extinf("2,000,"),
        extinf("2.0 tvg-id=\"x\",title"),
        extinf("2,title, with commas,"),
        second("#EXTINF:-1,\n"),
        second("#EXTINF:0,\n"),
        second("#EXTINF:,\n"),
        second("#EXTINF:x\n"),
        second("#EXTINF : 2.0\n"),
        second(""),
        second("#EXTINF:2.0,\n## comment\n#EXT-X-PROGRAM-DATE-TIME:x\n"),
        before("#EXT-X-KEY:METHOD=NONE"),
        before("#EXT-X-KEY:METHOD=none"),
        before("#EXT-X-KEY:"),
        before("#EXT-X-MAP:"),
        before("#EXT-X-MAP:URI=\"\""),
        before("#EXT-X-MEDIA-SEQUENCE:7"),
        before("#EXT-X-DISCONTINUITY-SEQUENCE:7"),
        before("#EXT-X-DATERANGE:ID=\"1\",START-DATE=x,DURATION=-1"),
        before("#EXT-X-START:TIME-OFFSET=x"),
        before("#EXT-X-DEFINE:"),
        before("#EXT-X-SESSION-DATA:DATA-ID=\"x\",VALUE=\"{$undefined}\""),
        before("#EXT-X-DISCONTINUITY-SEQUENCE:"),
        [PLAIN, "#EXTINF:2.0,\n"].concat(),
    ] {
        let Ok(Playlist::Media(mut odd)) = read(&text) else {
            panic!("{text}: {:?}", read(&text));
        };
        let is_growing = odd.segments.live.is_growing;
        assert_eq!(is_growing, plain.segments.live.is_growing, "{text}");
        // These numbers may be anything.
        odd.segments.live = plain.segments.live.clone();
        assert_eq!(odd.segments, plain.segments, "{text}");
    }
    // A decimal comma.
    let comma = extinf("1,960,");
    let Ok(Playlist::Media(comma)) = read(&comma) else {
        panic!("not read");
    };
    assert_eq!(comma.segments.span(), Some((0.0, 5.88)));
}

#[test]
fn odd_variants_are_read() {
    let plain = sets(
        "#EXT-X-STREAM-INF:BANDWIDTH=9,RESOLUTION=640x360,FRAME-RATE=25,CODECS=\"avc1.4d401e\"\nv\n",
    );
    for odd in [
        "#EXT-X-STREAM-INF:BANDWIDTH=9.0,RESOLUTION=640X360,FRAME-RATE=25.000,CODECS=avc1.4d401e\nv\n",
        "#EXT-X-STREAM-INF: bandwidth = +9 , RESOLUTION=\"640x360.0\",FRAME-RATE=\"25\",CODECS='avc1.4d401e'\nv\n",
        "#EXT-X-STREAM-INF:AVERAGE-BANDWIDTH=9,RESOLUTION=640*360,FRAME-RATE=25fps,CODECS=\"avc1.4d401e\nv\n",
    ] {
        assert_eq!(sets(odd), plain, "{odd}");
    }
    // A variant needs no attribute, and a stray EXTINF does no harm.
    assert_eq!(
        uris(&sets("#EXT-X-STREAM-INF\na\n#EXTINF:1,\nb\n")[0]),
        ["a"]
    );
}
