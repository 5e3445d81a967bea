//! Converts the bytes of a segment to fragments of MP4.

use super::matroska::convert::ClusterConverter;
use crate::{output::Output, remuxer::Remuxer};

/// Converts the bytes of a segment: push them in parts of any size, and take what is to be appended.
#[derive(Debug)]
pub enum Converter {
    /// Clusters of Matroska.
    Clusters(Box<ClusterConverter>),
    /// Packets of MPEG-TS.
    Transport {
        /// The remuxer, which continues in the next segment.
        remuxer: Box<Remuxer>,
        /// Whether there is no next segment.
        is_last: bool,
    },
}

/// Bytes that a remuxer is given at once.
const PART: usize = 1 << 18;

impl Converter {
    /// Adds the next bytes. Call [`Self::take`] for all that is finished before more is pushed.
    pub fn push(&mut self, bytes: &[u8]) {
        match self {
            Self::Clusters(converter) => converter.push(bytes),
            Self::Transport { remuxer, .. } => {
                for part in bytes.chunks(PART) {
                    remuxer.push(part);
                }
            }
        }
    }

    /// Ends the segment. Frames that cross its end are completed by the next one.
    pub fn finish(&mut self) {
        match self {
            Self::Clusters(converter) => converter.finish(),
            Self::Transport {
                remuxer,
                is_last: true,
            } => remuxer.flush(),
            Self::Transport { .. } => {}
        }
    }

    /// Takes the next bytes to append.
    pub fn take(&mut self) -> Option<Vec<u8>> {
        match self {
            Self::Clusters(converter) => Some(converter.take()?.bytes().to_vec()),
            Self::Transport { remuxer, .. } => loop {
                match remuxer.take()? {
                    Output::Init(init) => return Some(init.bytes),
                    Output::Fragment(fragment) => {
                        let bytes = fragment.bytes().to_vec();
                        remuxer.recycle(fragment);
                        return Some(bytes);
                    }
                    Output::Metadata(_) | Output::Problem(_) => {}
                }
            },
        }
    }
}
