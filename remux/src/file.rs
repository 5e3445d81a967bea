//! Reads media files by byte ranges: MP4 and QuickTime, progressive and fragmented, WebM, Matroska and MPEG-TS. It has no
//! I/O: it says which bytes it needs, and never waits.
//!
//! ```
//! # fn main() -> Result<(), remux::file::Error> {
//! # let bytes: Vec<u8> = Vec::new();
//! # let read = |range: std::ops::Range<u64>| bytes[range.start as usize..range.end as usize].to_vec();
//! use remux::file::{MediaFile, Step};
//!
//! let mut file = MediaFile::new(bytes.len() as u64);
//! let movie = loop {
//!     match file.open() {
//!         Ok(Step::Done(movie)) => break movie,
//!         Ok(Step::Need(range)) => file.feed(range.clone(), read(range)),
//!         Err(error) => return Ok(println!("{error}")),
//!     }
//! };
//! // Those that the browser can decode.
//! let tracks: Vec<_> = (0..movie.tracks.len()).filter(|index| movie.tracks[*index].problem.is_empty()).collect();
//! let sets = file.choose(&tracks)?;
//! println!("append {} bytes to a SourceBuffer of {}", sets[0].init.len(), sets[0].mime);
//! let plan = loop {
//!     match file.plan(0, 0)? {
//!         Step::Done(plan) => break plan,
//!         Step::Need(range) => file.feed(range.clone(), read(range)),
//!     }
//! };
//! println!("append {} bytes and then {:?} of the file", plan.head.len(), plan.ranges);
//! # Ok(())
//! # }
//! ```
//!
//! # Bounds
//!
//! With an index, opening reads its headers and the index, and a segment is one range, or a few where tracks are far from
//! each other. Without an index, the segments have equal lengths, and where each begins is searched by at most
//! [`MAX_READS`] reads. The sample tables stay as they are in the file: run-length coded. An index has at most 48 MiB.

use std::ops::Range;

pub use self::{
    converter::Converter,
    input::Error,
    movie::{FileSegment, FileTrack, Movie, Plan, TrackSet},
    search::MAX_READS,
};
use self::{
    input::{Input, Read, Stop},
    matroska::Matroska,
    mp4::Mp4,
    transport::Transport,
};

mod converter;
mod input;
mod matroska;
mod movie;
mod mp4;
mod search;
mod transport;

/// A result, or the bytes that are needed for it.
#[derive(Debug, Clone, PartialEq)]
pub enum Step<T> {
    /// The result.
    Done(T),
    /// [`MediaFile::feed`] these bytes, and ask again.
    Need(Range<u64>),
}

/// A media file.
#[derive(Debug)]
pub struct MediaFile {
    input: Input,
    container: Container,
    is_open: bool,
}

#[derive(Debug)]
enum Container {
    Unknown,
    Mp4(Box<Mp4>),
    Matroska(Box<Matroska>),
    Transport(Box<Transport>),
}

fn step<T>(read: Read<T>) -> Result<Step<T>, Error> {
    match read {
        Ok(done) => Ok(Step::Done(done)),
        Err(Stop::Need(range)) => Ok(Step::Need(range)),
        Err(Stop::Failed(error)) => Err(error),
    }
}

impl MediaFile {
    /// A file of this size in bytes.
    pub fn new(size: u64) -> Self {
        Self {
            input: Input::new(size),
            container: Container::Unknown,
            is_open: false,
        }
    }

    /// Adds the bytes that were needed. If they are fewer, the file ends there.
    pub fn feed(&mut self, range: Range<u64>, bytes: Vec<u8>) {
        self.input.feed(range.start, bytes, range.end - range.start);
    }

    /// Reads the index.
    ///
    /// # Errors
    /// [`Error::UnknownFormat`], and what is wrong with the index.
    pub fn open(&mut self) -> Result<Step<Movie>, Error> {
        if let Container::Unknown = self.container {
            let bytes = match step(self.input.read("header", 0..1024))? {
                Step::Done(bytes) => bytes,
                Step::Need(range) => return Ok(Step::Need(range)),
            };
            self.container = if Matroska::is_likely(bytes) {
                Container::Matroska(Box::default())
            } else if Mp4::is_likely(bytes) {
                Container::Mp4(Box::default())
            } else if Transport::is_likely(bytes) {
                Container::Transport(Box::default())
            } else {
                return Err(Error::UnknownFormat);
            };
        }
        let opened = match &mut self.container {
            Container::Mp4(file) => file.open(&mut self.input),
            Container::Matroska(file) => file.open(&mut self.input),
            Container::Transport(file) => file.open(&mut self.input),
            Container::Unknown => return Err(Error::UnknownFormat),
        };
        let opened = step(opened)?;
        if let Step::Done(_) = opened {
            self.is_open = true;
            self.input.clear();
        }
        Ok(opened)
    }

    /// Puts the tracks that can be played into sets: the first one is what plays unless the viewer chooses.
    ///
    /// # Errors
    /// [`Error::NoTracks`].
    pub fn choose(&mut self, tracks: &[usize]) -> Result<Vec<TrackSet>, Error> {
        if !self.is_open {
            return Err(Error::NoTracks);
        }
        match &mut self.container {
            Container::Mp4(file) => file.choose(&mut self.input, tracks),
            Container::Matroska(file) => file.choose(&mut self.input, tracks),
            Container::Transport(file) => file.choose(&self.input, tracks),
            Container::Unknown => Err(Error::NoTracks),
        }
    }

    /// What to append for a segment of a set.
    ///
    /// # Errors
    /// [`Error::NoSegment`], and what is wrong with it.
    pub fn plan(&mut self, set: usize, segment: usize) -> Result<Step<Plan>, Error> {
        let mut plan = step(match &mut self.container {
            Container::Mp4(file) => file.plan(&mut self.input, set, segment),
            Container::Matroska(file) => file.plan(&mut self.input, set, segment),
            Container::Transport(file) => file.plan(&mut self.input, segment),
            Container::Unknown => return Err(Error::NoSegment),
        })?;
        if let Step::Done(plan) = &mut plan {
            // An index may list what the file does not have.
            let size = self.input.size;
            if plan.ranges.iter().all(|range| range.start >= size) {
                return Err(Error::NoSegment);
            }
            for range in &mut plan.ranges {
                *range = range.start.min(size)..range.end.min(size);
            }
            // A segment may be empty: where a cluster is longer than it, the next one has its bytes.
            plan.ranges.retain(|range| !range.is_empty());
        }
        Ok(plan)
    }

    /// A converter for the segment that was planned last for a set, if it has to be converted. `previous` is that of the
    /// segment before it, if that was appended just before.
    pub fn converter(&self, set: usize, previous: Option<Converter>) -> Option<Converter> {
        match &self.container {
            Container::Matroska(file) => file.converter(set, previous),
            Container::Transport(file) => Some(file.converter(previous)),
            Container::Mp4(_) | Container::Unknown => None,
        }
    }
}
