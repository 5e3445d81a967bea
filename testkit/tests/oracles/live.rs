//! Live streams: their windows move on, and all that they list is there.

use std::{collections::BTreeMap, time::Duration};

use proptest::prelude::*;
use testkit::{
    http::{Request, Response},
    live::{Config, Incident, Live, Source, Splice, Synthetic, Timed, UtcTiming},
    synthetic::Tag,
};

use crate::{
    oracle::{Playlist, moofs, mpd, playlist, representations, samples},
    sample_video::sample_video,
};

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn fetch(live: &Live, path: &str, now: Duration) -> Response {
    live.respond(&Request::get(path, now))
}

fn text(live: &Live, path: &str, now: Duration) -> String {
    let response = fetch(live, path, now);
    assert_eq!(response.status, 200, "{path}");
    String::from_utf8(response.body).unwrap()
}

fn media(live: &Live, path: &str, now: Duration) -> Playlist {
    playlist(&text(live, path, now))
}

fn synthetic(config: Config) -> Live {
    Live::new(config, Source::Synthetic(Synthetic::default()))
}

fn incident(at: u64, kind: Incident) -> Timed {
    Timed {
        at: seconds(at),
        kind,
    }
}

fn decode_time(bytes: &[u8]) -> u64 {
    let moof = &moofs(bytes)[0];
    moof.traf[0].tfdt.as_ref().unwrap().base_media_decode_time
}

/// What a URL stood for whenever it was listed: it must not change.
#[derive(Default)]
struct Known(BTreeMap<String, (u64, u64)>);

impl Known {
    fn check(&mut self, url: String, times: (u64, u64)) {
        let known = *self.0.entry(url.clone()).or_insert(times);
        assert_eq!(known, times, "{url}");
    }
}

/// Checks the MPD with a timeline at a time. Returns the number of segments.
fn check_timeline(live: &Live, now: Duration, known: &mut Known, fetches: bool) -> usize {
    let mpd = mpd(&text(live, "/time.mpd", now));
    let mut count = 0;
    for it in representations(&mpd).iter().filter(|it| it.init.is_some()) {
        let mut end = 0;
        for segment in &it.segments {
            assert!(segment.time >= end);
            end = segment.time;
            let url = segment.path.replace("$RepresentationID$", &it.id);
            assert!(url.contains(&format!("/{}/", it.id)));
            known.check(url, (segment.time, segment.duration));
            count += 1;
        }
        let ends = it.segments.iter().take(1).chain(it.segments.last());
        for segment in ends.filter(|_| fetches) {
            let response = fetch(live, &format!("/{}", segment.path), now);
            assert_eq!(response.status, 200, "{} {now:?}", segment.path);
            assert_eq!(decode_time(&response.body), segment.time);
        }
    }
    count
}

