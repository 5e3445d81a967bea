//! The content of an on-demand presentation. A [`Recipe`] is drawn from a seed or written by hand, and reduced
//! to make a failing case smaller; [`Recipe::build`] computes the [`Content`].

use std::ops::Range;

use crate::{
    aac::Aac,
    avc::{Avc, Profile},
    fmp4::{Codec, Event},
    random::{Random, hash},
    synthetic::{self, Packaging, Part, Reorder, Stream, Tag},
};

/// The format of a presentation's manifest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Format {
    /// An MPD.
    Dash(Addressing),
    /// A multivariant playlist.
    Hls(Hls),
}

/// The way in which an MPD addresses segments (ISO/IEC 23009-1 § 5.3.9).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressing {
    /// SegmentTemplate with `$Number$` and a duration.
    Number,
    /// SegmentTemplate with `$Time$` and a SegmentTimeline.
    Time,
    /// SegmentList with a SegmentTimeline.
    List,
    /// SegmentBase: one file with a `sidx` box.
    Base,
}

/// Features of HLS playlists.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Hls {
    /// Whether audio is in the segments of the variants, instead of being a rendition.
    pub muxed: bool,
    /// Whether segments are byte ranges of one file. Excludes encryption.
    pub byte_ranges: bool,
    /// AES-128 encryption.
    pub encryption: Option<Encryption>,
    /// Position of a segment that is missing (EXT-X-GAP).
    pub gap: Option<u64>,
    /// EXT-X-START, in seconds; negative ones count from the end.
    pub start: Option<f64>,
    /// Whether the multivariant playlist leaves out CODECS and RESOLUTION.
    pub terse: bool,
}

/// AES-128 encryption of whole segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encryption {
    /// Whether the initialization vector is stated, instead of being the media sequence number.
    pub states_vector: bool,
    /// Number of segments after which the key changes; 0 for never.
    pub segments_per_key: u64,
}

/// The accuracy with which a manifest states the times of segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stated {
    /// In ticks of the media, exactly.
    #[default]
    Exactly,
    /// Rounded to milliseconds. A constant duration is rounded as well, so that the statement drifts
    /// from the media.
    InMilliseconds,
    /// In whole seconds where a constant duration or EXTINF is stated, otherwise in milliseconds.
    InSeconds,
    /// This many ticks too long, so that the segments overlap.
    Overlapping(u32),
}

/// Mistakes and unusual choices of real packagers. The default has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quirks {
    /// Variation of the segments' durations in percent. Without effect if the manifest states one duration
    /// for all.
    pub jitter_percent: u64,
    /// Whether the last segment of each period consists of one video frame.
    pub one_frame_last: bool,
    /// Number of frames by which audio ends before video.
    pub audio_shorter_frames: u64,
    /// The media time at which each period's media begins, in seconds (`presentationTimeOffset`).
    pub media_offset_seconds: u64,
    /// Number of ticks by which audio begins after video.
    pub audio_delay_ticks: u32,
    /// Whether the timestamps of a period continue those of the previous period.
    pub continuous_periods: bool,
    /// Whether there are B pictures.
    pub reorder: Reorder,
    /// How the manifest states times.
    pub stated: Stated,
    /// Milliseconds by which the manifest's total duration is too long; negative if too short.
    pub duration_error_ms: i32,
    /// Milliseconds that each period but the last is longer than its media; negative if it is shorter.
    pub period_gap_ms: i32,
    /// Whether qualities have different segment boundaries.
    pub unaligned: bool,
    /// Whether segments after the first do not begin with a sync sample.
    pub starts_without_sync: bool,
    /// Whether the second segment lacks two frames in its middle.
    pub has_gap: bool,
    /// The number of the first segment.
    pub first_number: u64,
    /// Fragments per segment.
    pub fragments: u32,
    /// Boxes, by [`synthetic::options_by`].
    pub boxes: u64,
    /// Bytes of padding in each `moof`.
    pub moof_padding: u32,
    /// Whether segments contain an event.
    pub has_events: bool,
    /// Whether later periods lack audio or qualities, as inserted advertisements may. DASH only.
    pub poor_later_periods: bool,
}

