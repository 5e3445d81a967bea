//! Streams of many kinds, through real parsers and decoders.

use macro_rules_attribute::apply;
use serde_json::json;

use crate::{
    context::TestContext,
    server::{SAMPLE_MPD, ServerFault},
    suite::browser_test,
};

const VIDEO: &str = "document.querySelector('video')";

/// Plays a video to its end at rate 4, without errors.
async fn to_its_end(test: &TestContext, video: &str, seconds: f64) {
    test.open(&format!("?src={video}")).await;
    test.wait_until(&format!("{VIDEO}.currentTime > 0")).await;
    test.set_rate(4).await;
    test.wait_until(&format!("{VIDEO}.ended")).await;
    let end = test.eval(&format!("{VIDEO}.currentTime")).await;
    let end = end.as_f64().unwrap();
    assert!((end - seconds).abs() < 2.1, "{video} ended at {end}");
    let errors = test.eval("probe.errors.concat(probe.violations)").await;
    assert_eq!(errors, json!([]), "{video}");
    let alert = test.eval("document.querySelector('[role=alert]')").await;
    assert_eq!(alert, json!(null), "{video}");
}

/// Asserts that all of it was buffered.
async fn was_all_there(test: &TestContext, video: &str) {
    let ranges = format!("{VIDEO}.buffered.length");
    assert_eq!(test.eval(&ranges).await, json!(1), "{video} has gaps");
    let start = test.eval(&format!("{VIDEO}.buffered.start(0)")).await;
    assert!(start.as_f64().unwrap() < 0.1, "{video} begins at {start}");
}

async fn plays(test: &TestContext, videos: &[(&str, f64)]) {
    for (video, seconds) in videos {
        to_its_end(test, video, *seconds).await;
        // The beginning of a longer one has been evicted by then.
        if *seconds < 33.0 {
            was_all_there(test, video).await;
        }
    }
}

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "real decoders, VP9")]
async fn dash_with_segment_template_plays(test: &TestContext) {
    plays(
        test,
        &[
            ("film/film.mpd", 32.0),
            ("tests/media/h264/stream.mpd", 8.0),
            ("tests/media/vp9/stream.mpd", 8.0),
        ],
    )
    .await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "real decoder")]
async fn dash_with_segment_index_plays(test: &TestContext) {
    plays(
        test,
        &[
            ("tests/media/ondemand/ondemand.mpd", 8.0),
            ("tests/media/ondemand/hierarchical.mpd", 8.0),
            ("tests/media/ondemand/180p.mp4", 8.0),
        ],
    )
    .await;
}

/// The codecs are read from the init segments.
#[apply(browser_test!)]
#[runs_in(Chromium; "codecs from a real init segment")]
async fn dash_without_codecs_plays(test: &TestContext) {
    let mut parts = SAMPLE_MPD.split(" codecs=\"");
    let mut video = parts.next().unwrap().to_owned();
    for part in parts {
        video += part.split_once('"').unwrap().1;
    }
    test.server.add_file("film/nameless.mpd", video);
    plays(test, &[("film/nameless.mpd", 32.0)]).await;
}

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "Chromium drops the frames of its first segment")]
async fn dash_with_segment_list_plays(test: &TestContext) {
    // The MPD says 84 s, but there are 48 s. Chromium drops all frames of the first segment, so there is a gap.
    to_its_end(test, "tests/streams/6339/master.mpd", 48.0).await;
}

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "real decoders, AES-CBC")]
async fn hls_with_fragmented_mp4_plays(test: &TestContext) {
    plays(
        test,
        &[
            ("tests/media/packed/muxed.m3u8", 8.0),
            ("tests/media/packed/byterange.m3u8", 8.0),
            ("tests/media/packed/aes.m3u8", 8.0),
            ("tests/media/packed/aes-map.m3u8", 8.0),
            ("tests/media/packed/discontinuity.m3u8", 8.0),
        ],
    )
    .await;
}

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "the remuxer's module, real decoders")]
async fn hls_with_mpeg_ts_plays(test: &TestContext) {
    plays(
        test,
        &[
            ("tests/media/transport/muxed.m3u8", 8.0),
            ("tests/media/transport/byterange.m3u8", 8.0),
            ("tests/media/transport/aes.m3u8", 8.0),
            ("tests/media/transport/split-audio.m3u8", 8.0),
            ("tests/media/transport/mixed.m3u8", 8.0),
        ],
    )
    .await;
    // Between the encodings there is a gap in the sound.
    to_its_end(test, "tests/media/transport/discontinuity.m3u8", 8.0).await;
    to_its_end(test, "tests/media/transport/gap.m3u8", 8.0).await;
}

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "codecs differ between browsers")]
async fn hls_with_packed_audio_plays_or_is_refused(test: &TestContext) {
    let aac = ("audio/aac", "tests/media/packed/1.aac");
    let mp3 = (
        "audio/mpeg",
        "tests/streams/hls-raw-mp3/media_w905519204_0.mp3",
    );
    for (video, seconds, (mime, segment)) in [
        ("tests/media/packed/aac.m3u8", 8.0, aac),
        ("tests/media/packed/packed.m3u8", 8.0, aac),
        ("tests/streams/hls-raw-mp3/playlist.m3u8", 40.0, mp3),
        (
            "tests/streams/hls-raw-mp3/playlist-no-codecs.m3u8",
            40.0,
            mp3,
        ),
        (
            "tests/streams/hls-raw-mp3/chunklist_w905519204.m3u8",
            40.0,
            mp3,
        ),
    ] {
        test.open(&format!("?src={video}")).await;
        let is_claimed = format!("MediaSource.isTypeSupported('{mime}')");
        if !test.is_true(&is_claimed).await {
            test.wait_for_alert(&format!("This browser cannot play {mime}"))
                .await;
        } else if takes(test, mime, segment).await {
            plays(test, &[(video, seconds)]).await;
        } else {
            // WebKitGTK claims to support packed AAC, but finds no frame in it.
            test.wait_for_alert("The browser refused to append a segment")
                .await;
        }
    }
}

