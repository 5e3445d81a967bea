//! Streams that servers and packagers really produce: manifests that are wrong about the media, tracks of different
//! lengths, parts that cannot be played.

use std::{cell::RefCell, collections::HashMap, fmt::Write, rc::Rc};

use yew_mse_worker::{
    platform::{
        Bytes, Request,
        simulated::{Answer, Browser, Ended, Entered, Reply, World},
    },
    protocol::{Event, PlaybackError},
};

use crate::{
    fmp4::{AUDIO, Run, Track, VIDEO, init, plain_box, run, segment},
    page::{ORIGIN, Page},
};

/// The files of a stream by their names.
type Files = HashMap<String, Vec<u8>>;

/// How a stream was played.
struct Played {
    page: Rc<Page>,
    world: World,
    result: Ended,
    _entered: Entered,
}

impl Played {
    /// The hull of what was played, in seconds, if it was played without a gap.
    fn range(&self) -> (f64, f64) {
        let played = self.page.element.played();
        // Chromium stops a frame before the end of a MediaSource that another one follows.
        let has_gap = played.windows(2).any(|two| two[1].start - two[0].end > 0.1);
        let (Some(first), Some(last), false) = (played.first(), played.last(), has_gap) else {
            panic!("{played:?}\n{}", self.world.trace().join("\n"));
        };
        (first.start, last.end)
    }

    /// Checks that all from `start` to `end` was played, and no address requested in a storm.
    fn assert_played(&self, start: f64, end: f64) {
        let trace = || self.world.trace().join("\n");
        assert_eq!(self.page.failure(), None, "{}", trace());
        assert_eq!(self.result, Ended::Done, "{}", trace());
        let range = self.range();
        let is_close = |one: f64, other: f64| (one - other).abs() < 0.2;
        assert!(
            is_close(range.0, start) && is_close(range.1, end),
            "{range:?} instead of {start}..{end}\n{}",
            trace()
        );
        self.assert_calm();
    }

    fn assert_calm(&self) {
        assert_eq!(self.world.violations(), [""; 0]);
        let mut counts: HashMap<String, u32> = HashMap::new();
        for sent in self.world.requests() {
            let request = &sent.request;
            let part = format!("{} {:?}", request.url, request.range);
            *counts.entry(part).or_default() += 1;
        }
        let worst = counts.into_iter().max_by_key(|(_, count)| *count);
        assert!(
            worst.as_ref().is_none_or(|(_, count)| *count <= 4),
            "{worst:?}"
        );
    }

    fn duration(&self) -> f64 {
        self.page.element.duration()
    }
}

/// Serves the files, and plays one of them until it ends or fails.
fn play(files: &Files, name: &str, start: f64, seconds: f64) -> Played {
    let browser = Browser {
        ignores_early_seek: 0.0,
        ..Browser::chromium()
    };
    play_in(browser, files, name, start, seconds)
}

fn play_in(browser: Browser, files: &Files, name: &str, start: f64, seconds: f64) -> Played {
    let world = World::new(1, browser);
    let entered = world.enter();
    serve(&world, files);
    let page = Page::open();
    page.load_from(name, start);
    let result = world.run_until(seconds * 1_000.0, || {
        page.element.has_ended() || page.failure().is_some()
    });
    Played {
        page,
        world,
        result,
        _entered: entered,
    }
}

fn serve(world: &World, files: &Files) {
    let files = files.clone();
    world.serve(move |request: &Request, _at_ms: f64| {
        let name = request.url.strip_prefix(ORIGIN).unwrap_or_default();
        Answer::Response(match files.get(name) {
            Some(file) => Reply::file(&Bytes::from(file.as_slice()), request),
            None => Reply::status(404),
        })
    });
}

/// The init segment and the segments of one second of a track, with their names beginning with a letter.
fn add_track(files: &mut Files, letter: char, track: Track, starts: &[f64]) {
    files.insert(format!("{letter}init.mp4"), init(&[track]));
    for (nth, start) in starts.iter().enumerate() {
        let media = segment(&[run(track, *start, start + 1.0)]);
        files.insert(format!("{letter}{nth}.m4s"), media);
    }
}

fn seconds(count: u32) -> Vec<f64> {
    (0..count).map(f64::from).collect()
}

