//! The server of an on-demand presentation, as a pure function of the request.
//!
//! | path | resource |
//! |---|---|
//! | `/manifest.mpd` | the MPD, if the format is DASH |
//! | `/main.m3u8` | the multivariant playlist, if the format is HLS |
//! | `/{representation}.m3u8` | a media playlist |
//! | `/p{period}/{representation}/init.mp4` | an init segment |
//! | `/p{period}/{representation}/{number}.m4s` | a media segment, counted from [`Quirks::first_number`] |
//! | `/p{period}/{representation}/t{time}.m4s` | the same, by its stated time |
//! | `/p{period}/{representation}/media.mp4` | all of a representation, with a segment index |
//! | `/key{n}.bin` | a key |
//! | `/captions-{language}.vtt`, `.m3u8` | captions |
//!
//! DASH segments are also found below `/cdn0`, `/cdn1`, …, as BaseURL elements say.
//!
//! [`Quirks::first_number`]: crate::content::Quirks::first_number

use std::sync::OnceLock;

use crate::{
    cipher,
    clock::{decimal, webvtt, xs_duration},
    content::{
        Addressing, Content, Encryption, Format, Hls, Kind, Period, Recipe, Representation, Set,
        Stated,
    },
    dash::{self, Element},
    fmp4::{self, Codec, Reference},
    hls::{self, Attributes, Playlist},
    http::{Request, Response},
    random::Random,
};

/// Media type of MPDs.
pub const MPD: &str = "application/dash+xml";
/// Media type of playlists.
pub const M3U8: &str = "application/vnd.apple.mpegurl";
/// Media type of WebVTT.
pub const VTT: &str = "text/vtt";
/// Media type of segments.
pub const MP4: &str = "video/mp4";

/// Serves a presentation.
#[derive(Debug)]
pub struct Origin {
    content: Content,
    /// The parts of each representation's file, in order. Computed when first needed.
    files: Vec<OnceLock<File>>,
}

/// The parts of `media.mp4`.
#[derive(Debug)]
struct File {
    /// Init segment and segment index.
    head: Vec<u8>,
    /// Bytes of the init segment.
    init: u64,
    /// Bytes of each segment.
    segments: Vec<u64>,
}

impl File {
    fn segment(&self, segment: u64) -> Option<(u64, u64)> {
        let at = usize::try_from(segment).ok()?;
        let before: u64 = self.segments.get(..at)?.iter().sum();
        Some((self.head.len() as u64 + before, *self.segments.get(at)?))
    }
}

/// A representation and its position in the presentation.
#[derive(Clone, Copy)]
struct Location<'a> {
    period: usize,
    representation: &'a Representation,
    file: &'a OnceLock<File>,
}

impl Origin {
    /// A server of a presentation.
    pub fn new(content: Content) -> Self {
        let sets = content.periods.iter().flat_map(|period| &period.sets);
        let count = sets.map(|set| set.representations.len()).sum();
        let mut files = Vec::new();
        files.resize_with(count, OnceLock::new);
        Self { content, files }
    }

    /// The content that is served.
    pub const fn content(&self) -> &Content {
        &self.content
    }

