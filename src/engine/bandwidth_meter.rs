//! Measures what comes over the network. All transfers of media together: two at once have half of
//! the bandwidth each.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use wasm_bindgen::JsCast;
use web_sys::PerformanceResourceTiming;

use crate::{media::abr::BandwidthEstimator, platform::web};

/// How long the meter runs before it notes what came, in milliseconds.
const NOTE: f64 = 500.0;
/// Under this many milliseconds, what a foreign host does not tell is taken for a cache's work.
const INSTANT: f64 = 5.0;

/// Measures for as long as something is on its way.
#[derive(Default)]
pub struct BandwidthMeter {
    active: Cell<u32>,
    bytes: Cell<u64>,
    since: Cell<f64>,
    bandwidth: RefCell<BandwidthEstimator>,
}

impl BandwidthMeter {
    /// What the network is taken to give, in bits per second.
    pub fn estimate(&self) -> f64 {
        self.bandwidth.borrow().estimate()
    }

    fn note(&self) {
        let now = web::now();
        let seconds = (now - self.since.replace(now)) / 1000.0;
        let bytes = self.bytes.take();
        self.bandwidth.borrow_mut().sample(bytes, seconds);
    }
}

/// A transfer that is being measured, until it is dropped.
pub struct MeasuredTransfer {
    meter: Rc<BandwidthMeter>,
    url: String,
    counted: u64,
    since: f64,
}

impl MeasuredTransfer {
    /// Begins to measure what comes from a URL.
    pub fn begin(meter: Rc<BandwidthMeter>, url: &str) -> Self {
        let since = web::now();
        if meter.active.get() == 0 {
            meter.since.set(since);
            meter.bytes.set(0);
        }
        meter.active.set(meter.active.get() + 1);
        Self {
            meter,
            url: url.into(),
            counted: 0,
            since,
        }
    }

    /// So many more bytes have come.
    pub fn count(&mut self, bytes: u64) {
        self.counted += bytes;
        self.meter.bytes.set(self.meter.bytes.get() + bytes);
        if web::now() - self.meter.since.get() >= NOTE {
            self.meter.note();
        }
    }

    /// Whether all of it came without the network, as far as the browser tells.
    fn came_from_cache(&self) -> bool {
        let last = web::timings_of(&self.url).pop();
        web::clear_resource_timings();
        if last.is_undefined() {
            return false;
        }
        // Nothing else goes by the name of a URL.
        let timing: PerformanceResourceTiming = last.unchecked_into();
        if timing.decoded_body_size() == 0.0 {
            return web::now() - self.since < INSTANT;
        }
        timing.transfer_size() == 0.0
    }
}

impl Drop for MeasuredTransfer {
    fn drop(&mut self) {
        if self.came_from_cache() {
            let bytes = self.meter.bytes.get();
            self.meter.bytes.set(bytes.saturating_sub(self.counted));
        }
        self.meter.active.set(self.meter.active.get() - 1);
        if self.meter.active.get() == 0 {
            self.meter.note();
        }
    }
}
