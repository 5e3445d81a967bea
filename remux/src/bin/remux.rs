//! The wasm module for MPEG-TS: [`remux`] without glue. JavaScript, or another module, calls these functions and reads this
//! module's memory; every pointer and length is a number of bytes.
//!
//! ```text
//! start(wanted, expected)      bit 0: video, bit 1: audio, bits 2 to 4: no AC-3, no E-AC-3, no MP3 in MP4, bit 5:
//!                              audio is optional; a time in ticks of 90 kHz, or NaN
//! room(length) -> pointer      space for `length` bytes of input
//! push(length)                 reads `length` bytes from there
//! next_segment()  flush()      see `Remuxer`
//! take() -> kind               0 nothing, 1 initialization segment, 2 fragment, 3 metadata, 4 problem
//! bytes() length()             the segment or metadata that was taken; valid until the next call of any function
//! text() text_length()         its MIME type, or a description of the problem, in UTF-8
//! number(index) -> number      see below
//! ```
//!
//! Numbers, times in ticks of 90 kHz:
//!
//! | kind | 0 | 1 | 2 | 3 | 4 | 5 |
//! |---|---|---|---|---|---|---|
//! | initialization segment | 1: video, 2: audio, 3: both | width | height | audio timescale | channels | |
//! | fragment | 1: video, 2: audio | start | end | first shown | samples | 1: random access |
//! | metadata | 0: captions, 1: ID3 | presentation time | | | | |
//! | problem | see below | PID, or track | | | | |
//!
//! Problems: 1 no packets, 2 no program, 3 unsupported coding, 4 SAMPLE-AES, 5 scrambled, 6 lost packets, 7 broken
//! header, 8 times jump, 9 no random access point, 10 a track that began too late.
//!
//! The functions that read files in MPEG-TS are in `exports/file.rs`.
//!
//! `cargo build -p remux --release --target wasm32-unknown-unknown` builds it; gzipped it has 38 kB after
//! `wasm-opt -Oz`.

// Exports have names that only a linker could check. There is no other unsafe code: memory is handed out by
// number, and this module never follows a pointer that comes from outside.
#![cfg_attr(target_arch = "wasm32", no_main, allow(unsafe_code))]

#[cfg(not(target_arch = "wasm32"))]
fn main() {}

#[cfg(target_arch = "wasm32")]
#[path = "exports/file.rs"]
mod file;

#[cfg(target_arch = "wasm32")]
const FORMATS: &[remux::file::Format] = &[remux::file::MPEG_TS];

#[cfg(target_arch = "wasm32")]
mod exports {
    use std::cell::RefCell;

    use remux::{Kind, MetadataKind, Output, Problem, Remuxer, Wanted};

    struct Module {
        remuxer: Remuxer,
        input: Vec<u8>,
        taken: Option<Output>,
        text: String,
        numbers: [f64; 6],
    }

    thread_local! {
        static MODULE: RefCell<Module> = RefCell::new(Module {
            remuxer: Remuxer::new(Wanted::default(), None),
            input: Vec::new(),
            taken: None,
            text: String::new(),
            numbers: [0.0; 6],
        });
    }

    fn with<T>(call: impl FnOnce(&mut Module) -> T) -> T {
        MODULE.with_borrow_mut(call)
    }

    #[unsafe(no_mangle)]
    extern "C" fn start(wanted: u32, expected: f64) {
        with(|module| {
            let wanted = Wanted {
                video: wanted & 1 != 0,
                audio: wanted & 2 != 0,
                ac3: wanted & 4 == 0,
                eac3: wanted & 8 == 0,
                mp3_in_mp4: wanted & 16 == 0,
                is_audio_optional: wanted & 32 != 0,
            };
            module.taken = None;
            module
                .remuxer
                .start(wanted, (!expected.is_nan()).then_some(expected as i64));
        });
    }

    #[unsafe(no_mangle)]
    extern "C" fn room(length: usize) -> *const u8 {
        with(|module| {
            module.input.resize(length.max(module.input.len()), 0);
            module.input.as_ptr()
        })
    }

    #[unsafe(no_mangle)]
    extern "C" fn push(length: usize) {
        with(|module| {
            let input = module.input.get(..length).unwrap_or(&module.input);
            module.remuxer.push(input);
        });
    }

