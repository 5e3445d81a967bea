//! Frames of clusters as fragments of MP4, or as new clusters of one track.

use std::{
    collections::{BinaryHeap, VecDeque},
    ops::Range,
};

use super::{
    block::{self, Block},
    codec::{self, Framing},
    ebml::{self, Parsed},
    ids,
};
use crate::{
    file::converter::Convert,
    mp4::{FragmentBuilder, Sample, number},
    output::Kind,
    time::rescale,
};

/// Largest element that is read as a whole, in bytes: a frame.
const MAX_ELEMENT: u64 = 1 << 25;

/// Bytes of frames that wait for the next key frame; more are written without it.
const MAX_PENDING: usize = 1 << 25;

/// TrackNumber of the only track in clusters that are written.
pub const WRITTEN_NUMBER: u8 = 1;

/// Bytes at which a fragment ends.
const MAX_FRAGMENT: usize = 1 << 20;

/// A track that is converted.
#[derive(Debug, Clone)]
pub struct ConvertedTrack {
    /// TrackNumber.
    pub number: u64,
    /// What it carries.
    pub kind: Kind,
    /// CodecID.
    pub codec_id: String,
    /// How its frames become samples.
    pub framing: Framing,
    /// Ticks per second of its samples in MP4; `None` if clusters are written.
    pub timescale: Option<u32>,
    /// Nanoseconds of a frame, if the file says so.
    pub default_duration: Option<u64>,
    /// Bytes at the start of each frame that the file leaves out.
    pub prefix: Vec<u8>,
}

/// Where each track ended, in ticks of its timescale: video, audio.
pub type Ends = [Option<i64>; 2];

#[derive(Debug)]
struct Frame {
    /// Nanoseconds.
    time: i64,
    duration: Option<u64>,
    is_key: bool,
    bytes: Range<usize>,
}

#[derive(Debug)]
struct Pending {
    track: ConvertedTrack,
    frames: Vec<Frame>,
    bytes: Vec<u8>,
    end: Option<i64>,
}

/// Converts the clusters of a segment.
#[derive(Debug)]
pub struct ClusterConverter {
    tracks: Vec<Pending>,
    /// Nanoseconds of a tick.
    scale: u64,
    /// Bytes that are not parsed yet, and their position in the file.
    buffer: Vec<u8>,
    position: u64,
    /// Blocks before this position belong to the previous segment.
    from: u64,
    /// Bytes to skip.
    skip: u64,
    cluster_time: Option<u64>,
    output: VecDeque<Vec<u8>>,
    sequence: u32,
    /// Whether damage was skipped.
    is_damaged: bool,
}

impl Convert for ClusterConverter {
    fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        let buffer = std::mem::take(&mut self.buffer);
        let used = self.parse(&buffer);
        self.buffer = buffer;
        self.buffer.drain(..used);
        self.position += used as u64;
    }

    fn finish(&mut self) {
        for index in 0..self.tracks.len() {
            self.write(index);
        }
    }

    fn take(&mut self) -> Option<Vec<u8>> {
        self.output.pop_front()
    }

    fn is_damaged(&self) -> bool {
        self.is_damaged
    }
}

impl ClusterConverter {
    /// Creates a converter of bytes from `position` on, whose blocks from `from` on count. `ends` are those of the
    /// previous segment, if that is what came before.
    pub fn new(
        tracks: Vec<ConvertedTrack>,
        scale: u64,
        position: u64,
        from: u64,
        ends: Ends,
    ) -> Self {
        let tracks = tracks.into_iter().map(|track| Pending {
            end: match track.kind {
                Kind::Video => ends[0],
                Kind::Audio => ends[1],
            },
            track,
            frames: Vec::new(),
            bytes: Vec::new(),
        });
        Self {
            tracks: tracks.collect(),
            scale,
            buffer: Vec::new(),
            position,
            from,
            skip: 0,
            cluster_time: None,
            output: VecDeque::new(),
            sequence: 0,
            is_damaged: false,
        }
    }

    /// Where the tracks ended.
    pub fn ends(&self) -> Ends {
        let end = |kind| {
            let track = self.tracks.iter().find(|track| track.track.kind == kind)?;
            track.end
        };
        [end(Kind::Video), end(Kind::Audio)]
    }

