//! Servers that are gone, busy or odd: fail-over, waiting, `data:` URLs.

use std::{cell::RefCell, fs, path::Path};

use aes::cipher::{BlockModeEncrypt, KeyIvInit, block_padding::Pkcs7};
use yew_mse_worker::{
    platform::{
        Bytes, Request,
        simulated::{Answer, Browser, Reply, World},
    },
    protocol::{Event, PlaybackError, PlaybackSettings},
};

use crate::page::{DURATION_SECONDS, END_TOLERANCE_SECONDS, ORIGIN, Page};

const GONE: &str = "https://gone.test/";
const COPY: &str = "https://copy.test/";

/// Serves the files of the sample video.
fn serve(request: &Request, _at_ms: f64) -> Answer {
    from_sample(request.url.strip_prefix(ORIGIN).unwrap_or_default())
}

fn text(answer: &str) -> Answer {
    Answer::Response(Reply::ok(Bytes::from(answer.as_bytes())))
}

fn gone() -> Answer {
    Answer::Failure { after_ms: 30.0 }
}

/// A page that has played `name` until the end, or failed, and the world it is in.
fn play(
    name: &str,
    settings: PlaybackSettings,
    server: impl Fn(&Request, f64) -> Answer + 'static,
    check: impl FnOnce(&World, &Page),
) {
    // The page repeats an early seek that was ignored; this one does not.
    let browser = Browser {
        ignores_early_seek: 0.0,
        ..Browser::chromium()
    };
    let world = World::new(1, browser);
    let _entered = world.enter();
    world.serve(server);
    let page = Page::open();
    page.load_with(name, settings);
    world.run_until(400_000.0, || {
        page.element.has_ended() || page.failure().is_some()
    });
    check(&world, &page);
    assert_eq!(world.violations(), [""; 0]);
}

fn assert_played_to_end(world: &World, page: &Page) {
    assert_eq!(page.failure(), None, "{}", world.trace().join("\n"));
    assert!(page.element.has_ended(), "{}", world.trace().join("\n"));
    let [range] = &page.element.played()[..] else {
        panic!("{:?}", page.element.played());
    };
    assert!(range.end >= DURATION_SECONDS - END_TOLERANCE_SECONDS);
}

/// A multivariant playlist with two copies of the only variant.
fn two_copies(first: &str, second: &str) -> String {
    let inf = "#EXT-X-STREAM-INF:BANDWIDTH=382758,CODECS=\"avc1.77.30\",RESOLUTION=640x360\n";
    ["#EXTM3U\n", inf, first, "\n", inf, second, "\n"].concat()
}

#[test]
fn redundant_variant_plays_when_first_server_is_gone() {
    let server = |request: &Request, at| match request.url.as_str() {
        url if url.starts_with(GONE) => gone(),
        url if url.ends_with("copies.m3u8") => {
            text(&two_copies("https://gone.test/v.m3u8", "360p/media.m3u8"))
        }
        _ => serve(request, at),
    };
    play(
        "copies.m3u8",
        PlaybackSettings::default(),
        server,
        |world, page| {
            assert_played_to_end(world, page);
            // Once it is known to be gone, it is not asked again.
            let requests = world.requests();
            let count = requests
                .iter()
                .filter(|request| request.request.url.starts_with(GONE))
                .count();
            assert_eq!(count, 1);
        },
    );
}

#[test]
fn redundant_variant_plays_when_first_server_lost_segments() {
    let server = |request: &Request, at| match request.url.as_str() {
        url if url.ends_with("copies.m3u8") => {
            text(&two_copies("a/media.m3u8", "https://copy.test/media.m3u8"))
        }
        // The first server has lost its segments.
        url if url.ends_with("a/media.m3u8") => from_sample("360p/media.m3u8"),
        // The segments of the second one have other names.
        url if url.starts_with(COPY) => {
            let path = url.strip_prefix(COPY).unwrap_or_default();
            match path.strip_prefix("copy-") {
                Some(path) => from_sample(&["360p/", path].concat()),
                None if path == "media.m3u8" => {
                    let playlist = sample_text("360p/media.m3u8");
                    let rename = |line: &str| match line.starts_with('#') {
                        true => line.replace("init.mp4", "copy-init.mp4"),
                        false => ["copy-", line].concat(),
                    };
                    text(&playlist.lines().map(rename).collect::<Vec<_>>().join("\n"))
                }
                None => Answer::Response(Reply::status(404)),
            }
        }
        _ => serve(request, at),
    };
    play(
        "copies.m3u8",
        PlaybackSettings::default(),
        server,
        assert_played_to_end,
    );
}