/// A media playlist: the duration and the name of each segment.
fn playlist(letter: char, segments: &[(f64, String)]) -> Vec<u8> {
    let mut text =
        format!("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXT-X-MAP:URI=\"{letter}init.mp4\"\n");
    for (duration, name) in segments {
        write!(text, "#EXTINF:{duration},\n{name}\n").unwrap();
    }
    text += "#EXT-X-ENDLIST\n";
    text.into_bytes()
}

fn named(letter: char, durations: &[f64]) -> Vec<(f64, String)> {
    let segments = durations.iter().enumerate();
    segments
        .map(|(nth, duration)| (*duration, format!("{letter}{nth}.m4s")))
        .collect()
}

/// A multivariant playlist of `v.m3u8` and, if there is one, `a.m3u8`.
fn master(has_audio: bool) -> Vec<u8> {
    let (media, codecs, group) = match has_audio {
        true => (
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"g\",NAME=\"A\",URI=\"a.m3u8\"\n",
            "avc1.4d401e,mp4a.40.2",
            ",AUDIO=\"g\"",
        ),
        false => ("", "avc1.4d401e", ""),
    };
    let variant = format!("#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"{codecs}\"{group}\nv.m3u8\n");
    format!("#EXTM3U\n{media}{variant}").into_bytes()
}

/// HLS of one-second video segments with these claimed durations.
fn video_only(durations: &[f64], starts: &[f64]) -> Files {
    let mut files = Files::new();
    add_track(&mut files, 'v', VIDEO, starts);
    files.insert("v.m3u8".into(), playlist('v', &named('v', durations)));
    files.insert("master.m3u8".into(), master(false));
    files
}

/// HLS of video and audio of so many seconds.
fn two_tracks(video: u32, audio: u32) -> Files {
    let mut files = video_only(&vec![1.0; video as usize], &seconds(video));
    add_track(&mut files, 'a', AUDIO, &seconds(audio));
    let durations = vec![1.0; audio as usize];
    files.insert("a.m3u8".into(), playlist('a', &named('a', &durations)));
    files.insert("master.m3u8".into(), master(true));
    files
}

/// A DASH manifest of these periods.
fn mpd(seconds: f64, periods: &str) -> Vec<u8> {
    format!(
        "<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\" \
         mediaPresentationDuration=\"PT{seconds}S\">{periods}</MPD>"
    )
    .into_bytes()
}

fn template(letter: char, codec: &str, kind: &str, attributes: &str) -> String {
    format!(
        "<AdaptationSet mimeType=\"{kind}/mp4\"><SegmentTemplate startNumber=\"0\" {attributes} \
         media=\"{letter}$Number$.m4s\" initialization=\"{letter}init.mp4\"/>\
         <Representation id=\"{letter}\" bandwidth=\"1\" codecs=\"{codec}\"/></AdaptationSet>"
    )
}

#[test]
fn hls_with_short_audio_plays_to_the_end_of_the_video() {
    let played = play(&two_tracks(100, 12), "master.m3u8", 0.0, 130.0);
    played.assert_played(0.0, 100.0);
    assert!((played.duration() - 100.0).abs() < 0.1);
}

#[test]
fn hls_with_short_video_plays_to_the_end_of_the_audio() {
    play(&two_tracks(12, 100), "master.m3u8", 0.0, 130.0).assert_played(0.0, 100.0);
}

#[test]
fn track_that_is_a_little_shorter_needs_no_other_source() {
    let played = play(&two_tracks(40, 37), "master.m3u8", 0.0, 60.0);
    played.assert_played(0.0, 40.0);
    let is_source = |event: &Event| matches!(event, Event::MediaSourceReady { .. });
    assert_eq!(played.page.count_events(is_source), 1);
}

#[test]
fn seek_behind_the_end_of_the_short_track_plays_on() {
    play(&two_tracks(100, 12), "master.m3u8", 60.0, 130.0).assert_played(60.0, 100.0);
}

#[test]
fn seek_back_into_both_tracks_plays_on() {
    let world = World::new(3, Browser::chromium());
    let _entered = world.enter();
    serve(&world, &two_tracks(60, 12));
    let page = Page::open();
    page.load_from("master.m3u8", 40.0);
    world.run_until(20_000.0, || page.element.position() > 42.0);
    page.element.seek(5.0);
    world.run_until(20_000.0, || (8.0..30.0).contains(&page.element.position()));
    assert!((8.0..9.0).contains(&page.element.position()));
    let ended = world.run_until(90_000.0, || page.element.has_ended());
    assert_eq!((ended, page.failure()), (Ended::Done, None));
}

