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

use std::{fmt, ops::Range};

pub use self::{
    converter::Converter,
    format::{Format, MATROSKA, MP4, MPEG_TS},
    input::Error,
    movie::{FileSegment, FileTrack, Movie, Plan, TrackSet},
    search::MAX_READS,
};
use self::{
    format::Reader,
    input::{Input, Read, Stop},
};

mod converter;
mod format;
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
pub struct MediaFile {
    input: Input,
    formats: &'static [Format],
    /// `None` until the format is known.
    reader: Option<Box<dyn Reader>>,
    is_open: bool,
}

impl fmt::Debug for MediaFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediaFile").finish_non_exhaustive()
    }
}

fn step<T>(read: Read<T>) -> Result<Step<T>, Error> {
    match read {
        Ok(done) => Ok(Step::Done(done)),
        Err(Stop::Need(range)) => Ok(Step::Need(range)),
        Err(Stop::Failed(error)) => Err(error),
    }
}

impl MediaFile {
    /// A file of this size in bytes, of any format.
    pub fn new(size: u64) -> Self {
        Self::of_formats(size, &[MATROSKA, MP4, MPEG_TS])
    }

    /// A file of this size in bytes, of one of these formats. A program contains only the readers that it names.
    pub fn of_formats(size: u64, formats: &'static [Format]) -> Self {
        Self {
            input: Input::new(size),
            formats,
            reader: None,
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
        if self.reader.is_none() {
            let bytes = match step(self.input.read("header", 0..1024))? {
                Step::Done(bytes) => bytes,
                Step::Need(range) => return Ok(Step::Need(range)),
            };
            let format = self.formats.iter().find(|format| format.is_likely(bytes));
            self.reader = format.map(Format::reader);
        }
        let reader = self.reader.as_mut().ok_or(Error::UnknownFormat)?;
        let opened = step(reader.open(&mut self.input))?;
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
        let reader = self.reader.as_mut().ok_or(Error::NoTracks)?;
        reader.choose(&mut self.input, tracks)
    }

    /// What to append for a segment of a set.
    ///
    /// # Errors
    /// [`Error::NoSegment`], and what is wrong with it.
    pub fn plan(&mut self, set: usize, segment: usize) -> Result<Step<Plan>, Error> {
        let reader = self.reader.as_mut().ok_or(Error::NoSegment)?;
        let mut plan = step(reader.plan(&mut self.input, set, segment))?;
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
        self.reader.as_ref()?.converter(set, previous)
    }
}
