//! Tracks whose segments are generated: the order of their frames, and the tag that identifies the segment
//! of its bytes.

use std::{fmt, ops::Range};

use crate::{
    aac::{Aac, FRAME_SAMPLES},
    avc::{Avc, Picture, Profile},
    fmp4::{self, Codec, Fragment, Layout, Options, Sample, Track, TrackFragment},
};

/// Identifies a fragment or an init segment. It is part of the segment as a text that can be searched for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Identifies the representation; ASCII without spaces.
    pub representation: String,
    /// The segment's number, as its server counts; `None` for an init segment.
    pub sequence: Option<u64>,
    /// Position of the fragment within the segment.
    pub fragment: u32,
    /// Bytes that a simulated network counts for the segment.
    pub nominal_bytes: u64,
}

impl Tag {
    /// All tags in some bytes, in order. A fragment of several tracks has one for each.
    pub fn find_all(bytes: &[u8]) -> Vec<Self> {
        const START: &[u8] = b"testkit:";
        let mut tags = Vec::new();
        let mut rest = bytes;
        while let Some(at) = rest.windows(START.len()).position(|it| it == START) {
            rest = rest.get(at + START.len()..).unwrap_or_default();
            let end = rest.iter().position(|byte| *byte == b';');
            tags.extend(end.and_then(|end| Self::parse(rest.get(..end)?)));
        }
        tags
    }

    /// The first tag in some bytes.
    pub fn find(bytes: &[u8]) -> Option<Self> {
        Self::find_all(bytes).into_iter().next()
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut fields = str::from_utf8(bytes).ok()?.split(' ');
        Some(Self {
            representation: fields.next()?.to_owned(),
            sequence: match fields.next()? {
                "init" => None,
                number => Some(number.parse().ok()?),
            },
            fragment: fields.next()?.parse().ok()?,
            nominal_bytes: fields.next()?.parse().ok()?,
        })
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        write!(formatter, "testkit:{} ", self.representation)?;
        match self.sequence {
            Some(number) => write!(formatter, "{number}")?,
            None => write!(formatter, "init")?,
        }
        write!(formatter, " {} {};", self.fragment, self.nominal_bytes)
    }
}

/// Whether video frames are decoded in another order than they are presented in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reorder {
    /// In the same order: I P P P.
    #[default]
    None,
    /// Every other frame is a B picture. The first frame of each group is presented one frame after it
    /// is decoded, so composition offsets are not negative.
    Delayed,
    /// The same, but the first frame is presented when it is decoded, so some composition offsets are
    /// negative.
    Signed,
}

/// A track whose frames are generated. All of them last equally long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Its track in the init segment.
    pub track: Track,
    /// Ticks that a frame lasts; not 0.
    pub frame_ticks: u32,
    /// Distance of sync samples in frames; not 0, and at most 250. A segment begins with one. Of no
    /// meaning for audio.
    pub group_frames: u32,
    /// Whether there are B pictures. Not with the Baseline profile. Of no meaning for audio.
    pub reorder: Reorder,
}

impl Stream {
    /// Video of a frame rate, which is `frames` in `seconds` seconds: 30 in 1, 30,000 in 1,001.
    pub fn video(avc: Avc, [frames, seconds]: [u32; 2], group_frames: u32) -> Self {
        Self {
            track: Track {
                id: 1,
                timescale: frames * 512,
                language: *b"und",
                codec: Codec::Avc(avc),
            },
            frame_ticks: 512 * seconds,
            group_frames: group_frames.clamp(1, 250),
            reorder: Reorder::None,
        }
    }

    /// Audio.
    pub fn audio(aac: Aac) -> Self {
        Self {
            track: Track {
                id: 1,
                timescale: aac.sample_rate,
                language: *b"und",
                codec: Codec::Aac(aac),
            },
            frame_ticks: FRAME_SAMPLES,
            group_frames: 1,
            reorder: Reorder::None,
        }
    }

    /// The same with B pictures, where the profile has them.
    #[must_use]
    pub fn reordered(mut self, reorder: Reorder) -> Self {
        let has_b = matches!(self.track.codec, Codec::Avc(avc) if avc.profile != Profile::Baseline);
        self.reorder = if has_b { reorder } else { Reorder::None };
        self
    }

    /// Seconds that a frame lasts.
    pub fn frame_seconds(&self) -> f64 {
        f64::from(self.frame_ticks) / f64::from(self.track.timescale)
    }

    /// Samples of some of a segment's frames, of which there are `total`. The first of the segment is at
    /// a position in its group of frames. The text is part of the first sample.
    fn samples(&self, frames: Range<u64>, total: u64, position: u64, tag: &Tag) -> Vec<Sample> {
        let mut samples = Vec::new();
        let text = tag.to_string();
        for nth in frames.clone() {
            let text = (nth == frames.start).then_some(&*text);
            samples.push(match self.track.codec {
                Codec::Aac(aac) => Sample {
                    duration: self.frame_ticks,
                    is_sync: true,
                    composition_offset: 0,
                    bytes: aac.sample(text),
                },
                Codec::Avc(avc) => {
                    let group = u64::from(self.group_frames);
                    let within = (position + nth) % group;
                    // The last group ends where the segment does.
                    let length = group.min(total - nth + within);
                    let sequence = tag.sequence.unwrap_or(0);
                    let number = sequence.wrapping_mul(251) + (position + nth) / group;
                    self.picture(&avc, [within as u32, length as u32], number as u16, text)
                }
            });
        }
        samples
    }