#[test]
fn dash_with_short_audio_plays_to_the_end_of_the_video() {
    let mut files = two_tracks(100, 12);
    let timeline = |letter, codec, kind, count: u32| {
        template(letter, codec, kind, "timescale=\"1\"").replace(
            "/><Representation",
            &format!("><SegmentTimeline><S t=\"0\" d=\"1\" r=\"{}\"/></SegmentTimeline></SegmentTemplate><Representation", count - 1),
        )
    };
    let video = timeline('v', "avc1.4d401e", "video", 100);
    let audio = timeline('a', "mp4a.40.2", "audio", 12);
    files.insert(
        "m.mpd".into(),
        mpd(100.0, &format!("<Period>{video}{audio}</Period>")),
    );
    play(&files, "m.mpd", 0.0, 130.0).assert_played(0.0, 100.0);
}

#[test]
fn segment_that_claims_to_be_long_moves_the_rest() {
    let mut durations = [1.0; 12];
    durations[3] = 100.0;
    let played = play(
        &video_only(&durations, &seconds(12)),
        "master.m3u8",
        0.0,
        40.0,
    );
    played.assert_played(0.0, 12.0);
    assert!(
        (played.duration() - 12.0).abs() < 0.2,
        "{}",
        played.duration()
    );
}

#[test]
fn segments_that_claim_twice_their_duration_play_in_order() {
    let files = video_only(&[2.0; 100], &seconds(100));
    let played = play(&files, "master.m3u8", 0.0, 130.0);
    played.assert_played(0.0, 100.0);
    assert!(
        (played.duration() - 100.0).abs() < 0.2,
        "{}",
        played.duration()
    );
}

#[test]
fn duration_is_corrected_before_the_end_is_buffered() {
    let files = video_only(&[2.0; 100], &seconds(100));
    let played = play(&files, "master.m3u8", 0.0, 10.0);
    assert!(
        (played.duration() - 100.0).abs() < 0.5,
        "{}",
        played.duration()
    );
}

#[test]
fn start_in_the_middle_of_a_drift_plays_the_rest() {
    let files = video_only(&[2.0; 100], &seconds(100));
    play(&files, "master.m3u8", 50.0, 80.0).assert_played(50.0, 100.0);
}

#[test]
fn timestamps_that_begin_anew_continue_the_timeline() {
    let starts = [0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5].map(f64::from);
    let files = video_only(&[1.0; 12], &starts);
    play(&files, "master.m3u8", 0.0, 30.0).assert_played(0.0, 12.0);
    play(&files, "master.m3u8", 7.5, 30.0).assert_played(7.5, 12.0);
    let mut files = files;
    add_track(&mut files, 'a', AUDIO, &starts);
    files.insert("a.m3u8".into(), playlist('a', &named('a', &[1.0; 12])));
    files.insert("master.m3u8".into(), master(true));
    play(&files, "master.m3u8", 0.0, 30.0).assert_played(0.0, 12.0);
    play(&files, "master.m3u8", 10.5, 30.0).assert_played(10.5, 12.0);
}

#[test]
fn dash_with_a_constant_offset_plays_from_where_the_media_begin() {
    let starts: Vec<f64> = (0..12).map(|nth| 3.6 + f64::from(nth)).collect();
    let mut files = video_only(&[1.0; 12], &starts);
    let set = template('v', "avc1.4d401e", "video", "duration=\"1\"");
    files.insert(
        "m.mpd".into(),
        mpd(12.0, &format!("<Period>{set}</Period>")),
    );
    play(&files, "m.mpd", 0.0, 30.0).assert_played(3.6, 15.6);
    play(&files, "m.mpd", 8.0, 30.0).assert_played(8.0, 15.6);
    // With this offset, the first segment that is fetched lies behind the end that the manifest states.
    play(&files, "m.mpd", 10.8, 30.0).assert_played(10.8, 15.6);
}