/// The parameters that a presentation is built from.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// Seed for the sizes of segments, the variations of durations, and the keys.
    pub seed: u64,
    /// Format.
    pub format: Format,
    /// Duration of each period in seconds.
    pub period_seconds: Vec<f64>,
    /// Duration of segments in seconds; greater than 0.
    pub segment_seconds: f64,
    /// Video frames per some seconds: 30,000 per 1,001.
    pub frame_rate: [u32; 2],
    /// Heights of the video qualities in pixels, ascending; empty for audio alone.
    pub heights: Vec<u16>,
    /// Languages of the audio tracks; empty for video alone. An empty language is one not stated.
    pub audio: Vec<String>,
    /// Number of bitrates of each audio track.
    pub audio_bitrates: u32,
    /// Samples of audio per second.
    pub sample_rate: u32,
    /// Languages of captions.
    pub captions: Vec<String>,
    /// Number of BaseURL elements, if more than one. DASH only.
    pub bases: u32,
    /// Whether samples are padded with zeros, so that segments have their nominal sizes. For simulated decoders.
    pub is_padded: bool,
    /// Unusual properties.
    pub quirks: Quirks,
}

impl Recipe {
    /// A presentation of 20 seconds in segments of 2 seconds, without anything unusual.
    pub fn plain(format: Format) -> Self {
        Self {
            seed: 0,
            format,
            period_seconds: vec![20.0],
            segment_seconds: 2.0,
            frame_rate: [30, 1],
            heights: vec![240, 480, 720],
            audio: vec!["en".to_owned()],
            audio_bitrates: 1,
            sample_rate: 48_000,
            captions: vec!["en".to_owned()],
            bases: 1,
            is_padded: false,
            quirks: Quirks {
                first_number: 1,
                fragments: 1,
                ..Quirks::default()
            },
        }
    }

    /// A presentation for a seed.
    pub fn random(seed: u64) -> Self {
        let random = &mut Random::for_use(seed, "content");
        let seconds = match random.below(10) {
            0 => 0.2 + random.fraction() * 3.0,
            1..=4 => 4.0 + random.fraction() * 26.0,
            5..=8 => 30.0 + random.fraction() * 150.0,
            _ => 180.0 + random.fraction() * 1020.0,
        };
        let periods = if seconds > 8.0 && random.percent(30) {
            random.within(2..=4)
        } else {
            1
        };
        let mut period_seconds: Vec<f64> = Vec::new();
        for _ in 0..periods {
            period_seconds.push(seconds / periods as f64 * (0.5 + random.fraction()));
        }
        let format = random_format(random);
        let mut heights: Vec<u16> = LADDER.iter().map(|rung| rung.height).collect();
        heights.retain(|_| random.percent(60));
        let mut audio: Vec<String> = match random.below(10) {
            0 => Vec::new(),
            1..=5 => vec![random.pick(&["", "en", "de"]).to_owned()],
            6..=8 => ["en", "fr"].map(str::to_owned).to_vec(),
            _ => ["ja", "en", "pt-BR"].map(str::to_owned).to_vec(),
        };
        if heights.is_empty() && (audio.is_empty() || random.percent(30)) {
            heights.push(360);
        }
        if matches!(format, Format::Hls(Hls { muxed: true, .. })) {
            audio.truncate(1);
            if heights.is_empty() {
                heights.push(360);
            }
        }
        Self {
            seed,
            format,
            period_seconds,
            segment_seconds: random.pick(&[1.0, 2.0, 2.0, 4.0, 4.0, 6.0, 10.0]),
            frame_rate: random.pick(&[
                [25, 1],
                [30, 1],
                [30_000, 1001],
                [24_000, 1001],
                [60, 1],
                [50, 1],
            ]),
            heights,
            audio,
            audio_bitrates: random.within(1..=2) as u32,
            sample_rate: random.pick(&[48_000, 44_100]),
            captions: match random.below(4) {
                0 => vec!["en".to_owned()],
                1 => ["en", "de"].map(str::to_owned).to_vec(),
                _ => Vec::new(),
            },
            bases: random.pick(&[1, 1, 2, 3]),
            is_padded: false,
            quirks: Quirks::random(random),
        }
    }
}

