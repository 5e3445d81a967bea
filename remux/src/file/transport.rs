//! MPEG-TS files: without an index, so segments have equal lengths, and where each begins is searched by the times of the
//! pictures. They are remuxed by [`Remuxer`].

use super::{
    converter::{Convert, Converter},
    format::Reader,
    input::{Error, Input, Read},
    movie::{FileTrack, Movie, Plan, TrackSet},
    mp4::fragmented::divided,
    search::{Mark, Marks},
};
use crate::{
    output::{Init, Kind, Output, Problem},
    packets::PACKET,
    remuxer::{Remuxer, Wanted},
    time::{TICKS, WRAP},
};

/// Bytes at the beginning and at the end that are remuxed to learn the tracks and the duration.
const ENDS: u64 = 2 << 20;

/// Shortest segment in seconds.
const SEGMENT: f64 = 4.0;

/// Bytes of a segment, at least: a search is that exact.
const SEGMENT_BYTES: f64 = 1_048_576.0;

/// Bytes that are pushed into a remuxer at once.
const PART: usize = 1 << 18;

/// Reads an MPEG-TS file.
#[derive(Debug, Default)]
pub(crate) struct Transport {
    init: Option<Init>,
    /// Time of the first picture or sound, in ticks of 90 kHz.
    first: i64,
    duration: f64,
    marks: Marks,
    first_bytes: Vec<u8>,
    wanted: Wanted,
    /// Length of a segment in seconds.
    length: f64,
    count: usize,
    planned: usize,
}

/// What some bytes have.
#[derive(Debug, Default)]
struct Sampled {
    init: Option<Init>,
    /// The earliest time, the first time of each kind, and the end, in ticks of 90 kHz.
    first: Option<i64>,
    first_video: Option<i64>,
    end: Option<i64>,
    problem: Option<Problem>,
}

fn sample(bytes: &[u8], wanted: Wanted, expected: Option<i64>) -> Sampled {
    let mut remuxer = Remuxer::new(wanted, expected);
    let mut sampled = Sampled::default();
    let mut take = |remuxer: &mut Remuxer| {
        while let Some(output) = remuxer.take() {
            match output {
                Output::Init(init) => sampled.init = sampled.init.take().or(Some(init)),
                Output::Fragment(fragment) => {
                    let earlier = |known: Option<i64>| {
                        Some(known.map_or(fragment.first_shown, |known| {
                            known.min(fragment.first_shown)
                        }))
                    };
                    sampled.first = earlier(sampled.first);
                    if fragment.kind == Kind::Video {
                        sampled.first_video = earlier(sampled.first_video);
                    }
                    sampled.end = Some(
                        sampled
                            .end
                            .map_or(fragment.end, |end| end.max(fragment.end)),
                    );
                    remuxer.recycle(fragment);
                }
                Output::Problem(problem) => {
                    sampled.problem = sampled.problem.take().or(Some(problem));
                }
                Output::Metadata(_) => {}
            }
        }
    };
    for part in bytes.chunks(PART) {
        remuxer.push(part);
        take(&mut remuxer);
    }
    remuxer.flush();
    take(&mut remuxer);
    sampled
}

fn seconds(ticks: i64) -> f64 {
    ticks as f64 / TICKS as f64
}

impl Transport {
    /// Whether these bytes are the beginning of a transport stream: packets with a sync byte each.
    pub fn is_likely(bytes: &[u8]) -> bool {
        (0..PACKET).any(|start| {
            let is_sync = |index: usize| bytes.get(start + index * PACKET) == Some(&0x47);
            (0..4).all(is_sync)
        })
    }
}

impl Reader for Transport {
    /// Reads the tracks at the beginning, and the time at the end.
    fn open(&mut self, input: &mut Input) -> Read<Movie> {
        if self.init.is_none() {
            let bytes = input.read_at_least("program", 0..ENDS.min(input.size), 0)?;
            let sampled = sample(bytes, Wanted::default(), None);
            let missing = Error::Missing {
                name: "program with pictures or sound",
            };
            let (Some(init), Some(first)) = (sampled.init, sampled.first) else {
                return Err(sampled.problem.map_or(missing, Error::Stream).into());
            };
            self.first_bytes = bytes.to_vec();
            self.duration = seconds(sampled.end.unwrap_or(first) - first);
            (self.init, self.first) = (Some(init), first);
            self.marks.insert(Mark {
                position: 0,
                time: 0.0,
            });
        }
        if input.size > ENDS {
            let start = input.size.saturating_sub(ENDS);
            let bytes = input.read_at_least("last packets", start..input.size, 0)?;
            // The nearest time to the middle of what can be told apart.
            let expected = self.first + WRAP / 2 - 10 * TICKS;
            let end = sample(bytes, Wanted::default(), Some(expected)).end;
            let known = self.duration * input.size as f64 / ENDS as f64;
            self.duration = end
                .map_or(known, |end| seconds(end - self.first))
                .max(self.duration);
        }
        let per_byte = self.duration / input.size.max(1) as f64;
        self.length = SEGMENT.max(per_byte * SEGMENT_BYTES);
        self.count = divided(self.duration, self.length).len();
        let tracks = self.init.iter().flat_map(|init| &init.tracks);
        Ok(Movie {
            container: "MPEG-TS",
            duration: self.duration,
            tracks: tracks
                .map(|track| FileTrack {
                    kind: Some(track.kind),
                    number: track.kind.track_id().into(),
                    codec: track.codec.clone(),
                    mime: match track.kind {
                        Kind::Video => format!("video/mp4; codecs=\"{}\"", track.codec),
                        Kind::Audio => format!("audio/mp4; codecs=\"{}\"", track.codec),
                    },
                    is_default: true,
                    size: (track.size.0.into(), track.size.1.into()),
                    channels: track.channels,
                    ..FileTrack::default()
                })
                .collect(),
        })
    }