    /// Parses elements; the number of bytes that are done.
    fn parse(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        loop {
            let skipped = self.skip.min((bytes.len() - at) as u64);
            self.skip -= skipped;
            at += skipped as usize;
            let rest = bytes.get(at..).unwrap_or_default();
            let header = match ebml::header(rest) {
                _ if self.skip > 0 => return at,
                Parsed::More => return at,
                Parsed::Header(header) if self.is_known(header.id) => header,
                Parsed::Header(_) | Parsed::Invalid => {
                    // Continues at the next cluster.
                    self.is_damaged = true;
                    let id = ids::CLUSTER.to_be_bytes();
                    match rest
                        .get(1..)
                        .and_then(|rest| rest.windows(4).position(|found| found == id))
                    {
                        Some(next) => at += 1 + next,
                        None => return bytes.len().saturating_sub(3).max(at),
                    }
                    continue;
                }
            };
            let start = at + header.length;
            if matches!(header.id, ids::CLUSTER | ids::SEGMENT) {
                at = start;
                continue;
            }
            let size = header.size.unwrap_or(u64::MAX);
            let is_read = matches!(
                header.id,
                ids::TIMESTAMP | ids::SIMPLE_BLOCK | ids::BLOCK_GROUP
            );
            if !is_read || size > MAX_ELEMENT {
                self.is_damaged |= is_read;
                self.skip = size;
                at = start;
                continue;
            }
            let end = start + size as usize;
            if end > bytes.len() {
                return at;
            }
            let block = match header.id {
                ids::TIMESTAMP => {
                    self.cluster_time = bytes.get(start..end).map(ebml::unsigned);
                    None
                }
                ids::SIMPLE_BLOCK => block::simple(bytes, start..end),
                _ => block::group(bytes, start..end),
            };
            if let Some(block) = block
                && self.position + at as u64 >= self.from
            {
                self.add(bytes, &block);
            }
            at = end;
        }
    }

    /// Whether an element may be in, or between, clusters.
    fn is_known(&self, id: u32) -> bool {
        matches!(
            id,
            ids::CLUSTER | ids::SEGMENT | ids::TIMESTAMP | ids::SIMPLE_BLOCK | ids::BLOCK_GROUP
        ) || matches!(id, ids::CUES | ids::SEEK_HEAD | ids::INFO | ids::TRACKS | ids::EBML)
            // Void, CRC-32, Position, PrevSize, SilentTracks, EncryptedBlock, Tags, Attachments, Chapters.
            || matches!(
                id,
                0xec | 0xbf | 0xa7 | 0xab | 0x5854 | 0xaf | 0x1254_c367 | 0x1941_a469 | 0x1043_a770
            )
    }

    fn add(&mut self, bytes: &[u8], block: &Block) {
        let Some(cluster) = self.cluster_time else {
            self.is_damaged = true;
            return;
        };
        let Some(index) = self
            .tracks
            .iter()
            .position(|track| track.track.number == block.track)
        else {
            return;
        };
        let ticks = i64::try_from(cluster)
            .unwrap_or(0)
            .saturating_add(block.time.into());
        let scale = i64::try_from(self.scale).unwrap_or(1_000_000);
        let time = ticks.saturating_mul(scale).max(0);
        let is_video = self
            .tracks
            .get(index)
            .is_some_and(|track| track.track.kind == Kind::Video);
        if is_video && block.is_key {
            self.write(index);
        }
        let Some(pending) = self.tracks.get_mut(index) else {
            return;
        };
        let count = block.frames.len() as u64;
        let duration = block
            .duration
            .map(|duration| duration.saturating_mul(self.scale) / count.max(1))
            .or(pending.track.default_duration);
        for (nth, frame) in block.frames.iter().enumerate() {
            let frame = bytes.get(frame.clone()).unwrap_or_default();
            let start = pending.bytes.len();
            pending.bytes.extend_from_slice(&pending.track.prefix);
            match pending.track.framing {
                Framing::Plain => pending.bytes.extend_from_slice(frame),
                Framing::ByteStream => {
                    for nal in codec::byte_stream(frame) {
                        pending
                            .bytes
                            .extend_from_slice(&(nal.len() as u32).to_be_bytes());
                        pending.bytes.extend_from_slice(nal);
                    }
                }
            }
            let offset = duration.unwrap_or(0).saturating_mul(nth as u64);
            pending.frames.push(Frame {
                time: time.saturating_add(i64::try_from(offset).unwrap_or(0)),
                duration,
                is_key: block.is_key,
                bytes: start..pending.bytes.len(),
            });
        }
        let is_full =
            pending.bytes.len() > MAX_PENDING || !is_video && pending.bytes.len() > MAX_FRAGMENT;
        if is_full {
            self.write(index);
        }
    }