/// Checks the media playlists at a time. Returns the position of the newest segment in the first.
fn check_playlists(live: &Live, now: Duration, known: &mut Known, fetches: bool) -> Option<u64> {
    let mut newest = None;
    let main = media(live, "/main.m3u8", now);
    for (nth, uri) in main.playlists.iter().enumerate() {
        if uri.starts_with("captions") {
            continue;
        }
        let playlist = media(live, &format!("/{uri}"), now);
        for (position, segment) in (playlist.sequence..).zip(&playlist.segments) {
            let microseconds = (segment.seconds * 1e6).round() as u64;
            known.check(segment.uri.clone(), (position, microseconds));
            assert!(segment.seconds < playlist.target_duration + 0.5);
            if nth == 0 {
                newest = Some(position);
            }
        }
        let ends = playlist
            .segments
            .iter()
            .take(1)
            .chain(playlist.segments.last());
        for segment in ends.filter(|it| fetches && !it.is_missing) {
            let status = fetch(live, &format!("/{}", segment.uri), now).status;
            assert_eq!(status, 200, "{} {now:?}", segment.uri);
            if let Some((init, _)) = &segment.init {
                assert_eq!(fetch(live, &format!("/{init}"), now).status, 200);
            }
            if let Some(key) = &segment.key {
                assert_eq!(fetch(live, &format!("/{key}"), now).body.len(), 16);
            }
        }
    }
    newest
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_a_url_stands_for_never_changes(seed in any::<u64>(), steps in prop::collection::vec(1..20_000_u64, 8)) {
        let begin = seconds(1_796_000_000);
        let config = Config::random(seed, begin, seconds(60));
        // A stale manifest lists what is gone, an early one what is not there yet.
        let is_unready = |it: &Timed| {
            use Incident::{Missing, Stale, Unready};
            matches!(it.kind, Unready { .. } | Missing { .. } | Stale { .. })
        };
        let fetches = !config.incidents.iter().any(is_unready);
        let muxed = seed % 5 == 0;
        let source = Source::Synthetic(Synthetic { muxed, seed, ..Synthetic::default() });
        let live = Live::new(config, source);
        let (mut timeline, mut playlists) = (Known::default(), Known::default());
        let mut now = begin;
        for step in steps {
            now += Duration::from_millis(step);
            check_timeline(&live, now, &mut timeline, fetches);
            check_playlists(&live, now, &mut playlists, fetches);
            mpd(&text(&live, "/number.mpd", now));
        }
    }
}

#[test]
fn segments_come_when_they_are_complete_and_go_after_the_window() {
    let live = synthetic(Config {
        window: seconds(10),
        kept: seconds(4),
        ..Config::default()
    });
    let mut known = Known::default();
    for (now, first, last) in [
        (2, 0, 0),
        (3, 0, 0),
        (4, 0, 1),
        (10, 0, 4),
        (11, 0, 4),
        (12, 1, 5),
        (100, 45, 49),
    ] {
        let now = seconds(now);
        let playlist = media(&live, "/v360.m3u8", now);
        assert_eq!(playlist.sequence, first, "{now:?}");
        assert_eq!(playlist.segments.len() as u64, last - first + 1);
        assert!(!playlist.is_ended);
        // Each of two qualities and of audio.
        assert_eq!(
            check_timeline(&live, now, &mut known, true) as u64,
            3 * (last - first + 1)
        );
    }
    for (path, comes, goes) in [
        ("/g0/v360/s7.m4s", 16, 30),
        ("/g0/v360/8.m4s", 16, 30),
        ("/g0/p0/v360/t215040.m4s", 16, 30),
    ] {
        for (now, status) in [(comes, 404), (comes, 200), (goes, 200), (goes, 404)] {
            let is_before = (status == 404) == (now == comes);
            let now = if is_before {
                seconds(now) - Duration::from_millis(1)
            } else {
                seconds(now)
            };
            assert_eq!(fetch(&live, path, now).status, status, "{path} {now:?}");
        }
    }
}

#[test]
fn week_of_a_long_window_costs_little() {
    let live = synthetic(Config {
        window: seconds(12 * 3600),
        ..Config::default()
    });
    let now = seconds(7 * 24 * 3600);
    let playlist = media(&live, "/a0.m3u8", now);
    assert_eq!(playlist.segments.len(), 21_600);
    let mpd = text(&live, "/number.mpd", now);
    assert!(mpd.len() < 3000);
}

#[test]
fn stream_that_has_not_begun_lists_nothing() {
    let live = synthetic(Config {
        start: seconds(1000),
        ..Config::default()
    });
    let now = seconds(990);
    assert!(media(&live, "/v360.m3u8", now).segments.is_empty());
    assert_eq!(check_timeline(&live, now, &mut Known::default(), true), 0);
    let mpd = mpd(&text(&live, "/number.mpd", now));
    assert_eq!(mpd.availabilityStartTime.unwrap().timestamp(), 1000);
    assert_eq!(fetch(&live, "/g0/v360/init.mp4", now).status, 404);
    assert_eq!(fetch(&live, "/g0/v360/1.m4s", seconds(1002)).status, 200);
}

