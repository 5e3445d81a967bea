//! The server of a live stream, driven by the time that each request states.
//!
//! | path | resource |
//! |---|---|
//! | `/number.mpd` | an MPD that addresses segments by `$Number$`, with a constant duration |
//! | `/time.mpd` | an MPD that addresses them by `$Time$`, with a rolling SegmentTimeline |
//! | `/main.m3u8` | the multivariant playlist |
//! | `/{rendition}.m3u8` | a media playlist; `?_HLS_skip=YES` for a delta update |
//! | `/captions.vtt`, `/captions.m3u8` | captions of the window, in one file |
//! | `/g{generation}/{rendition}/init.mp4` | an init segment |
//! | `/g{generation}/{rendition}/{number}.m4s` | a segment by its number (DASH) |
//! | `/g{generation}/p{period}/{rendition}/t{time}.m4s` | a segment by its time (DASH) |
//! | `/g{generation}/{rendition}/s{position}.m4s` | a segment by its position (HLS) |
//! | `/g{generation}/key{n}.bin` | a key |
//! | `/clock/iso`, `/clock/xsdate` | the server's clock (UTCTiming); each response has a `date` |
//!
//! # The encoder
//! An encoder makes one segment after another, each as soon as its time has passed. [`Incident`]s
//! interrupt it. A restart begins a new *generation*, which is independent of the previous one.
//! Numbers and times of DASH are those of the source; positions of HLS count what was made. After a
//! jump back, DASH therefore offers segments again that it has offered before, and HLS offers the same
//! pictures as new segments.

mod encoder;
mod mpd;
mod playlist;
mod source;

use std::time::Duration;

use crate::{
    cipher,
    clock::{http_date, iso8601, webvtt},
    content::Kind,
    hls,
    http::{Request, Response},
    origin::{M3U8, MP4, MPD, VTT},
    random::{Random, hash},
};
use encoder::{EncodedSegment, Generation};
pub use source::{Rendition, Source, Synthetic};

/// The configuration of a live stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Seed for keys, sizes, and the requests that a fault affects.
    pub seed: u64,
    /// Wall-clock time at which the stream begins (`availabilityStartTime`), in whole milliseconds.
    pub start: Duration,
    /// Duration after which it becomes on demand; `None` if it does not end.
    pub length: Option<Duration>,
    /// Duration for which segments stay in manifests (`timeShiftBufferDepth`).
    pub window: Duration,
    /// Additional duration for which they can be fetched.
    pub kept: Duration,
    /// Timestamp of the beginning, in seconds.
    pub media_offset_seconds: u64,
    /// Periods of DASH, discontinuities of HLS.
    pub splice: Option<Splice>,
    /// The encoder is this many millionths faster than its manifests state; 5000 is 0.5 %.
    pub drift_ppm: i32,
    /// Error of the server's clock in milliseconds.
    pub clock_error_ms: i64,
    /// Whether there are captions.
    pub has_captions: bool,
    /// Options of MPDs.
    pub dash: DashOptions,
    /// Options of playlists.
    pub hls: HlsOptions,
    /// Incidents during the stream.
    pub incidents: Vec<Timed>,
}

/// A stream that is cut regularly, as by advertisements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Splice {
    /// Segments between cuts; not 0.
    pub every: u64,
    /// Whether timestamps begin again after each.
    pub restarts_timestamps: bool,
}

/// Options of MPDs.
#[derive(Clone, Debug, PartialEq)]
pub struct DashOptions {
    /// `minimumUpdatePeriod`; `None` if it is absent.
    pub minimum_update_period: Option<Duration>,
    /// `suggestedPresentationDelay`.
    pub suggested_presentation_delay: Option<Duration>,
    /// Whether `timeShiftBufferDepth` is present.
    pub states_window: bool,
    /// `availabilityTimeOffset`: how much earlier than complete segments can be fetched.
    pub availability_time_offset: Duration,
    /// `startNumber` of the first period.
    pub first_number: u64,
    /// The clients' time source.
    pub utc_timing: UtcTiming,
    /// `Location`.
    pub location: Option<String>,
    /// Target latency of a ServiceDescription.
    pub target_latency: Option<Duration>,
}

