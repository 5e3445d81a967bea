//! Presentations on demand: manifests say what there is, and all that they say is there.

use std::time::Duration;

use mp4_atom::Any;
use testkit::{
    content::{Addressing, Content, Encryption, Format, Hls, Quirks, Recipe, Stated},
    http::{ByteRange, Request, Response},
    origin::Origin,
    synthetic::Tag,
};

use crate::oracle::{atoms, moofs, mpd, playlist, representations, samples};

fn fetch(origin: &Origin, path: &str, range: Option<ByteRange>) -> Response {
    let mut request = Request::get(path, Duration::ZERO);
    request.range = range;
    origin.respond(&request)
}

fn text(origin: &Origin, path: &str) -> String {
    let response = fetch(origin, path, None);
    assert_eq!(response.status, 200, "{path}");
    String::from_utf8(response.body).unwrap()
}

/// Fetches all that the manifest lists.
fn visit(origin: &Origin) {
    let recipe = &origin.content().recipe;
    match recipe.format {
        Format::Dash(addressing) => {
            let mpd = mpd(&text(origin, "/manifest.mpd"));
            for it in representations(&mpd) {
                let folder = format!("/{}", it.base);
                if let Some(init) = &it.init {
                    assert_eq!(fetch(origin, &(folder.clone() + init), None).status, 200);
                }
                for segment in &it.segments {
                    let response = fetch(origin, &(folder.clone() + &segment.path), None);
                    // A stated duration that drifts, or audio that is shorter, promises too much.
                    if addressing == Addressing::Number && response.status == 404 {
                        continue;
                    }
                    assert_eq!(response.status, 200, "{folder}{}", segment.path);
                    assert_eq!(Tag::find(&response.body).unwrap().representation, it.id);
                }
                if let Some(range) = it.index_range {
                    let file = it.base.clone();
                    visit_file(origin, &format!("/{file}"), range);
                }
            }
        }
        Format::Hls(_) => {
            let main = playlist(&text(origin, "/main.m3u8"));
            assert!(!main.playlists.is_empty());
            for uri in &main.playlists {
                let media = playlist(&text(origin, &format!("/{uri}")));
                assert!(media.is_ended);
                assert!(!media.segments.is_empty());
                for segment in &media.segments {
                    let status = fetch(origin, &format!("/{}", segment.uri), segment.range).status;
                    let expected = match (segment.is_missing, segment.range) {
                        (true, None) => 404,
                        (_, Some(_)) => 206,
                        (false, None) => 200,
                    };
                    assert_eq!(status, expected, "{}", segment.uri);
                    assert!(segment.seconds <= media.target_duration + 0.5);
                    if let Some((init, range)) = &segment.init {
                        let response = fetch(origin, &format!("/{init}"), *range);
                        assert!(matches!(atoms(&response.body).last(), Some(Any::Moov(_))));
                    }
                    if let Some(key) = &segment.key {
                        assert_eq!(fetch(origin, &format!("/{key}"), None).body.len(), 16);
                    }
                }
            }
        }
    }
    for language in &recipe.captions {
        assert!(text(origin, &format!("/captions-{language}.vtt")).starts_with("WEBVTT\n"));
    }
}

/// Fetches all segments of a file by its index.
fn visit_file(origin: &Origin, path: &str, index: ByteRange) {
    let response = fetch(origin, path, Some(index));
    assert_eq!(response.status, 206);
    let Some(Any::Sidx(sidx)) = atoms(&response.body).into_iter().next() else {
        panic!("no sidx");
    };
    let mut first = index.last.unwrap() + 1;
    for reference in &sidx.references {
        let last = Some(first + u64::from(reference.referenced_size) - 1);
        let response = fetch(origin, path, Some(ByteRange { first, last }));
        assert!(!moofs(&response.body).is_empty());
        first += u64::from(reference.referenced_size);
    }
    let whole = fetch(origin, path, None);
    assert_eq!(whole.status, 200);
    assert_eq!(whole.body.len() as u64, first);
    let range = ByteRange {
        first: 100,
        last: Some(first - 100),
    };
    let part = fetch(origin, path, Some(range));
    assert_eq!(
        Some(&*part.body),
        whole.body.get(100..=first as usize - 100)
    );
    assert_eq!(
        fetch(origin, path, Some(ByteRange { first, last: None })).status,
        416
    );
}