fn random_format(random: &mut Random) -> Format {
    match random.below(7) {
        0 | 1 => Format::Dash(Addressing::Number),
        2 => Format::Dash(Addressing::Time),
        3 => Format::Dash(Addressing::List),
        4 => Format::Dash(Addressing::Base),
        _ => {
            let byte_ranges = random.percent(25);
            let encrypts = !byte_ranges && random.percent(30);
            Format::Hls(Hls {
                muxed: random.percent(40),
                byte_ranges,
                encryption: encrypts.then(|| Encryption {
                    states_vector: random.percent(50),
                    segments_per_key: random.pick(&[0, 1, 3]),
                }),
                gap: random.percent(10).then(|| random.within(0..=6)),
                start: random
                    .percent(10)
                    .then(|| random.pick(&[0.0, 5.0, -6.0, 1000.0])),
                terse: random.percent(20),
            })
        }
    }
}

impl Quirks {
    /// The quirks of one packager: only a few at a time.
    fn random(random: &mut Random) -> Self {
        let rarely = |random: &mut Random| random.percent(8);
        Self {
            jitter_percent: random.pick(&[0, 0, 0, 30]),
            one_frame_last: rarely(random),
            audio_shorter_frames: random.pick(&[0, 0, 0, 1, 3, 40]),
            media_offset_seconds: random.pick(&[0, 0, 0, 10, 95_443, 1_700_000_000]),
            audio_delay_ticks: random.pick(&[0, 0, 0, 1, 500, 3000]),
            continuous_periods: random.percent(50),
            reorder: random.pick(&[Reorder::None, Reorder::Delayed, Reorder::Signed]),
            stated: random.pick(&[
                Stated::Exactly,
                Stated::Exactly,
                Stated::Exactly,
                Stated::InMilliseconds,
                Stated::InSeconds,
                Stated::Overlapping(1),
                Stated::Overlapping(600),
            ]),
            duration_error_ms: random.pick(&[0, 0, 0, -150, 40, 480]),
            period_gap_ms: random.pick(&[0, 0, 0, -30, 20, 90]),
            unaligned: rarely(random),
            starts_without_sync: random.percent(3),
            has_gap: random.percent(5),
            first_number: random.pick(&[1, 1, 0, 100]),
            fragments: random.pick(&[1, 1, 1, 2, 4]),
            boxes: random.below(8),
            moof_padding: random.pick(&[0, 0, 0, 0, 0, 0, 0, 20_000]),
            has_events: rarely(random),
            poor_later_periods: random.percent(20),
        }
    }
}

/// A presentation.
#[derive(Clone, Debug, PartialEq)]
pub struct Content {
    /// The recipe that it was built from.
    pub recipe: Recipe,
    /// In order; at least one, unless the recipe says that there are none.
    pub periods: Vec<Period>,
}

/// A part of a presentation with representations of its own. In HLS, discontinuities separate them.
#[derive(Clone, Debug, PartialEq)]
pub struct Period {
    /// Start according to the manifest, in seconds.
    pub start: f64,
    /// Duration according to the manifest, in seconds.
    pub duration: f64,
    /// The media time at which it begins, in seconds.
    pub media_offset: f64,
    /// The sets to choose from.
    pub sets: Vec<Set>,
}

/// Representations that a player may switch between.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Set {
    /// Their content.
    pub kind: Kind,
    /// RFC 5646; empty if not stated.
    pub language: String,
    /// By ascending bandwidth.
    pub representations: Vec<Representation>,
}

/// The media in the segments of a representation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Video alone.
    Video,
    /// Audio alone.
    Audio,
    /// Both.
    Muxed,
}