    /// The frame that is decoded as the nth of a group of so many.
    fn picture(
        &self,
        avc: &Avc,
        [nth, length]: [u32; 2],
        group: u16,
        text: Option<&str>,
    ) -> Sample {
        let reorders = self.reorder != Reorder::None;
        // Decoded as 0 2 1 4 3 …; one that is left over at the end stays where it is.
        let (picture, shown, references) = if nth == 0 {
            (Picture::Idr(group), 0, 0)
        } else if !reorders {
            (Picture::P, nth, nth)
        } else if nth % 2 == 0 {
            (Picture::B, nth - 1, nth / 2 + 1)
        } else if nth + 1 < length {
            (Picture::P, nth + 1, nth / 2 + 1)
        } else {
            (Picture::P, nth, nth / 2 + 1)
        };
        let delay = u32::from(self.reorder == Reorder::Delayed);
        let frames = i64::from(shown + delay) - i64::from(nth);
        Sample {
            duration: self.frame_ticks,
            is_sync: nth == 0,
            composition_offset: (frames * i64::from(self.frame_ticks)) as i32,
            bytes: avc.sample(picture, references, shown, text),
        }
    }
}

/// The frames of one stream in a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// Their stream.
    pub stream: &'a Stream,
    /// Number of frames.
    pub frames: u64,
    /// Decode time of the first frame, in ticks.
    pub decode_time: u64,
}

/// The packaging of a segment's frames.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packaging {
    /// Boxes of the segment.
    pub options: Options,
    /// Number of fragments of the segment; 0 counts as 1.
    pub fragments: u32,
    /// Position in its group of the first frame: 0, unless the segment shall not begin with a sync
    /// sample.
    pub position: u64,
    /// Number of frames that are missing before the second half of the segment: the timestamps have a gap, and
    /// the segment has fewer frames.
    pub gap_frames: u64,
    /// Bytes that each sample is padded to with zeros. Real decoders do not accept padded samples.
    pub sample_bytes: usize,
}

/// An init segment for some streams, whose tracks have different numbers.
pub fn init(streams: &[Stream], representation: &str) -> Vec<u8> {
    let tracks: Vec<_> = streams.iter().map(|it| it.track.clone()).collect();
    let tag = Tag {
        representation: representation.to_owned(),
        sequence: None,
        fragment: 0,
        nominal_bytes: 0,
    };
    fmp4::init_segment(&tracks, &tag.to_string())
}

/// A media segment. The tag's fragment is replaced.
pub fn media(parts: &[Part], tag: &Tag, packaging: &Packaging) -> Vec<u8> {
    let tracks: Vec<_> = parts.iter().map(|it| it.stream.track.clone()).collect();
    let count = u64::from(packaging.fragments.max(1));
    let mut fragments = Vec::new();
    for nth in 0..count {
        let tag = Tag {
            fragment: nth as u32,
            ..tag.clone()
        };
        let fragment = Fragment {
            sequence_number: (tag.sequence.unwrap_or(0).wrapping_mul(count) + nth) as u32,
            tracks: parts
                .iter()
                .filter_map(|part| part.fragment(nth, count, packaging, &tag))
                .collect(),
        };
        if !fragment.tracks.is_empty() {
            fragments.push(fragment);
        }
    }
    fmp4::media_segment(&tracks, &fragments, &packaging.options)
}

impl Part<'_> {
    /// The frames of the nth of so many fragments, if there are any.
    fn fragment(
        &self,
        nth: u64,
        count: u64,
        packaging: &Packaging,
        tag: &Tag,
    ) -> Option<TrackFragment> {
        let gap = packaging.gap_frames.min(self.frames.saturating_sub(1));
        let all = self.frames - gap;
        let Range { start, end } = all * nth / count..all * (nth + 1) / count;
        // A gap needs a fragment to begin after it.
        let skipped = if nth > 0 && nth * 2 >= count { gap } else { 0 };
        let time = (start + skipped) * u64::from(self.stream.frame_ticks);
        (start < end).then(|| {
            let mut samples = (self.stream).samples(start..end, all, packaging.position, tag);
            for sample in &mut samples {
                let length = sample.bytes.len().max(packaging.sample_bytes);
                sample.bytes.resize(length, 0);
            }
            TrackFragment {
                track: self.stream.track.id,
                decode_time: self.decode_time + time,
                samples,
            }
        })
    }
}

/// Options that a real packager has chosen, by a number: with `styp` or without, with `sidx`, samples
/// listed in full.
pub fn options_by(number: u64) -> Options {
    Options {
        has_type: number & 1 == 0,
        has_index: number & 2 != 0,
        layout: if number & 4 == 0 {
            Layout::Compact
        } else {
            Layout::Full
        },
        ..Options::default()
    }
}
