//! Reads media files by the functions of the modules in `remux/`: see `remux/src/bin/exports/file.rs`.

use js_sys::{Float64Array, Uint8Array, WebAssembly};
use wasm_bindgen::prelude::*;

use super::{bytes::Bytes, remuxer::instance};
use crate::platform::types::{Exception, FileInfo, FilePlan, FileSetInfo, FileStep, FileTrackInfo};

#[wasm_bindgen]
extern "C" {
    /// The module's exports.
    #[derive(Debug)]
    type FileExports;

    #[wasm_bindgen(method, getter, structural)]
    fn memory(this: &FileExports) -> WebAssembly::Memory;

    #[wasm_bindgen(method, structural)]
    fn file_new(this: &FileExports, size: f64);

    #[wasm_bindgen(method, structural)]
    fn file_open(this: &FileExports) -> u32;

    #[wasm_bindgen(method, structural)]
    fn file_choose(this: &FileExports, low: u32, high: u32) -> u32;

    #[wasm_bindgen(method, structural)]
    fn file_set(this: &FileExports, set: u32) -> u32;

    #[wasm_bindgen(method, structural)]
    fn file_plan(this: &FileExports, set: u32, segment: u32) -> u32;

    #[wasm_bindgen(method, structural)]
    fn file_convert(this: &FileExports, set: u32, segment: u32) -> u32;

    #[wasm_bindgen(method, structural)]
    fn file_room(this: &FileExports, length: u32) -> u32;

    #[wasm_bindgen(method, structural)]
    fn file_feed(this: &FileExports, length: u32);

    #[wasm_bindgen(method, structural)]
    fn file_push(this: &FileExports, set: u32, length: u32);

    #[wasm_bindgen(method, structural)]
    fn file_finish(this: &FileExports, set: u32);

    #[wasm_bindgen(method, structural)]
    fn file_take(this: &FileExports, set: u32) -> u32;

    #[wasm_bindgen(method, structural)]
    fn file_bytes(this: &FileExports) -> u32;

    #[wasm_bindgen(method, structural)]
    fn file_length(this: &FileExports) -> u32;

    #[wasm_bindgen(method, structural)]
    fn file_text(this: &FileExports) -> u32;

    #[wasm_bindgen(method, structural)]
    fn file_text_length(this: &FileExports) -> u32;

    #[wasm_bindgen(method, structural)]
    fn file_numbers(this: &FileExports) -> u32;

    #[wasm_bindgen(method, structural)]
    fn file_number_count(this: &FileExports) -> u32;
}

/// Numbers of a track, and its lines of text.
const TRACK_NUMBERS: usize = 7;
const TRACK_LINES: usize = 5;

/// Reads a media file, without I/O: it says which bytes it needs.
#[derive(Debug)]
pub struct FileReader(FileExports);

/// Creates a reader of a file of this size in bytes, after the module of its format has been downloaded and
/// compiled.
///
/// # Errors
/// If the module cannot be fetched or compiled.
pub async fn load_file_reader(url: &str, size: u64) -> Result<FileReader, Exception> {
    let exports: FileExports = instance(url).await?.unchecked_into();
    exports.file_new(size as f64);
    Ok(FileReader(exports))
}