/// Whether the browser itself, without the player, appends a segment of this type.
async fn takes(test: &TestContext, mime: &str, segment: &str) -> bool {
    let takes = format!(
        "(async () => {{
            const source = new (self.ManagedMediaSource ?? MediaSource)();
            const video = (window.taster = document.createElement('video'));
            video.disableRemotePlayback = true;
            video.src = URL.createObjectURL(source);
            await new Promise((opened) => (source.onsourceopen = opened));
            const buffer = source.addSourceBuffer('{mime}');
            buffer.appendBuffer(await (await fetch('{segment}')).arrayBuffer());
            await new Promise((updated) => (buffer.onupdateend = updated));
            return source.readyState === 'open' && buffer.buffered.length > 0;
        }})()"
    );
    test.is_true(&takes).await
}

#[apply(browser_test!)]
#[runs_in(Chromium; "a real element at a gap")]
async fn gap_in_the_playlist_is_skipped(test: &TestContext) {
    to_its_end(test, "tests/media/packed/gap.m3u8", 8.0).await;
    assert_eq!(test.server.request_count("missing"), 0);
}

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "changeType, and another MediaSource")]
async fn periods_change_codecs_and_lose_audio(test: &TestContext) {
    test.open("?src=tests/media/multiperiod.mpd").await;
    test.wait_until_playing().await;
    test.eval("window.first = attached()").await;
    test.wait_until(&format!("{VIDEO}.currentTime > 5")).await;
    // From H.264 to VP9 in the same MediaSource, if there is `changeType`.
    let can_change = test.eval("'changeType' in SourceBuffer.prototype").await;
    let same = test.eval("attached() === first").await;
    assert_eq!(same, can_change);
    test.wait_until(&format!("{VIDEO}.ended")).await;
    // The period without sound needs another MediaSource.
    let same = test.eval("attached() === first").await;
    assert_eq!(same, json!(false));
    let end = test.eval(&format!("{VIDEO}.currentTime")).await;
    assert!((end.as_f64().unwrap() - 12.0).abs() < 0.4, "{end}");
    assert_eq!(test.eval("probe.errors").await, json!([]));
}

#[apply(browser_test!)]
#[runs_in(Chromium; "another MediaSource")]
async fn seek_from_the_end_to_a_period_of_another_source(test: &TestContext) {
    test.open("?src=tests/media/multiperiod.mpd&t=10").await;
    test.wait_until(&format!("{VIDEO}.ended")).await;
    test.eval(&format!("{VIDEO}.currentTime = 1")).await;
    test.wait_until(&format!("{VIDEO}.currentTime < 4")).await;
    test.eval(&format!("void {VIDEO}.play()")).await;
    test.wait_until(&format!(
        "{VIDEO}.currentTime > 2 && {VIDEO}.currentTime < 9"
    ))
    .await;
    test.assert_no_errors().await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "another MediaSource")]
async fn seek_back_to_a_period_of_another_source(test: &TestContext) {
    test.open("?src=tests/media/multiperiod.mpd&t=10").await;
    test.wait_until(&format!("{VIDEO}.currentTime > 10.2"))
        .await;
    test.eval("window.last = attached()").await;
    test.eval(&format!("{VIDEO}.currentTime = 1")).await;
    test.wait_until("attached() && attached() !== last").await;
    test.wait_until(&format!(
        "{VIDEO}.currentTime > 2 && {VIDEO}.currentTime < 9"
    ))
    .await;
    test.wait_until(&format!("{VIDEO}.ended")).await;
    test.assert_no_errors().await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "changeType is missing")]
async fn without_change_type_another_media_source_is_made(test: &TestContext) {
    let without = "delete SourceBuffer.prototype.changeType;";
    test.server
        .add_fault("/worker.js", ServerFault::wrap_script(without, ""));
    test.open("?src=tests/media/multiperiod.mpd").await;
    test.wait_until_playing().await;
    test.eval("window.first = attached()").await;
    test.wait_until(&format!("{VIDEO}.currentTime > 5")).await;
    let same = test.eval("attached() === first").await;
    assert_eq!(same, json!(false));
    test.wait_until(&format!("{VIDEO}.ended")).await;
    assert_eq!(test.eval("probe.errors").await, json!([]));
}