fn first_time(segment: &[u8]) -> f64 {
    let moof = &moofs(segment)[0];
    let traf = &moof.traf[0];
    traf.tfdt.as_ref().unwrap().base_media_decode_time as f64
}

#[test]
fn all_that_a_manifest_lists_is_served() {
    for seed in 0..150 {
        let mut recipe = Recipe::random(seed);
        for seconds in &mut recipe.period_seconds {
            *seconds = seconds.min(20.0);
        }
        visit(&Origin::new(recipe.build()));
    }
}

#[test]
fn same_seed_gives_same_bytes() {
    for seed in [1, 5, 9, 12] {
        let [one, other] = [(); 2].map(|()| Origin::new(Content::random(seed)));
        assert_eq!(one.content(), other.content());
        let entry = one.entry();
        assert_eq!(text(&one, entry), text(&other, entry));
        let id = &one.content().periods[0].sets[0].representations[0].id;
        for name in ["init.mp4", "media.mp4", "1.m4s", "100.m4s"] {
            let path = format!("/p0/{id}/{name}");
            assert_eq!(fetch(&one, &path, None), fetch(&other, &path, None));
        }
    }
    assert_ne!(Content::random(1), Content::random(2));
}

#[test]
fn seeds_reach_every_format_and_quirk() {
    let recipes: Vec<_> = (0..500).map(Recipe::random).collect();
    let some = |holds: &dyn Fn(&Recipe) -> bool| assert!(recipes.iter().any(holds));
    for addressing in [
        Addressing::Number,
        Addressing::Time,
        Addressing::List,
        Addressing::Base,
    ] {
        some(&|it| it.format == Format::Dash(addressing));
    }
    let hls = |holds: fn(&Hls) -> bool| {
        some(&move |it| matches!(&it.format, Format::Hls(hls) if holds(hls)));
    };
    hls(|it| it.muxed && it.encryption.is_some());
    hls(|it| it.byte_ranges && !it.muxed);
    hls(|it| it.gap.is_some());
    hls(|it| it.start.is_some());
    some(&|it| it.quirks.one_frame_last && it.period_seconds.len() > 1);
    some(&|it| it.quirks.starts_without_sync);
    some(&|it| it.heights.is_empty());
    some(&|it| it.audio.is_empty());
    some(&|it| it.period_seconds.len() == 1 && it.period_seconds[0] < 1.0);
}

#[test]
fn segments_follow_each_other_without_a_hole() {
    for format in [
        Format::Dash(Addressing::Number),
        Format::Dash(Addressing::Time),
        Format::Hls(Hls::default()),
        Format::Hls(Hls {
            muxed: true,
            ..Hls::default()
        }),
    ] {
        let mut recipe = Recipe::plain(format);
        recipe.frame_rate = [30_000, 1001];
        recipe.quirks.jitter_percent = 20;
        recipe.quirks.media_offset_seconds = 95_443;
        let content = recipe.build();
        for set in &content.periods[0].sets {
            for it in &set.representations {
                let mut ends = vec![None; it.timelines.len()];
                for segment in 0..it.segments() {
                    let bytes = it.media(segment).unwrap();
                    let moof = &moofs(&bytes)[0];
                    for (traf, end) in moof.traf.iter().zip(&mut ends) {
                        let samples = samples(moof, traf.tfhd.track_id);
                        let (first, last) = (samples[0], *samples.last().unwrap());
                        assert!(end.is_none_or(|end| end == first.0), "{}", it.id);
                        *end = Some(last.0 + u64::from(last.1));
                    }
                }
                assert!(it.segments() >= 8);
            }
        }
    }
}