fn sample_text(path: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/film");
    fs::read_to_string(folder.join(path)).unwrap()
}

fn from_sample(path: &str) -> Answer {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/film");
    Answer::Response(match fs::read(folder.join(path)) {
        Ok(file) => Reply::ok(Bytes::from(file.as_slice())),
        Err(_) => Reply::status(404),
    })
}

/// Answers the first requests for each URL that ends with `suffix` with a status.
fn busy_at_first(
    suffix: &'static str,
    status: u16,
    times: usize,
    header: Option<&'static str>,
) -> impl Fn(&Request, f64) -> Answer + 'static {
    let counts: RefCell<Vec<(String, usize)>> = RefCell::default();
    move |request, at| {
        if !request.url.ends_with(suffix) {
            return serve(request, at);
        }
        let mut counts = counts.borrow_mut();
        let known = counts.iter().position(|(url, _)| *url == request.url);
        let index = known.unwrap_or_else(|| {
            counts.push((request.url.clone(), 0));
            counts.len() - 1
        });
        counts[index].1 += 1;
        if counts[index].1 > times {
            return serve(request, at);
        }
        let mut reply = Reply::status(status);
        reply
            .headers
            .extend(header.map(|value| ("retry-after".into(), value.into())));
        Answer::Response(reply)
    }
}

