//! The independent readers.

use dash_mpd_core::{self as dash, MPD, SegmentTimeline};
use mp4_atom::{Any, Moof, Moov, ReadFrom};
use quick_m3u8::{
    HlsLine, Reader,
    config::ParsingOptionsBuilder,
    tag::{KnownTag, hls::Tag},
};
use testkit::http::ByteRange;

pub fn atoms(mut bytes: &[u8]) -> Vec<Any> {
    let mut found = Vec::new();
    while let Some(atom) = Option::<Any>::read_from(&mut bytes).unwrap() {
        found.push(atom);
    }
    assert!(bytes.is_empty(), "{} bytes are left over", bytes.len());
    found
}

pub fn moov(bytes: &[u8]) -> Moov {
    let mut atoms = atoms(bytes).into_iter();
    atoms
        .find_map(|atom| match atom {
            Any::Moov(moov) => Some(moov),
            _ => None,
        })
        .unwrap()
}

pub fn moofs(bytes: &[u8]) -> Vec<Moof> {
    let atoms = atoms(bytes).into_iter();
    atoms
        .filter_map(|atom| match atom {
            Any::Moof(moof) => Some(moof),
            _ => None,
        })
        .collect()
}

/// Decode time, duration, composition offset and flags of each sample, defaults filled in.
pub fn samples(moof: &Moof, track: u32) -> Vec<(u64, u32, i64, u32, u32)> {
    let traf = moof
        .traf
        .iter()
        .find(|it| it.tfhd.track_id == track)
        .unwrap();
    let mut time = traf.tfdt.as_ref().unwrap().base_media_decode_time;
    let mut samples = Vec::new();
    let mut entries = Vec::new();
    for run in &traf.trun {
        entries.extend((0..run.samples.len()).filter_map(|nth| run.samples.get(nth)));
    }
    for entry in entries {
        let duration = entry
            .duration
            .or(traf.tfhd.default_sample_duration)
            .unwrap();
        let flags = entry.flags.or(traf.tfhd.default_sample_flags).unwrap();
        let size = entry.size.or(traf.tfhd.default_sample_size).unwrap();
        samples.push((time, duration, entry.cts.unwrap_or(0), flags, size));
        time += u64::from(duration);
    }
    samples
}

/// A segment of an MPD.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// Relative to the representation's base.
    pub path: String,
    /// Media time in ticks.
    pub time: u64,
    /// Ticks.
    pub duration: u64,
}

/// What an MPD says of a representation.
#[derive(Clone, Debug)]
pub struct Representation {
    pub period: String,
    pub id: String,
    /// `BaseURL` of the MPD (the first), the period and the representation, joined.
    pub base: String,
    pub timescale: u64,
    pub offset: u64,
    pub init: Option<String>,
    /// As listed. Of templates with a constant duration, those up to the end of the period.
    pub segments: Vec<Segment>,
    pub index_range: Option<ByteRange>,
}