/// One encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Representation {
    /// Unique within a period.
    pub id: String,
    /// Bits per second.
    pub bandwidth: u64,
    /// The tracks; the first is the one whose times manifests state. All have as many segments.
    pub timelines: Vec<Timeline>,
    /// How its manifest states times.
    pub stated: Stated,
    /// How segments are packaged.
    packaging: Packaging,
    /// Number of frames that the second segment lacks.
    gap_frames: u64,
    /// Whether segments have their nominal sizes.
    is_padded: bool,
    seed: u64,
}

/// A track cut into segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// Its frames.
    pub stream: Stream,
    /// Decode time of the first frame, in ticks.
    pub first_time: u64,
    /// The first frame of each segment, followed by the number of frames. Ascending.
    pub boundaries: Vec<u64>,
}

impl Timeline {
    /// The frames of a segment.
    pub fn frames(&self, segment: u64) -> Option<Range<u64>> {
        let at = usize::try_from(segment).ok()?;
        let end = *self.boundaries.get(at + 1)?;
        Some(*self.boundaries.get(at)?..end)
    }

    /// The decode times of a segment, in ticks.
    pub fn ticks(&self, segment: u64) -> Option<Range<u64>> {
        let frames = self.frames(segment)?;
        let ticks = |frame| self.first_time + frame * u64::from(self.stream.frame_ticks);
        Some(ticks(frames.start)..ticks(frames.end))
    }

    /// Duration of all segments together, in seconds.
    pub fn seconds(&self) -> f64 {
        let frames = self.boundaries.last().copied().unwrap_or(0);
        frames as f64 * self.stream.frame_seconds()
    }
}

impl Representation {
    /// Number of segments.
    pub fn segments(&self) -> u64 {
        let counts = self.timelines.iter().map(|it| it.boundaries.len());
        counts.min().unwrap_or(0).saturating_sub(1) as u64
    }

    /// RFC 6381, comma-separated.
    pub fn codecs(&self) -> String {
        let names = self.timelines.iter().map(|it| it.stream.track.codec.name());
        names.collect::<Vec<_>>().join(",")
    }

    /// Width and height in pixels, if there is video.
    pub fn size(&self) -> Option<(u16, u16)> {
        self.timelines
            .iter()
            .find_map(|it| match it.stream.track.codec {
                Codec::Avc(avc) => Some((avc.width, avc.height)),
                Codec::Aac(_) => None,
            })
    }

    /// Seconds that a segment lasts.
    pub fn seconds(&self, segment: u64) -> Option<f64> {
        let timeline = self.timelines.first()?;
        let frames = timeline.frames(segment)?;
        Some((frames.end - frames.start) as f64 * timeline.stream.frame_seconds())
    }

    /// Ticks per second of stated times.
    pub fn stated_timescale(&self) -> u64 {
        let own = self.timelines.first().map(|it| it.stream.track.timescale);
        match self.stated {
            Stated::Exactly | Stated::Overlapping(_) => own.unwrap_or(1).into(),
            Stated::InMilliseconds | Stated::InSeconds => 1000,
        }
    }

    /// The time and the duration of a segment in ticks, as a SegmentTimeline states them.
    pub fn stated_ticks(&self, segment: u64) -> Option<(u64, u64)> {
        let timeline = self.timelines.first()?;
        let ticks = timeline.ticks(segment)?;
        let own = u128::from(timeline.stream.track.timescale);
        let stated = u128::from(self.stated_timescale());
        let round = |ticks: u64| ((u128::from(ticks) * stated * 2 + own) / (own * 2)) as u64;
        let (start, end) = (round(ticks.start), round(ticks.end));
        let excess = match self.stated {
            Stated::Overlapping(excess) => excess.into(),
            _ => 0,
        };
        Some((start, end.saturating_sub(start).max(1) + excess))
    }

    /// The segment that begins at a stated time.
    pub fn segment_at(&self, time: u64) -> Option<u64> {
        (0..self.segments()).find(|it| {
            self.stated_ticks(*it)
                .is_some_and(|(start, _)| start == time)
        })
    }

