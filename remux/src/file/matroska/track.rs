//! Tracks (RFC 9559 § 5.1.4).

use super::{
    codec::{Coding, Framing},
    convert::WRITTEN_NUMBER,
    ebml::{Elements, find, float, push_element, text, unsigned},
    ids,
};
use crate::{
    file::movie::FileTrack,
    output::{Kind, Track},
};

/// A track.
#[derive(Debug, Clone, Default)]
pub struct MatroskaTrack {
    /// What it is.
    pub about: FileTrack,
    /// How it is coded.
    pub coding: Coding,
    /// Nanoseconds of a frame.
    pub default_duration: Option<u64>,
    /// Bytes at the start of each frame that the file leaves out.
    pub prefix: Vec<u8>,
    /// Whether a block may have several frames.
    pub may_be_laced: bool,
    /// The content of its `TrackEntry` for clusters that are written: without `ContentEncodings`.
    pub entry: Vec<u8>,
    /// Its track in MP4, if it is converted to that.
    pub converted: Option<(Track, Framing)>,
}

/// Reads a `TrackEntry`.
pub fn entry(bytes: &[u8]) -> Option<MatroskaTrack> {
    let number = |bytes, id| find(bytes, id).map(unsigned);
    let string = |id| find(bytes, id).map(text);
    let kind = match number(bytes, ids::TRACK_TYPE)? {
        1 => Some(Kind::Video),
        2 => Some(Kind::Audio),
        _ => None,
    };
    let video = find(bytes, ids::VIDEO).unwrap_or_default();
    let audio = find(bytes, ids::AUDIO).unwrap_or_default();
    let small = |bytes, id| number(bytes, id).and_then(|value| u16::try_from(value).ok());
    let size = (
        small(video, ids::PIXEL_WIDTH).unwrap_or(0),
        small(video, ids::PIXEL_HEIGHT).unwrap_or(0),
    );
    let coding = Coding {
        id: string(ids::CODEC_ID)?,
        private: find(bytes, ids::CODEC_PRIVATE).unwrap_or_default().to_vec(),
        size,
        aspect: aspect(video, size),
        rate: find(audio, ids::SAMPLING_FREQUENCY).map_or(8000.0, float) as u32,
        channels: small(audio, ids::CHANNELS).unwrap_or(1),
    };
    let mut kept = Vec::with_capacity(bytes.len());
    for (id, content) in Elements::new(bytes, 0..bytes.len()) {
        match id {
            ids::CONTENT_ENCODINGS => {}
            ids::TRACK_NUMBER => push_element(&mut kept, id, &[WRITTEN_NUMBER]),
            _ => push_element(&mut kept, id, bytes.get(content)?),
        }
    }
    let (prefix, encoding) = encoding(find(bytes, ids::CONTENT_ENCODINGS).unwrap_or_default());
    let problem = match kind {
        None => "it is no video or audio",
        Some(_) => encoding,
    };
    let default_duration = number(bytes, ids::DEFAULT_DURATION).filter(|duration| *duration > 0);
    let language = string(ids::LANGUAGE_BCP47).or_else(|| string(ids::LANGUAGE));
    let is_video = kind == Some(Kind::Video);
    Some(MatroskaTrack {
        about: FileTrack {
            kind,
            is_text: number(bytes, ids::TRACK_TYPE) == Some(17),
            number: number(bytes, ids::TRACK_NUMBER)?,
            codec: coding.id.clone(),
            language: language.filter(|tag| tag != "und").unwrap_or_default(),
            label: string(ids::NAME).unwrap_or_default(),
            is_default: number(bytes, ids::FLAG_DEFAULT).unwrap_or(1) != 0,
            size: (size.0.into(), size.1.into()),
            channels: if is_video { 0 } else { coding.channels },
            frame_rate: default_duration
                .filter(|_| is_video)
                .map_or(0.0, |duration| 1e9 / duration as f64),
            problem: problem.to_owned(),
            ..FileTrack::default()
        },
        coding,
        default_duration,
        prefix,
        may_be_laced: number(bytes, ids::FLAG_LACING) != Some(0),
        entry: kept,
        converted: None,
    })
}

/// The aspect ratio of a pixel.
fn aspect(video: &[u8], size: (u16, u16)) -> (u16, u16) {
    let value = |id| find(video, id).map(unsigned);
    let (Some(width), Some(height), 0 | 3) = (
        value(ids::DISPLAY_WIDTH),
        value(ids::DISPLAY_HEIGHT),
        value(ids::DISPLAY_UNIT).unwrap_or(0),
    ) else {
        return (1, 1);
    };
    let mut ratio = (
        width.saturating_mul(size.1.into()),
        height.saturating_mul(size.0.into()),
    );
    let (mut a, mut b) = ratio;
    while b > 0 {
        (a, b) = (b, a % b);
    }
    ratio = (ratio.0 / a.max(1), ratio.1 / a.max(1));
    match (u16::try_from(ratio.0), u16::try_from(ratio.1)) {
        (Ok(width), Ok(height)) => (width, height),
        _ => (1, 1),
    }
}

/// What is at the start of each frame without being in the file, and why frames cannot be read.
fn encoding(encodings: &[u8]) -> (Vec<u8>, &'static str) {
    let Some(encoding) = find(encodings, ids::CONTENT_ENCODING) else {
        return (Vec::new(), "");
    };
    let Some(compression) = find(encoding, ids::CONTENT_COMPRESSION) else {
        return (Vec::new(), "it is encrypted");
    };
    match find(compression, ids::CONTENT_COMP_ALGO).map_or(0, unsigned) {
        3 => {
            let settings = find(compression, ids::CONTENT_COMP_SETTINGS).unwrap_or_default();
            (settings.to_vec(), "")
        }
        _ => (Vec::new(), "it is compressed"),
    }
}