#[test]
fn clear_part_before_a_protected_one_does_not_end_the_video() {
    let mut files = video_only(&[1.0; 12], &seconds(12));
    let clear = template('v', "avc1.4d401e", "video", "duration=\"1\"");
    let protection =
        "video/mp4\"><ContentProtection schemeIdUri=\"urn:mpeg:dash:mp4protection:2011\"/>";
    let protected = clear.replace("video/mp4\">", protection);
    let periods = format!(
        "<Period duration=\"PT4S\">{clear}</Period><Period start=\"PT4S\">{protected}</Period>"
    );
    files.insert("m.mpd".into(), mpd(12.0, &periods));
    let played = play(&files, "m.mpd", 0.0, 30.0);
    assert!(!played.page.element.has_ended());
    assert!((played.range().1 - 4.0).abs() < 0.2);
    let is_drm = |error: &PlaybackError| error.to_string().contains("DRM");
    assert!(played.page.failure().is_some_and(|error| is_drm(&error)));
    let is_told = |event: &Event| matches!(event, Event::Skipped { start: 4.0, end: 12.0, error, .. } if is_drm(error));
    assert!(played.page.has_received(is_told), "told at once");
}

#[test]
fn audio_that_only_the_playlist_promises_is_not_waited_for() {
    let mut files = video_only(&[1.0; 6], &seconds(6));
    let variant =
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.4d401e,mp4a.40.2\"\nv.m3u8\n";
    files.insert("v-only.m3u8".into(), variant.into());
    let browsers = [Browser::chromium, Browser::firefox, Browser::webkit];
    for browser in browsers {
        play_in(browser(), &files, "v-only.m3u8", 0.0, 20.0).assert_played(0.0, 6.0);
    }
    add_track(&mut files, 'a', AUDIO, &seconds(6));
    files.insert("a.m3u8".into(), playlist('a', &named('a', &[1.0; 6])));
    files.insert(
        "a-only.m3u8".into(),
        variant.replace("v.m3u8", "a.m3u8").into(),
    );
    play(&files, "a-only.m3u8", 0.0, 20.0).assert_played(0.0, 6.0);
}

#[test]
fn time_is_found_in_a_large_fragment_behind_a_large_event() {
    let track = Track {
        timescale: 100,
        ..VIDEO
    };
    let frames = Run {
        size: 4,
        ..run(track, 0.0, 80.0)
    };
    let media = segment(&[frames]);
    let event = plain_box(b"emsg", &vec![0; 200_000]);
    let mut files = video_only(&[80.0], &[0.0]);
    files.insert("vinit.mp4".into(), init(&[track]));
    files.insert("v0.m4s".into(), [event, media].concat());
    play(&files, "master.m3u8", 0.0, 90.0).assert_played(0.0, 80.0);
}

#[test]
fn segments_without_media_are_gaps() {
    for hole in [Vec::new(), plain_box(b"styp", b"iso6\0\0\0\0")] {
        let mut files = video_only(&[1.0; 12], &seconds(12));
        files.insert("v5.m4s".into(), hole);
        let played = play(&files, "master.m3u8", 0.0, 30.0);
        assert_eq!((played.page.failure(), played.result), (None, Ended::Done));
        let ranges = played.page.element.played();
        assert_eq!(ranges.len(), 2, "{ranges:?}");
        assert!((ranges[1].end - 12.0).abs() < 0.1);
        let is_told = |event: &Event| {
            matches!(
                event,
                Event::Skipped {
                    start: 5.0,
                    end: 6.0,
                    ..
                }
            )
        };
        assert!(played.page.has_received(is_told));
        played.assert_calm();
    }
}

#[test]
fn missing_segment_in_the_middle_is_passed_over() {
    let mut files = video_only(&[1.0; 12], &seconds(12));
    files.remove("v5.m4s");
    let set = template('v', "avc1.4d401e", "video", "duration=\"1\"");
    files.insert(
        "m.mpd".into(),
        mpd(12.0, &format!("<Period>{set}</Period>")),
    );
    for name in ["master.m3u8", "m.mpd"] {
        let played = play(&files, name, 0.0, 60.0);
        assert_eq!((played.page.failure(), played.result), (None, Ended::Done));
        let ranges = played.page.element.played();
        assert_eq!(ranges.len(), 2, "{name}: {ranges:?}");
        assert!((ranges[1].end - 12.0).abs() < 0.1, "{name}: {ranges:?}");
        let is_told = |event: &Event| {
            matches!(event, Event::Skipped { start: 5.0, end: 6.0, error, .. }
                if error.to_string().contains("404"))
        };
        assert!(played.page.has_received(is_told), "{name}");
    }
}