#[test]
fn stream_that_ends_becomes_on_demand() {
    let live = synthetic(Config {
        length: Some(seconds(101)),
        window: seconds(20),
        ..Config::default()
    });
    for (now, is_over) in [(100, false), (101, true), (5000, true)] {
        let now = seconds(now);
        let playlist = media(&live, "/v360.m3u8", now);
        assert_eq!((playlist.sequence, playlist.segments.len()), (40, 10));
        assert_eq!(playlist.is_ended, is_over);
        let mpd = mpd(&text(&live, "/time.mpd", now));
        assert_eq!(
            mpd.mpdtype.as_deref(),
            Some(if is_over { "static" } else { "dynamic" })
        );
        assert_eq!(mpd.mediaPresentationDuration, is_over.then(|| seconds(100)));
        assert_eq!(
            fetch(&live, "/g0/v360/1.m4s", now).status,
            if is_over { 200 } else { 404 }
        );
    }
}

#[test]
fn event_playlist_keeps_all_segments() {
    let mut config = Config::default();
    config.hls.is_event = true;
    let live = synthetic(config);
    let playlist = media(&live, "/v360.m3u8", seconds(1000));
    assert_eq!((playlist.sequence, playlist.segments.len()), (0, 500));
    assert_eq!(fetch(&live, "/g0/v360/s0.m4s", seconds(1000)).status, 200);
}

#[test]
fn stalled_stream_goes_on_where_it_was() {
    let lasting = seconds(31);
    let live = synthetic(Config {
        incidents: vec![incident(100, Incident::Stall { lasting })],
        ..Config::default()
    });
    let newest = |now| check_playlists(&live, seconds(now), &mut Known::default(), true);
    assert_eq!(
        [newest(99), newest(100), newest(130), newest(132)],
        [Some(48), Some(49), Some(49), Some(49)]
    );
    assert_eq!([newest(133), newest(135)], [Some(50), Some(51)]);
    let playlist = media(&live, "/v360.m3u8", seconds(140));
    assert!(playlist.segments.iter().all(|it| !it.has_discontinuity));
}

#[test]
fn skipped_segments_are_never_there() {
    let live = synthetic(Config {
        incidents: vec![incident(20, Incident::Skip { segments: 5 })],
        ..Config::default()
    });
    let now = seconds(40);
    let mpd = mpd(&text(&live, "/time.mpd", now));
    let times: Vec<_> = representations(&mpd)[0]
        .segments
        .iter()
        .map(|it| it.time / 30_720)
        .collect();
    assert_eq!(times[8..12], [8, 9, 15, 16]);
    assert_eq!(fetch(&live, "/g0/v360/13.m4s", now).status, 404);
    let playlist = media(&live, "/v360.m3u8", now);
    let marked: Vec<_> = playlist
        .segments
        .iter()
        .map(|it| it.has_discontinuity)
        .collect();
    assert_eq!(marked.iter().position(|it| *it), Some(10));
}

#[test]
fn source_that_jumps_back_offers_segments_again() {
    let live = synthetic(Config {
        incidents: vec![incident(20, Incident::JumpBack { segments: 4 })],
        ..Config::default()
    });
    let now = seconds(24);
    let mpd = mpd(&text(&live, "/time.mpd", now));
    let times: Vec<_> = representations(&mpd)[0]
        .segments
        .iter()
        .map(|it| it.time / 30_720)
        .collect();
    assert_eq!(times, [0, 1, 2, 3, 4, 5, 6, 7]);
    let playlist = media(&live, "/v360.m3u8", now);
    let tags = playlist.segments.iter().map(|it| {
        let bytes = fetch(&live, &format!("/{}", it.uri), now).body;
        Tag::find(&bytes).unwrap().sequence.unwrap()
    });
    assert_eq!(
        tags.collect::<Vec<_>>(),
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 6, 7]
    );
}

