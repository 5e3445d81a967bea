//! The sources of a live stream's segments.

use std::ops::Range;

use crate::{
    aac::Aac,
    avc::Profile,
    content::{self, Kind},
    fmp4::Codec,
    random::hash,
    sample_video::SampleVideo,
    synthetic::{self, Packaging, Part, Stream, Tag},
};

/// An endless sequence of segments, numbered from 0, in several renditions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Generated.
    Synthetic(Synthetic),
    /// The sample video, repeated.
    SampleVideo(SampleVideo),
}

/// The properties of generated segments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synthetic {
    /// Seed for the sizes of segments.
    pub seed: u64,
    /// Video frames per some seconds: 30,000 per 1,001.
    pub frame_rate: [u32; 2],
    /// Video frames of a segment; not 0.
    pub segment_frames: u32,
    /// Heights of the video qualities in pixels; empty for audio alone.
    pub heights: Vec<u16>,
    /// Languages of the audio tracks; empty for video alone.
    pub audio: Vec<String>,
    /// Whether the first audio track is in the segments of video.
    pub muxed: bool,
    /// Fragments per segment.
    pub fragments: u32,
}

impl Default for Synthetic {
    /// Two qualities and one audio track in segments of 2 seconds.
    fn default() -> Self {
        Self {
            seed: 0,
            frame_rate: [30, 1],
            segment_frames: 60,
            heights: vec![360, 720],
            audio: vec!["en".to_owned()],
            muxed: false,
            fragments: 1,
        }
    }
}

/// One encoding.
#[derive(Clone, Debug, PartialEq)]
pub struct Rendition {
    /// Unique.
    pub id: String,
    /// The content of its segments.
    pub kind: Kind,
    /// RFC 6381, comma-separated.
    pub codecs: String,
    /// Bits per second.
    pub bandwidth: u64,
    /// Width and height in pixels, if there is video.
    pub size: Option<(u16, u16)>,
    /// RFC 5646; empty if not stated.
    pub language: String,
    /// Ticks per second.
    pub timescale: u32,
    /// The tracks, if it is generated.
    streams: Vec<Stream>,
}

impl Source {
    /// All renditions, video first. After a restart with another codec, `alternates` is true.
    pub fn renditions(&self, alternates: bool) -> Vec<Rendition> {
        match self {
            Self::Synthetic(synthetic) => synthetic.renditions(alternates),
            Self::SampleVideo(video) => video
                .renditions()
                .iter()
                .map(|it| Rendition {
                    id: it.id.clone(),
                    kind: it.kind,
                    codecs: it.codecs.clone(),
                    bandwidth: it.bandwidth,
                    size: it.size,
                    language: String::new(),
                    timescale: it.timescale,
                    streams: Vec::new(),
                })
                .collect(),
        }
    }

    /// Ticks that a segment lasts, on average in audio, and ticks per second.
    pub fn segment_ticks(&self) -> (u64, u32) {
        match self {
            Self::Synthetic(it) => {
                let [frames, seconds] = it.frame_rate.map(|it| it.max(1));
                (
                    u64::from(it.segment_frames.max(1)) * u64::from(seconds),
                    frames,
                )
            }
            Self::SampleVideo(video) => video.segment_ticks(),
        }
    }

    /// The time of a segment's beginning in ticks of another timescale, rounded down. Audio begins up to
    /// a frame later.
    pub fn nominal_start(&self, index: u64, timescale: u32) -> u64 {
        let (ticks, own) = self.segment_ticks();
        (u128::from(index) * u128::from(ticks) * u128::from(timescale) / u128::from(own)) as u64
    }

    /// The decode times of a segment, in ticks of the rendition.
    pub fn ticks(&self, rendition: &Rendition, index: u64) -> Range<u64> {
        match self {
            Self::Synthetic(_) => match rendition.streams.first() {
                Some(stream) => self.frame_ticks(stream, index),
                None => 0..0,
            },
            Self::SampleVideo(video) => {
                let mut all = video.renditions().iter();
                let found = all.find(|other| other.id == rendition.id);
                found.map_or(0..0, |rendition| rendition.ticks(index))
            }
        }
    }

    fn frame_ticks(&self, stream: &Stream, index: u64) -> Range<u64> {
        let (ticks, timescale) = self.segment_ticks();
        let frame = u64::from(stream.frame_ticks);
        let boundary = |index: u64| {
            let start = u128::from(index) * u128::from(ticks) * u128::from(stream.track.timescale);
            start.div_ceil(u128::from(timescale) * u128::from(frame)) as u64 * frame
        };
        boundary(index)..boundary(index + 1)
    }

