//! Reads times in ticks of the timescale. Some packagers write fractions of a tick, as in `duration="1.92"`: then all
//! times, and the timescale, are multiplied by a power of ten.

use super::inheritance::{attribute, child, needed};
use crate::media::{
    error::ManifestError,
    number::{decimal_places, digits, is_numeric, number},
    xml::Element,
};

/// Reads the times of one representation.
#[derive(Clone, Copy)]
pub struct TickReader {
    /// What all times are multiplied by.
    scale: u64,
}

impl TickReader {
    /// Chooses the scale so that all times in the segment information are whole.
    pub fn new(segment_info: &[&Element]) -> Self {
        let places_of = |element: &Element, names: &[&str]| {
            let values = names.iter().filter_map(|name| element.attribute(name));
            values.map(decimal_places).max().unwrap_or(0)
        };
        let names = [
            "timescale",
            "duration",
            "presentationTimeOffset",
            "eptDelta",
        ];
        let own = segment_info
            .iter()
            .map(|element| places_of(element, &names));
        let entries = child(segment_info, "SegmentTimeline");
        let entries = entries.iter().flat_map(|timeline| timeline.children("S"));
        let places = own.chain(entries.map(|entry| places_of(entry, &["t", "d"])));
        // A time in a URL is written as in the manifest.
        let media = attribute(segment_info, "media").unwrap_or_default();
        let places = match media.contains("$Time") {
            true => 0,
            false => places.max().unwrap_or(0),
        };
        Self {
            scale: 10_u64.pow(places),
        }
    }

    /// The value of a time attribute, in ticks.
    ///
    /// # Errors
    /// [`ManifestError::Malformed`] if it cannot be read, or is negative.
    pub fn read(self, levels: &[&Element], name: &str) -> Result<Option<u64>, ManifestError> {
        needed(levels, name, &|text| self.parse(text))
    }

    /// Parses a time; `None` if it cannot be read, or is negative.
    pub fn parse(self, text: &str) -> Option<u64> {
        match digits(text) {
            Some(whole) => Some(whole.saturating_mul(self.scale)),
            None => {
                let number = number(text).filter(|_| is_numeric(text));
                let ticks = (number? * self.scale as f64).round();
                (ticks >= 0.0).then_some(ticks as u64)
            }
        }
    }

    /// Ticks per second; never 0.
    ///
    /// # Errors
    /// [`ManifestError::Malformed`] if the timescale cannot be read.
    pub fn timescale(self, segment_info: &[&Element]) -> Result<u64, ManifestError> {
        let timescale = self.read(segment_info, "timescale")?;
        Ok(timescale
            .filter(|timescale| *timescale > 0)
            .unwrap_or(self.scale))
    }
}
