//! MPEG-TS to fragmented MP4 for MediaSource: a push parser without I/O, dependencies and `unsafe` code. [`mod@file`] reads
//! other containers.
//!
//! ```
//! # let bytes = [0; 188];
//! use remux::{Output, Remuxer, Wanted};
//!
//! let mut remuxer = Remuxer::new(Wanted::default(), None);
//! remuxer.push(&bytes);
//! remuxer.flush();
//! while let Some(output) = remuxer.take() {
//!     match output {
//!         Output::Init(init) => println!("append {} bytes of {}", init.bytes.len(), init.mime()),
//!         Output::Fragment(fragment) => println!("append {} bytes", fragment.bytes().len()),
//!         Output::Metadata(metadata) => println!("{:?} at {}", metadata.kind, metadata.pts),
//!         Output::Problem(problem) => println!("{problem}"),
//!     }
//! }
//! ```
//!
//! # Modules, in the order in which bytes pass them
//!
//! | module | reads or writes | standard |
//! |---|---|---|
//! | [`packets`] | transport packets: sync search, headers | ISO/IEC 13818-1 § 2.4.3 |
//! | [`psi`] | PAT and PMT: the program's streams | ISO/IEC 13818-1 § 2.4.4 |
//! | [`pes`] | PES headers | ISO/IEC 13818-1 § 2.4.3.6 |
//! | [`time`] | 33-bit timestamps, unwrapped | ISO/IEC 13818-1 § 2.4.3.7 |
//! | [`nal`] | start codes, SEI | ISO/IEC 14496-10 annexes B and D |
//! | [`video`] | access units, parameter sets in force, random access | ISO/IEC 14496-10 § 7.4.1.2, 23008-2 § 7.4.2.4 |
//! | [`h264`], [`h265`], [`parameter_sets`], [`bits`] | NAL unit types, SPS, `avcC`, `hvcC` | ISO/IEC 14496-15 |
//! | [`audio`] | frames, their times | |
//! | [`adts`], [`mpeg_audio`], [`ac3`] | frame headers, `esds`, `dac3`, `dec3` | ISO/IEC 13818-7, 11172-3, ETSI TS 102 366 |
//! | [`mp4`] | `moov`, `moof` | ISO/IEC 14496-12 |
//! | [`remuxer`] | routing of packets, order of fragments | |
//! | [`output`] | the outputs | |
//!
//! [`mod@file`] is apart from these: it reads MP4, QuickTime, WebM and Matroska files by byte ranges, and shares [`mp4`], the
//! parameter sets and the audio headers.
//!
//! The wasm modules are `src/bin/remux.rs` (MPEG-TS, streams and files), `src/bin/mp4_file.rs` and
//! `src/bin/matroska_file.rs`.
//!
//! # Data flow
//!
//! [`Remuxer::push`] passes slices of its input from layer to layer: a packet's payload, or the part of it that the
//! input has. No layer stores payload. The tracks write it into the buffer of the current fragment, and record only
//! where each access unit begins: start codes become lengths, which are filled in when the NAL unit ends, and
//! delimiters and parameter sets are removed again. `moof` is written into space reserved before the payload. So each
//! byte is copied once here, and once by the caller that provides the input.
//!
//! A fragment ends with the last complete access unit of the input: before the first one that begins in its last PES
//! packet. It has one track; each `push` produces at most a few. The samples do not depend on how the input is divided.
//!
//! Copied twice are the bytes of the search for the first packet (at most 376), packets before the first PMT, and
//! access units whose predecessor ends a fragment late (after leading pictures were dropped).
//!
//! # Units
//!
//! Times are ticks of 90 kHz, unwrapped, and never negative. `tfdt` and durations are in the track's timescale:
//! 90 kHz for video, the sampling rate for audio, whose durations are exact. An audio frame follows the previous one
//! directly if its timestamp differs from that by less than a frame; otherwise it begins at its timestamp, so gaps
//! remain and are not filled with silence. A picture lasts until the next one; the last before a gap lasts as long as
//! the one before it.
//!
//! # Damaged input
//!
//! Remuxing never fails; [`Problem`]s report the parts that are left out. After lost or damaged packets, video continues
//! at the next random access point (IDR, BLA, CRA, recovery point, or an intra picture with its parameter sets), audio
//! at the next PES packet with a time. Leading pictures that cannot be decoded are dropped.
//!
//! # Limits
//!
//! Memory: an access unit of at most 16 MiB, fragments of about 1 MiB, 8 MiB or 10 s that wait for the other track's
//! configuration, 1 MiB of packets before the first PMT, and what one `push` adds.
//! Not supported: programs after the first, streams after the first of each kind, packets of 192 and 204 bytes, ADTS
//! with channels in a program config element, MPEG audio in free format. H.265's aspect ratio stays in its SPS.

pub mod ac3;
pub mod adts;
pub mod audio;
pub mod bits;
pub mod file;
pub mod h264;
pub mod h265;
pub mod mp4;
pub mod mpeg_audio;
pub mod nal;
pub mod output;
pub mod packets;
pub mod parameter_sets;
pub mod pes;
pub mod psi;
pub mod remuxer;
pub mod time;
pub mod video;

pub use output::{Fragment, Init, Kind, Metadata, MetadataKind, Output, Problem, Track};
pub use remuxer::{Remuxer, Wanted};