    /// Bytes that a simulated network counts for a segment: the product of its duration and bandwidth, plus
    /// or minus 40 percent.
    pub fn nominal_bytes(&self, segment: u64) -> u64 {
        let seconds = self.seconds(segment).unwrap_or(0.0);
        let share = hash(self.seed, &format!("{} {segment}", self.id)) % 800;
        (seconds * self.bandwidth as f64 / 8.0 * (600 + share) as f64 / 1000.0) as u64
    }

    /// The init segment.
    pub fn init(&self) -> Vec<u8> {
        let streams: Vec<_> = self.timelines.iter().map(|it| it.stream.clone()).collect();
        synthetic::init(&streams, &self.id)
    }

    /// A media segment.
    pub fn media(&self, segment: u64) -> Option<Vec<u8>> {
        let mut parts = Vec::new();
        for timeline in &self.timelines {
            let frames = timeline.frames(segment)?;
            parts.push(Part {
                stream: &timeline.stream,
                frames: frames.end - frames.start,
                decode_time: timeline.ticks(segment)?.start,
            });
        }
        let tag = Tag {
            representation: self.id.clone(),
            sequence: Some(segment),
            fragment: 0,
            nominal_bytes: self.nominal_bytes(segment),
        };
        let mut packaging = self.packaging.clone();
        if self.is_padded {
            let samples = parts.iter().map(|part| part.frames).sum::<u64>();
            packaging.sample_bytes = (tag.nominal_bytes / samples.max(1)) as usize;
        }
        if segment == 0 {
            packaging.position = 0;
        }
        if segment == 1 && self.gap_frames > 0 {
            packaging.gap_frames = self.gap_frames;
            packaging.fragments = packaging.fragments.max(2);
        }
        Some(synthetic::media(&parts, &tag, &packaging))
    }
}

/// A usual video quality.
struct Rung {
    width: u16,
    height: u16,
    level: u8,
    profile: Profile,
    bandwidth: u64,
}

const LADDER: [Rung; 6] = [
    rung(426, 240, 21, Profile::Baseline, 350_000),
    rung(640, 360, 30, Profile::Main, 800_000),
    rung(854, 480, 31, Profile::Main, 1_400_000),
    rung(1280, 720, 32, Profile::Main, 2_800_000),
    rung(1920, 1080, 42, Profile::High, 5_000_000),
    rung(3840, 2160, 52, Profile::High, 16_000_000),
];

const fn rung(width: u16, height: u16, level: u8, profile: Profile, bandwidth: u64) -> Rung {
    Rung {
        width,
        height,
        level,
        profile,
        bandwidth,
    }
}

/// Bandwidth and stream of a video quality of some height, at a frame rate, with a sync sample every
/// so many frames.
pub(crate) fn video(height: u16, frame_rate: [u32; 2], group_frames: u32) -> (u64, Stream) {
    let distance = |rung: &&Rung| rung.height.abs_diff(height);
    let rung = LADDER.iter().min_by_key(distance).unwrap_or(&LADDER[0]);
    let avc = Avc {
        profile: rung.profile,
        level: rung.level,
        width: (u32::from(height) * 16 / 9 / 2 * 2) as u16,
        height,
        full_size: false,
    };
    let avc = if height == rung.height {
        Avc {
            width: rung.width,
            ..avc
        }
    } else {
        avc
    };
    (rung.bandwidth, Stream::video(avc, frame_rate, group_frames))
}

impl Recipe {
    /// Computes the presentation.
    pub fn build(&self) -> Content {
        let mut periods: Vec<Period> = Vec::new();
        let mut start = 0.0;
        let mut media_offset = self.quirks.media_offset_seconds as f64;
        for (nth, seconds) in self.period_seconds.iter().enumerate() {
            let sets = self.sets(nth, *seconds, media_offset);
            let representations = sets.iter().flat_map(|set| &set.representations);
            let timelines = representations.flat_map(|it| &it.timelines);
            let longest = timelines.map(Timeline::seconds).fold(0.0, f64::max);
            let is_last = nth + 1 == self.period_seconds.len();
            let gap = if is_last {
                0
            } else {
                self.quirks.period_gap_ms
            };
            let duration = (longest + f64::from(gap) / 1000.0).max(0.001);
            periods.push(Period {
                start,
                duration,
                media_offset,
                sets,
            });
            start += duration;
            if self.quirks.continuous_periods {
                media_offset += duration;
            }
        }
        Content {
            recipe: self.clone(),
            periods,
        }
    }

