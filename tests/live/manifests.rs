//! Reads live manifests of other projects, and merges those that follow each other, as the engine does. The results are
//! compared with `expected.txt`, which was checked by hand.

use std::{collections::BTreeSet, fmt::Write, fs, path::PathBuf};

use yew_mse_worker::media::{
    Index, Presentation, RepresentationId, Segments, dash,
    hls::{self, Playlist, VariableDefinitions},
    live::{
        FIRST_WINDOW_START,
        align::{Relation, follow},
        edge, merge,
    },
};

/// Files that follow each other; the others stand alone.
const SEQUENCES: [&[&str]; 10] = [
    &[
        "live_low_latency_media_can_block_reload.m3u8",
        "live_low_latency_media_can_block_reload_next.m3u8",
    ],
    &[
        "live_low_latency_media_can_block_reload_low_latency.m3u8",
        "live_low_latency_media_can_block_reload_low_latency_next.m3u8",
    ],
    &[
        "live_low_latency_media_can_block_reload_low_latency_full_segment.m3u8",
        "live_low_latency_media_can_block_reload_low_latency_full_segment_next.m3u8",
        "live_low_latency_media_can_block_reload_low_latency_full_segment_next2.m3u8",
    ],
    &[
        "live_low_latency_media_can_block_reload_low_latency_full_segment_audio.m3u8",
        "live_low_latency_media_can_block_reload_low_latency_full_segment_audio_next.m3u8",
        "live_low_latency_media_can_block_reload_low_latency_full_segment_audio_next2.m3u8",
    ],
    &[
        "live_low_latency_media_can_block_reload_low_latency_full_segment_preload.m3u8",
        "live_low_latency_media_can_block_reload_low_latency_full_segment_preload_next.m3u8",
    ],
    &[
        "live_low_latency_media_can_not_skip.m3u8",
        "live_low_latency_media_can_not_skip_next.m3u8",
    ],
    &[
        "live_low_latency_media_can_skip_until.m3u8",
        "live_low_latency_media_can_skip_skipped.m3u8",
        "live_low_latency_media_can_skip_skipped_media_sequence_no_overlapping.m3u8",
        "live_low_latency_media_can_skip_until_full_reload_after_error.m3u8",
    ],
    &[
        "live_low_latency_media_can_skip_until_and_block_reload.m3u8",
        "live_low_latency_media_can_skip_until_and_block_reload_next.m3u8",
        "live_low_latency_media_can_skip_until_and_block_reload_next_skipped.m3u8",
    ],
    &[
        "test_dynamic_segment_list_p1.mpd",
        "test_dynamic_segment_list_p2.mpd",
        "test_dynamic_segment_list_p3.mpd",
        "test_dynamic_segment_list_p4.mpd",
        "test_dynamic_segment_list_p5.mpd",
    ],
    &[
        "sample_mpd_multiple_locations_absolute.mpd",
        "sample_mpd_updated_no_locations.mpd",
    ],
];

/// How long after its publication, or else its start, an MPD is read, in seconds.
const READ_AFTER_SECONDS: f64 = 1000.0;

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/live/streams"))
}

/// The times and the paths of the first and the last segment.
fn summary(segments: &Segments) -> String {
    let Some((start, end)) = segments.span() else {
        return "no segments".into();
    };
    let path = |number| {
        segments
            .get(number)
            .map_or_else(String::new, |segment| segment.resource.path)
    };
    let first = path(0);
    match segments.live.availability_offset {
        Some(offset) => format!("{start:.3} on from {first} by the clock{offset:+.3}"),
        None => format!(
            "{start:.3} to {end:.3}, {first} to {}",
            path(segments.len() - 1)
        ),
    }
}