/// The time source of DASH clients (UTCTiming).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UtcTiming {
    /// None.
    #[default]
    Absent,
    /// From the MPD.
    Direct,
    /// From the `date` header of a response.
    HttpHead,
    /// From an `xs:dateTime`, by `urn:mpeg:dash:utc:http-iso:2014`.
    HttpIso,
    /// The same, by `urn:mpeg:dash:utc:http-xsdate:2014`.
    HttpXsdate,
}

/// Options of playlists.
#[derive(Clone, Debug, PartialEq)]
pub struct HlsOptions {
    /// Whether segments are never removed (`EXT-X-PLAYLIST-TYPE:EVENT`).
    pub is_event: bool,
    /// Whether each segment has an EXT-X-PROGRAM-DATE-TIME.
    pub has_dates: bool,
    /// The media sequence number of the first segment.
    pub first_sequence: u64,
    /// Difference by which the sequence numbers of audio are greater.
    pub audio_sequence_offset: u64,
    /// Number of segments after which the key of AES-128 changes; `None` if nothing is encrypted, 0 if the key
    /// does not change.
    pub segments_per_key: Option<u64>,
    /// `HOLD-BACK`.
    pub hold_back: Option<Duration>,
    /// Whether delta updates are offered (`CAN-SKIP-UNTIL`).
    pub can_skip: bool,
}

/// An incident of the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timed {
    /// Its time since [`Config::start`].
    pub at: Duration,
    /// Its kind.
    pub kind: Incident,
}

/// The kinds of incidents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Incident {
    /// The encoder stops for some time. After that, the stream continues.
    Stall {
        /// For how long.
        lasting: Duration,
    },
    /// The source skips segments.
    Skip {
        /// Number of skipped segments.
        segments: u64,
    },
    /// The source jumps back and repeats segments.
    JumpBack {
        /// Number of repeated segments.
        segments: u64,
    },
    /// The next segments are listed but missing (EXT-X-GAP).
    Missing {
        /// Number of missing segments.
        segments: u64,
    },
    /// The encoder restarts, with another `availabilityStartTime` and falling sequence numbers.
    Restart {
        /// Whether video is coded in another profile.
        changes_codec: bool,
    },
    /// Some requests for manifests are answered by another edge server, which lags behind.
    Stale {
        /// For how long this happens.
        lasting: Duration,
        /// Age of its copies.
        behind: Duration,
        /// Percentage of the affected requests.
        percent: u64,
    },
    /// Manifests are late.
    Delayed {
        /// For how long this happens.
        lasting: Duration,
        /// How late.
        by: Duration,
    },
    /// Segments can be fetched only some time after manifests have listed them: 404 until then.
    Unready {
        /// For how long this happens.
        lasting: Duration,
        /// How late.
        by: Duration,
    },
}

impl Default for Config {
    /// A stream without an end that begins at the Unix epoch, with a window of 60 seconds.
    fn default() -> Self {
        Self {
            seed: 0,
            start: Duration::ZERO,
            length: None,
            window: Duration::from_secs(60),
            kept: Duration::from_secs(20),
            media_offset_seconds: 0,
            splice: None,
            drift_ppm: 0,
            clock_error_ms: 0,
            has_captions: false,
            dash: DashOptions {
                minimum_update_period: Some(Duration::from_secs(2)),
                suggested_presentation_delay: None,
                states_window: true,
                availability_time_offset: Duration::ZERO,
                first_number: 1,
                utc_timing: UtcTiming::Absent,
                location: None,
                target_latency: None,
            },
            hls: HlsOptions {
                is_event: false,
                has_dates: true,
                first_sequence: 0,
                audio_sequence_offset: 0,
                segments_per_key: None,
                hold_back: None,
                can_skip: false,
            },
            incidents: Vec::new(),
        }
    }
}

