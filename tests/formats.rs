//! The table in docs/formats.md agrees with what the readers find in its examples.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "what a test cannot go on without, it fails for"
)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use url::Url;
use yew_mse_worker::media::{
    Availability, ContentType, Index, ManifestError, Presentation, SegmentAddresses, Segments,
    SidxLocation, dash,
    hls::{self, MediaPlaylist, MultivariantPlaylist, Playlist, VariableDefinitions},
    mp4::SegmentIndex,
    sniff::{self, Format},
};

/// A row of the table.
struct Row {
    format: String,
    /// The features in backticks, which the readers must find.
    features: Vec<String>,
    /// `plays`, or the unsupported feature that the error message names.
    outcome: String,
    example: PathBuf,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rows() -> Vec<Row> {
    let text = fs::read_to_string(root().join("docs/formats.md")).unwrap();
    let (_, section) = text.split_once("## What plays").unwrap();
    let (section, _) = section.split_once("\n## ").unwrap();
    let table = section.lines().filter(|line| line.starts_with('|')).skip(2);
    table
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
            let [format, what, outcome, example] = cells[..] else {
                panic!("{line} has not four cells");
            };
            let (_, example) = example.split_once('(').unwrap();
            let quoted = what.split('`').skip(1).step_by(2);
            Row {
                format: format.into(),
                features: quoted.map(Into::into).collect(),
                outcome: outcome.into(),
                example: root().join("docs").join(example.trim_end_matches(')')),
            }
        })
        .collect()
}

/// What the readers find in a file.
#[derive(Debug, Default)]
struct Found {
    format: &'static str,
    features: Vec<&'static str>,
    refused: Option<&'static str>,
}

impl Found {
    fn of(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let url = "https://example.com/film";
        let resolve = |base: &str, path: &str| Some(Url::parse(base).ok()?.join(path).ok()?.into());
        let mut found = Self::default();
        match sniff::detect(&bytes, "") {
            Format::Mpd => {
                found.format = "DASH";
                match dash::parse(&text, url, &resolve) {
                    Ok(film) => found.dash(&film),
                    Err(ManifestError::Unsupported(feature)) => found.refused = Some(feature),
                    Err(malformed) => panic!("{}: {malformed}", path.display()),
                }
            }
            Format::Playlist => {
                found.format = "HLS";
                match hls::parse(&text, url, &VariableDefinitions::default()) {
                    Ok(Playlist::Multivariant(film)) => found.multivariant(&film),
                    Ok(Playlist::Media(media)) => found.media(&media, path),
                    Err(ManifestError::Unsupported(feature)) => found.refused = Some(feature),
                    Err(malformed) => panic!("{}: {malformed}", path.display()),
                }
            }
            Format::Mp4 => {
                found.format = "MP4";
                found.says("sidx", !index_of(&bytes).is_empty());
            }
            other => panic!("{} is {other:?}", path.display()),
        }
        found
    }

    fn says(&mut self, feature: &'static str, is_so: bool) {
        if is_so {
            self.features.push(feature);
        }
    }

    fn is_live(&mut self, availability: Availability, feature: &'static str) {
        if availability == Availability::Live {
            self.features.push(feature);
            self.refused = Some("a live stream");
        }
    }

    fn dash(&mut self, film: &Presentation) {
        self.is_live(film.availability, "type=\"dynamic\"");
        self.says("Period", film.periods.len() > 1);
        self.says("WebVTT", !film.captions.is_empty());
        for set in film
            .periods
            .iter()
            .flat_map(|period| &period.adaptation_sets)
        {
            if set.is_protected {
                self.features.push("ContentProtection");
                self.refused = Some("DRM protection");
            }
            for it in &set.representations {
                match &it.index {
                    Index::Known(segments) => match &segments.addresses {
                        SegmentAddresses::Template { .. } => {
                            self.says("SegmentTemplate", true);
                            self.says("SegmentTimeline", segments.runs.len() > 1);
                        }
                        SegmentAddresses::Listed(_) => self.says("SegmentList", true),
                    },
                    Index::Sidx(_) => self.says("SegmentBase", true),
                    Index::Playlist(_) => panic!("HLS in DASH"),
                }
            }
        }
    }

    fn multivariant(
        &mut self,
        MultivariantPlaylist {
            presentation: film, ..
        }: &MultivariantPlaylist,
    ) {
        let mut sets = film
            .periods
            .iter()
            .flat_map(|period| &period.adaptation_sets);
        self.says("EXT-X-STREAM-INF", true);
        self.says("TYPE=SUBTITLES", !film.captions.is_empty());
        self.says(
            "EXT-X-MEDIA",
            sets.any(|set| set.content_type == ContentType::Audio),
        );
    }

    fn media(&mut self, media: &MediaPlaylist, playlist: &Path) {
        self.is_live(media.availability, "EXT-X-ENDLIST");
        let segments: Vec<_> = (0..media.segments.len())
            .map(|number| media.segments.get(number).unwrap())
            .collect();
        let any = |is_so: &dyn Fn(&_) -> bool| segments.iter().any(is_so);
        self.says("EXT-X-MAP", any(&|it| it.init.is_some()));
        self.says("EXT-X-BYTERANGE", any(&|it| it.resource.range.is_some()));
        self.says("EXT-X-KEY", any(&|it| it.resource.key.is_some()));
        self.says("EXT-X-DISCONTINUITY", any(&|it| it.discontinuity > 0));
        self.says("EXT-X-GAP", any(&|it| it.is_missing));
        // Without an init segment, only the media shows its format.
        let first = &segments[0];
        let media = playlist.with_file_name(&first.resource.path);
        if let Ok(bytes) = fs::read(media)
            && first.init.is_none()
        {
            match sniff::detect(&bytes, "") {
                Format::Aac => self.features.push("AAC"),
                Format::Mp3 => self.features.push("MP3"),
                Format::TransportStream => {
                    self.features.push("MPEG-2 TS");
                    self.refused = Some("MPEG transport streams");
                }
                other => panic!("segments of {other:?}"),
            }
        }
    }
}

fn index_of(file: &[u8]) -> Segments {
    let sidx = SidxLocation {
        end: f64::INFINITY,
        ..SidxLocation::default()
    };
    let mut index = SegmentIndex::new(&sidx);
    while let Some(range) = index.next_range() {
        let there = file.get(range.first as usize..).unwrap_or_default();
        index.read(there, range.first).unwrap();
    }
    index.segments(&sidx)
}

#[test]
fn format_table_agrees_with_readers() {
    let rows = rows();
    assert!(rows.len() > 15, "too few rows found");
    for row in rows {
        let found = Found::of(&row.example);
        let example = row.example.display();
        assert_eq!(found.format, row.format, "{example}");
        assert_eq!(found.refused.unwrap_or("plays"), row.outcome, "{example}");
        assert!(!row.features.is_empty(), "{example} is of no feature");
        for feature in row.features {
            let is_found = found.features.contains(&feature.as_str());
            assert!(is_found, "{example} has no {feature}, but {found:?}");
        }
    }
}

/// The engine has the texts of these error messages.
#[test]
fn unsupported_features_are_named_in_error_messages() {
    let names = fs::read_to_string(root().join("src/engine/manifest.rs")).unwrap();
    for row in rows().iter().filter(|row| row.outcome != "plays") {
        assert!(
            names.contains(&format!("\"{}\"", row.outcome)),
            "{}",
            row.outcome
        );
    }
}
