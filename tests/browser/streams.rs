//! Streams of many kinds play to their end; those that cannot be played are named.

use macro_rules_attribute::apply;
use serde_json::json;

use crate::{
    server::{FILM, Trouble},
    stage::Stage,
    suite::in_every_browser,
};

const VIDEO: &str = "document.querySelector('video')";

/// Plays a film to its end, in a hurry, with all of it having been there.
async fn to_its_end(stage: &Stage, film: &str, seconds: f64) {
    stage.open(&format!("?src={film}")).await;
    stage.until(&format!("{VIDEO}.currentTime > 0")).await;
    stage.hurry(4).await;
    stage.until(&format!("{VIDEO}.ended")).await;
    let end = stage.value(&format!("{VIDEO}.currentTime")).await;
    let end = end.as_f64().unwrap();
    assert!((end - seconds).abs() < 2.1, "{film} ended at {end}");
    let errors = stage.value("probe.errors.concat(probe.violations)").await;
    assert_eq!(errors, json!([]), "{film}");
    let alert = stage.value("document.querySelector('[role=alert]')").await;
    assert_eq!(alert, json!(null), "{film}");
}

/// That it played, and did not only come to its end.
async fn was_all_there(stage: &Stage, film: &str) {
    let ranges = format!("{VIDEO}.buffered.length");
    assert_eq!(stage.value(&ranges).await, json!(1), "{film} has gaps");
    let start = stage.value(&format!("{VIDEO}.buffered.start(0)")).await;
    assert!(start.as_f64().unwrap() < 0.1, "{film} begins at {start}");
}

async fn plays(stage: &Stage, films: &[(&str, f64)]) {
    for (film, seconds) in films {
        to_its_end(stage, film, *seconds).await;
        // Of a longer one, the beginning has been evicted by then.
        if *seconds < 33.0 {
            was_all_there(stage, film).await;
        }
    }
}

#[apply(in_every_browser!)]
async fn dash_by_template(stage: &Stage) {
    plays(
        stage,
        &[
            ("film/film.mpd", 32.0),
            ("tests/media/h264/stream.mpd", 8.0),
            ("tests/media/vp9/stream.mpd", 8.0),
        ],
    )
    .await;
}

#[apply(in_every_browser!)]
async fn dash_by_segment_index(stage: &Stage) {
    plays(
        stage,
        &[
            ("tests/media/ondemand/ondemand.mpd", 8.0),
            ("tests/media/ondemand/hierarchical.mpd", 8.0),
            ("tests/media/ondemand/180p.mp4", 8.0),
        ],
    )
    .await;
}

/// What the manifest does not say of its codecs, the init segments do.
#[apply(in_every_browser!)]
async fn dash_without_codecs(stage: &Stage) {
    let mut parts = FILM.split(" codecs=\"");
    let mut film = parts.next().unwrap().to_owned();
    for part in parts {
        film += part.split_once('"').unwrap().1;
    }
    stage.server.make("film/nameless.mpd", film);
    plays(stage, &[("film/nameless.mpd", 32.0)]).await;
}

/// Six segments more than there are.
#[apply(in_every_browser!)]
async fn dash_that_is_shorter_than_it_says(stage: &Stage) {
    let film = FILM.replace("PT32S", "PT44S");
    stage.server.make("film/long.mpd", film);
    to_its_end(stage, "film/long.mpd", 32.0).await;
    was_all_there(stage, "film/long.mpd").await;
}

/// Nothing of it can be played, and nobody is kept waiting for it.
#[apply(in_every_browser!)]
async fn dash_whose_media_are_of_another_time(stage: &Stage) {
    let film = FILM.replace(
        "startNumber=",
        "presentationTimeOffset=\"100\" startNumber=",
    );
    stage.server.make("film/elsewhen.mpd", film);
    stage.open("?src=film/elsewhen.mpd").await;
    stage
        .notice("its timestamps do not match its manifest")
        .await;
}

#[apply(in_every_browser!)]
async fn dash_by_segment_list(stage: &Stage) {
    // It says 84 s and has 48. Of its first segment, Chromium drops every frame: a gap to jump.
    to_its_end(stage, "tests/streams/6339/master.mpd", 48.0).await;
}

