//! The reader of media files, called natively.

use remux::{
    Kind,
    file::{
        Converter, Error, Format, MATROSKA, MP4, MPEG_TS, MediaFile, Movie, Plan, Step, TrackSet,
    },
};

use super::{bytes::Bytes, remuxer::load_module};
use crate::platform::types::{Exception, FileInfo, FilePlan, FileSetInfo, FileStep, FileTrackInfo};

/// Reads a media file, without I/O: it says which bytes it needs.
#[derive(Debug)]
pub struct FileReader {
    file: MediaFile,
    need: std::ops::Range<u64>,
    /// For each set the last segment that was converted.
    conversions: Vec<Option<(u32, Converter)>>,
}

/// Creates a reader of a file of this size in bytes, after the module of its format has been downloaded and
/// compiled.
///
/// # Errors
/// If there is no network.
pub async fn load_file_reader(url: &str, size: u64) -> Result<FileReader, Exception> {
    load_module(url).await?;
    Ok(FileReader {
        file: MediaFile::of_formats(size, formats(url)),
        need: 0..0,
        conversions: Vec::new(),
    })
}

/// The formats that a module reads: those of the programs in `remux/src/bin/`.
fn formats(url: &str) -> &'static [Format] {
    if url.starts_with("./mp4_file_bg.wasm") {
        &[MP4]
    } else if url.starts_with("./matroska_file_bg.wasm") {
        &[MATROSKA]
    } else {
        &[MPEG_TS]
    }
}

impl FileReader {
    /// Reads what the file has.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn open(&mut self) -> Result<FileStep<FileInfo>, String> {
        let opened = self.file.open();
        self.step(opened, info)
    }

    /// Adds the bytes that were needed last.
    pub fn feed(&mut self, bytes: &Bytes) {
        self.file.feed(self.need.clone(), bytes.to_vec());
    }

    /// Puts tracks into sets.
    ///
    /// # Errors
    /// If none of them can be played.
    pub fn choose(&mut self, tracks: &[usize]) -> Result<Vec<FileSetInfo<Bytes>>, String> {
        let sets = self
            .file
            .choose(tracks)
            .map_err(|error| error.to_string())?;
        self.conversions = sets.iter().map(|_| None).collect();
        Ok(sets.into_iter().map(set).collect())
    }

    /// What to append for a segment of a set.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn plan(&mut self, set: u32, segment: u32) -> Result<FileStep<FilePlan<Bytes>>, String> {
        let planned = self.file.plan(set as usize, segment as usize);
        self.step(planned, plan)
    }

    /// Begins to convert the segment that was planned last for a set. Returns whether it can be converted.
    pub fn begin_conversion(&mut self, set: u32, segment: u32) -> bool {
        let previous = self
            .conversions
            .get_mut(set as usize)
            .and_then(Option::take);
        let previous = previous.filter(|(before, _)| *before + 1 == segment);
        let previous = previous.map(|(_, converter)| converter);
        let converter = self.file.converter(set as usize, previous);
        match (converter, self.conversions.get_mut(set as usize)) {
            (Some(converter), Some(conversion)) => {
                *conversion = Some((segment, converter));
                true
            }
            _ => false,
        }
    }

    /// Adds the next bytes of a segment that is converted.
    pub fn push(&mut self, set: u32, bytes: &Bytes) {
        if let Some(converter) = self.converter(set) {
            converter.push(&bytes.to_vec());
        }
    }

    /// Completes the segment.
    pub fn finish(&mut self, set: u32) {
        if let Some(converter) = self.converter(set) {
            converter.finish();
        }
    }

    /// Takes the next fragment of a set.
    pub fn take(&mut self, set: u32) -> Option<Bytes> {
        Some(self.converter(set)?.take()?.as_slice().into())
    }

    fn converter(&mut self, set: u32) -> Option<&mut Converter> {
        let (_, converter) = self.conversions.get_mut(set as usize)?.as_mut()?;
        Some(converter)
    }

    fn step<S, T>(
        &mut self,
        step: Result<Step<S>, Error>,
        done: impl FnOnce(S) -> T,
    ) -> Result<FileStep<T>, String> {
        match step.map_err(|error| error.to_string())? {
            Step::Done(result) => Ok(FileStep::Done(done(result))),
            Step::Need(range) => {
                self.need = range.clone();
                Ok(FileStep::Need {
                    start: range.start,
                    end: range.end,
                })
            }
        }
    }
}

fn info(movie: Movie) -> FileInfo {
    FileInfo {
        container: movie.container.to_owned(),
        duration: movie.duration,
        tracks: movie
            .tracks
            .into_iter()
            .map(|track| FileTrackInfo {
                kind: match track.kind {
                    None if track.is_text => 3,
                    None => 0,
                    Some(Kind::Video) => 1,
                    Some(Kind::Audio) => 2,
                },
                mime: track.mime,
                codec: track.codec,
                language: track.language,
                label: track.label,
                is_default: track.is_default,
                size: track.size,
                frame_rate: track.frame_rate,
                problem: track.problem,
            })
            .collect(),
    }
}

fn set(set: TrackSet) -> FileSetInfo<Bytes> {
    FileSetInfo {
        is_video: set.kind == Kind::Video,
        mime: set.mime,
        tracks: set.tracks,
        bytes: set.bytes as f64,
        origin: set.origin,
        init: set.init.as_slice().into(),
        segments: set
            .segments
            .iter()
            .map(|segment| (segment.start, segment.end))
            .collect(),
    }
}

fn plan(plan: Plan) -> FilePlan<Bytes> {
    FilePlan {
        head: plan.head.as_slice().into(),
        ranges: plan
            .ranges
            .iter()
            .map(|range| (range.start, range.end))
            .collect(),
        is_converted: plan.is_converted,
    }
}