/// What the MPDs of a sequence amount to, one line for each.
fn read_mpds(names: &[&str]) -> String {
    let resolve =
        |base: &str, path: &str| Some(url::Url::parse(base).ok()?.join(path).ok()?.to_string());
    let mut current: Option<Presentation> = None;
    let mut lines = String::new();
    for name in names {
        let text = fs::read_to_string(folder().join(name)).unwrap();
        let mut new = match dash::parse(&text, "http://x/a.mpd", &resolve) {
            Ok(new) => new,
            Err(error) => {
                writeln!(lines, "{name}: {error}").unwrap();
                continue;
            }
        };
        let presentation = match current.take() {
            Some(old) => merge::merge(old, new).presentation,
            None => {
                let live = new.live.clone().unwrap_or_default();
                let zero = live.zero.unwrap_or_default();
                let clock = live.published.unwrap_or(zero).max(zero) + READ_AFTER_SECONDS - zero;
                let range = edge::seekable_range(&new, &new.representation_ids(), clock);
                if new.live.is_some() {
                    merge::rebase(&mut new, range);
                }
                new
            }
        };
        let live = presentation.live.as_ref();
        write!(lines, "{name}:").unwrap();
        if let Some(live) = live {
            write!(
                lines,
                " keeps {} s, delay {:?}, update {:?}, {} clocks, {} locations",
                live.depth,
                live.delay,
                live.update_period,
                live.clocks.len(),
                live.locations.len()
            )
            .unwrap();
        } else {
            write!(lines, " complete").unwrap();
        }
        for (index, period) in presentation.periods.iter().enumerate() {
            let id = RepresentationId {
                period: index,
                ..RepresentationId::default()
            };
            let content = match presentation
                .representation(id)
                .map(|representation| &representation.index)
            {
                Some(Index::Known(segments)) => summary(segments),
                Some(_) => "an index".into(),
                None => "nothing".into(),
            };
            write!(
                lines,
                "; {:.3} to {:.3}: {content}",
                period.start, period.end
            )
            .unwrap();
        }
        lines.push('\n');
        current = Some(presentation);
    }
    lines
}

/// What the playlists of a sequence amount to, one line for each.
fn read_playlists(names: &[&str]) -> String {
    let mut current: Option<(Segments, String)> = None;
    let mut lines = String::new();
    for name in names {
        let mut text = fs::read_to_string(folder().join(name)).unwrap();
        if let Some((_, previous)) = &current
            && let Some(whole) = hls::apply_delta_update(previous, &text)
        {
            text = whole;
        }
        let mut segments =
            match hls::parse(&text, "http://x/a.m3u8", &VariableDefinitions::default()) {
                Ok(Playlist::Media(playlist)) => playlist.segments,
                Ok(Playlist::Multivariant(playlist)) => {
                    let count = playlist.presentation.representation_ids().len();
                    writeln!(lines, "{name}: {count} playlists").unwrap();
                    continue;
                }
                Err(error) => {
                    writeln!(lines, "{name}: {error}").unwrap();
                    continue;
                }
            };
        let relation = match &current {
            Some((old, _)) => follow(old, &mut segments),
            None => {
                segments.time_offset = FIRST_WINDOW_START;
                Relation::Continues
            }
        };
        let growth = if segments.live.is_growing {
            "growing"
        } else {
            "complete"
        };
        writeln!(
            lines,
            "{name}: {relation:?}, {growth}, {}",
            summary(&segments)
        )
        .unwrap();
        current = Some((segments, text));
    }
    lines
}

#[test]
fn manifests_of_other_projects_are_read_and_merged() {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        if name.ends_with(".mpd") || name.ends_with(".m3u8") {
            names.insert(name);
        }
    }
    let in_sequence = |name: &String| SEQUENCES.iter().any(|names| names.contains(&name.as_str()));
    let alone: Vec<[&str; 1]> = names
        .iter()
        .filter(|name| !in_sequence(name))
        .map(|name| [name.as_str()])
        .collect();
    let mut actual = String::new();
    for names in SEQUENCES
        .iter()
        .copied()
        .chain(alone.iter().map(|name| name.as_slice()))
    {
        actual += &match names[0].ends_with(".mpd") {
            true => read_mpds(names),
            false => read_playlists(names),
        };
    }
    let expected = fs::read_to_string(folder().join("expected.txt")).unwrap_or_default();
    assert!(actual == expected, "{actual}");
}
