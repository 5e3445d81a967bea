//! Measures how far the server's clock is from this device's. Where segments become available by the clock, a device
//! whose clock is wrong would request segments that do not exist yet, or no longer.

use futures_util::future::{Either, select};

use super::network::{FetchedFile, Network};
use crate::{
    media::{
        Resource,
        live::{
            ClockSource, Live,
            wall_clock::{parse_http_date, parse_iso8601},
        },
    },
    platform,
    protocol::ResourceKind,
};

/// How long a source of the time may take to answer. Playback waits for it.
const TIMEOUT_MS: u32 = 2_000;
/// An MPD that was written within this time before now, in seconds, confirms a clock.
const FRESH_SECONDS: f64 = 60.0;

/// The seconds to add to this device's clock to get the server's: by the sources in the MPD (ISO/IEC 23009-1 § 5.8.4.11),
/// or else by the `Date` header of the MPD's response, or else this device's clock. A clock before the time when the MPD
/// was written is wrong, and one that is shortly after it is preferred. `requested_at` is when the MPD was requested, in
/// milliseconds since the Unix epoch.
pub async fn measure(network: &Network, live: &Live, mpd: &FetchedFile, requested_at: f64) -> f64 {
    let sent_at = (requested_at + platform::now()) / 2.0;
    let mut offsets = Vec::new();
    for source in &live.clocks {
        let offset = match source {
            ClockSource::Direct(time) => Some(time - sent_at / 1000.0),
            ClockSource::DateHeader(url) => request(network, url, |file| file.date).await,
            ClockSource::Text(url) => request(network, url, time_in_text).await,
        };
        if let Some(offset) = offset {
            offsets.push(offset);
            break;
        }
    }
    offsets.extend(mpd.date.map(|date| date - sent_at / 1000.0));
    offsets.push(0.0);
    choose(&offsets, sent_at / 1000.0, live.published)
}

/// Chooses among clocks, in order of preference, by when the MPD was written. `now` is by this device's clock. All times
/// are in seconds.
fn choose(offsets: &[f64], now: f64, published: Option<f64>) -> f64 {
    let first = offsets.first().copied().unwrap_or(0.0);
    let Some(published) = published else {
        return first;
    };
    // Dates in headers are in whole seconds.
    let age = |offset: f64| now + offset - published + 1.0;
    let fresh = offsets
        .iter()
        .find(|offset| (0.0..=FRESH_SECONDS).contains(&age(**offset)));
    let possible = offsets.iter().find(|offset| age(**offset) >= 0.0);
    fresh.or(possible).copied().unwrap_or(published - now)
}

/// Requests the time from a URL. Returns the offset; `None` if it cannot be read, as where another origin hides the header.
async fn request(
    network: &Network,
    url: &str,
    time: impl Fn(&FetchedFile) -> Option<f64>,
) -> Option<f64> {
    let sent_at = platform::now();
    let resource = Resource::default();
    let fetching = Box::pin(network.get_once(ResourceKind::Clock, url, &resource));
    match select(fetching, platform::sleep(TIMEOUT_MS)).await {
        Either::Left((Ok(file), _)) => {
            let middle = (sent_at + platform::now()) / 2000.0;
            Some(time(&file)? - middle)
        }
        _ => None,
    }
}

fn time_in_text(file: &FetchedFile) -> Option<f64> {
    let text = file.bytes.to_text();
    let text = text.trim();
    parse_iso8601(text).or_else(|| parse_http_date(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clock_is_the_preferred_one_that_fits_the_mpd() {
        const NOW: f64 = 1_000_000.0;
        for (offsets, published, expected) in [
            (&[5.0, 0.0][..], None, 5.0),
            // The MPD was just written.
            (&[5.0, 0.0], Some(NOW - 2.0), 5.0),
            (&[7200.0, 0.0], Some(NOW - 2.0), 0.0),
            (&[-7200.0, 0.0], Some(NOW - 2.0), 0.0),
            // This device is two hours late.
            (&[7200.0, 0.0], Some(NOW + 7198.0), 7200.0),
            (&[0.0], Some(NOW + 7198.0), 7198.0),
            // An MPD that never changes.
            (&[5.0, 0.0], Some(0.0), 5.0),
        ] {
            assert_eq!(
                choose(offsets, NOW, published),
                expected,
                "{offsets:?} {published:?}"
            );
        }
    }
}
