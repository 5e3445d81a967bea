//! Checks the table in docs/formats.md: the readers find the stated features in its examples.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::{
    fs,
    path::{Path, PathBuf},
};

use remux::file::{MediaFile, Movie, Step};
use url::Url;
use yew_mse_worker::media::{
    ContentType, Index, ManifestError, Presentation, SegmentAddresses, Segments, SidxLocation,
    dash,
    hls::{self, MediaPlaylist, MultivariantPlaylist, Playlist, VariableDefinitions},
    mp4::SegmentIndex,
    sniff::{self, Format},
};

/// A row of the table.
struct Row {
    format: String,
    /// The features in backticks: the readers must find them.
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
            let [format, description, outcome, example] = cells[..] else {
                panic!("{line} does not have four cells");
            };
            let (_, example) = example.split_once('(').unwrap();
            let quoted = description.split('`').skip(1).step_by(2);
            Row {
                format: format.into(),
                features: quoted.map(Into::into).collect(),
                outcome: outcome.into(),
                example: root().join("docs").join(example.trim_end_matches(')')),
            }
        })
        .collect()
}

/// The features that the readers find in a file.
#[derive(Debug, Default)]
struct Found {
    format: &'static str,
    features: Vec<&'static str>,
    unsupported: Option<&'static str>,
}