impl FileReader {
    /// Reads what the file has.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn open(&mut self) -> Result<FileStep<FileInfo>, String> {
        let status = self.0.file_open();
        self.step(status, Self::info)
    }

    /// Adds the bytes that were needed last.
    pub fn feed(&mut self, bytes: &Bytes) {
        let length = self.write(bytes);
        self.0.file_feed(length);
    }

    /// Puts tracks into sets.
    ///
    /// # Errors
    /// If none of them can be played.
    pub fn choose(&mut self, tracks: &[usize]) -> Result<Vec<FileSetInfo<Bytes>>, String> {
        let bits = tracks
            .iter()
            .fold(0u64, |bits, track| bits | 1 << (track & 63));
        let status = self.0.file_choose(bits as u32, (bits >> 32) as u32);
        let count = match self.step(status, |reader| reader.numbers())? {
            FileStep::Done(numbers) => numbers.first().copied().unwrap_or(0.0),
            FileStep::Need { .. } => 0.0,
        };
        let mut sets = Vec::new();
        for index in 0..count as u32 {
            let status = self.0.file_set(index);
            if let FileStep::Done(set) = self.step(status, Self::set)? {
                sets.push(set);
            }
        }
        Ok(sets)
    }

    /// What to append for a segment of a set.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub fn plan(&mut self, set: u32, segment: u32) -> Result<FileStep<FilePlan<Bytes>>, String> {
        let status = self.0.file_plan(set, segment);
        self.step(status, Self::read_plan)
    }

    /// Begins to convert the segment that was planned last for a set. Returns whether it can be converted.
    pub fn begin_conversion(&mut self, set: u32, segment: u32) -> bool {
        self.0.file_convert(set, segment) == 0
    }

    /// Adds the next bytes of a segment that is converted.
    pub fn push(&mut self, set: u32, bytes: &Bytes) {
        let length = self.write(bytes);
        self.0.file_push(set, length);
    }

    /// Completes the segment.
    pub fn finish(&mut self, set: u32) {
        self.0.file_finish(set);
    }

    /// Takes the next fragment of a set. It is in the module's memory: append it before another call.
    pub fn take(&mut self, set: u32) -> Option<Bytes> {
        (self.0.file_take(set) == 0)
            .then(|| self.view(self.0.file_bytes(), self.0.file_length()).into())
    }

    fn step<T>(&self, status: u32, done: impl FnOnce(&Self) -> T) -> Result<FileStep<T>, String> {
        match status {
            0 => Ok(FileStep::Done(done(self))),
            1 => match *self.numbers() {
                [start, end] => Ok(FileStep::Need {
                    start: start as u64,
                    end: end as u64,
                }),
                _ => Err(String::new()),
            },
            _ => Err(self.text()),
        }
    }

    fn info(&self) -> FileInfo {
        let (numbers, text) = (self.numbers(), self.text());
        let lines: Vec<_> = text.lines().collect();
        let text_of = |index: usize| lines.get(index).copied().unwrap_or_default().to_owned();
        let tracks = numbers
            .get(1..)
            .unwrap_or_default()
            .chunks_exact(TRACK_NUMBERS);
        FileInfo {
            container: text_of(0),
            duration: numbers.first().copied().unwrap_or(0.0),
            tracks: tracks
                .enumerate()
                .map(|(index, numbers)| {
                    let number = |at: usize| numbers.get(at).copied().unwrap_or(0.0);
                    let text_of = |at: usize| text_of(1 + index * TRACK_LINES + at);
                    FileTrackInfo {
                        kind: number(0) as u8,
                        mime: text_of(0),
                        codec: text_of(1),
                        language: text_of(2),
                        label: text_of(3),
                        is_default: number(1) != 0.0,
                        size: (number(2) as u32, number(3) as u32),
                        frame_rate: number(6),
                        problem: text_of(4),
                    }
                })
                .collect(),
        }
    }

    fn set(&self) -> FileSetInfo<Bytes> {
        let numbers = self.numbers();
        let number = |at: usize| numbers.get(at).copied().unwrap_or(0.0);
        let tracks = 4..4 + number(3) as usize;
        let segments = numbers.get(tracks.end..).unwrap_or_default();
        FileSetInfo {
            is_video: number(0) == 1.0,
            mime: self.text(),
            tracks: tracks.map(|at| number(at) as usize).collect(),
            bytes: number(1),
            origin: number(2),
            init: self.copy(),
            segments: pairs(segments).collect(),
        }
    }

    fn read_plan(&self) -> FilePlan<Bytes> {
        let numbers = self.numbers();
        FilePlan {
            head: self.copy(),
            ranges: pairs(numbers.get(1..).unwrap_or_default())
                .map(|(start, end)| (start as u64, end as u64))
                .collect(),
            is_converted: numbers.first() == Some(&1.0),
        }
    }

    /// Writes input into the module's memory.
    fn write(&self, bytes: &Bytes) -> u32 {
        let length = bytes.array().length();
        let room = self.0.file_room(length);
        self.view(room, length).set(bytes.array(), 0);
        length
    }

    fn numbers(&self) -> Vec<f64> {
        let buffer = self.0.memory().buffer();
        let (start, count) = (self.0.file_numbers(), self.0.file_number_count());
        Float64Array::new_with_byte_offset_and_length(&buffer, start, count).to_vec()
    }

    fn text(&self) -> String {
        let view = self.view(self.0.file_text(), self.0.file_text_length());
        Bytes::from(view).to_text()
    }

    /// The bytes of the result, outside the module's memory.
    fn copy(&self) -> Bytes {
        let length = self.0.file_length();
        self.view(self.0.file_bytes(), length)
            .slice(0, length)
            .into()
    }

    fn view(&self, start: u32, length: u32) -> Uint8Array {
        Uint8Array::new_with_byte_offset_and_length(&self.0.memory().buffer(), start, length)
    }
}

fn pairs(numbers: &[f64]) -> impl Iterator<Item = (f64, f64)> {
    numbers.chunks_exact(2).filter_map(|pair| match pair {
        [start, end] => Some((*start, *end)),
        _ => None,
    })
}
