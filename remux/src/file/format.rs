//! The formats of media files.

use super::{
    converter::Converter,
    input::{Error, Input, Read},
    matroska::Matroska,
    movie::{Movie, Plan, TrackSet},
    mp4::Mp4,
    transport::Transport,
};

/// Reads the files of one format. Not `Debug`: the modules would contain the formatting of all readers, 20 kB of gzip.
pub(crate) trait Reader {
    /// Reads the index.
    fn open(&mut self, input: &mut Input) -> Read<Movie>;

    /// Puts tracks into sets.
    fn choose(&mut self, input: &mut Input, tracks: &[usize]) -> Result<Vec<TrackSet>, Error>;

    /// What to append for a segment of a set.
    fn plan(&mut self, input: &mut Input, set: usize, segment: usize) -> Read<Plan>;

    /// A converter for the segment that was planned last for a set; `None` if its bytes are appended as they are.
    /// `previous` is that of the segment before.
    fn converter(&self, set: usize, previous: Option<Converter>) -> Option<Converter>;
}

/// A format of media files.
#[derive(Debug, Clone, Copy)]
pub struct Format {
    is_likely: fn(&[u8]) -> bool,
    reader: fn() -> Box<dyn Reader>,
}

/// WebM and Matroska.
pub const MATROSKA: Format = Format {
    is_likely: Matroska::is_likely,
    reader: || Box::<Matroska>::default(),
};

/// MP4 and QuickTime.
pub const MP4: Format = Format {
    is_likely: Mp4::is_likely,
    reader: || Box::<Mp4>::default(),
};

/// MPEG-2 transport streams.
pub const MPEG_TS: Format = Format {
    is_likely: Transport::is_likely,
    reader: || Box::<Transport>::default(),
};

impl Format {
    /// Whether these bytes are the beginning of such a file.
    pub(crate) fn is_likely(&self, bytes: &[u8]) -> bool {
        (self.is_likely)(bytes)
    }

    /// A reader of such a file.
    pub(crate) fn reader(&self) -> Box<dyn Reader> {
        (self.reader)()
    }
}