#[test]
fn timeline_states_the_times_of_the_media() {
    let recipe = Recipe::plain(Format::Dash(Addressing::Time));
    let origin = Origin::new(recipe.build());
    let mpd = mpd(&text(&origin, "/manifest.mpd"));
    let all = representations(&mpd);
    for it in all.iter().filter(|it| it.init.is_some()) {
        assert_eq!(it.segments.len(), 10);
        for segment in &it.segments {
            let body = fetch(&origin, &format!("/{}{}", it.base, segment.path), None).body;
            assert!((first_time(&body) - segment.time as f64).abs() < 0.5);
        }
    }
}

#[test]
fn stated_times_are_off_by_what_the_quirk_says() {
    for (stated, timescale, excess) in [
        (Stated::InMilliseconds, 1000, 0),
        (Stated::Overlapping(7), 15_360, 7),
    ] {
        let mut recipe = Recipe::plain(Format::Dash(Addressing::Time));
        recipe.quirks.stated = stated;
        let content = recipe.build();
        let it = &content.periods[0].sets[0].representations[0];
        assert_eq!(it.stated_timescale(), timescale);
        assert_eq!(
            it.stated_ticks(3),
            Some((6 * timescale, 2 * timescale + excess))
        );
        assert_eq!(it.segment_at(6 * timescale), Some(3));
    }
}

#[test]
fn last_segment_is_of_one_frame_where_asked() {
    let mut recipe = Recipe::plain(Format::Dash(Addressing::Time));
    recipe.quirks = Quirks {
        one_frame_last: true,
        ..recipe.quirks
    };
    let content = recipe.build();
    let it = &content.periods[0].sets[0].representations[0];
    let last = it.media(it.segments() - 1).unwrap();
    assert_eq!(samples(&moofs(&last)[0], 1).len(), 1);
}

#[test]
fn encrypted_segments_hide_their_tag_and_grow_to_whole_blocks() {
    let encryption = Some(Encryption {
        states_vector: true,
        segments_per_key: 2,
    });
    let hls = Hls {
        encryption,
        ..Hls::default()
    };
    let origin = Origin::new(Recipe::plain(Format::Hls(hls)).build());
    let media = playlist(&text(&origin, "/v240.m3u8"));
    let keys: Vec<_> = media
        .segments
        .iter()
        .map(|it| it.key.clone().unwrap())
        .collect();
    assert_eq!(
        keys[..5],
        ["key0.bin", "key0.bin", "key1.bin", "key1.bin", "key2.bin"]
    );
    assert_eq!(
        media.segments[2].vector.as_deref(),
        Some("0x00000000000000000000000000000003")
    );
    let segment = fetch(&origin, "/p0/v240/3.m4s", None).body;
    assert_eq!((segment.len() % 16, Tag::find(&segment)), (0, None));
    let keys = ["/key0.bin", "/key1.bin"].map(|it| fetch(&origin, it, None).body);
    assert_ne!(keys[0], keys[1]);
}

#[test]
fn nominal_sizes_follow_the_bandwidth() {
    let content = Recipe::plain(Format::Dash(Addressing::Number)).build();
    for it in content.periods[0]
        .sets
        .iter()
        .flat_map(|set| &set.representations)
    {
        let total: u64 = (0..it.segments())
            .map(|segment| it.nominal_bytes(segment))
            .sum();
        let rate = total as f64 * 8.0 / 20.0 / it.bandwidth as f64;
        assert!((0.75..1.25).contains(&rate), "{} {rate}", it.id);
    }
    let origin = Origin::new(content);
    let response = fetch(&origin, "/p0/v720/1.m4s", None);
    assert!(response.nominal_length > 100 * response.body.len() as u64);
}

#[test]
fn unknown_paths_are_not_found() {
    let origin = Origin::new(Recipe::plain(Format::Dash(Addressing::Number)).build());
    for path in [
        "/",
        "/main.m3u8",
        "/p9/v240/1.m4s",
        "/p0/v240/0.m4s",
        "/p0/v240/11.m4s",
        "/key0.bin",
    ] {
        assert_eq!(fetch(&origin, path, None).status, 404, "{path}");
    }
}
