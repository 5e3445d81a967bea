//! The parts of a file that were read, and what is missing.

use std::{fmt, ops::Range};

use crate::output::Problem;

/// Smallest read in bytes: headers are small, and a read costs more than its bytes.
const MIN_READ: u64 = 1 << 16;

/// Largest part that is read at once, in bytes: an index of the longest files has some 30 MiB.
pub(crate) const MAX_READ: u64 = 48 << 20;

/// Number of parts that are kept.
const MAX_PARTS: usize = 3;

/// Why a file, or a segment of it, cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Error {
    /// It is no MP4, QuickTime, WebM or Matroska file.
    UnknownFormat,
    /// A box or element is damaged, or has a value that makes no sense.
    Damaged {
        /// The box or element.
        name: &'static str,
        /// Its position in the file in bytes, as exactly as it is known.
        at: u64,
    },
    /// The file ends before this box or element.
    Missing {
        /// The box or element.
        name: &'static str,
    },
    /// A box or element is larger than the limit.
    TooLarge {
        /// The box or element.
        name: &'static str,
        /// Its size in bytes.
        size: u64,
    },
    /// A feature that is not supported.
    Unsupported {
        /// The feature.
        feature: &'static str,
    },
    /// What is in a transport stream instead of pictures and sound that can be played.
    Stream(Problem),
    /// None of the tracks can be played.
    NoTracks,
    /// There is no such set or segment.
    NoSegment,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownFormat => f.write_str("not an MP4, WebM or Matroska file"),
            Self::Damaged { name, at } => write!(f, "{name} near byte {at} is damaged"),
            Self::Missing { name } => write!(f, "the file has no {name}"),
            Self::TooLarge { name, size } => write!(f, "{name} is too large: {size} bytes"),
            Self::Unsupported { feature } => write!(f, "{feature} is not supported"),
            Self::Stream(problem) => problem.fmt(f),
            Self::NoTracks => f.write_str("no track can be played"),
            Self::NoSegment => f.write_str("there is no such segment"),
        }
    }
}

impl std::error::Error for Error {}

/// Why reading stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Stop {
    /// These bytes have to be fed first.
    Need(Range<u64>),
    /// It cannot continue.
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// The result of reading from an [`Input`].
pub(crate) type Read<T> = Result<T, Stop>;

/// The last parts of a file that were read.
#[derive(Debug)]
pub(crate) struct Input {
    /// Size of the file in bytes.
    pub size: u64,
    /// Offsets and bytes, the oldest first.
    parts: Vec<(u64, Vec<u8>)>,
}

impl Input {
    pub fn new(size: u64) -> Self {
        Self {
            size,
            parts: Vec::new(),
        }
    }

    /// Adds a part. Where it is shorter than what was asked for, the file ends.
    pub fn feed(&mut self, offset: u64, bytes: Vec<u8>, expected: u64) {
        if (bytes.len() as u64) < expected {
            self.size = self.size.min(offset.saturating_add(bytes.len() as u64));
        }
        if self.parts.len() >= MAX_PARTS {
            self.parts.remove(0);
        }
        self.parts.push((offset, bytes));
    }

    /// Forgets all parts.
    pub fn clear(&mut self) {
        self.parts.clear();
    }

    fn find(&self, range: &Range<u64>) -> Option<usize> {
        self.parts.iter().position(|(offset, bytes)| {
            range.start >= *offset && range.end <= offset.saturating_add(bytes.len() as u64)
        })
    }

    /// The bytes of `range`, or a stop until they are fed. The range is cut off at the end of the file.
    pub fn read(&self, name: &'static str, range: Range<u64>) -> Read<&[u8]> {
        self.read_at_least(name, range, MIN_READ)
    }

    /// Like [`Self::read`], but reads at least `least` bytes if it has to read.
    pub fn read_at_least(&self, name: &'static str, range: Range<u64>, least: u64) -> Read<&[u8]> {
        let range = range.start.min(self.size)..range.end.min(self.size);
        if range.is_empty() {
            return Ok(&[]);
        }
        let size = range.end - range.start;
        if size > MAX_READ {
            return Err(Error::TooLarge { name, size }.into());
        }
        let Some(part) = self.find(&range).and_then(|index| self.parts.get(index)) else {
            let end = range.start.saturating_add(size.max(least)).min(self.size);
            return Err(Stop::Need(range.start..end));
        };
        let start = (range.start - part.0) as usize;
        Ok(part.1.get(start..start + size as usize).unwrap_or_default())
    }

    /// Takes the bytes of `range` out of the input, without a copy where a part is exactly these.
    pub fn take(&mut self, name: &'static str, range: Range<u64>) -> Read<Vec<u8>> {
        let bytes = self.read_at_least(name, range.clone(), 0)?;
        if let Some(at) = self
            .parts
            .iter()
            .position(|(offset, part)| *offset == range.start && part.len() == bytes.len())
        {
            return Ok(self.parts.remove(at).1);
        }
        Ok(bytes.to_vec())
    }
}

/// Big-endian numbers of a slice; `None` past its end.
pub(crate) mod number {
    pub fn u16(bytes: &[u8], at: usize) -> Option<u16> {
        Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
    }

    pub fn u32(bytes: &[u8], at: usize) -> Option<u32> {
        Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
    }

    pub fn u64(bytes: &[u8], at: usize) -> Option<u64> {
        Some(u64::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
    }
}