    /// An init segment.
    pub fn init(&self, rendition: &Rendition) -> Vec<u8> {
        match self {
            Self::Synthetic(_) => synthetic::init(&rendition.streams, &rendition.id),
            Self::SampleVideo(video) => {
                let mut all = video.renditions().iter();
                let found = all.find(|other| other.id == rendition.id);
                found.map_or_else(Vec::new, |rendition| rendition.init.clone())
            }
        }
    }

    /// A media segment whose decode time is `time` in ticks of the rendition, and its nominal size.
    pub fn media(&self, rendition: &Rendition, index: u64, time: u64) -> (Vec<u8>, u64) {
        match self {
            Self::SampleVideo(video) => {
                let mut all = video.renditions().iter();
                let found = all.find(|other| other.id == rendition.id);
                let bytes = found.map_or_else(Vec::new, |rendition| rendition.media(index, time));
                let length = bytes.len() as u64;
                (bytes, length)
            }
            Self::Synthetic(synthetic) => {
                let own = self.ticks(rendition, index);
                let mut parts = Vec::new();
                for stream in &rendition.streams {
                    let ticks = self.frame_ticks(stream, index);
                    // The other track keeps its distance from the first.
                    let scale = |time: u64| {
                        u128::from(time) * u128::from(stream.track.timescale)
                            / u128::from(rendition.timescale)
                    };
                    let start = u128::from(ticks.start) + scale(time);
                    parts.push(Part {
                        stream,
                        frames: (ticks.end - ticks.start) / u64::from(stream.frame_ticks),
                        decode_time: start.saturating_sub(scale(own.start)) as u64,
                    });
                }
                let seconds = (own.end - own.start) as f64 / f64::from(rendition.timescale);
                let share = hash(synthetic.seed, &format!("{} {index}", rendition.id)) % 800;
                let bits = seconds * rendition.bandwidth as f64 * (600 + share) as f64 / 1000.0;
                let nominal_bytes = (bits / 8.0) as u64;
                let tag = Tag {
                    representation: rendition.id.clone(),
                    sequence: Some(index),
                    fragment: 0,
                    nominal_bytes,
                };
                let packaging = Packaging {
                    fragments: synthetic.fragments,
                    ..Packaging::default()
                };
                (synthetic::media(&parts, &tag, &packaging), nominal_bytes)
            }
        }
    }
}

impl Synthetic {
    fn renditions(&self, alternates: bool) -> Vec<Rendition> {
        let mut renditions = Vec::new();
        let sound = Stream::audio(Aac {
            sample_rate: 48_000,
            stereo: true,
        });
        for height in &self.heights {
            let group = self.segment_frames.max(1);
            let (mut bandwidth, mut stream) = content::video(*height, self.frame_rate, group);
            if let Codec::Avc(avc) = &mut stream.track.codec
                && alternates
            {
                avc.profile = match avc.profile {
                    Profile::High => Profile::Main,
                    Profile::Main | Profile::Baseline => Profile::High,
                };
            }
            let mut codecs = stream.track.codec.name();
            let (timescale, size) = match stream.track.codec {
                Codec::Avc(avc) => (stream.track.timescale, Some((avc.width, avc.height))),
                Codec::Aac(_) => (stream.track.timescale, None),
            };
            let mut streams = vec![stream];
            let is_muxed = self.muxed && !self.audio.is_empty();
            if is_muxed {
                let mut sound = sound.clone();
                sound.track.id = 2;
                codecs = format!("{codecs},{}", sound.track.codec.name());
                bandwidth += 128_000;
                streams.push(sound);
            }
            renditions.push(Rendition {
                id: format!("v{height}"),
                kind: if is_muxed { Kind::Muxed } else { Kind::Video },
                codecs,
                bandwidth,
                size,
                language: String::new(),
                timescale,
                streams,
            });
        }
        if self.muxed && !renditions.is_empty() {
            return renditions;
        }
        for (nth, language) in self.audio.iter().enumerate() {
            renditions.push(Rendition {
                id: format!("a{nth}"),
                kind: Kind::Audio,
                codecs: sound.track.codec.name(),
                bandwidth: 128_000,
                size: None,
                language: language.clone(),
                timescale: sound.track.timescale,
                streams: vec![sound.clone()],
            });
        }
        renditions
    }
}
