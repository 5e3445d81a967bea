//! The state of live content.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use crate::{
    engine::{
        clock_offset,
        error::Error,
        network::{FetchedFile, Network},
    },
    media::{
        Presentation, RepresentationId,
        live::{
            edge::{self, EdgeEstimate},
            merge,
        },
    },
    platform,
};

/// What content has while it is live.
#[derive(Default)]
pub struct LiveContent {
    /// Seconds to add to this device's clock to get the server's. Lowered while segments are later than it says.
    pub clock_offset: Cell<f64>,
    /// The same as measured.
    pub measured_offset: Cell<f64>,
    /// Whether it is live, or has been.
    pub was_live: Cell<bool>,
    /// Whether a segment that becomes available by the clock has been fetched.
    pub is_clock_confirmed: Cell<bool>,
    /// The representations of video and audio that are fetched now.
    pub in_use: Cell<[Option<RepresentationId>; 2]>,
    pub unavailable: RefCell<Vec<UnavailableSegment>>,
    pub playlists: RefCell<Vec<LoadedPlaylist>>,
    /// When the MPD was requested last, in seconds.
    pub loaded_at: Cell<f64>,
    /// Whether the manifest is an MPD.
    pub is_mpd: Cell<bool>,
    pub edge: RefCell<EdgeEstimate>,
    /// Start of the window, in seconds.
    pub seekable_start: Cell<f64>,
    /// How often the manifest or a playlist was reloaded.
    pub reloads: Cell<u32>,
    /// Incremented when the periods change.
    pub version: Cell<u32>,
    /// The last error of a reload, until one succeeds.
    pub error: RefCell<Option<Error>>,
}

/// This device's time, in seconds since the Unix epoch.
pub fn now_seconds() -> f64 {
    platform::now() / 1000.0
}

impl LiveContent {
    /// Prepares a presentation that was just loaded: measures the server's clock, and moves the times of a live MPD so
    /// that its window begins near 0.
    pub async fn open(
        presentation: &mut Presentation,
        network: &Network,
        file: &FetchedFile,
        requested_at: f64,
    ) -> Self {
        let this = Self::default();
        this.loaded_at.set(requested_at / 1000.0);
        let Some(live) = &presentation.live else {
            return this;
        };
        // HLS is known to be live once a media playlist is loaded.
        this.is_mpd.set(true);
        this.was_live.set(true);
        let offset = clock_offset::measure(network, live, file, requested_at).await;
        this.clock_offset.set(offset);
        this.measured_offset.set(offset);
        let clock = now_seconds() + offset - live.zero.unwrap_or_default();
        let all = presentation.representations().into_iter();
        let first: Vec<_> = all
            .filter(|(id, ..)| id.representation == 0)
            .map(|(id, ..)| id)
            .collect();
        let seekable = edge::seekable_range(presentation, &first, clock);
        merge::rebase(presentation, seekable);
        this
    }
}

/// A segment that was requested and is not there.
pub struct UnavailableSegment {
    pub id: RepresentationId,
    pub start: f64,
    pub first_requested_at: f64,
    /// When to request it again, in seconds; infinite if it is missing.
    pub retry_at: f64,
}

/// A media playlist that was loaded.
pub struct LoadedPlaylist {
    pub id: RepresentationId,
    /// Its URL in the multivariant playlist, before redirects.
    pub url: Rc<str>,
    /// Its text, if the server offers delta updates.
    pub text: Option<String>,
    /// When it was requested last, in seconds.
    pub loaded_at: f64,
    /// When it was used last, in seconds.
    pub used_at: f64,
    /// Whether the last reload brought something new.
    pub has_changed: bool,
    /// How often in a row it seemed to be restarted.
    pub restarts_seen: u32,
}