    /// Puts the tracks into one set.
    fn choose(&mut self, input: &mut Input, tracks: &[usize]) -> Result<Vec<TrackSet>, Error> {
        let kinds: Vec<_> = self
            .init
            .iter()
            .flat_map(|init| &init.tracks)
            .map(|track| track.kind)
            .collect();
        let has = |kind| tracks.iter().any(|index| kinds.get(*index) == Some(&kind));
        self.wanted = Wanted {
            video: has(Kind::Video),
            audio: has(Kind::Audio),
            ..Wanted::default()
        };
        let init = sample(&self.first_bytes, self.wanted, None)
            .init
            .ok_or(Error::NoTracks)?;
        let kind = init
            .tracks
            .first()
            .map(|track| track.kind)
            .ok_or(Error::NoTracks)?;
        Ok(vec![TrackSet {
            kind,
            tracks: tracks.to_vec(),
            mime: init.mime(),
            init: init.bytes,
            segments: divided(self.duration, self.length),
            bytes: input.size,
            origin: seconds(self.first),
        }])
    }

    /// The bytes of a segment.
    fn plan(&mut self, input: &mut Input, _set: usize, index: usize) -> Read<Plan> {
        if index >= self.count {
            return Err(Error::NoSegment.into());
        }
        let end = Mark {
            position: input.size,
            time: self.duration,
        };
        let (wanted, first, length) = (self.wanted, self.first, self.length);
        let scan = move |bytes: &[u8], offset: u64, time: f64| {
            let expected = first + (time * TICKS as f64) as i64;
            let sampled = sample(bytes, wanted, Some(expected));
            let time = if wanted.video {
                sampled.first_video
            } else {
                sampled.first
            };
            // Reading from here on begins with this picture.
            time.map(|time| Mark {
                position: offset,
                time: seconds(time - first),
            })
            .into_iter()
            .collect()
        };
        let mut place = |index: usize| -> Read<u64> {
            let time = index as f64 * length;
            let mark = self
                .marks
                .locate(input, time, end, |bytes, offset| scan(bytes, offset, time))?;
            Ok(mark.map_or(0, |mark| mark.position))
        };
        let start = if index == 0 { 0 } else { place(index)? };
        let next = if index + 1 == self.count {
            end.position
        } else {
            place(index + 1)?
        };
        self.planned = index;
        let range = start..next.max(start);
        Ok(Plan {
            head: Vec::new(),
            ranges: vec![range],
            is_converted: true,
        })
    }

    /// A converter for the segment that was planned last. It continues the one of the segment before.
    fn converter(&self, _set: usize, previous: Option<Converter>) -> Option<Converter> {
        let previous = previous.and_then(Converter::downcast::<StreamConverter>);
        let remuxer = match previous {
            Some(previous) => previous.remuxer,
            None => {
                let expected = self.planned as f64 * self.length * TICKS as f64;
                Remuxer::new(self.wanted, Some(self.first + expected as i64))
            }
        };
        Some(Converter::new(StreamConverter {
            remuxer,
            is_last: self.planned + 1 >= self.count,
        }))
    }
}

/// Converts the packets of a segment.
#[derive(Debug)]
struct StreamConverter {
    /// Continues in the next segment.
    remuxer: Remuxer,
    /// Whether there is no next segment.
    is_last: bool,
}

impl Convert for StreamConverter {
    fn push(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(PART) {
            self.remuxer.push(part);
        }
    }

    fn finish(&mut self) {
        if self.is_last {
            self.remuxer.flush();
        }
    }

    fn take(&mut self) -> Option<Vec<u8>> {
        loop {
            match self.remuxer.take()? {
                Output::Init(init) => return Some(init.bytes),
                Output::Fragment(fragment) => {
                    let bytes = fragment.bytes().to_vec();
                    self.remuxer.recycle(fragment);
                    return Some(bytes);
                }
                Output::Metadata(_) | Output::Problem(_) => {}
            }
        }
    }

    fn is_damaged(&self) -> bool {
        false
    }
}