impl Found {
    fn of(path: &Path) -> Self {
        let bytes = fs::read(path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        let url = "https://example.com/video";
        let resolve = |base: &str, path: &str| Some(Url::parse(base).ok()?.join(path).ok()?.into());
        let mut found = Self::default();
        match sniff::detect(&bytes, "") {
            Format::Mpd => {
                found.format = "DASH";
                match dash::parse(&text, url, &resolve) {
                    Ok(presentation) => found.add_dash(&presentation),
                    Err(ManifestError::Unsupported(feature)) => found.unsupported = Some(feature),
                    Err(malformed) => panic!("{}: {malformed}", path.display()),
                }
            }
            Format::Playlist => {
                found.format = "HLS";
                match hls::parse(&text, url, &VariableDefinitions::default()) {
                    Ok(Playlist::Multivariant(playlist)) => found.add_multivariant(&playlist),
                    Ok(Playlist::Media(playlist)) => found.add_media(&playlist, path),
                    Err(ManifestError::Unsupported(feature)) => found.unsupported = Some(feature),
                    Err(malformed) => panic!("{}: {malformed}", path.display()),
                }
            }
            Format::Mp4 | Format::WebM | Format::TransportStream => found.add_file(&bytes),
            other => panic!("{} is {other:?}", path.display()),
        }
        found
    }

    fn add_file(&mut self, bytes: &[u8]) {
        let movie = movie(bytes);
        let is_fragmented = movie.container == "fragmented MP4";
        self.format = if is_fragmented {
            "MP4"
        } else {
            movie.container
        };
        self.add_if(is_fragmented, "moof");
        self.add_if(matches!(movie.container, "MP4" | "QuickTime"), "moov");
        let codecs = [
            "avc1", "hev1", "mp4a", "ac-3", "flac", "vp8", "vp9", "opus", "vorbis",
        ];
        for codec in codecs {
            let has = movie
                .tracks
                .iter()
                .any(|track| track.codec.starts_with(codec));
            self.add_if(has, codec);
        }
        self.add_if(is_fragmented && !index_of(bytes).is_empty(), "sidx");
    }

    fn add_if(&mut self, condition: bool, feature: &'static str) {
        if condition {
            self.features.push(feature);
        }
    }

    fn add_live(&mut self, is_live: bool, feature: &'static str) {
        if is_live {
            self.features.push(feature);
        }
    }

    fn add_dash(&mut self, presentation: &Presentation) {
        self.add_live(presentation.live.is_some(), "type=\"dynamic\"");
        self.add_if(presentation.periods.len() > 1, "Period");
        self.add_if(!presentation.captions.is_empty(), "WebVTT");
        for set in presentation
            .periods
            .iter()
            .flat_map(|period| &period.adaptation_sets)
        {
            if set.is_protected {
                self.features.push("ContentProtection");
                self.unsupported = Some("DRM protection");
            }
            for representation in &set.representations {
                match &representation.index {
                    Index::Known(segments) => match &segments.addresses {
                        SegmentAddresses::Template { .. } => {
                            self.features.push("SegmentTemplate");
                            self.add_if(segments.runs.len() > 1, "SegmentTimeline");
                        }
                        SegmentAddresses::Listed(_) => self.features.push("SegmentList"),
                    },
                    Index::Sidx(_) => self.features.push("SegmentBase"),
                    Index::Playlist(_) => panic!("HLS in DASH"),
                }
            }
        }
    }

    fn add_multivariant(
        &mut self,
        MultivariantPlaylist { presentation, .. }: &MultivariantPlaylist,
    ) {
        let mut sets = presentation
            .periods
            .iter()
            .flat_map(|period| &period.adaptation_sets);
        self.features.push("EXT-X-STREAM-INF");
        self.add_if(!presentation.captions.is_empty(), "TYPE=SUBTITLES");
        self.add_if(
            sets.any(|set| set.content_type == ContentType::Audio),
            "EXT-X-MEDIA",
        );
    }

    fn add_media(&mut self, playlist: &MediaPlaylist, path: &Path) {
        self.add_live(playlist.segments.live.is_growing, "EXT-X-ENDLIST");
        let segments: Vec<_> = (0..playlist.segments.len())
            .map(|number| playlist.segments.get(number).unwrap())
            .collect();
        let any = |condition: &dyn Fn(&_) -> bool| segments.iter().any(condition);
        self.add_if(any(&|segment| segment.init.is_some()), "EXT-X-MAP");
        self.add_if(
            any(&|segment| segment.resource.range.is_some()),
            "EXT-X-BYTERANGE",
        );
        self.add_if(any(&|segment| segment.resource.key.is_some()), "EXT-X-KEY");
        self.add_if(
            any(&|segment| segment.discontinuity > 0),
            "EXT-X-DISCONTINUITY",
        );
        self.add_if(any(&|segment| segment.is_missing), "EXT-X-GAP");
        // Without an init segment, only the media shows its format.
        let first = &segments[0];
        let file = path.with_file_name(&first.resource.path);
        if let Ok(bytes) = fs::read(file)
            && first.init.is_none()
        {
            match sniff::detect(&bytes, "") {
                _ if first.resource.key.is_some() => {
                    self.add_if(sniff::is_named_as_ts(&first.resource.path), "MPEG-2 TS")
                }
                Format::Aac => self.features.push("AAC"),
                Format::Mp3 => self.features.push("MP3"),
                Format::TransportStream => self.features.push("MPEG-2 TS"),
                other => panic!("segments of {other:?}"),
            }
        }
    }
}

/// What a media file has.
fn movie(bytes: &[u8]) -> Movie {
    let mut file = MediaFile::new(bytes.len() as u64);
    loop {
        match file.open().unwrap() {
            Step::Done(movie) => return movie,
            Step::Need(range) => {
                let part = bytes[range.start as usize..range.end as usize].to_vec();
                file.feed(range, part);
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
        let bytes = file.get(range.first as usize..).unwrap_or_default();
        if index.read(bytes, range.first).is_err() {
            break;
        }
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
        assert_eq!(
            found.unsupported.unwrap_or("plays"),
            row.outcome,
            "{example}"
        );
        assert!(!row.features.is_empty(), "{example} names no feature");
        for feature in row.features {
            let is_found = found.features.contains(&feature.as_str());
            assert!(is_found, "{example}: {feature} is not in {found:?}");
        }
    }
}

/// The texts of these errors are in the engine.
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