    /// Writes the frames of a track that wait.
    fn write(&mut self, index: usize) {
        let Some(pending) = self.tracks.get_mut(index) else {
            return;
        };
        let mut frames = std::mem::take(&mut pending.frames);
        let bytes = std::mem::take(&mut pending.bytes);
        if frames.is_empty() {
            return;
        }
        let track = &pending.track;
        let Some(timescale) = track.timescale else {
            spread(&mut frames);
            self.output.extend(clusters(&frames, &bytes, self.scale));
            return;
        };
        let mut samples = match track.kind {
            Kind::Video => pictures(&frames, timescale, pending.end),
            Kind::Audio => sounds(&frames, &bytes, track, timescale, pending.end),
        };
        let mut builder = FragmentBuilder::new(track.kind);
        let Some((mut dts, _)) = samples.first().copied() else {
            return;
        };
        let mut fragments = Vec::new();
        for ((time, sample), frame) in samples.iter_mut().zip(&frames) {
            // A gap ends the fragment: samples of one follow each other.
            if *time != dts || builder.is_full(MAX_FRAGMENT) {
                fragments.extend(builder.take(timescale, None));
                dts = *time;
            }
            builder
                .bytes
                .extend_from_slice(bytes.get(frame.bytes.clone()).unwrap_or_default());
            builder.add(dts, *sample);
            dts += i64::from(sample.duration);
        }
        fragments.extend(builder.take(timescale, None));
        pending.end = Some(dts);
        for (mut fragment, _) in fragments {
            self.sequence += 1;
            number(&mut fragment, self.sequence);
            self.output.push_back(fragment.bytes().to_vec());
        }
    }
}

/// Spreads frames of a lace without durations, which have equal times, up to the next block.
fn spread(frames: &mut [Frame]) {
    let mut start = 0;
    let mut step = 0;
    while let Some(time) = frames.get(start).map(|frame| frame.time) {
        let rest = frames.get_mut(start..).unwrap_or_default();
        let count = rest.iter().take_while(|frame| frame.time == time).count();
        if let Some(next) = rest.get(count) {
            step = (next.time - time).max(0) / count as i64;
        }
        for (nth, frame) in rest.iter_mut().take(count).enumerate() {
            frame.time += step * nth as i64;
        }
        start += count;
    }
}

/// Clusters with a block for each frame of a track. Their sizes are known: after a cluster of unknown size, the timestamp
/// offset of a `SourceBuffer` cannot be set.
fn clusters(frames: &[Frame], bytes: &[u8], scale: u64) -> Vec<Vec<u8>> {
    let mut contents: Vec<Vec<u8>> = Vec::new();
    let mut start = 0;
    for (nth, frame) in frames.iter().enumerate() {
        let time = frame.time / i64::try_from(scale).unwrap_or(i64::MAX);
        let ahead = i16::try_from(time - start).ok().filter(|_| nth > 0);
        if ahead.is_none() {
            let mut content = Vec::with_capacity(bytes.len() + frames.len() * 16 + 32);
            start = time;
            ebml::push_element(&mut content, ids::TIMESTAMP, &start.to_be_bytes());
            contents.push(content);
        }
        let Some(content) = contents.last_mut() else {
            break;
        };
        let data = bytes.get(frame.bytes.clone()).unwrap_or_default();
        let [high, low] = ahead.unwrap_or(0).to_be_bytes();
        let flags = if frame.is_key { 0x80 } else { 0 };
        // Chromium refuses track numbers of several bytes. The initialization segment has the same.
        let head = [0x80 | WRITTEN_NUMBER, high, low, flags];
        let block = [head.as_slice(), data].concat();
        ebml::push_element(content, ids::SIMPLE_BLOCK, &block);
    }
    let cluster = |content: Vec<u8>| {
        let mut cluster = Vec::with_capacity(content.len() + 12);
        ebml::push_element(&mut cluster, ids::CLUSTER, &content);
        cluster
    };
    contents.into_iter().map(cluster).collect()
}