    fn sets(&self, period: usize, seconds: f64, media_offset: f64) -> Vec<Set> {
        let is_dash = matches!(self.format, Format::Dash(_));
        let is_poor = is_dash && self.quirks.poor_later_periods && period > 0;
        let is_muxed = matches!(self.format, Format::Hls(Hls { muxed: true, .. }));
        let random = &mut Random::for_use(self.seed, &format!("boundaries {period}"));
        let [frames, frame_seconds] = self.frame_rate;
        let rate = f64::from(frames) / f64::from(frame_seconds);
        // Segments begin at the same times in all tracks, and so do variations of their durations.
        let per_segment = (self.segment_seconds * rate).round().max(1.0);
        let cuts = self.cuts(seconds, per_segment / rate, random);
        let mut sets = Vec::new();
        let mut heights = self.heights.clone();
        if is_poor && heights.len() > 1 {
            heights.pop();
        }
        let mut pictures = Vec::new();
        for (nth, height) in heights.iter().enumerate() {
            let group = if random.percent(50) {
                per_segment
            } else {
                (per_segment / 2.0).ceil()
            };
            let (bandwidth, stream) = video(*height, self.frame_rate, group as u32);
            let stream = stream.reordered(self.quirks.reorder);
            let mut timeline = self.timeline(stream, &cuts, seconds, media_offset);
            if self.quirks.unaligned && nth % 2 == 1 {
                shift(&mut timeline.boundaries, 1 + (rate / 4.0) as u64);
            }
            pictures.push((format!("v{height}"), bandwidth, timeline));
        }
        if is_muxed {
            let sound =
                (self.audio.first()).map(|_| self.audio_timeline(&cuts, seconds, media_offset));
            let representations = pictures.into_iter().map(|(id, bandwidth, picture)| {
                let sound = sound.clone().map(|mut sound| {
                    sound.stream.track.id = 2;
                    // After the end of audio, segments contain only video.
                    let last = sound.boundaries.last().copied().unwrap_or(0);
                    sound.boundaries.resize(picture.boundaries.len(), last);
                    sound
                });
                let timelines = [picture].into_iter().chain(sound).collect();
                self.representation(id, bandwidth + 128_000, timelines)
            });
            sets.push(Set {
                kind: Kind::Muxed,
                language: String::new(),
                representations: representations.collect(),
            });
            return sets;
        }
        if !pictures.is_empty() {
            let representations = pictures.into_iter().map(|(id, bandwidth, timeline)| {
                self.representation(id, bandwidth, vec![timeline])
            });
            sets.push(Set {
                kind: Kind::Video,
                language: String::new(),
                representations: representations.collect(),
            });
        }
        if is_poor && !sets.is_empty() && random.percent(50) {
            return sets;
        }
        for (nth, language) in self.audio.iter().enumerate() {
            let mut timeline = self.audio_timeline(&cuts, seconds, media_offset);
            if let Ok(language) = language.as_bytes().try_into() {
                timeline.stream.track.language = language;
            }
            let bitrates = (0..self.audio_bitrates.max(1)).map(|it| 64_000 << it);
            let representations = bitrates.map(|bandwidth: u64| {
                let id = format!("a{nth}-{}", bandwidth / 1000);
                self.representation(id, bandwidth, vec![timeline.clone()])
            });
            sets.push(Set {
                kind: Kind::Audio,
                language: language.clone(),
                representations: representations.collect(),
            });
        }
        sets
    }