#[test]
fn restart_begins_anew_with_another_codec() {
    let restart = Incident::Restart {
        changes_codec: true,
    };
    let mut config = Config {
        incidents: vec![incident(101, restart)],
        kept: seconds(5),
        ..Config::default()
    };
    config.hls.first_sequence = 7;
    let live = synthetic(config);
    let codecs = |now| {
        let mpd = mpd(&text(&live, "/number.mpd", now));
        let start = mpd.availabilityStartTime.unwrap().timestamp();
        (
            start,
            mpd.periods[0].adaptations[0].representations[0]
                .codecs
                .clone()
                .unwrap(),
        )
    };
    assert_eq!(codecs(seconds(100)), (0, "avc1.4d401e".to_owned()));
    assert_eq!(codecs(seconds(101)), (101, "avc1.64001e".to_owned()));
    let before = media(&live, "/v360.m3u8", seconds(100));
    let after = media(&live, "/v360.m3u8", seconds(105));
    assert_eq!(
        (before.sequence, after.sequence, after.segments.len()),
        (27, 7, 2)
    );
    assert_eq!(fetch(&live, "/g0/v360/s49.m4s", seconds(105)).status, 200);
    assert_eq!(fetch(&live, "/g0/v360/s49.m4s", seconds(107)).status, 404);
}

#[test]
fn missing_segments_are_marked_and_not_there() {
    let live = synthetic(Config {
        incidents: vec![incident(10, Incident::Missing { segments: 2 })],
        ..Config::default()
    });
    let playlist = media(&live, "/v360.m3u8", seconds(20));
    let missing: Vec<_> = playlist.segments.iter().map(|it| it.is_missing).collect();
    assert_eq!(missing[4..8], [false, true, true, false]);
    assert_eq!(fetch(&live, "/g0/v360/s5.m4s", seconds(20)).status, 404);
    assert_eq!(fetch(&live, "/g0/v360/s7.m4s", seconds(20)).status, 200);
}

#[test]
fn faults_of_edges_last_as_long_as_planned() {
    let (lasting, by) = (seconds(10), seconds(3));
    let live = synthetic(Config {
        incidents: vec![
            incident(50, Incident::Delayed { lasting, by }),
            incident(70, Incident::Unready { lasting, by }),
            incident(
                100,
                Incident::Stale {
                    lasting,
                    behind: seconds(8),
                    percent: 50,
                },
            ),
        ],
        ..Config::default()
    });
    for (now, delay) in [(49, 0), (50, 3), (59, 3), (60, 0)] {
        let response = fetch(&live, "/v360.m3u8", seconds(now));
        assert_eq!(response.delivery.delay, seconds(delay));
    }
    let status = |now| fetch(&live, "/g0/v360/s35.m4s", seconds(now)).status;
    assert_eq!([status(72), status(74), status(75)], [404, 404, 200]);
    let newest = |ms| {
        let now = seconds(101) + Duration::from_millis(ms);
        media(&live, "/v360.m3u8", now)
            .segments
            .last()
            .unwrap()
            .uri
            .clone()
    };
    let stale = (0..100)
        .filter(|ms| newest(*ms) == "g0/v360/s45.m4s")
        .count();
    let fresh = (0..100)
        .filter(|ms| newest(*ms) == "g0/v360/s49.m4s")
        .count();
    assert_eq!(stale + fresh, 100);
    assert!((30..70).contains(&stale), "{stale}");
}

#[test]
fn drift_makes_segments_come_early_by_half_a_percent() {
    let live = synthetic(Config {
        drift_ppm: 5000,
        ..Config::default()
    });
    let playlist = media(&live, "/v360.m3u8", seconds(2000));
    assert_eq!(playlist.sequence + playlist.segments.len() as u64, 1005);
}