impl Config {
    /// A stream for a seed, which is watched from `now` on for about `watched`.
    pub fn random(seed: u64, now: Duration, watched: Duration) -> Self {
        let random = &mut Random::for_use(seed, "live");
        let seconds = Duration::from_secs;
        let some = |random: &mut Random, percent| random.percent(percent);
        let start = match random.below(8) {
            // Not yet begun.
            0 => now + seconds(random.within(1..=60)),
            1..=5 => now.saturating_sub(seconds(random.within(0..=7200))),
            // A stream that has run for a long time.
            _ => Duration::ZERO,
        };
        let before = now.saturating_sub(start);
        let mut incidents = Vec::new();
        let count = match random.below(10) {
            0..=4 => 0,
            5..=7 => 1,
            _ => random.within(2..=4),
        };
        for _ in 0..count {
            let at = before + watched.mul_f64(random.fraction());
            let lasting = seconds(random.within(1..=60));
            let segments = random.within(1..=8);
            let kind = match random.below(8) {
                0 => Incident::Stall { lasting },
                1 => Incident::Skip { segments },
                2 => Incident::JumpBack { segments },
                3 => Incident::Missing { segments },
                4 => Incident::Restart {
                    changes_codec: some(random, 50),
                },
                5 => Incident::Stale {
                    lasting,
                    behind: seconds(random.within(1..=30)),
                    percent: random.within(20..=80),
                },
                6 => Incident::Delayed {
                    lasting,
                    by: Duration::from_millis(random.within(100..=8000)),
                },
                _ => Incident::Unready {
                    lasting,
                    by: Duration::from_millis(random.within(100..=4000)),
                },
            };
            incidents.push(Timed { at, kind });
        }
        let is_event = some(random, 10) && before < seconds(7300);
        Self {
            seed,
            start,
            length: (some(random, 15) && before < seconds(7300))
                .then(|| before + watched.mul_f64(random.fraction())),
            window: seconds(random.pick(&[10, 20, 60, 60, 300, 3600])),
            kept: seconds(random.pick(&[0, 10, 60])),
            media_offset_seconds: random.pick(&[0, 0, 10, 95_443, 1_700_000_000]),
            splice: some(random, 30).then(|| Splice {
                every: random.within(3..=40),
                restarts_timestamps: some(random, 50),
            }),
            drift_ppm: random.pick(&[0, 0, 0, 0, 100, -100, 5000, -5000]),
            clock_error_ms: random.pick(&[0, 0, 0, 700, -700, 7_200_000, -7_200_000]),
            has_captions: some(random, 20),
            dash: DashOptions {
                minimum_update_period: random.pick(&[
                    Some(seconds(2)),
                    Some(seconds(2)),
                    Some(seconds(5)),
                    Some(Duration::ZERO),
                    None,
                ]),
                suggested_presentation_delay: random.pick(&[
                    None,
                    None,
                    Some(seconds(6)),
                    Some(seconds(40)),
                ]),
                states_window: some(random, 80),
                availability_time_offset: random.pick(&[Duration::ZERO, seconds(1)]),
                first_number: random.pick(&[1, 0, 1000]),
                utc_timing: random.pick(&[
                    UtcTiming::Absent,
                    UtcTiming::Direct,
                    UtcTiming::HttpHead,
                    UtcTiming::HttpIso,
                    UtcTiming::HttpXsdate,
                ]),
                location: None,
                target_latency: random.pick(&[None, None, Some(seconds(4))]),
            },
            hls: HlsOptions {
                is_event,
                has_dates: some(random, 60),
                first_sequence: random.pick(&[0, 0, 7, 100_000]),
                audio_sequence_offset: random.pick(&[0, 0, 3, 1000]),
                segments_per_key: random.pick(&[None, None, None, Some(0), Some(5)]),
                hold_back: random.pick(&[None, None, Some(seconds(8))]),
                can_skip: some(random, 20),
            },
            incidents,
        }
    }
}

/// A live stream and its server.
#[derive(Clone, Debug)]
pub struct Live {
    config: Config,
    source: Source,
    generations: Vec<Generation>,
}

/// A generation at a wall-clock time.
#[derive(Clone, Copy)]
struct Moment<'a> {
    generation: &'a Generation,
    now: Duration,
    /// Number of segments that it has made.
    count: u64,
    /// Whether it has ended, and the stream with it.
    is_over: bool,
}

impl Live {
    /// A server of a stream.
    pub fn new(config: Config, source: Source) -> Self {
        let generations = encoder::generations(&config, source.segment_ticks());
        Self {
            config,
            source,
            generations,
        }
    }

    /// The configuration.
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// The source of its segments.
    pub const fn source(&self) -> &Source {
        &self.source
    }

    /// Seconds that a segment lasts, on average.
    pub fn segment_seconds(&self) -> f64 {
        let (ticks, timescale) = self.source.segment_ticks();
        ticks as f64 / f64::from(timescale)
    }