    /// The start of each segment, in seconds from the beginning of the period.
    fn cuts(&self, seconds: f64, segment: f64, random: &mut Random) -> Vec<f64> {
        let states_one = matches!(self.format, Format::Dash(Addressing::Number));
        let jitter = if states_one {
            0
        } else {
            self.quirks.jitter_percent
        };
        let mut cuts = vec![0.0];
        let mut at = 0.0;
        loop {
            let percent = 100 + random.below(2 * jitter + 1) as i64 - jitter as i64;
            // A sum of products would drift from the frames.
            at = if jitter == 0 {
                segment * cuts.len() as f64
            } else {
                at + segment * percent as f64 / 100.0
            };
            // A remainder of less than a millisecond is rounding.
            if at + 0.001 >= seconds {
                return cuts;
            }
            cuts.push(at);
        }
    }

    /// A track cut where its next frame begins.
    fn timeline(&self, stream: Stream, cuts: &[f64], seconds: f64, offset: f64) -> Timeline {
        let frame = stream.frame_seconds();
        // Both sides are multiples of a frame, but for rounding.
        let frames_in = |seconds: f64| (seconds / frame - 0.001).ceil().max(0.0) as u64;
        let mut boundaries: Vec<u64> = cuts.iter().map(|cut| frames_in(*cut)).collect();
        boundaries.push(frames_in(seconds).max(1));
        if self.quirks.one_frame_last
            && let [.., before, last] = &mut *boundaries
        {
            *last = *before + 1;
        }
        boundaries.dedup();
        let timescale = f64::from(stream.track.timescale);
        let first_time = (offset * timescale).round() as u64;
        // The first frame is to be presented at the offset.
        let delay = match stream.reorder {
            Reorder::Delayed => u64::from(stream.frame_ticks),
            Reorder::None | Reorder::Signed => 0,
        };
        Timeline {
            first_time: first_time.checked_sub(delay).unwrap_or(first_time),
            stream,
            boundaries,
        }
    }

    fn audio_timeline(&self, cuts: &[f64], seconds: f64, offset: f64) -> Timeline {
        let stream = Stream::audio(Aac {
            sample_rate: self.sample_rate,
            stereo: true,
        });
        let mut timeline = self.timeline(stream, cuts, seconds, offset);
        timeline.first_time += u64::from(self.quirks.audio_delay_ticks);
        let frames = timeline.boundaries.last().copied().unwrap_or(1);
        let frames = frames
            .saturating_sub(self.quirks.audio_shorter_frames)
            .max(1);
        timeline.boundaries.retain(|boundary| *boundary < frames);
        timeline.boundaries.push(frames);
        timeline
    }

    fn representation(
        &self,
        id: String,
        bandwidth: u64,
        timelines: Vec<Timeline>,
    ) -> Representation {
        let quirks = &self.quirks;
        let mut options = synthetic::options_by(quirks.boxes);
        options.moof_padding = quirks.moof_padding as usize;
        if quirks.has_events {
            options.events.push(Event {
                scheme: "urn:testkit:event".to_owned(),
                value: String::new(),
                timescale: 1000,
                time: 0,
                duration: 1000,
                id: 1,
                message: b"event".to_vec(),
            });
        }
        Representation {
            id,
            bandwidth,
            timelines,
            stated: quirks.stated,
            packaging: Packaging {
                options,
                fragments: quirks.fragments,
                position: u64::from(quirks.starts_without_sync) * 3,
                gap_frames: 0,
                sample_bytes: 0,
            },
            gap_frames: u64::from(quirks.has_gap) * 2,
            is_padded: self.is_padded,
            seed: self.seed,
        }
    }
}

/// Moves the boundaries between segments by some frames, as far as the segments are longer.
fn shift(boundaries: &mut [u64], frames: u64) {
    let before = boundaries.to_vec();
    let inner = boundaries.iter_mut().enumerate().skip(1);
    for (nth, boundary) in inner.take(before.len().saturating_sub(2)) {
        if before
            .get(nth + 1)
            .is_some_and(|next| *boundary + frames < *next)
        {
            *boundary += frames;
        }
    }
}

impl Content {
    /// A presentation for a seed.
    pub fn random(seed: u64) -> Self {
        Recipe::random(seed).build()
    }

    /// Duration of the presentation, in seconds.
    pub fn seconds(&self) -> f64 {
        self.periods.last().map_or(0.0, |it| it.start + it.duration)
    }
}