#[test]
fn periods_and_discontinuities_come_and_go() {
    for restarts_timestamps in [false, true] {
        let splice = Some(Splice {
            every: 5,
            restarts_timestamps,
        });
        let mut config = Config {
            splice,
            window: seconds(20),
            media_offset_seconds: 1000,
            ..Config::default()
        };
        config.hls.audio_sequence_offset = 3;
        let live = synthetic(config);
        let now = seconds(47);
        let text_of = text(&live, "/time.mpd", now);
        let mpd = mpd(&text_of);
        let periods: Vec<_> = mpd
            .periods
            .iter()
            .map(|it| (it.id.as_deref().unwrap(), it.start.unwrap()))
            .collect();
        assert_eq!(
            periods,
            [
                ("g0p2", seconds(20)),
                ("g0p3", seconds(30)),
                ("g0p4", seconds(40))
            ]
        );
        check_timeline(&live, now, &mut Known::default(), true);
        for it in representations(&mpd) {
            let start = mpd
                .periods
                .iter()
                .find(|period| period.id.as_ref() == Some(&it.period));
            let start = start.unwrap().start.unwrap().as_secs();
            let expected = if restarts_timestamps {
                1000
            } else {
                1000 + start
            };
            assert_eq!(it.offset, expected * it.timescale);
            // Within a frame of audio of where the period says they are.
            let place = it.segments[0].time as f64 - it.offset as f64;
            let place = start as f64 + place / it.timescale as f64;
            assert!(
                (place / 2.0 - (place / 2.0).round()).abs() < 0.011,
                "{place}"
            );
        }
        let playlist = media(&live, "/v360.m3u8", now);
        assert_eq!(
            (playlist.sequence, playlist.discontinuity_sequence),
            (13, 2)
        );
        let marked: Vec<_> = playlist
            .segments
            .iter()
            .map(|it| it.has_discontinuity)
            .collect();
        assert_eq!(
            marked,
            [
                false, false, true, false, false, false, false, true, false, false
            ]
        );
        assert_eq!(media(&live, "/a0.m3u8", now).sequence, 16);
    }
}

#[test]
fn dates_are_those_of_the_wall_clock() {
    let live = synthetic(Config {
        start: seconds(1_796_018_523),
        ..Config::default()
    });
    let playlist = media(&live, "/v360.m3u8", seconds(1_796_018_527));
    let text = text(&live, "/v360.m3u8", seconds(1_796_018_527));
    assert!(playlist.segments.iter().all(|it| it.date.is_some()));
    assert!(text.contains("#EXT-X-PROGRAM-DATE-TIME:2026-11-30T06:02:05.000Z\n"));
}

#[test]
fn keys_rotate_and_vectors_are_sequence_numbers() {
    let mut config = Config::default();
    config.hls.segments_per_key = Some(3);
    let live = synthetic(config);
    let playlist = media(&live, "/v360.m3u8", seconds(20));
    let keys: Vec<_> = playlist
        .segments
        .iter()
        .map(|it| it.key.clone().unwrap())
        .collect();
    assert_eq!(
        keys[1..5],
        ["g0/key0.bin", "g0/key0.bin", "g0/key1.bin", "g0/key1.bin"]
    );
    let [one, other] = [0, 1].map(|it| fetch(&live, &format!("/g0/key{it}.bin"), seconds(20)).body);
    assert_ne!(one, other);
    let encrypted = fetch(&live, "/g0/v360/s4.m4s", seconds(20)).body;
    assert_eq!((encrypted.len() % 16, Tag::find(&encrypted)), (0, None));
    // DASH serves the same segment in the clear.
    assert!(Tag::find(&fetch(&live, "/g0/v360/5.m4s", seconds(20)).body).is_some());
}

#[test]
fn delta_update_leaves_out_what_is_known() {
    let mut config = Config {
        window: seconds(100),
        ..Config::default()
    };
    config.hls.can_skip = true;
    let live = synthetic(config);
    let whole = media(&live, "/v360.m3u8", seconds(200));
    let delta = media(&live, "/v360.m3u8?_HLS_skip=YES", seconds(200));
    assert_eq!((whole.segments.len(), whole.skipped), (50, 0));
    assert_eq!((delta.segments.len(), delta.skipped), (6, 44));
    assert_eq!(delta.sequence, whole.sequence);
    assert_eq!(
        delta.segments.last().unwrap().uri,
        whole.segments.last().unwrap().uri
    );
}

