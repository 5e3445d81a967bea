//! Deterministic generators of streams, and the servers that offer them, for the simulation, the
//! browser tests and `xtask`.
//!
//! | module | contents |
//! |---|---|
//! | [`random`] | Seeded pseudo-random numbers |
//! | [`clock`] | Wall-clock times as text: ISO 8601, HTTP dates, durations |
//! | [`http`] | Requests, responses, and how a response arrives over time |
//! | [`bits`] | Bit fields, Exp-Golomb codes, NAL units |
//! | [`avc`] | H.264 parameter sets and pictures of a few bytes |
//! | [`aac`] | AAC configuration and silent frames |
//! | [`fmp4`] | Fragmented MP4: init segments, media segments, `sidx`, damage |
//! | [`synthetic`] | Tracks whose segments are generated, tagged with their identity |
//! | [`content`] | The recipe of an on-demand presentation, drawn from a seed |
//! | [`origin`] | Server of a [`content::Content`]: DASH, HLS, WebVTT |
//! | [`faults`] | Server and network faults, drawn from a seed, applied to responses |
//! | [`sample_video`] | The sample video as a source of live segments, timestamps rewritten |
//! | [`live`] | Server of live DASH and HLS by an explicit clock |
//!
//! # Determinism
//! A response is a pure function of the server's configuration and the request, which
//! states the time. There is no wall clock, no thread, no global state and no randomness but [`random::Random`],
//! which is seeded. The same seed gives the same bytes, on every platform: all floating-point
//! arithmetic is addition, multiplication and division, which IEEE 754 defines exactly. ([`origin::Origin`]
//! caches the sizes of segments, which does not affect responses.)
//!
//! # Units
//! - Wall-clock times are [`std::time::Duration`] since the Unix epoch, in UTC.
//! - Media times are ticks (`u64`) of the track's timescale.
//! - Times of the presentation, as manifests state them, are seconds (`f64`).
//! - Sizes are bytes. *Nominal* sizes are those that a simulated network counts: a segment of 5 Mb/s
//!   consists of some hundred bytes, so that a simulation costs little, and states its nominal size.
//!
//! # What segments contain
//! Synthetic segments are valid: a browser decodes them, to grey pictures and silence. Each fragment
//! carries a readable [`synthetic::Tag`] (representation, sequence number, fragment, nominal size),
//! so that a model or a test can identify appended segments.

pub mod aac;
pub mod avc;
pub mod bits;
pub mod clock;
pub mod content;
pub mod faults;
pub mod fmp4;
pub mod http;
pub mod live;
pub mod origin;
pub mod random;
pub mod sample_video;
pub mod synthetic;

mod cipher;
mod dash;
mod hls;