/// HLS of 12 s in two qualities, of which the second has its files in names that begin with `w`.
fn two_qualities() -> Files {
    let mut files = video_only(&[1.0; 12], &seconds(12));
    add_track(&mut files, 'w', VIDEO, &seconds(12));
    files.insert("w.m3u8".into(), playlist('w', &named('w', &[1.0; 12])));
    let variant = |name: char, bandwidth: u32| {
        format!("#EXT-X-STREAM-INF:BANDWIDTH={bandwidth},CODECS=\"avc1.4d401e\"\n{name}.m3u8\n")
    };
    let master = ["#EXTM3U\n", &variant('v', 1_000), &variant('w', 2_000)].concat();
    files.insert("master.m3u8".into(), master.into_bytes());
    files
}

#[test]
fn hole_in_all_qualities_excludes_none() {
    let mut files = two_qualities();
    for name in ["v3.m4s", "w3.m4s", "v8.m4s", "w8.m4s"] {
        files.remove(name);
    }
    let played = play(&files, "master.m3u8", 0.0, 60.0);
    assert_eq!((played.page.failure(), played.result), (None, Ended::Done));
    let ranges = played.page.element.played();
    assert_eq!(ranges.len(), 3, "{ranges:?}");
    // Each quality is asked for each hole: none was excluded at the first one.
    for name in ["v3.m4s", "w3.m4s", "v8.m4s", "w8.m4s"] {
        let requests = played.world.requests();
        let is_asked = requests.iter().any(|sent| sent.request.url.ends_with(name));
        assert!(is_asked, "{name}");
    }
    played.assert_calm();
}

#[test]
fn segment_that_one_quality_lacks_is_fetched_from_the_other() {
    let mut files = two_qualities();
    files.remove("w5.m4s");
    let played = play(&files, "master.m3u8", 0.0, 60.0);
    played.assert_played(0.0, 12.0);
}

#[test]
fn refused_segment_in_the_middle_is_passed_over() {
    let files = video_only(&[1.0; 12], &seconds(12));
    for status in [403, 451] {
        let browser = Browser {
            ignores_early_seek: 0.0,
            ..Browser::chromium()
        };
        let world = World::new(1, browser);
        let _entered = world.enter();
        let served = files.clone();
        world.serve(move |request: &Request, _at_ms: f64| {
            let name = request.url.strip_prefix(ORIGIN).unwrap_or_default();
            Answer::Response(match served.get(name) {
                Some(_) if name == "v5.m4s" => Reply::status(status),
                Some(file) => Reply::file(&Bytes::from(file.as_slice()), request),
                None => Reply::status(404),
            })
        });
        let page = Page::open();
        page.load("master.m3u8");
        let ended = world.run_until(60_000.0, || {
            page.element.has_ended() || page.failure().is_some()
        });
        assert_eq!((page.failure(), ended), (None, Ended::Done), "{status}");
        let is_told = |event: &Event| {
            matches!(event, Event::Skipped { start: 5.0, end: 6.0, error, .. }
                if error.to_string().contains(&status.to_string()))
        };
        assert!(page.has_received(is_told), "{status}");
    }
}

#[test]
fn video_without_any_segment_fails() {
    let mut files = video_only(&[1.0; 12], &seconds(12));
    files.retain(|name, _| !name.ends_with(".m4s"));
    let played = play(&files, "master.m3u8", 0.0, 60.0);
    let failure = played.page.failure();
    assert!(
        matches!(failure, Some(PlaybackError::HttpStatus { status: 404, .. })),
        "{failure:?}"
    );
}

#[test]
fn file_whose_fragments_are_longer_than_what_is_searched_plays() {
    let mut file = init(&[VIDEO]);
    for start in [0.0, 10.0, 20.0] {
        file.append(&mut segment(&[run(VIDEO, start, start + 10.0)]));
    }
    let files = Files::from([("long.mp4".to_owned(), file)]);
    play(&files, "long.mp4", 0.0, 60.0).assert_played(0.0, 30.0);
    play(&files, "long.mp4", 13.0, 60.0).assert_played(13.0, 30.0);
}

#[test]
fn segments_of_one_frame_play() {
    let track = Track {
        timescale: 25,
        ..VIDEO
    };
    let mut files = Files::new();
    files.insert("vinit.mp4".into(), init(&[track]));
    for nth in 0..150 {
        let frame = Run {
            track,
            start: nth,
            count: 1,
            group: 1,
            size: 100,
            composition: &[],
        };
        files.insert(format!("v{nth}.m4s"), segment(&[frame]));
    }
    files.insert("v.m3u8".into(), playlist('v', &named('v', &[0.04; 150])));
    files.insert("master.m3u8".into(), master(false));
    play(&files, "master.m3u8", 0.0, 30.0).assert_played(0.0, 6.0);
}