#[test]
fn clock_of_the_server_may_be_wrong() {
    let mut config = Config {
        clock_error_ms: -7_200_000,
        ..Config::default()
    };
    config.dash.utc_timing = UtcTiming::HttpIso;
    let live = synthetic(config);
    let now = seconds(1_796_018_523);
    assert_eq!(text(&live, "/clock/iso", now), "2026-11-30T04:02:03.000Z");
    let response = fetch(&live, "/number.mpd", now);
    assert_eq!(
        response.header("date"),
        Some("Mon, 30 Nov 2026 04:02:03 GMT")
    );
    let mpd = text(&live, "/number.mpd", now);
    assert!(mpd.contains("urn:mpeg:dash:utc:http-iso:2014"));
}

#[test]
fn options_of_mpds_are_written() {
    let mut config = Config {
        has_captions: true,
        ..Config::default()
    };
    config.dash.minimum_update_period = None;
    config.dash.suggested_presentation_delay = Some(seconds(6));
    config.dash.availability_time_offset = seconds(1);
    config.dash.location = Some("number.mpd?moved".to_owned());
    config.dash.target_latency = Some(seconds(4));
    let live = synthetic(config);
    let now = seconds(100);
    let mpd = mpd(&text(&live, "/number.mpd", now));
    assert_eq!(mpd.minimumUpdatePeriod, None);
    assert_eq!(mpd.suggestedPresentationDelay, Some(seconds(6)));
    assert_eq!(mpd.timeShiftBufferDepth, Some(seconds(60)));
    assert_eq!(mpd.locations[0].url, "number.mpd?moved");
    assert_eq!(mpd.ServiceDescription.len(), 1);
    assert_eq!(fetch(&live, "/g0/v360/51.m4s", now).status, 404);
    assert_eq!(fetch(&live, "/g0/v360/51.m4s", seconds(101)).status, 200);
    assert!(text(&live, "/captions.vtt", now).contains("00:01:38.000 --> 00:01:39.500"));
}

#[test]
fn sample_video_is_live_in_both_formats() {
    let mut config = Config {
        start: seconds(1_796_000_000),
        media_offset_seconds: 10,
        ..Config::default()
    };
    config.splice = Some(Splice {
        every: 7,
        restarts_timestamps: true,
    });
    let live = Live::new(config, Source::SampleVideo(sample_video()));
    let (mut timeline, mut playlists) = (Known::default(), Known::default());
    for now in [2, 60, 66, 250, 1000] {
        let now = seconds(1_796_000_000 + now);
        check_timeline(&live, now, &mut timeline, true);
        check_playlists(&live, now, &mut playlists, true);
    }
    let now = seconds(1_796_001_000);
    let mpd = mpd(&text(&live, "/number.mpd", now));
    assert_eq!(
        mpd.periods.last().unwrap().adaptations[0]
            .representations
            .len(),
        4
    );
}

#[test]
fn muxed_segments_keep_both_tracks_together() {
    let source = Synthetic {
        muxed: true,
        frame_rate: [30_000, 1001],
        ..Synthetic::default()
    };
    let live = Live::new(
        Config {
            media_offset_seconds: 95_443,
            ..Config::default()
        },
        Source::Synthetic(source),
    );
    let now = seconds(86_400);
    let playlist = media(&live, "/v360.m3u8", now);
    let mut ends = [None; 2];
    for segment in &playlist.segments {
        let moof = &moofs(&fetch(&live, &format!("/{}", segment.uri), now).body)[0];
        for (track, end) in [1, 2].into_iter().zip(&mut ends) {
            let samples = samples(moof, track);
            let last = samples.last().unwrap();
            assert!(end.is_none_or(|end| end == samples[0].0), "{track}");
            *end = Some(last.0 + u64::from(last.1));
        }
        let [video, audio] = ends.map(|end| end.unwrap() as f64);
        let distance = audio / 48_000.0 - video / (30_000.0 * 512.0);
        assert!((0.0..0.0214).contains(&distance), "{distance}");
    }
}
