//! The remuxer, called natively, and the download of its module.

use std::{cell::RefCell, collections::BTreeMap};

use super::{
    bytes::Bytes,
    model::{MILLISECOND, Nanos},
    network::is_online,
    time::sleep,
    world::{Device, World},
};
use crate::platform::types::{AudioLimits, Exception, RemuxOutput, RemuxTracks};

/// Ticks per second of the remuxer's times.
const TICKS: f64 = remux::time::TICKS as f64;

/// When each module has been downloaded and compiled, by URL, once its download has begun.
#[derive(Debug, Default)]
struct Modules(RefCell<BTreeMap<String, Nanos>>);

impl Device for Modules {}

/// Begins to download and compile the remuxer, unless that has begun.
pub fn preload_remuxer(url: &str) {
    begin_download(url);
}

/// Begins to download and compile a module, unless that has begun. Returns when it is ready.
fn begin_download(url: &str) -> Nanos {
    let world = World::current();
    let modules = world.device::<Modules>();
    *modules
        .0
        .borrow_mut()
        .entry(url.to_owned())
        .or_insert_with(|| {
            world.note(format_args!("the module {url} is fetched"));
            world.nanos() + world.latency(5.0, 200.0)
        })
}

/// Waits until a module has been downloaded and compiled.
pub(super) async fn load_module(url: &str) -> Result<(), Exception> {
    let ready_at = begin_download(url);
    let world = World::current();
    let left = ready_at - world.nanos();
    let milliseconds = u32::try_from((left + MILLISECOND - 1) / MILLISECOND).unwrap_or_default();
    sleep(milliseconds).await;
    if milliseconds > 0 && !is_online() {
        world.device::<Modules>().0.borrow_mut().remove(url);
        return Err(Exception::new("TypeError", "Failed to fetch"));
    }
    Ok(())
}

/// Creates a remuxer, after its module has been downloaded and compiled.
///
/// # Errors
/// If there is no network. The next call tries it again.
pub async fn load_remuxer(url: &str) -> Result<Remuxer, Exception> {
    load_module(url).await?;
    Ok(Remuxer {
        remuxer: remux::Remuxer::new(remux::Wanted::default(), None),
        taken: Bytes::default(),
    })
}

/// Remuxes MPEG-TS to fragmented MP4.
#[derive(Debug)]
pub struct Remuxer {
    remuxer: remux::Remuxer,
    taken: Bytes,
}

impl Remuxer {
    /// Starts reading these tracks within these limits, after a seek or at a discontinuity. Drops outputs that were not
    /// taken. `expected` is the time in seconds near which the first timestamp is expected, because timestamps wrap.
    pub fn start(&mut self, tracks: RemuxTracks, limits: AudioLimits, expected: Option<f64>) {
        let wanted = remux::Wanted {
            video: tracks.video,
            audio: tracks.audio,
            ac3: !limits.no_ac3,
            eac3: !limits.no_eac3,
            mp3_in_mp4: !limits.no_mp3,
            is_audio_optional: limits.is_optional,
        };
        let expected = expected.map(|seconds| (seconds * TICKS) as i64);
        self.remuxer.start(wanted, expected);
    }

    /// Adds bytes of the stream.
    pub fn push(&mut self, bytes: &Bytes) {
        self.remuxer.push(&bytes.to_vec());
    }

    /// Announces the bytes of another segment, which continues the previous one.
    pub fn next_segment(&mut self) {
        self.remuxer.next_segment();
    }

    /// Completes the last frames.
    pub fn flush(&mut self) {
        self.remuxer.flush();
    }

    /// Takes the next output, in the order in which they have to be used.
    pub fn take(&mut self) -> Option<RemuxOutput> {
        self.taken = Bytes::default();
        Some(match self.remuxer.take()? {
            remux::Output::Init(init) => {
                self.taken = init.bytes.as_slice().into();
                let has = |kind| init.tracks.iter().any(|track| track.kind == kind);
                let sizes = init.tracks.iter().map(|track| track.size);
                let (width, height) = sizes.max().unwrap_or_default();
                RemuxOutput::Init {
                    mime: init.mime(),
                    tracks: RemuxTracks {
                        video: has(remux::Kind::Video),
                        audio: has(remux::Kind::Audio),
                    },
                    size: (width.into(), height.into()),
                }
            }
            remux::Output::Fragment(fragment) => {
                self.taken = fragment.bytes().into();
                let first_shown = fragment.first_shown as f64 / TICKS;
                let end = fragment.end as f64 / TICKS;
                self.remuxer.recycle(fragment);
                RemuxOutput::Fragment { first_shown, end }
            }
            remux::Output::Metadata(_) => RemuxOutput::Metadata,
            remux::Output::Problem(problem) => RemuxOutput::Problem {
                is_unsupported: matches!(
                    problem,
                    remux::Problem::UnsupportedCoding { .. }
                        | remux::Problem::SampleAes { .. }
                        | remux::Problem::Scrambled { .. }
                ),
                is_late_track: matches!(problem, remux::Problem::LateTrack { .. }),
                text: problem.to_string(),
            },
        })
    }

    /// The segment that was taken last.
    pub fn bytes(&self) -> Bytes {
        self.taken.clone()
    }
}