    /// Answers a request.
    pub fn respond(&self, request: &Request) -> Response {
        let mut response = self.answer(request).unwrap_or_else(Response::not_found);
        response.set_header("date", http_date(self.server_clock(request.now)));
        response.with_range(request.range)
    }

    fn answer(&self, request: &Request) -> Option<Response> {
        let path = request.resource().strip_prefix('/')?;
        if let Some(rest) = path.strip_prefix('g')
            && let Some((generation, rest)) = rest.split_once('/')
        {
            let mut generations = self.generations.iter();
            let number: u64 = generation.parse().ok()?;
            let generation = generations.find(|it| it.number == number)?;
            return self.file(&self.moment(generation, request.now), rest);
        }
        let clock = iso8601(self.server_clock(request.now));
        if let "clock/iso" | "clock/xsdate" = path {
            return Some(Response::ok("text/plain", clock));
        }
        let now = self.as_known(request);
        let moment = self.moment(self.generation(now), now);
        let mut response = match path {
            "number.mpd" => Response::ok(MPD, self.mpd(&moment, false)),
            "time.mpd" => Response::ok(MPD, self.mpd(&moment, true)),
            "main.m3u8" => Response::ok(M3U8, self.multivariant(&moment)),
            "captions.vtt" if self.config.has_captions => Response::ok(VTT, self.captions(&moment)),
            "captions.m3u8" if self.config.has_captions => {
                let seconds = self.media_seconds(&moment);
                Response::ok(M3U8, hls::captions("captions.vtt", seconds))
            }
            _ => {
                let id = path.strip_suffix(".m3u8")?;
                let renditions = self.renditions(&moment);
                let rendition = renditions.iter().find(|it| it.id == id)?;
                let skips = request.parameter("_HLS_skip").is_some();
                Response::ok(M3U8, self.media_playlist(&moment, rendition, skips))
            }
        };
        response.set_header("cache-control", "no-store");
        response.delivery.delay = self.during(request.now, |incident| match incident {
            Incident::Delayed { lasting, by } => Some((lasting, by)),
            _ => None,
        });
        Some(response)
    }

    /// The value of a current incident of a kind, or else the default.
    fn during<T: Default>(
        &self,
        now: Duration,
        kind: impl Fn(Incident) -> Option<(Duration, T)>,
    ) -> T {
        let going_on = self.config.incidents.iter().find_map(|it| {
            let (lasting, value) = kind(it.kind)?;
            let from = self.config.start.saturating_add(it.at);
            (from <= now && now < from.saturating_add(lasting)).then_some(value)
        });
        going_on.unwrap_or_default()
    }

    /// The time of the newest data on the edge server that answers a request.
    fn as_known(&self, request: &Request) -> Duration {
        let now = request.now;
        let (behind, percent) = self.during(now, |incident| match incident {
            Incident::Stale {
                lasting,
                behind,
                percent,
            } => Some((lasting, (behind, percent))),
            _ => None,
        });
        let drawn = hash(
            self.config.seed,
            &format!("{} {}", request.path, now.as_nanos()),
        );
        if drawn % 100 < percent {
            now.saturating_sub(behind)
        } else {
            now
        }
    }

    /// The time by the server's clock, which may be wrong.
    fn server_clock(&self, now: Duration) -> Duration {
        let error = Duration::from_millis(self.config.clock_error_ms.unsigned_abs());
        if self.config.clock_error_ms < 0 {
            now.saturating_sub(error)
        } else {
            now.saturating_add(error)
        }
    }

    /// The generation that manifests describe.
    fn generation(&self, now: Duration) -> &Generation {
        let current = self.generations.iter().rfind(|it| it.start <= now);
        // There is at least one, and before the first has started it is the one to come.
        current.unwrap_or(&self.generations[0])
    }

