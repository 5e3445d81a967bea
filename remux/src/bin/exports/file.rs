//! The exports that read media files of the program's `FORMATS`: see `remux::file`. Each wasm module has them.
//!
//! ```text
//! file_new(size)               a file of this size in bytes; forgets the one before
//! file_open() -> status        numbers: duration, then for each track kind, whether it is the default, width, height,
//!                              rotation, channels, frame rate; text: lines of container, then for each track MIME type,
//!                              codec, language, label, problem
//! file_choose(low, high)       -> status; chooses tracks by their bits; numbers: how many sets there are
//! file_set(set) -> status      numbers: kind, bytes, origin, number of tracks, their indexes, then start and end of each
//!                              segment; text: MIME type; bytes: initialization segment
//! file_plan(set, segment)      -> status; numbers: whether it is converted, then start and end of each range; bytes: head
//! file_convert(set, segment)   -> status; begins to convert the segment that was planned
//! file_room(length) -> pointer space for `length` bytes of input
//! file_feed(length)            reads the bytes that were needed from there
//! file_push(set, length)       reads the next bytes to convert from there
//! file_finish(set)             ends the segment
//! file_take(set) -> status     bytes: a fragment; 2 if there is none
//! file_bytes() file_length() file_text() file_text_length() file_numbers() file_number_count()
//! ```
//!
//! Status: 0 done, 1 bytes are needed (numbers: start and end), 2 failed (text: why). Kinds: 0 other, 1 video, 2 audio, 3 text.

use std::{cell::RefCell, ops::Range};

use remux::{
    Kind,
    file::{Converter, Error, MediaFile, Movie, Plan, Step, TrackSet},
};

use crate::FORMATS;

#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

const DONE: u32 = 0;
const NEED: u32 = 1;
const FAILED: u32 = 2;

struct Conversion {
    segment: u32,
    converter: Converter,
}

struct Module {
    file: MediaFile,
    need: Range<u64>,
    sets: Vec<TrackSet>,
    /// For each set the last conversion.
    conversions: Vec<Option<Conversion>>,
    input: Vec<u8>,
    bytes: Vec<u8>,
    numbers: Vec<f64>,
    text: String,
}

thread_local! {
    static MODULE: RefCell<Module> = RefCell::new(Module {
        file: MediaFile::of_formats(0, FORMATS),
        need: 0..0,
        sets: Vec::new(),
        conversions: Vec::new(),
        input: Vec::new(),
        bytes: Vec::new(),
        numbers: Vec::new(),
        text: String::new(),
    });
}

fn with<T>(call: impl FnOnce(&mut Module) -> T) -> T {
    MODULE.with_borrow_mut(call)
}

fn kind(kind: Option<Kind>) -> f64 {
    kind.map_or(0.0, |kind| kind.track_id().into())
}

/// A text as one line.
fn line(text: &mut String, content: &str) {
    text.extend(
        content
            .chars()
            .map(|char| if char.is_control() { ' ' } else { char }),
    );
    text.push('\n');
}

impl Module {
    fn clear(&mut self) {
        self.bytes.clear();
        self.numbers.clear();
        self.text.clear();
    }

    /// Writes a result, or what is needed for it, or why there is none.
    fn answer<T>(
        &mut self,
        result: Result<Step<T>, Error>,
        done: impl FnOnce(&mut Self, T),
    ) -> u32 {
        self.clear();
        match result {
            Ok(Step::Done(result)) => {
                done(self, result);
                DONE
            }
            Ok(Step::Need(range)) => {
                self.numbers.extend([range.start as f64, range.end as f64]);
                self.need = range;
                NEED
            }
            Err(error) => {
                self.text = error.to_string();
                FAILED
            }
        }
    }

    fn describe(&mut self, movie: &Movie) {
        self.numbers.push(movie.duration);
        line(&mut self.text, movie.container);
        for track in &movie.tracks {
            self.numbers.extend([
                if track.is_text { 3.0 } else { kind(track.kind) },
                f64::from(u8::from(track.is_default)),
                track.size.0.into(),
                track.size.1.into(),
                track.rotation.into(),
                track.channels.into(),
                track.frame_rate,
            ]);
            for content in [
                &track.mime,
                &track.codec,
                &track.language,
                &track.label,
                &track.problem,
            ] {
                line(&mut self.text, content);
            }
        }
    }

    fn describe_set(&mut self, set: &TrackSet) {
        self.numbers.extend([
            kind(Some(set.kind)),
            set.bytes as f64,
            set.origin,
            set.tracks.len() as f64,
        ]);
        self.numbers
            .extend(set.tracks.iter().map(|track| *track as f64));
        self.numbers.extend(
            set.segments
                .iter()
                .flat_map(|segment| [segment.start, segment.end]),
        );
        self.text.clone_from(&set.mime);
        self.bytes.clone_from(&set.init);
    }