pub fn mpd(text: &str) -> MPD {
    dash::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

fn times(timeline: &SegmentTimeline) -> Vec<(u64, u64)> {
    let mut times = Vec::new();
    let mut time = 0;
    for entry in &timeline.segments {
        time = entry.t.unwrap_or(time);
        for _ in 0..=entry.r.unwrap_or(0) {
            times.push((time, entry.d));
            time += entry.d;
        }
    }
    times
}

pub fn representations(mpd: &MPD) -> Vec<Representation> {
    let base = |urls: &[dash::BaseURL]| urls.first().map_or(String::new(), |it| it.base.clone());
    let mut all = Vec::new();
    for (nth, period) in mpd.periods.iter().enumerate() {
        let start = period.start.unwrap_or_default();
        let end = match mpd.periods.get(nth + 1) {
            Some(next) => next.start,
            None => mpd.mediaPresentationDuration,
        };
        let length = end.map(|end| end.saturating_sub(start).as_secs_f64());
        for set in &period.adaptations {
            for it in &set.representations {
                let id = it.id.clone().unwrap();
                let fill = |text: &str| text.replace("$RepresentationID$", &id);
                let mut read = Representation {
                    period: period.id.clone().unwrap(),
                    base: base(&mpd.base_url) + &base(&period.BaseURL) + &base(&it.BaseURL),
                    timescale: 1,
                    offset: 0,
                    init: None,
                    segments: Vec::new(),
                    index_range: None,
                    id: id.clone(),
                };
                if let Some(template) = &it.SegmentTemplate {
                    read.timescale = template.timescale.unwrap();
                    read.offset = template.presentationTimeOffset.unwrap_or(0);
                    read.init = template.initialization.as_deref().map(fill);
                    let times = match &template.SegmentTimeline {
                        Some(timeline) => times(timeline),
                        None => {
                            let duration = template.duration.unwrap();
                            let count = length.unwrap_or(0.0) * read.timescale as f64 / duration;
                            let duration = duration as u64;
                            let time = |nth| read.offset + nth * duration;
                            (0..(count - 0.001).ceil() as u64)
                                .map(|nth| (time(nth), duration))
                                .collect()
                        }
                    };
                    let media = fill(template.media.as_ref().unwrap());
                    let numbers = template.startNumber.unwrap_or(1)..;
                    read.segments = numbers
                        .zip(times)
                        .map(|(number, (time, duration))| Segment {
                            path: media
                                .replace("$Number$", &number.to_string())
                                .replace("$Time$", &time.to_string()),
                            time,
                            duration,
                        })
                        .collect();
                }
                if let Some(list) = &it.SegmentList {
                    read.timescale = list.timescale.unwrap();
                    read.init = list.Initialization.clone().and_then(|it| it.sourceURL);
                    let times = times(list.SegmentTimeline.as_ref().unwrap());
                    assert_eq!(times.len(), list.segment_urls.len());
                    let paths = list.segment_urls.iter().map(|it| it.media.clone().unwrap());
                    let segments = paths.zip(times);
                    read.segments = segments
                        .map(|(path, (time, duration))| Segment {
                            path,
                            time,
                            duration,
                        })
                        .collect();
                }
                if let Some(file) = &it.SegmentBase {
                    read.timescale = file.timescale.unwrap();
                    read.offset = file.presentationTimeOffset.unwrap_or(0);
                    let range = file.indexRange.as_ref().unwrap();
                    read.index_range = ByteRange::parse(&format!("bytes={range}"));
                }
                all.push(read);
            }
        }
    }
    all
}

/// A playlist of either kind.
#[derive(Clone, Debug, Default)]
pub struct Playlist {
    /// Of variants and renditions.
    pub playlists: Vec<String>,
    pub segments: Vec<Entry>,
    pub sequence: u64,
    pub discontinuity_sequence: u64,
    pub target_duration: f64,
    pub is_ended: bool,
    /// EXT-X-SKIP.
    pub skipped: u64,
}

/// A segment of a media playlist.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Entry {
    pub uri: String,
    pub seconds: f64,
    pub range: Option<ByteRange>,
    pub init: Option<(String, Option<ByteRange>)>,
    pub key: Option<String>,
    pub vector: Option<String>,
    pub is_missing: bool,
    pub has_discontinuity: bool,
    pub date: Option<String>,
}

pub fn playlist(text: &str) -> Playlist {
    let options = ParsingOptionsBuilder::new()
        .with_parsing_for_all_tags()
        .build();
    let mut reader = Reader::from_str(text, options);
    let mut read = Playlist::default();
    let mut next = Entry::default();
    let mut offset = 0;
    let mut is_variant = false;
    while let Some(line) = reader.read_line().unwrap() {
        match line {
            HlsLine::KnownTag(KnownTag::Hls(tag)) => match tag {
                Tag::StreamInf(_) => is_variant = true,
                Tag::Media(tag) => read.playlists.extend(tag.uri().map(String::from)),
                Tag::Inf(tag) => next.seconds = tag.duration(),
                Tag::Byterange(tag) => {
                    let first = tag.offset().unwrap_or(offset);
                    offset = first + tag.length();
                    let last = Some(offset - 1);
                    next.range = Some(ByteRange { first, last });
                }
                Tag::Map(tag) => {
                    let range = tag.byterange().map(|range| ByteRange {
                        first: range.offset,
                        last: Some(range.offset + range.length - 1),
                    });
                    next.init = Some((tag.uri().to_owned(), range));
                }
                Tag::Key(tag) => {
                    next.key = tag.uri().map(String::from);
                    next.vector = tag.iv().map(String::from);
                }
                Tag::Gap(_) => next.is_missing = true,
                Tag::Discontinuity(_) => next.has_discontinuity = true,
                Tag::ProgramDateTime(tag) => {
                    next.date = Some(format!("{:?}", tag.program_date_time()));
                }
                Tag::MediaSequence(tag) => read.sequence = tag.media_sequence(),
                Tag::DiscontinuitySequence(tag) => {
                    read.discontinuity_sequence = tag.discontinuity_sequence();
                }
                Tag::Targetduration(tag) => read.target_duration = tag.target_duration() as f64,
                Tag::Skip(tag) => read.skipped = tag.skipped_segments(),
                Tag::Endlist(_) => read.is_ended = true,
                _ => {}
            },
            HlsLine::UnknownTag(tag) => panic!("{tag:?}"),
            HlsLine::Uri(uri) if is_variant => {
                read.playlists.push(uri.into());
                is_variant = false;
            }
            HlsLine::Uri(uri) => {
                next.uri = uri.into();
                read.segments.push(next.clone());
                next.range = None;
                next.is_missing = false;
                next.has_discontinuity = false;
                next.date = None;
            }
            _ => {}
        }
    }
    read
}