    #[unsafe(no_mangle)]
    extern "C" fn next_segment() {
        with(|module| module.remuxer.next_segment());
    }

    #[unsafe(no_mangle)]
    extern "C" fn flush() {
        with(|module| module.remuxer.flush());
    }

    #[unsafe(no_mangle)]
    extern "C" fn take() -> u32 {
        with(|module| {
            if let Some(Output::Fragment(fragment)) = module.taken.take() {
                module.remuxer.recycle(fragment);
            }
            module.taken = module.remuxer.take();
            module.describe()
        })
    }

    #[unsafe(no_mangle)]
    extern "C" fn bytes() -> *const u8 {
        with(|module| module.bytes().as_ptr())
    }

    #[unsafe(no_mangle)]
    extern "C" fn length() -> usize {
        with(|module| module.bytes().len())
    }

    #[unsafe(no_mangle)]
    extern "C" fn text() -> *const u8 {
        with(|module| module.text.as_ptr())
    }

    #[unsafe(no_mangle)]
    extern "C" fn text_length() -> usize {
        with(|module| module.text.len())
    }

    #[unsafe(no_mangle)]
    extern "C" fn number(index: usize) -> f64 {
        with(|module| module.numbers.get(index).copied().unwrap_or(f64::NAN))
    }

    impl Module {
        fn bytes(&self) -> &[u8] {
            match &self.taken {
                Some(Output::Init(init)) => &init.bytes,
                Some(Output::Fragment(fragment)) => fragment.bytes(),
                Some(Output::Metadata(metadata)) => &metadata.bytes,
                Some(Output::Problem(_)) | None => &[],
            }
        }

        /// Sets text and numbers of the output that was taken, and returns its kind.
        fn describe(&mut self) -> u32 {
            self.text.clear();
            self.numbers = [0.0; 6];
            match &self.taken {
                None => 0,
                Some(Output::Init(init)) => {
                    self.text = init.mime();
                    let [kinds, width, height, timescale, channels, _] = &mut self.numbers;
                    for track in &init.tracks {
                        *kinds += f64::from(track.kind.track_id());
                        if track.kind == Kind::Audio {
                            (*timescale, *channels) =
                                (track.timescale.into(), track.channels.into());
                        } else {
                            (*width, *height) = (track.size.0.into(), track.size.1.into());
                        }
                    }
                    1
                }
                Some(Output::Fragment(fragment)) => {
                    self.numbers = [
                        fragment.kind.track_id().into(),
                        fragment.start as f64,
                        fragment.end as f64,
                        fragment.first_shown as f64,
                        fragment.samples as f64,
                        f64::from(u8::from(fragment.is_random_access)),
                    ];
                    2
                }
                Some(Output::Metadata(metadata)) => {
                    let kind = match metadata.kind {
                        MetadataKind::Captions => 0.0,
                        MetadataKind::Id3 => 1.0,
                    };
                    self.numbers = [kind, metadata.pts as f64, 0.0, 0.0, 0.0, 0.0];
                    3
                }
                Some(Output::Problem(problem)) => {
                    self.text = problem.to_string();
                    let (code, subject) = code(*problem);
                    self.numbers = [code.into(), subject.into(), 0.0, 0.0, 0.0, 0.0];
                    4
                }
            }
        }
    }

    /// A problem's number, and the PID or the track that has it.
    fn code(problem: Problem) -> (u8, u32) {
        match problem {
            Problem::NoPackets { .. } => (1, 0),
            Problem::NoProgram => (2, 0),
            Problem::UnsupportedCoding { pid, .. } => (3, pid.into()),
            Problem::SampleAes { pid, .. } => (4, pid.into()),
            Problem::Scrambled { pid } => (5, pid.into()),
            Problem::Lost { pid, .. } => (6, pid.into()),
            Problem::Broken { pid, .. } => (7, pid.into()),
            Problem::TimeJump { pid, .. } => (8, pid.into()),
            Problem::NoRandomAccess { pid } => (9, pid.into()),
            Problem::LateTrack { kind } => (10, kind.track_id()),
        }
    }
}