    fn describe_plan(&mut self, plan: Plan) {
        self.numbers.push(f64::from(u8::from(plan.is_converted)));
        self.numbers.extend(
            plan.ranges
                .iter()
                .flat_map(|range| [range.start as f64, range.end as f64]),
        );
        self.bytes = plan.head;
    }

    fn conversion(&mut self, set: usize) -> Option<&mut Converter> {
        Some(&mut self.conversions.get_mut(set)?.as_mut()?.converter)
    }

    fn convert(&mut self, set: usize, segment: u32) -> u32 {
        self.clear();
        let previous = self.conversions.get_mut(set).and_then(Option::take);
        let previous = previous.filter(|previous| previous.segment + 1 == segment);
        let previous = previous.map(|previous| previous.converter);
        let converter = self.file.converter(set, previous);
        match (converter, self.conversions.get_mut(set)) {
            (Some(converter), Some(conversion)) => {
                *conversion = Some(Conversion { segment, converter });
                DONE
            }
            _ => FAILED,
        }
    }
}

#[unsafe(no_mangle)]
extern "C" fn file_new(size: f64) {
    with(|module| {
        module.file = MediaFile::of_formats(size as u64, FORMATS);
        module.sets.clear();
        module.conversions.clear();
    });
}

#[unsafe(no_mangle)]
extern "C" fn file_open() -> u32 {
    with(|module| {
        let opened = module.file.open();
        module.answer(opened, |module, movie| module.describe(&movie))
    })
}

#[unsafe(no_mangle)]
extern "C" fn file_choose(low: u32, high: u32) -> u32 {
    with(|module| {
        let bits = u64::from(high) << 32 | u64::from(low);
        let tracks: Vec<_> = (0..64).filter(|track| bits >> track & 1 == 1).collect();
        let chosen = module.file.choose(&tracks).map(Step::Done);
        module.answer(chosen, |module, sets| {
            module.numbers.push(sets.len() as f64);
            module.conversions = sets.iter().map(|_| None).collect();
            module.sets = sets;
        })
    })
}

#[unsafe(no_mangle)]
extern "C" fn file_set(index: usize) -> u32 {
    with(|module| {
        let set = module.sets.get(index).cloned().map(Step::Done);
        let set = set.ok_or(Error::NoSegment);
        module.answer(set, |module, set| module.describe_set(&set))
    })
}

#[unsafe(no_mangle)]
extern "C" fn file_plan(set: usize, segment: usize) -> u32 {
    with(|module| {
        let plan = module.file.plan(set, segment);
        module.answer(plan, Module::describe_plan)
    })
}

#[unsafe(no_mangle)]
extern "C" fn file_convert(set: usize, segment: u32) -> u32 {
    with(|module| module.convert(set, segment))
}

#[unsafe(no_mangle)]
extern "C" fn file_room(length: usize) -> *const u8 {
    with(|module| {
        module.input.resize(length, 0);
        module.input.as_ptr()
    })
}

#[unsafe(no_mangle)]
extern "C" fn file_feed(length: usize) {
    with(|module| {
        let mut input = std::mem::take(&mut module.input);
        input.truncate(length);
        module.file.feed(module.need.clone(), input);
    });
}

#[unsafe(no_mangle)]
extern "C" fn file_push(set: usize, length: usize) {
    with(|module| {
        let input = std::mem::take(&mut module.input);
        if let Some(converter) = module.conversion(set) {
            converter.push(input.get(..length).unwrap_or(&input));
        }
        module.input = input;
    });
}

#[unsafe(no_mangle)]
extern "C" fn file_finish(set: usize) {
    with(|module| {
        if let Some(converter) = module.conversion(set) {
            converter.finish();
        }
    });
}

#[unsafe(no_mangle)]
extern "C" fn file_take(set: usize) -> u32 {
    with(|module| {
        module.clear();
        match module.conversion(set).and_then(Converter::take) {
            Some(bytes) => {
                module.bytes = bytes;
                DONE
            }
            None => FAILED,
        }
    })
}

#[unsafe(no_mangle)]
extern "C" fn file_bytes() -> *const u8 {
    with(|module| module.bytes.as_ptr())
}

#[unsafe(no_mangle)]
extern "C" fn file_length() -> usize {
    with(|module| module.bytes.len())
}

#[unsafe(no_mangle)]
extern "C" fn file_text() -> *const u8 {
    with(|module| module.text.as_ptr())
}

#[unsafe(no_mangle)]
extern "C" fn file_text_length() -> usize {
    with(|module| module.text.len())
}

#[unsafe(no_mangle)]
extern "C" fn file_numbers() -> *const f64 {
    with(|module| module.numbers.as_ptr())
}

#[unsafe(no_mangle)]
extern "C" fn file_number_count() -> usize {
    with(|module| module.numbers.len())
}