#[apply(browser_test!)]
#[runs_in(Chromium; "redirects in the network stack")]
async fn format_is_detected_after_redirects(test: &TestContext) {
    test.server.add_fault(
        "/watch",
        ServerFault::Redirect("tests/media/h264/stream.mpd".into()),
    );
    to_its_end(test, "watch", 8.0).await;
    test.server.add_fault(
        "/listen",
        ServerFault::Redirect("tests/media/packed/muxed.m3u8".into()),
    );
    to_its_end(test, "listen", 8.0).await;
}

const DRM: &str = r#"<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT4S">
  <Period><AdaptationSet mimeType="video/mp4" codecs="avc1.4d401f">
    <ContentProtection schemeIdUri="urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed"/>
    <SegmentTemplate media="$Number$.m4s" initialization="init.mp4" duration="2"/>
    <Representation id="a" bandwidth="1"/>
  </AdaptationSet></Period>
</MPD>"#;

const BOMB: &str =
    r#"<!DOCTYPE MPD [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><MPD>&b;</MPD>"#;

#[apply(browser_test!)]
#[runs_in(Chromium; "the message on the page")]
async fn unsupported_streams_are_reported(test: &TestContext) {
    let mut packets = vec![0xff; 188 * 3];
    packets.chunks_mut(188).for_each(|packet| packet[0] = 0x47);
    test.server.add_file("made/1.bin", packets);
    let made: [(&str, String, &str); 7] = [
        ("drm", DRM.into(), "DRM protection"),
        (
            "open",
            "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n1.bin\n".into(),
            "no program was found in the transport stream",
        ),
        (
            "ts",
            "#EXTM3U\n#EXTINF:2,\n1.bin\n#EXT-X-ENDLIST\n".into(),
            "no program was found in the transport stream",
        ),
        ("bomb", BOMB.into(), "is not a video that can be read"),
        (
            "half",
            "<MPD type='dynamic'><Period".into(),
            "is not a video that can be read",
        ),
        ("empty", String::new(), "is not a video that can be read"),
        (
            "deep",
            "<MPD>".repeat(100_000),
            "is not a video that can be read",
        ),
    ];
    for (name, text, words) in made {
        test.server.add_file(&format!("made/{name}"), text);
        test.open(&format!("?src=made/{name}")).await;
        test.wait_for_alert(words).await;
    }
    assert_eq!(test.eval("probe.errors").await, json!([]));
}

#[apply(browser_test!)]
#[runs_in(Chromium; "replaced frames in a real buffer")]
async fn another_audio_track_plays_from_the_position(test: &TestContext) {
    let video = std::fs::read_to_string("assets/film/film.mpd").unwrap();
    let at = video.find("<AdaptationSet id=\"2\"").unwrap();
    let end = at + video[at..].find("</AdaptationSet>").unwrap() + "</AdaptationSet>".len();
    let sound = &video[at..end];
    let german = sound
        .replace("id=\"2\"", "id=\"9\" lang=\"de\"")
        .replace("$RepresentationID$/", "german/");
    let both = video.replace(sound, &[sound, &german].concat());
    test.server.add_file("film/both.mpd", both);
    for file in std::fs::read_dir("assets/film/audio").unwrap() {
        let file = file.unwrap();
        let path = format!("film/german/{}", file.file_name().to_str().unwrap());
        test.server
            .add_file(&path, std::fs::read(file.path()).unwrap());
    }
    test.open("?src=film/both.mpd").await;
    test.wait_for_milestone("end of stream").await;
    test.wait_until_playing().await;
    assert_eq!(test.server.request_count("german"), 0);

    let choose = "(() => { const select = document.querySelectorAll('.settings-menu select')[1]; \
         select.selectedIndex = 2; select.dispatchEvent(new Event('change', { bubbles: true })); \
         return select.selectedOptions[0].text })()";
    assert_eq!(test.eval(choose).await, json!("German"));
    test.server.wait_for_request("german/16.m4s").await;
    // What has been played, or is played next, is not replaced.
    assert_eq!(test.server.request_count("german/1.m4s"), 0);
    test.wait_for_milestone("end of stream").await;
    test.set_rate(4).await;
    test.wait_until(&format!("{VIDEO}.ended")).await;
    was_all_there(test, "film/both.mpd").await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "CORS")]
async fn credentials_are_sent_only_if_requested(test: &TestContext) {
    let elsewhere = crate::server::Server::start().await;
    let video = elsewhere.url("film/film.mpd");
    // A response that allows any origin is refused to requests with credentials.
    test.open(&format!("?src={video}&credentials")).await;
    test.wait_for_alert("Could not fetch the manifest").await;
    test.open(&format!("?src={video}")).await;
    test.wait_until_playing().await;
}