#[apply(in_every_browser!)]
async fn hls_of_fragmented_mp4(stage: &Stage) {
    plays(
        stage,
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

#[apply(in_every_browser!)]
async fn hls_of_packed_audio(stage: &Stage) {
    let aac = ("audio/aac", "tests/media/packed/1.aac");
    let mp3 = (
        "audio/mpeg",
        "tests/streams/hls-raw-mp3/media_w905519204_0.mp3",
    );
    for (film, seconds, (mime, segment)) in [
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
        stage.open(&format!("?src={film}")).await;
        let is_claimed = format!("MediaSource.isTypeSupported('{mime}')");
        if !stage.is(&is_claimed).await {
            stage
                .notice(&format!("This browser cannot play {mime}"))
                .await;
        } else if takes(stage, mime, segment).await {
            plays(stage, &[(film, seconds)]).await;
        } else {
            // WebKitGTK says that it takes packed AAC, and finds no frame in it.
            stage
                .notice("The browser refused to append a segment")
                .await;
        }
    }
}

/// Whether this browser, asked without any of our code, takes a segment of this type.
async fn takes(stage: &Stage, mime: &str, segment: &str) -> bool {
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
    stage.is(&takes).await
}

#[apply(in_every_browser!)]
async fn a_gap_that_the_author_tells_of_is_jumped(stage: &Stage) {
    to_its_end(stage, "tests/media/packed/gap.m3u8", 8.0).await;
    assert_eq!(stage.server.requests("missing"), 0);
}

#[apply(in_every_browser!)]
async fn periods_change_codecs_and_lose_their_sound(stage: &Stage) {
    stage.open("?src=tests/media/multiperiod.mpd").await;
    stage.plays().await;
    stage.value("window.first = attached()").await;
    stage.until(&format!("{VIDEO}.currentTime > 5")).await;
    // From H.264 to VP9 in the same MediaSource, where the browser can change over.
    let can_change = stage.value("'changeType' in SourceBuffer.prototype").await;
    let same = stage.value("attached() === first").await;
    assert_eq!(same, can_change);
    stage.until(&format!("{VIDEO}.ended")).await;
    // And to a period without sound in another one.
    let same = stage.value("attached() === first").await;
    assert_eq!(same, json!(false));
    let end = stage.value(&format!("{VIDEO}.currentTime")).await;
    assert!((end.as_f64().unwrap() - 12.0).abs() < 0.4, "{end}");
    assert_eq!(stage.value("probe.errors").await, json!([]));
}

#[apply(in_every_browser!)]
async fn from_the_end_back_to_a_period_that_another_media_source_plays(stage: &Stage) {
    stage.open("?src=tests/media/multiperiod.mpd&t=10").await;
    stage.until(&format!("{VIDEO}.ended")).await;
    stage.value(&format!("{VIDEO}.currentTime = 1")).await;
    stage.until(&format!("{VIDEO}.currentTime < 4")).await;
    stage.value(&format!("void {VIDEO}.play()")).await;
    stage
        .until(&format!(
            "{VIDEO}.currentTime > 2 && {VIDEO}.currentTime < 9"
        ))
        .await;
    stage.is_well().await;
}

#[apply(in_every_browser!)]
async fn back_to_a_period_that_another_media_source_plays(stage: &Stage) {
    stage.open("?src=tests/media/multiperiod.mpd&t=10").await;
    stage.until(&format!("{VIDEO}.currentTime > 10.2")).await;
    stage.value("window.last = attached()").await;
    stage.value(&format!("{VIDEO}.currentTime = 1")).await;
    stage.until("attached() && attached() !== last").await;
    stage
        .until(&format!(
            "{VIDEO}.currentTime > 2 && {VIDEO}.currentTime < 9"
        ))
        .await;
    stage.until(&format!("{VIDEO}.ended")).await;
    stage.is_well().await;
}

#[apply(in_every_browser!)]
async fn a_browser_that_cannot_change_over_gets_another_media_source(stage: &Stage) {
    let without = "delete SourceBuffer.prototype.changeType;";
    stage
        .server
        .trouble("/worker.js", Trouble::around(without, ""));
    stage.open("?src=tests/media/multiperiod.mpd").await;
    stage.plays().await;
    stage.value("window.first = attached()").await;
    stage.until(&format!("{VIDEO}.currentTime > 5")).await;
    let same = stage.value("attached() === first").await;
    assert_eq!(same, json!(false));
    stage.until(&format!("{VIDEO}.ended")).await;
    assert_eq!(stage.value("probe.errors").await, json!([]));
}

#[apply(in_every_browser!)]
async fn where_it_lies_is_told_by_redirects_and_not_by_its_name(stage: &Stage) {
    stage.server.trouble(
        "/watch",
        Trouble::Redirect("tests/media/h264/stream.mpd".into()),
    );
    to_its_end(stage, "watch", 8.0).await;
    stage.server.trouble(
        "/listen",
        Trouble::Redirect("tests/media/packed/muxed.m3u8".into()),
    );
    to_its_end(stage, "listen", 8.0).await;
}

const DRM: &str = r#"<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT4S">
  <Period><AdaptationSet mimeType="video/mp4" codecs="avc1.4d401f">
    <ContentProtection schemeIdUri="urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed"/>
    <SegmentTemplate media="$Number$.m4s" initialization="init.mp4" duration="2"/>
    <Representation id="a" bandwidth="1"/>
  </AdaptationSet></Period>
</MPD>"#;

const LIVE: &str = r#"<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="dynamic" availabilityStartTime="2020-01-01T00:00:00Z">
  <Period start="PT0S"><AdaptationSet mimeType="video/mp4" codecs="avc1.4d401f">
    <SegmentTemplate media="$Number$.m4s" initialization="init.mp4" duration="2"/>
    <Representation id="a" bandwidth="1"/>
  </AdaptationSet></Period>
</MPD>"#;

const BOMB: &str =
    r#"<!DOCTYPE MPD [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><MPD>&b;</MPD>"#;

#[apply(in_every_browser!)]
async fn what_cannot_be_played_is_named(stage: &Stage) {
    let mut packets = vec![0xff; 188 * 3];
    packets.chunks_mut(188).for_each(|packet| packet[0] = 0x47);
    stage.server.make("made/1.bin", packets);
    let made: [(&str, String, &str); 8] = [
        ("drm", DRM.into(), "DRM protection"),
        ("live", LIVE.into(), "a live stream"),
        (
            "open",
            "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n1.bin\n".into(),
            "a live stream",
        ),
        (
            "ts",
            "#EXTM3U\n#EXTINF:2,\n1.bin\n#EXT-X-ENDLIST\n".into(),
            "MPEG transport streams",
        ),
        ("bomb", BOMB.into(), "is not a video that can be read"),
        (
            "half",
            LIVE[..200].into(),
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
        stage.server.make(&format!("made/{name}"), text);
        stage.open(&format!("?src=made/{name}")).await;
        stage.notice(words).await;
    }
    assert_eq!(stage.value("probe.errors").await, json!([]));
}

/// A film of 10¹² segments costs no more than its text, and plays what there is of it.
#[apply(in_every_browser!)]
async fn a_film_that_promises_too_much_plays(stage: &Stage) {
    let endless = DRM
        .replace("PT4S", "PT555555555H")
        .lines()
        .filter(|line| !line.contains("ContentProtection"))
        .collect::<String>()
        .replace("$Number$.m4s", "../film/720p/$Number$.m4s")
        .replace("init.mp4", "../film/720p/init.mp4");
    stage.server.make("made/endless", endless);
    stage.open("?src=made/endless").await;
    stage.plays().await;
}

#[apply(in_every_browser!)]
async fn another_sound_is_played_from_where_the_film_is(stage: &Stage) {
    let film = std::fs::read_to_string("assets/film/film.mpd").unwrap();
    let at = film.find("<AdaptationSet id=\"2\"").unwrap();
    let end = at + film[at..].find("</AdaptationSet>").unwrap() + "</AdaptationSet>".len();
    let sound = &film[at..end];
    let german = sound
        .replace("id=\"2\"", "id=\"9\" lang=\"de\"")
        .replace("$RepresentationID$/", "german/");
    let both = film.replace(sound, &[sound, &german].concat());
    stage.server.make("film/both.mpd", both);
    for file in std::fs::read_dir("assets/film/audio").unwrap() {
        let file = file.unwrap();
        let path = format!("film/german/{}", file.file_name().to_str().unwrap());
        stage
            .server
            .make(&path, std::fs::read(file.path()).unwrap());
    }
    stage.open("?src=film/both.mpd").await;
    stage.until_taken("end of stream").await;
    stage.plays().await;
    assert_eq!(stage.server.requests("german"), 0);

    let choose = "(() => { const select = document.querySelectorAll('.settings-menu select')[1]; \
         select.selectedIndex = 2; select.dispatchEvent(new Event('change', { bubbles: true })); \
         return select.selectedOptions[0].text })()";
    assert_eq!(stage.value(choose).await, json!("de"));
    stage.server.until_asked_for("german/16.m4s").await;
    // What has been played, or is about to be, is left as it is.
    assert_eq!(stage.server.requests("german/1.m4s"), 0);
    stage.until_taken("end of stream").await;
    stage.hurry(4).await;
    stage.until(&format!("{VIDEO}.ended")).await;
    was_all_there(stage, "film/both.mpd").await;
}

#[apply(in_every_browser!)]
async fn credentials_go_along_where_they_are_asked_for(stage: &Stage) {
    let elsewhere = crate::server::Server::start().await;
    let film = elsewhere.url("film/film.mpd");
    // To a host that lets anybody in, browsers send no credentials.
    stage.open(&format!("?src={film}&credentials")).await;
    stage.notice("Could not fetch the manifest").await;
    stage.open(&format!("?src={film}")).await;
    stage.plays().await;
}

#[apply(in_every_browser!)]
async fn a_film_that_begins_later_than_time_itself_is_begun_where_it_does(stage: &Stage) {
    let film = std::fs::read_to_string("assets/film/film.mpd").unwrap();
    let late = film.replace("start=\"PT0S\"", "start=\"PT5S\"");
    assert_ne!(late, film);
    stage
        .server
        .make("film/late.mpd", late.replace("\"PT32S\"", "\"PT37S\""));
    stage.open("?src=film/late.mpd").await;
    stage.until(&format!("{VIDEO}.currentTime > 6")).await;
    // In one MediaSource, of which there is one handle.
    assert_eq!(stage.server.requests("film/late.mpd"), 1);
    let opened = "probe.mediaSources + probe.messages.filter((message) => message[1]?.[1] === 'MediaSourceHandle').length";
    assert_eq!(stage.value(opened).await, json!(1));
}

#[apply(in_every_browser!)]
async fn a_gap_that_is_longer_than_the_buffer_is_jumped(stage: &Stage) {
    let missing = "#EXT-X-GAP\n#EXTINF:2,\nnowhere.m4s\n".repeat(6);
    let playlist = [
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MAP:URI=\"muxed-init.mp4\"\n",
        "#EXTINF:2,\nmuxed-1.m4s\n",
        &missing,
        "#EXT-X-DISCONTINUITY\n#EXTINF:2,\nmuxed-3.m4s\n#EXTINF:2,\nmuxed-4.m4s\n#EXT-X-ENDLIST\n",
    ];
    let path = "tests/media/packed/made.m3u8";
    stage.server.make(path, playlist.concat());
    stage.open(&format!("?src={path}&goal=8")).await;
    stage.until(&format!("{VIDEO}.currentTime > 0.5")).await;
    stage.until(&format!("{VIDEO}.ended")).await;
    let end = stage.value(&format!("{VIDEO}.currentTime")).await;
    assert!((end.as_f64().unwrap() - 18.0).abs() < 0.4, "{end}");
    assert_eq!(stage.server.requests("nowhere"), 0);
}