fn ticks(nanoseconds: i64, timescale: u32) -> i64 {
    // Rounded: at a rate of 90 kHz, times in milliseconds are exact.
    rescale(
        nanoseconds.saturating_add(500_000_000 / i64::from(timescale)),
        1_000_000_000,
        timescale,
    )
}

/// Decoding times of pictures: their presentation times in ascending order. Pictures before those that they refer to get
/// negative offsets.
fn pictures(frames: &[Frame], timescale: u32, end: Option<i64>) -> Vec<(i64, Sample)> {
    let shown: Vec<i64> = frames
        .iter()
        .map(|frame| ticks(frame.time, timescale))
        .collect();
    // A heap needs a tenth of the code of `sort`.
    let mut sorted = BinaryHeap::from(shown.clone()).into_sorted_vec();
    // Decoding times must not go back where a segment begins before all pictures of the previous one are shown.
    let mut least = end.unwrap_or(i64::MIN);
    for time in &mut sorted {
        *time = (*time).max(least);
        least = time.saturating_add(1);
    }
    let mut last = None;
    let mut samples = Vec::with_capacity(frames.len());
    for (index, frame) in frames.iter().enumerate() {
        let (Some(dts), Some(shown)) = (sorted.get(index).copied(), shown.get(index)) else {
            break;
        };
        let stated = frame
            .duration
            .and_then(|duration| i64::try_from(duration).ok())
            .map(|duration| ticks(duration, timescale));
        let duration = sorted
            .get(index + 1)
            .map(|next| next - dts)
            .or(stated)
            .or(last)
            .unwrap_or(i64::from(timescale) / 30)
            .clamp(1, u32::MAX.into());
        last = Some(duration);
        let sample = Sample {
            size: frame.bytes.len(),
            duration: duration as u32,
            offset: (shown - dts).clamp(i32::MIN.into(), i32::MAX.into()) as i32,
            is_sync: frame.is_key,
        };
        samples.push((dts, sample));
    }
    samples
}

/// Times of audio frames: each follows the one before exactly, unless the file's time differs by a frame.
fn sounds(
    frames: &[Frame],
    bytes: &[u8],
    track: &ConvertedTrack,
    timescale: u32,
    end: Option<i64>,
) -> Vec<(i64, Sample)> {
    let mut next = end;
    let mut samples = Vec::with_capacity(frames.len());
    for (index, frame) in frames.iter().enumerate() {
        let stated = ticks(frame.time, timescale);
        let content = bytes.get(frame.bytes.clone()).unwrap_or_default();
        let duration = codec::samples(&track.codec_id, content)
            .map(i64::from)
            .or_else(|| {
                let duration = i64::try_from(frame.duration?).ok()?;
                Some(ticks(duration, timescale))
            })
            .or_else(|| {
                let following = frames.get(index + 1)?;
                Some(ticks(following.time - frame.time, timescale))
            })
            .unwrap_or(1024)
            .clamp(1, i64::from(timescale) * 10);
        let time = match next {
            Some(next) if (stated - next).abs() < duration => next,
            // An overlap of more than a frame is a new beginning, which must not be before the last.
            Some(next) => stated.max(next),
            None => stated,
        };
        next = Some(time + duration);
        let sample = Sample {
            size: frame.bytes.len(),
            duration: duration as u32,
            offset: 0,
            is_sync: true,
        };
        samples.push((time, sample));
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_of_a_lace_are_spread_up_to_the_next_block() {
        let mut frames: Vec<_> = [0, 0, 0, 30, 30]
            .map(|time| Frame {
                time,
                duration: None,
                is_key: true,
                bytes: 0..0,
            })
            .into();
        spread(&mut frames);
        let times: Vec<_> = frames.iter().map(|frame| frame.time).collect();
        assert_eq!(times, [0, 10, 20, 30, 40]);
    }
}