    /// The path of the manifest.
    pub const fn entry(&self) -> &'static str {
        match self.content.recipe.format {
            Format::Dash(_) => "/manifest.mpd",
            Format::Hls(_) => "/main.m3u8",
        }
    }

    /// Answers a request. On-demand responses do not depend on the time.
    pub fn respond(&self, request: &Request) -> Response {
        let mut path = request.resource().trim_start_matches('/');
        if let Some((first, rest)) = path.split_once('/')
            && first.starts_with("cdn")
        {
            path = rest;
        }
        let response = match path.split_once('/') {
            None => self.top(path),
            Some((period, rest)) => self.below(period, rest, request),
        };
        let response = response.unwrap_or_else(Response::not_found);
        // Files apply the range themselves, to compute no more than it covers.
        if response.status == 206 || response.status == 416 {
            return response;
        }
        response.with_range(request.range)
    }

    fn recipe(&self) -> &Recipe {
        &self.content.recipe
    }

    fn hls(&self) -> Option<Hls> {
        match self.recipe().format {
            Format::Hls(hls) => Some(hls),
            Format::Dash(_) => None,
        }
    }

    fn top(&self, name: &str) -> Option<Response> {
        if let Format::Dash(addressing) = self.recipe().format
            && name == "manifest.mpd"
        {
            return Some(Response::ok(MPD, self.mpd(addressing).document()));
        }
        let (stem, extension) = name.rsplit_once('.')?;
        if let Some(language) = stem.strip_prefix("captions-") {
            let known = self.recipe().captions.iter().any(|it| it == language);
            return match extension {
                "vtt" if known => Some(Response::ok(VTT, self.captions(language))),
                "m3u8" if known => {
                    let playlist = hls::captions(&format!("{stem}.vtt"), self.content.seconds());
                    Some(Response::ok(M3U8, playlist))
                }
                _ => None,
            };
        }
        let hls = self.hls()?;
        match (stem, extension) {
            ("main", "m3u8") => Some(Response::ok(M3U8, self.multivariant(hls))),
            (id, "m3u8") => Some(Response::ok(M3U8, self.media_playlist(hls, id)?)),
            (key, "bin") => {
                hls.encryption?;
                let number = key.strip_prefix("key")?.parse().ok()?;
                Some(Response::ok("application/octet-stream", self.key(number)))
            }
            _ => None,
        }
    }

    fn below(&self, period: &str, rest: &str, request: &Request) -> Option<Response> {
        let period = period.strip_prefix('p')?.parse().ok()?;
        let (id, name) = rest.split_once('/')?;
        let place = self.place(period, id)?;
        let of = place.representation;
        if name == "init.mp4" {
            return Some(Response::ok(MP4, of.init()));
        }
        if name == "media.mp4" {
            return Some(place.file(request));
        }
        let name = name.strip_suffix(".m4s")?;
        let segment = match name.strip_prefix('t') {
            Some(time) => of.segment_at(time.parse().ok()?)?,
            None => {
                let number: u64 = name.parse().ok()?;
                number.checked_sub(self.recipe().quirks.first_number)?
            }
        };
        let mut media = of.media(segment)?;
        let nominal = of.nominal_bytes(segment);
        if let Some(hls) = self.hls() {
            let position = self.position(period, id) + segment;
            if hls.gap == Some(position) {
                return None;
            }
            if let Some(encryption) = hls.encryption {
                let key = self.key(key_number(encryption, position));
                media = cipher::encrypt(key, self.vector(position), &media);
            }
        }
        Some(Response::ok(MP4, media).with_nominal_length(nominal))
    }

    fn place(&self, period: usize, id: &str) -> Option<Location<'_>> {
        let mut files = self.files.iter();
        for (nth, it) in self.content.periods.iter().enumerate() {
            for representation in it.sets.iter().flat_map(|set| &set.representations) {
                let file = files.next()?;
                if nth == period && representation.id == id {
                    return Some(Location {
                        period,
                        representation,
                        file,
                    });
                }
            }
        }
        None
    }

    /// Number of segments of a representation before a period.
    fn position(&self, period: usize, id: &str) -> u64 {
        let before = (0..period).filter_map(|nth| self.place(nth, id));
        before.map(|place| place.representation.segments()).sum()
    }

    /// A key of AES-128.
    fn key(&self, number: u64) -> [u8; 16] {
        Random::for_use(self.recipe().seed, &format!("key {number}")).bytes()
    }

    /// The initialization vector of a segment, which is its media sequence number.
    fn vector(&self, position: u64) -> [u8; 16] {
        let sequence = self.recipe().quirks.first_number + position;
        u128::from(sequence).to_be_bytes()
    }

    /// A cue every two seconds.
    fn captions(&self, language: &str) -> String {
        let seconds = self.content.seconds();
        let mut text = "WEBVTT\n".to_owned();
        for nth in 0..(seconds / 2.0).ceil() as u64 {
            let start = nth as f64 * 2.0;
            let end = (start + 1.5).min(seconds);
            let (start, end) = (webvtt(start), webvtt(end));
            text += &format!("\n{start} --> {end}\n{language} {nth}\n");
        }
        text
    }

    fn mpd(&self, addressing: Addressing) -> Element {
        let recipe = self.recipe();
        let profile = match addressing {
            Addressing::Base => "isoff-on-demand",
            Addressing::List => "isoff-main",
            Addressing::Number | Addressing::Time => "isoff-live",
        };
        let total = self.content.seconds() + f64::from(recipe.quirks.duration_error_ms) / 1000.0;
        let bases = (0..recipe.bases).filter(|_| recipe.bases > 1);
        let bases = bases.map(|nth| Element::new("BaseURL").text(format!("cdn{nth}/")));
        let periods = self
            .content
            .periods
            .iter()
            .enumerate()
            .map(|(nth, period)| {
                let mut element = Element::new("Period")
                    .with("id", format!("p{nth}"))
                    .with("start", xs_duration(period.start));
                if nth + 1 < self.content.periods.len() {
                    element = element.with("duration", xs_duration(period.duration));
                }
                element = element.child(Element::new("BaseURL").text(format!("p{nth}/")));
                for (at, set) in period.sets.iter().enumerate() {
                    element = element.child(self.adaptation_set(addressing, nth, at, period, set));
                }
                element.children(recipe.captions.iter().map(|language| {
                    let up = if recipe.bases > 1 { "../../" } else { "../" };
                    dash::captions(language, language, &format!("{up}captions-{language}.vtt"))
                }))
            });
        dash::mpd(false, profile)
            .with("mediaPresentationDuration", xs_duration(total))
            .children(bases)
            .children(periods)
    }

    fn adaptation_set(
        &self,
        addressing: Addressing,
        nth: usize,
        at: usize,
        period: &Period,
        set: &Set,
    ) -> Element {
        let kind = match set.kind {
            Kind::Audio => "audio",
            Kind::Video | Kind::Muxed => "video",
        };
        let mut element = Element::new("AdaptationSet")
            .with("id", at)
            .with("contentType", kind)
            .with("mimeType", format!("{kind}/mp4"))
            .with_some("lang", Some(&set.language).filter(|it| !it.is_empty()))
            .with("segmentAlignment", !self.recipe().quirks.unaligned)
            .with("startWithSAP", 1);
        if at < 2 {
            element = element.child(dash::descriptor("Role", "urn:mpeg:dash:role:2011", "main"));
        }
        element.children(set.representations.iter().filter_map(|it| {
            let place = self.place(nth, &it.id)?;
            Some(self.representation(addressing, place, period))
        }))
    }

    fn representation(&self, addressing: Addressing, place: Location, period: &Period) -> Element {
        let of = place.representation;
        let mut element = Element::new("Representation")
            .with("id", &of.id)
            .with("bandwidth", of.bandwidth)
            .with("codecs", of.codecs());
        if let Some((width, height)) = of.size() {
            let [frames, seconds] = self.recipe().frame_rate;
            element = element
                .with("width", width)
                .with("height", height)
                .with("frameRate", format!("{frames}/{seconds}"));
        }
        if let Some(Codec::Aac(aac)) = of.timelines.first().map(|it| it.stream.track.codec) {
            let scheme = "urn:mpeg:dash:23003:3:audio_channel_configuration:2011";
            let channels = aac.channels().to_string();
            let channels = dash::descriptor("AudioChannelConfiguration", scheme, &channels);
            element = element
                .with("audioSamplingRate", aac.sample_rate)
                .child(channels);
        }
        let (name, timescale) = match addressing {
            Addressing::Number | Addressing::Time => ("SegmentTemplate", of.stated_timescale()),
            Addressing::List => ("SegmentList", of.stated_timescale()),
            // The timescale of the index, which is exact.
            Addressing::Base => (
                "SegmentBase",
                of.timelines
                    .first()
                    .map_or(1, |it| u64::from(it.stream.track.timescale)),
            ),
        };
        let offset = (period.media_offset * timescale as f64).round() as u64;
        let segments = Element::new(name)
            .with("timescale", timescale)
            .with_some("presentationTimeOffset", (offset > 0).then_some(offset));
        let first_number = self.recipe().quirks.first_number;
        let timeline = || dash::timeline((0..of.segments()).filter_map(|it| of.stated_ticks(it)));
        let segments = match addressing {
            Addressing::Number => segments
                .with("initialization", "$RepresentationID$/init.mp4")
                .with("media", "$RepresentationID$/$Number$.m4s")
                .with_some("startNumber", (first_number != 1).then_some(first_number))
                .with("duration", self.constant_duration(of)),
            Addressing::Time => segments
                .with("initialization", "$RepresentationID$/init.mp4")
                .with("media", "$RepresentationID$/t$Time$.m4s")
                .child(timeline()),
            Addressing::List => {
                let urls = (0..of.segments()).map(|segment| {
                    let media = format!("{}/{}.m4s", of.id, first_number + segment);
                    Element::new("SegmentURL").with("media", media)
                });
                segments
                    .child(
                        Element::new("Initialization")
                            .with("sourceURL", format!("{}/init.mp4", of.id)),
                    )
                    .child(timeline())
                    .children(urls)
            }
            Addressing::Base => {
                let file = place.layout();
                let (init, head) = (file.init, file.head.len());
                element =
                    element.child(Element::new("BaseURL").text(format!("{}/media.mp4", of.id)));
                segments
                    .with("indexRange", format!("{init}-{}", head.saturating_sub(1)))
                    .child(Element::new("Initialization").with("range", format!("0-{}", init - 1)))
            }
        };
        element.child(segments)
    }

    /// The duration of all segments but the last, in ticks, as a SegmentTemplate states it.
    fn constant_duration(&self, of: &Representation) -> u64 {
        let [frames, seconds] = self.recipe().frame_rate;
        let rate = f64::from(frames) / f64::from(seconds);
        // The duration of video segments: those of audio vary.
        let per_segment = (self.recipe().segment_seconds * rate).round().max(1.0) / rate;
        match of.stated {
            Stated::InSeconds => 1000 * per_segment.round().max(1.0) as u64,
            _ => (per_segment * of.stated_timescale() as f64).round() as u64,
        }
    }

    fn multivariant(&self, hls: Hls) -> String {
        let mut playlist = Playlist::new(7);
        if !self.recipe().quirks.starts_without_sync {
            playlist.flag("EXT-X-INDEPENDENT-SEGMENTS");
        }
        if let Some(seconds) = hls.start {
            let start = Attributes::default().with("TIME-OFFSET", decimal(seconds, 3));
            playlist.tag("EXT-X-START", start);
        }
        let sets = self.content.periods.first().map_or(&[][..], |it| &it.sets);
        let (sound, pictures): (Vec<_>, Vec<_>) =
            sets.iter().partition(|set| set.kind == Kind::Audio);
        let has_captions = !self.recipe().captions.is_empty();
        // Renditions of one bitrate are a group. Where there is nothing but audio, the first rendition
        // is a variant as well, for there has to be one.
        let bitrates = sound.first().map_or(0, |set| set.representations.len());
        for (nth, set) in sound.iter().enumerate() {
            for (bitrate, of) in set.representations.iter().enumerate() {
                let name = if set.language.is_empty() {
                    format!("Audio {nth}")
                } else {
                    set.language.clone()
                };
                let mut attributes = Attributes::default()
                    .with("TYPE", "AUDIO")
                    .quoted("GROUP-ID", format_args!("audio{bitrate}"))
                    .quoted("NAME", name)
                    .with("DEFAULT", if nth == 0 { "YES" } else { "NO" })
                    .with("AUTOSELECT", "YES");
                if !set.language.is_empty() {
                    attributes = attributes.quoted("LANGUAGE", &set.language);
                }
                let attributes = attributes.quoted("URI", format_args!("{}.m3u8", of.id));
                playlist.tag("EXT-X-MEDIA", attributes);
            }
        }
        for language in &self.recipe().captions {
            let uri = format!("captions-{language}.m3u8");
            playlist.tag("EXT-X-MEDIA", hls::subtitles(language, language, &uri));
        }
        let variants = if pictures.is_empty() {
            sound.iter().take(1).copied().collect()
        } else {
            pictures
        };
        for of in variants.iter().flat_map(|set| &set.representations) {
            for bitrate in 0..bitrates.max(1) {
                let of_sound = sound
                    .first()
                    .and_then(|set| set.representations.get(bitrate));
                if variants.first().is_some_and(|set| set.kind == Kind::Audio)
                    && of_sound.is_some_and(|sound| sound.id != of.id)
                {
                    continue;
                }
                let is_apart = of_sound.filter(|sound| sound.id != of.id);
                let bandwidth = of.bandwidth + is_apart.map_or(0, |it| it.bandwidth);
                // Segments are up to 40 percent larger than their nominal bandwidth.
                let mut attributes = Attributes::default()
                    .with("BANDWIDTH", bandwidth * 14 / 10)
                    .with("AVERAGE-BANDWIDTH", bandwidth);
                if !hls.terse {
                    let codecs = [Some(of.codecs()), is_apart.map(Representation::codecs)];
                    let codecs: Vec<_> = codecs.into_iter().flatten().collect();
                    attributes = attributes.quoted("CODECS", codecs.join(","));
                    if let Some((width, height)) = of.size() {
                        attributes =
                            attributes.with("RESOLUTION", format_args!("{width}x{height}"));
                        let [frames, seconds] = self.recipe().frame_rate;
                        let rate = f64::from(frames) / f64::from(seconds);
                        attributes = attributes.with("FRAME-RATE", format_args!("{rate:.3}"));
                    }
                }
                if of_sound.is_some() {
                    attributes = attributes.quoted("AUDIO", format_args!("audio{bitrate}"));
                }
                if has_captions {
                    attributes = attributes.quoted("SUBTITLES", "captions");
                }
                playlist.tag("EXT-X-STREAM-INF", attributes);
                playlist.uri(format_args!("{}.m3u8", of.id));
            }
        }
        playlist.finish()
    }

    fn media_playlist(&self, hls: Hls, id: &str) -> Option<String> {
        let first_number = self.recipe().quirks.first_number;
        let places: Vec<_> = (0..self.content.periods.len())
            .filter_map(|period| self.place(period, id))
            .collect();
        let durations = places.iter().flat_map(|place| {
            let of = place.representation;
            (0..of.segments()).filter_map(|segment| of.seconds(segment))
        });
        let longest = durations.fold(None, |longest: Option<f64>, it| {
            Some(longest.map_or(it, |longest| longest.max(it)))
        })?;
        let mut playlist = Playlist::new(7);
        playlist.tag("EXT-X-TARGETDURATION", longest.round().max(1.0));
        playlist.tag("EXT-X-MEDIA-SEQUENCE", first_number);
        playlist.tag("EXT-X-PLAYLIST-TYPE", "VOD");
        let mut position = 0;
        for (nth, place) in places.iter().enumerate() {
            let of = place.representation;
            let folder = format!("p{}/{id}", place.period);
            let mut key = None;
            if nth > 0 {
                playlist.flag("EXT-X-DISCONTINUITY");
                if hls.encryption.is_some() {
                    // What follows EXT-X-KEY is encrypted, and init segments are not.
                    playlist.tag("EXT-X-KEY", "METHOD=NONE");
                }
            }
            let map = Attributes::default();
            playlist.tag(
                "EXT-X-MAP",
                if hls.byte_ranges {
                    let init = place.layout().init;
                    map.quoted("URI", format_args!("{folder}/media.mp4"))
                        .quoted("BYTERANGE", format_args!("{init}@0"))
                } else {
                    map.quoted("URI", format_args!("{folder}/init.mp4"))
                },
            );
            for segment in 0..of.segments() {
                if let Some(encryption) = hls.encryption {
                    let number = key_number(encryption, position);
                    let vector = encryption.states_vector.then(|| self.vector(position));
                    if vector.is_some() || key != Some(number) {
                        let uri = format!("key{number}.bin");
                        playlist.tag("EXT-X-KEY", hls::key(&uri, vector));
                        key = Some(number);
                    }
                }
                let seconds = of.seconds(segment)?;
                playlist.tag(
                    "EXTINF",
                    match of.stated {
                        Stated::Exactly | Stated::Overlapping(_) => format!("{seconds:.6},"),
                        Stated::InMilliseconds => format!("{seconds:.3},"),
                        Stated::InSeconds => format!("{:.0},", seconds.round().max(1.0)),
                    },
                );
                if hls.gap == Some(position) {
                    playlist.flag("EXT-X-GAP");
                }
                if hls.byte_ranges {
                    let (first, length) = place.layout().segment(segment)?;
                    // The offset may be left out where the previous range ended.
                    let is_next = segment % 2 == 1 && hls.gap.is_none();
                    playlist.tag(
                        "EXT-X-BYTERANGE",
                        if is_next {
                            length.to_string()
                        } else {
                            format!("{length}@{first}")
                        },
                    );
                    playlist.uri(format_args!("{folder}/media.mp4"));
                } else {
                    playlist.uri(format_args!("{folder}/{}.m4s", first_number + segment));
                }
                position += 1;
            }
        }
        playlist.flag("EXT-X-ENDLIST");
        Some(playlist.finish())
    }
}