/// The times between the requests for a URL, in seconds.
fn waits(world: &World, suffix: &str) -> Vec<f64> {
    let requests = world.requests();
    let times: Vec<f64> = (requests.iter())
        .filter(|record| record.request.url.ends_with(suffix))
        .map(|record| record.at_ms / 1000.0)
        .collect();
    times.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

fn busy_seconds(page: &Page) -> Vec<u32> {
    let seconds = |event: Event| match event {
        Event::Retrying {
            error: Some(PlaybackError::ServerBusy { .. }),
            seconds,
            ..
        } => Some(seconds),
        _ => None,
    };
    page.events().into_iter().filter_map(seconds).collect()
}

#[test]
fn busy_server_that_exposes_no_headers_is_waited_for() {
    for suffix in ["film.mpd", "init.mp4", "3.m4s"] {
        for status in [429, 503] {
            let server = busy_at_first(suffix, status, 4, None);
            play(
                "film.mpd",
                PlaybackSettings::default(),
                server,
                |world, page| {
                    assert_played_to_end(world, page);
                    let busy = busy_seconds(page);
                    assert!(
                        busy.contains(&1) && busy.iter().max() >= Some(&4),
                        "{busy:?}"
                    );
                    assert!(page.has_received(|event| matches!(
                        event,
                        Event::Retrying { error: None, .. }
                    )));
                },
            );
        }
    }
}

#[test]
fn busy_server_is_waited_for_as_long_as_it_says() {
    let server = busy_at_first("film.mpd", 503, 1, Some("7"));
    play(
        "film.mpd",
        PlaybackSettings::default(),
        server,
        |world, page| {
            assert_played_to_end(world, page);
            let waits = waits(world, "film.mpd");
            assert!((7.0..8.0).contains(&waits[0]), "{waits:?}");
            let busy = busy_seconds(page);
            assert!(
                busy.len() >= 7 && busy.is_sorted_by(|one, next| one >= next),
                "{busy:?}"
            );
        },
    );
}

#[test]
fn server_that_stays_busy_fails_within_ten_requests_a_minute() {
    let server = busy_at_first("film.mpd", 503, usize::MAX, None);
    play(
        "film.mpd",
        PlaybackSettings::default(),
        server,
        |world, page| {
            assert!(matches!(
                page.failure(),
                Some(PlaybackError::ServerBusy { .. })
            ));
            assert!(waits(world, "film.mpd").len() < 10);
        },
    );
}

/// A `data:` URL of some bytes.
fn data_url(bytes: &[u8]) -> String {
    let encoded: String = bytes.iter().map(|byte| format!("%{byte:02x}")).collect();
    format!("data:application/octet-stream,{encoded}")
}

#[test]
fn key_and_init_segment_in_data_urls_are_used() {
    const KEY: [u8; 16] = *b"0123456789abcdef";
    const IV: [u8; 16] = [7; 16];
    let server = |request: &Request, at| {
        let url = request.url.as_str();
        assert!(!url.starts_with("data:"), "it is not fetched");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/film/360p");
        if url.ends_with("inline.m3u8") {
            let init = data_url(&fs::read(folder.join("init.mp4")).unwrap());
            let key = data_url(&KEY);
            let iv: String = IV.iter().map(|byte| format!("{byte:02x}")).collect();
            let playlist = sample_text("360p/media.m3u8").replace("init.mp4", &init);
            let tag = format!("#EXT-X-KEY:METHOD=AES-128,URI=\"{key}\",IV=0x{iv}\n#EXTINF");
            return text(&playlist.replacen("#EXTINF", &tag, 1));
        }
        let Ok(file) = fs::read(folder.join(url.strip_prefix(ORIGIN).unwrap_or_default())) else {
            return serve(request, at);
        };
        let encryptor = cbc::Encryptor::<aes::Aes128>::new(&KEY.into(), &IV.into());
        let encrypted = encryptor.encrypt_padded_vec::<Pkcs7>(&file);
        Answer::Response(Reply::ok(Bytes::from(encrypted.as_slice())))
    };
    play(
        "inline.m3u8",
        PlaybackSettings::default(),
        server,
        assert_played_to_end,
    );
}

#[test]
fn playback_starts_where_the_playlist_says() {
    let with_start = |offset: &'static str| {
        move |request: &Request, at| {
            let playlist = match request.url.strip_prefix(ORIGIN) {
                Some("film.m3u8") => sample_text("film.m3u8"),
                _ => return serve(request, at),
            };
            let tag = format!("#EXTM3U\n#EXT-X-START:TIME-OFFSET={offset}");
            text(&playlist.replacen("#EXTM3U", &tag, 1))
        }
    };
    for (offset, requested, expected) in [
        ("6.5", None, 6.5),
        ("6.5,PRECISE=YES", None, 6.5),
        ("-4", None, 28.0),
        ("-100", None, 0.0),
        ("100", None, 0.0),
        ("x", None, 0.0),
        ("6.5", Some(14.0), 14.0),
        ("6.5", Some(0.0), 0.0),
    ] {
        let settings = PlaybackSettings {
            start: requested,
            ..PlaybackSettings::default()
        };
        play("film.m3u8", settings, with_start(offset), |world, page| {
            assert_eq!(page.failure(), None, "{}", world.trace().join("\n"));
            let played = page.element.played();
            let start = played.last().map(|range| range.start);
            assert!(
                start.is_some_and(|start| (start - expected).abs() < 0.2),
                "{offset} {requested:?}: {played:?}"
            );
        });
    }
}

#[test]
fn early_seek_to_the_start_is_repeated_if_ignored() {
    let browser = Browser {
        ignores_early_seek: 1.0,
        ..Browser::chromium()
    };
    let world = World::new(1, browser);
    let _entered = world.enter();
    world.serve(
        |request: &Request, at| match request.url.strip_prefix(ORIGIN) {
            Some("film.m3u8") => {
                let tag = "#EXTM3U\n#EXT-X-START:TIME-OFFSET=20.5";
                text(&sample_text("film.m3u8").replacen("#EXTM3U", tag, 1))
            }
            _ => serve(request, at),
        },
    );
    let page = Page::open();
    page.load("film.m3u8");
    world.run_until(60_000.0, || page.element.has_ended());
    let played = page.element.played();
    let start = played.last().map(|range| range.start);
    assert!(
        start.is_some_and(|start| (start - 20.5).abs() < 0.1),
        "{played:?}"
    );
}
