//! Measures the throughput of media downloads. Concurrent downloads are measured together, because they share the
//! bandwidth.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use crate::{
    media::abr::BandwidthEstimator,
    platform::{self, Delivery},
};

/// The length of a sample.
const SAMPLE_MS: f64 = 500.0;
/// A response from another origin, whose sizes the browser hides, counts as cached if it is faster than this.
const CACHED_MS: f64 = 5.0;

/// Measures the throughput while at least one download is active.
#[derive(Default)]
pub struct BandwidthMeter {
    active: Cell<u32>,
    /// Bytes received in the current sample.
    bytes: Cell<u64>,
    /// Start of the current sample, in milliseconds since the Unix epoch.
    since: Cell<f64>,
    estimator: RefCell<BandwidthEstimator>,
}

impl BandwidthMeter {
    /// A meter whose first estimate is the speed at which the engine's own program was downloaded, if that is known. On a
    /// slow network, the first segment is then of a low quality.
    pub fn new() -> Self {
        let meter = Self::default();
        if let Some((bytes, seconds)) = platform::program_download() {
            meter.estimator.borrow_mut().sample(bytes, seconds);
        }
        meter
    }

    /// The estimated bandwidth, in bits per second.
    pub fn estimate(&self) -> f64 {
        self.estimator.borrow().estimate()
    }

    /// Passes the current sample to the estimator, and starts the next one.
    fn finish_sample(&self) {
        let now = platform::now();
        let seconds = (now - self.since.replace(now)) / 1000.0;
        let bytes = self.bytes.take();
        self.estimator.borrow_mut().sample(bytes, seconds);
    }
}

/// A download that is measured until it is dropped.
pub struct MeasuredTransfer {
    meter: Rc<BandwidthMeter>,
    url: String,
    received: u64,
    started_at: f64,
}

impl MeasuredTransfer {
    /// Measures the download of a URL whose body has been arriving since `started_at`, in milliseconds since the Unix
    /// epoch.
    pub fn begin(meter: Rc<BandwidthMeter>, url: &str, started_at: f64) -> Self {
        if meter.active.get() == 0 {
            meter.since.set(started_at);
            meter.bytes.set(0);
        }
        meter.active.set(meter.active.get() + 1);
        Self {
            meter,
            url: url.into(),
            received: 0,
            started_at,
        }
    }

    /// Adds received bytes.
    pub fn count(&mut self, bytes: u64) {
        self.received += bytes;
        self.meter.bytes.set(self.meter.bytes.get() + bytes);
        if platform::now() - self.meter.since.get() >= SAMPLE_MS {
            self.meter.finish_sample();
        }
    }

    /// Whether the response came from the browser's cache, as far as that can be known.
    fn is_from_cache(&self) -> bool {
        match platform::take_delivery(&self.url) {
            Delivery::Network => false,
            Delivery::Cache => true,
            Delivery::Hidden => platform::now() - self.started_at < CACHED_MS,
        }
    }
}

impl Drop for MeasuredTransfer {
    fn drop(&mut self) {
        if self.is_from_cache() {
            let bytes = self.meter.bytes.get();
            self.meter.bytes.set(bytes.saturating_sub(self.received));
        }
        self.meter.active.set(self.meter.active.get() - 1);
        if self.meter.active.get() == 0 {
            self.meter.finish_sample();
        }
    }
}