/// Number of the key that encrypts a segment.
fn key_number(encryption: Encryption, position: u64) -> u64 {
    position
        .checked_div(encryption.segments_per_key)
        .unwrap_or(0)
}

impl Location<'_> {
    /// The parts of the file.
    fn layout(&self) -> &File {
        self.file.get_or_init(|| {
            let of = self.representation;
            let mut head = of.init();
            let init = head.len() as u64;
            let media = (0..of.segments()).filter_map(|segment| of.media(segment));
            let segments: Vec<_> = media.map(|it| it.len() as u64).collect();
            if let Some(timeline) = of.timelines.first() {
                let references: Vec<_> = (0..)
                    .zip(&segments)
                    .filter_map(|(segment, size)| {
                        let ticks = timeline.ticks(segment)?;
                        Some(Reference {
                            size: u32::try_from(*size).ok()?,
                            duration: u32::try_from(ticks.end - ticks.start).ok()?,
                        })
                    })
                    .collect();
                let track = &timeline.stream.track;
                head.extend(fmp4::segment_index(track, timeline.first_time, &references));
            }
            File {
                head,
                init,
                segments,
            }
        })
    }

    /// The file, or the requested part of it.
    fn file(&self, request: &Request) -> Response {
        let file = self.layout();
        let length = file.head.len() as u64 + file.segments.iter().sum::<u64>();
        let (first, last) = match request.range {
            Some(range) if range.first >= length => {
                let mut response = Response::status(416);
                response.set_header("content-range", format!("bytes */{length}"));
                return response;
            }
            Some(range) => (range.first, range.last.unwrap_or(u64::MAX).min(length - 1)),
            None => (0, length - 1),
        };
        let mut body = Vec::new();
        let mut nominal = 0;
        let mut add = |start: u64, size: u64, nominal_size: u64, bytes: &dyn Fn() -> Vec<u8>| {
            let from = first.clamp(start, start + size) - start;
            let to = (last + 1).clamp(start, start + size) - start;
            if from < to {
                let bytes = bytes();
                body.extend(bytes.get(from as usize..to as usize).unwrap_or_default());
                nominal += nominal_size.max(size) * (to - from) / size;
            }
            start + size
        };
        let head = file.head.len() as u64;
        let mut at = add(0, head, head, &|| file.head.clone());
        for (segment, size) in (0..).zip(&file.segments) {
            let media = || self.representation.media(segment).unwrap_or_default();
            at = add(
                at,
                *size,
                self.representation.nominal_bytes(segment),
                &media,
            );
        }
        let mut response = Response::ok(MP4, body).with_nominal_length(nominal);
        if request.range.is_some() {
            response.status = 206;
            response.set_header("content-range", format!("bytes {first}-{last}/{length}"));
        }
        response
    }
}