    fn moment<'a>(&self, generation: &'a Generation, now: Duration) -> Moment<'a> {
        let is_last = self.generations.last() == Some(generation);
        Moment {
            generation,
            now,
            count: generation.count(now),
            is_over: is_last && generation.end.is_some_and(|end| end <= now),
        }
    }

    fn renditions(&self, moment: &Moment) -> Vec<Rendition> {
        self.source.renditions(moment.generation.alternates)
    }

    /// Segments between splices; 0 if there are none.
    fn every(&self) -> u64 {
        self.config.splice.map_or(0, |splice| splice.every.max(1))
    }

    /// Index of the run between splices that a segment of the source is in.
    fn splice_index(&self, media: u64) -> u64 {
        media.checked_div(self.every()).unwrap_or(0)
    }

    /// The decode time of a segment, in ticks.
    fn decode_time(&self, rendition: &Rendition, media: u64) -> u64 {
        let start = self.source.ticks(rendition, media).start;
        self.timestamp(rendition, self.splice_index(media), start)
    }

    /// The timestamp of a time of the source, in ticks.
    fn timestamp(&self, rendition: &Rendition, stretch: u64, ticks: u64) -> u64 {
        let restarts = self.config.splice.is_some_and(|it| it.restarts_timestamps);
        let passed = if restarts {
            self.source
                .nominal_start(stretch * self.every(), rendition.timescale)
        } else {
            0
        };
        let offset = self.config.media_offset_seconds * u64::from(rendition.timescale);
        ticks.saturating_sub(passed) + offset
    }

    /// The first position in the window.
    fn first_listed(&self, moment: &Moment) -> u64 {
        if self.config.hls.is_event {
            return 0;
        }
        self.first_within(moment, self.config.window)
    }

    /// The first segment that is no older than the newest by more than some time. At least one is.
    fn first_within(&self, moment: &Moment, depth: Duration) -> u64 {
        let Some(newest) = moment.count.checked_sub(1) else {
            return 0;
        };
        let end = moment.generation.at(newest).available;
        // By bisection, as times ascend with positions.
        let (mut low, mut high) = (0, newest);
        while low < high {
            let middle = low + (high - low) / 2;
            let start = moment.generation.at(middle).start;
            if end.saturating_sub(start) <= depth {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        low
    }

    /// Whether a segment can be fetched.
    fn is_there(&self, moment: &Moment, made: &EncodedSegment, early: Duration) -> bool {
        let late = self.during(moment.now, |incident| match incident {
            Incident::Unready { lasting, by } => Some((lasting, by)),
            _ => None,
        });
        if made.is_missing || made.available.saturating_add(late) > moment.now.saturating_add(early)
        {
            return false;
        }
        if moment
            .generation
            .end
            .is_some_and(|end| made.available > end)
        {
            return false;
        }
        if moment.is_over {
            return made.position >= self.first_archived(moment);
        }
        // Segments from before a restart are removed like those that have left the window.
        let removed = moment
            .generation
            .end
            .map(|end| end.saturating_add(self.config.kept));
        if removed.is_some_and(|removed| removed < moment.now) {
            return false;
        }
        let depth = self.config.window.saturating_add(self.config.kept);
        self.config.hls.is_event || made.position >= self.first_within(moment, depth)
    }

    /// The first segment that is there on demand, after the stream has ended: all that was made, or the
    /// window of a very long stream.
    fn first_archived(&self, moment: &Moment) -> u64 {
        const LONGEST: u64 = 20_000;
        if moment.count <= LONGEST {
            0
        } else {
            self.first_within(moment, self.config.window)
        }
    }

    /// A file of a generation.
    fn file(&self, moment: &Moment, path: &str) -> Option<Response> {
        if let Some(key) = path.strip_prefix("key") {
            self.config.hls.segments_per_key?;
            let number: u64 = key.strip_suffix(".bin")?.parse().ok()?;
            let key = self.key(moment.generation.number, number);
            return Some(Response::ok("application/octet-stream", key));
        }
        let (folder, name) = path.rsplit_once('/')?;
        let (period, id) = match folder.split_once('/') {
            Some((period, id)) => (Some(period.strip_prefix('p')?.parse().ok()?), id),
            None => (None, folder),
        };
        let renditions = self.renditions(moment);
        let rendition = renditions.iter().find(|it| it.id == id)?;
        if name == "init.mp4" {
            let has_started = moment.generation.start <= moment.now;
            return has_started.then(|| Response::ok(MP4, self.source.init(rendition)));
        }
        let name = name.strip_suffix(".m4s")?;
        if let Some(position) = name.strip_prefix('s') {
            let made = moment.generation.at(position.parse().ok()?);
            if !self.is_there(moment, &made, Duration::ZERO) {
                return None;
            }
            let (mut bytes, nominal) = self.media(rendition, made.media);
            if let Some(per_key) = self.config.hls.segments_per_key {
                let number = made.position.checked_div(per_key).unwrap_or(0);
                let key = self.key(moment.generation.number, number);
                let sequence = self.sequence(rendition, made.position);
                bytes = cipher::encrypt(key, u128::from(sequence).to_be_bytes(), &bytes);
            }
            return Some(Response::ok(MP4, bytes).with_nominal_length(nominal));
        }
        let media = match (period, name.strip_prefix('t')) {
            (Some(period), Some(time)) => self.media_at(rendition, period, time.parse().ok()?)?,
            (None, None) => {
                let number: u64 = name.parse().ok()?;
                number.checked_sub(self.config.dash.first_number)?
            }
            _ => return None,
        };
        let early = self.config.dash.availability_time_offset;
        let soon = moment.now.saturating_add(early);
        let made = moment.generation.of_media(media, soon)?;
        if !self.is_there(moment, &made, early) {
            return None;
        }
        let (bytes, nominal) = self.media(rendition, media);
        Some(Response::ok(MP4, bytes).with_nominal_length(nominal))
    }

    /// The segment of the source that is decoded at a time of a period.
    fn media_at(&self, rendition: &Rendition, period: u64, time: u64) -> Option<u64> {
        let begins = |media: u64| {
            self.splice_index(media) == period && self.decode_time(rendition, media) == time
        };
        let first = period * self.every();
        let elapsed = time.checked_sub(self.timestamp(
            rendition,
            period,
            self.source.nominal_start(first, rendition.timescale),
        ))?;
        let per_segment = self.source.nominal_start(1, rendition.timescale).max(1);
        // Audio begins up to a frame later than video, and the duration of a segment was rounded.
        let near = first + elapsed / per_segment;
        (near.saturating_sub(1)..=near + 1)
            .find(|media| begins(*media))
            .or_else(|| self.search(rendition, first, time))
    }

    /// The same by bisection, as the error of rounding adds up in long streams.
    fn search(&self, rendition: &Rendition, first: u64, time: u64) -> Option<u64> {
        let end = match self.every() {
            0 => u64::from(u32::MAX),
            every => first + every - 1,
        };
        let (mut low, mut high) = (first, end);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.decode_time(rendition, middle) < time {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        (self.decode_time(rendition, low) == time).then_some(low)
    }

    fn media(&self, rendition: &Rendition, media: u64) -> (Vec<u8>, u64) {
        let time = self.decode_time(rendition, media);
        self.source.media(rendition, media, time)
    }

    /// A key of AES-128.
    fn key(&self, generation: u64, number: u64) -> [u8; 16] {
        Random::for_use(self.config.seed, &format!("key {generation} {number}")).bytes()
    }

    /// The media sequence number of a segment.
    fn sequence(&self, rendition: &Rendition, position: u64) -> u64 {
        let offset = match rendition.kind {
            Kind::Audio => self.config.hls.audio_sequence_offset,
            Kind::Video | Kind::Muxed => 0,
        };
        self.config.hls.first_sequence + offset + position
    }

    /// Where the newest segment ends, in seconds since the beginning of the source.
    fn media_seconds(&self, moment: &Moment) -> f64 {
        let newest = moment
            .count
            .checked_sub(1)
            .map(|it| moment.generation.at(it));
        newest.map_or(0.0, |it| (it.media + 1) as f64 * self.segment_seconds())
    }

    /// A cue for each segment of the window.
    fn captions(&self, moment: &Moment) -> String {
        let mut text = "WEBVTT\n".to_owned();
        if self.config.media_offset_seconds > 0 {
            let ticks = self.config.media_offset_seconds * 90_000 % (1 << 33);
            text += &format!("X-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:{ticks}\n");
        }
        let seconds = self.segment_seconds();
        for position in self.first_listed(moment)..moment.count {
            let media = moment.generation.at(position).media;
            let start = media as f64 * seconds;
            let (start, end) = (webvtt(start), webvtt(start + seconds * 0.75));
            text += &format!("\n{start} --> {end}\nSegment {media}\n");
        }
        text
    }
}