#[test]
fn silent_part_of_a_muxed_video_gets_its_own_source() {
    let mut files = Files::new();
    let muxed = |start: f64| {
        segment(&[
            run(VIDEO, start, start + 1.0),
            run(AUDIO, start, start + 1.0),
        ])
    };
    files.insert("muxed.mp4".into(), init(&[VIDEO, AUDIO]));
    files.insert("silent.mp4".into(), init(&[VIDEO]));
    let mut text = String::from("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXT-X-MAP:URI=\"muxed.mp4\"\n");
    for nth in 0..12 {
        let start = f64::from(nth);
        let is_silent = (4..8).contains(&nth);
        let media = match is_silent {
            true => segment(&[run(VIDEO, start - 4.0, start - 3.0)]),
            false => muxed(start),
        };
        files.insert(format!("m{nth}.m4s"), media);
        if nth == 4 || nth == 8 {
            let map = if is_silent { "silent" } else { "muxed" };
            write!(text, "#EXT-X-DISCONTINUITY\n#EXT-X-MAP:URI=\"{map}.mp4\"\n").unwrap();
        }
        write!(text, "#EXTINF:1,\nm{nth}.m4s\n").unwrap();
    }
    text += "#EXT-X-ENDLIST\n";
    files.insert("v.m3u8".into(), text.into_bytes());
    let variant =
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.4d401e,mp4a.40.2\"\nv.m3u8\n";
    files.insert("master.m3u8".into(), variant.into());
    play(&files, "master.m3u8", 0.0, 40.0).assert_played(0.0, 12.0);
    play(&files, "master.m3u8", 5.5, 40.0).assert_played(5.5, 12.0);
}

#[test]
fn seek_shows_the_same_frames_wherever_playback_started() {
    // What is played at a time is told by which segment was requested for it.
    let files = video_only(&[2.0; 100], &seconds(100));
    let requested = Rc::new(RefCell::new(Vec::new()));
    let browser = Browser {
        ignores_early_seek: 0.0,
        ..Browser::chromium()
    };
    let world = World::new(1, browser);
    let _entered = world.enter();
    let (served, log) = (files, requested.clone());
    world.serve(move |request: &Request, _at_ms: f64| {
        let name = request.url.strip_prefix(ORIGIN).unwrap_or_default();
        log.borrow_mut().push(name.to_owned());
        Answer::Response(match served.get(name) {
            Some(file) => Reply::file(&Bytes::from(file.as_slice()), request),
            None => Reply::status(404),
        })
    });
    let page = Page::open();
    page.load_from("master.m3u8", 30.0);
    world.run_until(20_000.0, || page.element.position() > 31.0);
    assert!(requested.borrow().iter().any(|name| name == "v30.m4s"));
    let buffered = page.element.buffered();
    let here = buffered.iter().find(|range| range.contains(&30.5));
    assert_eq!(here.map(|range| range.start), Some(30.0));
}

#[test]
fn audio_that_is_missing_from_some_time_on_is_not_waited_for() {
    let mut files = two_tracks(60, 12);
    let video = template('v', "avc1.4d401e", "video", "duration=\"1\"");
    let audio = template('a', "mp4a.40.2", "audio", "duration=\"1\"");
    let periods = format!("<Period>{video}{audio}</Period>");
    files.insert("m.mpd".into(), mpd(60.0, &periods));
    play(&files, "m.mpd", 0.0, 90.0).assert_played(0.0, 60.0);
    play(&files, "m.mpd", 30.0, 90.0).assert_played(30.0, 60.0);
}

#[test]
fn seek_far_behind_the_real_end_ends_there() {
    let mut files = video_only(&[1.0; 8], &seconds(8));
    let set = template('v', "avc1.4d401e", "video", "duration=\"1\"");
    files.insert(
        "m.mpd".into(),
        mpd(3600.0, &format!("<Period>{set}</Period>")),
    );
    let played = play(&files, "m.mpd", 3580.0, 60.0);
    assert_eq!((played.page.failure(), played.result), (None, Ended::Done));
    assert!(
        (played.duration() - 8.0).abs() < 0.2,
        "{}",
        played.duration()
    );
    played.assert_calm();
    let count = played.world.requests().len();
    assert!(count < 60, "{count} requests");
}
