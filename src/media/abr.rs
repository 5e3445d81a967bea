//! Adaptive bit rate: estimates the bandwidth and chooses the representation that it allows.

use std::f64::consts::LN_2;

use super::Representation;

/// Assumed bandwidth in bits per second before the first measurement.
pub const INITIAL_ESTIMATE: f64 = 1_000_000.0;

/// Transfers that are both smaller and shorter than these are ignored: they measure latency, not bandwidth.
const MIN_SAMPLE_BYTES: u64 = 16_000;
const MIN_SAMPLE_SECONDS: f64 = 0.25;

/// Exponentially weighted moving average over measured time.
#[derive(Clone, Copy, Debug)]
struct Ewma {
    half_life_seconds: f64,
    average: f64,
    /// Share of `average` that was measured; the rest is the initial 0 and has to be divided out.
    weight: f64,
}

impl Ewma {
    const fn new(half_life_seconds: f64) -> Self {
        Self {
            half_life_seconds,
            average: 0.0,
            weight: 0.0,
        }
    }

    fn sample(&mut self, value: f64, seconds: f64) {
        let kept = self.decay(seconds);
        self.average = kept * self.average + (1.0 - kept) * value;
        self.weight = kept * self.weight + (1.0 - kept);
    }

    fn value(&self) -> f64 {
        self.average / self.weight
    }

    /// Share of the old average that remains after a measurement of `seconds`.
    fn decay(&self, seconds: f64) -> f64 {
        // Not `exp2`: its table costs the worker 4 kB.
        (-LN_2 * seconds / self.half_life_seconds).exp()
    }
}

/// Estimates the bandwidth from measured transfers.
#[derive(Clone, Copy, Debug)]
pub struct BandwidthEstimator {
    fast: Ewma,
    slow: Ewma,
}

impl Default for BandwidthEstimator {
    fn default() -> Self {
        Self {
            fast: Ewma::new(2.0),
            slow: Ewma::new(6.0),
        }
    }
}

impl BandwidthEstimator {
    /// Adds a measurement: `bytes` were received from the network, not from a cache, within `seconds`.
    pub fn sample(&mut self, bytes: u64, seconds: f64) {
        if seconds <= 0.0 || (bytes < MIN_SAMPLE_BYTES && seconds < MIN_SAMPLE_SECONDS) {
            return;
        }
        let bits_per_second = bytes as f64 * 8.0 / seconds;
        self.fast.sample(bits_per_second, seconds);
        self.slow.sample(bits_per_second, seconds);
    }

    /// Bits per second. The lower of two averages: falls quickly and rises slowly.
    pub fn estimate(&self) -> f64 {
        if self.slow.weight == 0.0 {
            return INITIAL_ESTIMATE;
        }
        self.fast.value().min(self.slow.value())
    }
}

/// The input of [`choose`], apart from the representations.
#[derive(Clone, Copy, Debug)]
pub struct AbrInput {
    /// Bits per second that are there for this track.
    pub bandwidth: f64,
    /// Seconds buffered ahead of the position.
    pub buffer_ahead: f64,
    /// Seconds that should be buffered ahead; more than 0.
    pub goal: f64,
    /// Playback rate: media seconds per second.
    pub rate: f64,
    /// Width and height of the displayed video in physical pixels; zeros if unknown.
    pub screen_size: (u32, u32),
    /// Index of the representation that was chosen last.
    pub current: Option<usize>,
}

/// Index of the best of `representations` (by ascending bandwidth) that bandwidth and screen allow, or else
/// of the first playable one; `None` if none is playable.
pub fn choose(
    representations: &[Representation],
    playable: &dyn Fn(usize) -> bool,
    input: &AbrInput,
) -> Option<usize> {
    let max_pixels = max_useful_pixels(representations, playable, input.screen_size);
    let budget = input.bandwidth / input.rate.max(0.1);
    let mut chosen = None;
    for (index, representation) in representations.iter().enumerate() {
        if !playable(index) {
            continue;
        }
        let needed = representation.bandwidth as f64;
        let is_affordable = needed <= budget * bandwidth_share(index, input);
        let is_useful = pixels(representation) <= max_pixels;
        // The first is chosen however slow the network is: something has to be played.
        if chosen.is_none() || (is_affordable && is_useful) {
            chosen = Some(index);
        }
    }
    chosen
}

/// Index of the playable one of `representations` whose bandwidth is nearest to `bandwidth` (bits per
/// second), which the viewer chose; `None` if none is playable.
pub fn nearest(
    representations: &[Representation],
    playable: &dyn Fn(usize) -> bool,
    bandwidth: u64,
) -> Option<usize> {
    representations
        .iter()
        .enumerate()
        .filter(|(index, _)| playable(*index))
        .min_by_key(|(_, representation)| representation.bandwidth.abs_diff(bandwidth))
        .map(|(index, _)| index)
}

/// With this much buffered there is time to switch down later, however far the goal is.
const FULL_BUFFER_SECONDS: f64 = 10.0;
/// With this much buffered, segments of different sizes and a wavering bandwidth even out.
const AMPLE_BUFFER_SECONDS: f64 = 30.0;

/// Share of the bandwidth that a representation may take. Staying is allowed a higher share than switching
/// up, so that a wavering estimate does not make the quality waver; and the fuller the buffer, the longer
/// a network that is too slow for the current representation is tolerated, and the less of it is kept in reserve.
fn bandwidth_share(index: usize, input: &AbrInput) -> f64 {
    let fullness = (input.buffer_ahead / input.goal.min(FULL_BUFFER_SECONDS)).min(1.0);
    if input.current.is_some_and(|current| index <= current) {
        0.8 + 0.5 * fullness
    } else {
        let more = (input.buffer_ahead - FULL_BUFFER_SECONDS).max(0.0);
        let ampleness = (more / (AMPLE_BUFFER_SECONDS - FULL_BUFFER_SECONDS)).min(1.0);
        0.6 + 0.2 * fullness + 0.15 * ampleness
    }
}

/// Pixels of the smallest video that fills the screen; more would not be visible.
fn max_useful_pixels(
    representations: &[Representation],
    playable: &dyn Fn(usize) -> bool,
    (screen_width, screen_height): (u32, u32),
) -> u64 {
    if screen_width == 0 || screen_height == 0 {
        return u64::MAX;
    }
    let fills_screen = |representation: &Representation| {
        let (width, height) = representation.size;
        width >= screen_width || height >= screen_height
    };
    representations
        .iter()
        .enumerate()
        .filter(|(index, representation)| fills_screen(representation) && playable(*index))
        .map(|(_, representation)| pixels(representation))
        .min()
        .unwrap_or(u64::MAX)
}

fn pixels(representation: &Representation) -> u64 {
    let (width, height) = representation.size;
    u64::from(width) * u64::from(height)
}

/// Progress of a segment download.
#[derive(Clone, Copy, Debug)]
pub struct TransferProgress {
    /// Seconds since the request.
    pub seconds: f64,
    /// Bytes received so far.
    pub received: u64,
    /// Bytes in total, known or estimated.
    pub total: u64,
}

/// A download is not judged before it has taken this long, and this share of the time that is left: at first
/// it mostly waits for the response.
const MIN_TRIAL_SECONDS: f64 = 0.5;
const MIN_TRIAL_SHARE: f64 = 0.25;

/// A replacement has to be expected to finish within this share of the time that the download still needs.
const MAX_REPLACEMENT_SHARE: f64 = 0.7;

/// Whether to abandon a download for a smaller segment of `replacement_bytes`: the buffer will run dry in
/// `seconds_left`, before the download finishes, and the replacement would finish well before the download.
pub fn should_abandon(
    transfer: TransferProgress,
    seconds_left: f64,
    replacement_bytes: u64,
) -> bool {
    let trial_seconds = MIN_TRIAL_SECONDS.max(seconds_left * MIN_TRIAL_SHARE);
    if transfer.seconds < trial_seconds || transfer.received == 0 {
        return false;
    }
    let bytes_per_second = transfer.received as f64 / transfer.seconds;
    let remaining_bytes = transfer.total.saturating_sub(transfer.received);
    let remaining_seconds = remaining_bytes as f64 / bytes_per_second;
    let replacement_seconds = replacement_bytes as f64 / bytes_per_second;
    remaining_seconds > seconds_left
        && replacement_seconds < remaining_seconds * MAX_REPLACEMENT_SHARE
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ladder() -> Vec<Representation> {
        [
            (200_000, (426, 240)),
            (800_000, (1280, 720)),
            (3_000_000, (1920, 1080)),
        ]
        .map(|(bandwidth, size)| Representation {
            bandwidth,
            size,
            ..Representation::default()
        })
        .into()
    }

    const DEFAULT_INPUT: AbrInput = AbrInput {
        bandwidth: 10_000_000.0,
        buffer_ahead: 20.0,
        goal: 30.0,
        rate: 1.0,
        screen_size: (0, 0),
        current: None,
    };

    fn chosen(input: AbrInput) -> Option<usize> {
        choose(&ladder(), &|_| true, &input)
    }

    #[test]
    fn bandwidth_limits_choice() {
        for (bandwidth, expected) in [(50_000.0, 0), (1_200_000.0, 1), (10_000_000.0, 2)] {
            let input = AbrInput {
                bandwidth,
                ..DEFAULT_INPUT
            };
            assert_eq!(chosen(input), Some(expected), "{bandwidth}");
        }
    }

    #[test]
    fn faster_playback_needs_more_bandwidth() {
        let input = AbrInput {
            bandwidth: 5_000_000.0,
            ..DEFAULT_INPUT
        };
        assert_eq!(chosen(input), Some(2));
        assert_eq!(chosen(AbrInput { rate: 2.0, ..input }), Some(1));
    }

    #[test]
    fn screen_size_limits_choice() {
        for (screen_size, expected) in [((320, 180), 0), ((640, 360), 1), ((3840, 2160), 2)] {
            let input = AbrInput {
                screen_size,
                ..DEFAULT_INPUT
            };
            assert_eq!(chosen(input), Some(expected), "{screen_size:?}");
        }
    }

    #[test]
    fn unplayable_representation_is_never_chosen() {
        assert_eq!(
            choose(&ladder(), &|index| index == 0, &DEFAULT_INPUT),
            Some(0)
        );
        assert_eq!(choose(&ladder(), &|_| false, &DEFAULT_INPUT), None);
        let slow = AbrInput {
            bandwidth: 1.0,
            ..DEFAULT_INPUT
        };
        assert_eq!(choose(&ladder(), &|index| index == 2, &slow), Some(2));
    }

    #[test]
    fn chosen_bandwidth_selects_nearest_playable() {
        let nearest = |bandwidth, without| nearest(&ladder(), &|index| index != without, bandwidth);
        assert_eq!(nearest(800_000, 2), Some(1));
        assert_eq!(nearest(800_000, 1), Some(0));
        assert_eq!(nearest(u64::MAX, 0), Some(2));
        assert_eq!(super::nearest(&ladder(), &|_| false, 800_000), None);
    }

    #[test]
    fn full_buffer_keeps_quality_and_low_one_drops_it() {
        let wavering = AbrInput {
            bandwidth: 2_500_000.0,
            current: Some(2),
            ..DEFAULT_INPUT
        };
        let with_buffer_ahead = |seconds| AbrInput {
            buffer_ahead: seconds,
            ..wavering
        };
        assert_eq!(chosen(with_buffer_ahead(30.0)), Some(2));
        assert_eq!(chosen(with_buffer_ahead(2.0)), Some(1));
    }

    #[test]
    fn estimate_falls_faster_than_it_rises() {
        let mut bandwidth = BandwidthEstimator::default();
        for _ in 0..20 {
            bandwidth.sample(250_000, 1.0);
        }
        assert!((bandwidth.estimate() - 2e6).abs() < 1.0);
        let before = bandwidth;
        bandwidth.sample(25_000, 2.0);
        let fallen = 1.0 - bandwidth.estimate() / 2e6;
        bandwidth = before;
        bandwidth.sample(950_000, 2.0);
        let risen = bandwidth.estimate() / 2e6 - 1.0;
        assert!(
            fallen > 0.4 && risen > 0.1 && risen < 0.25,
            "{fallen} {risen}"
        );
    }

    #[test]
    fn each_half_life_halves_old_average() {
        let ewma = Ewma::new(2.0);
        for (seconds, expected) in [(0.0, 1.0), (2.0, 0.5), (4.0, 0.25), (20.0, 1.0 / 1024.0)] {
            let kept = ewma.decay(seconds);
            assert!((kept - expected).abs() < 1e-5, "{seconds}: {kept}");
        }
    }

    #[test]
    fn small_quick_transfers_are_ignored() {
        let mut bandwidth = BandwidthEstimator::default();
        bandwidth.sample(900, 0.001);
        bandwidth.sample(900, 0.2);
        assert_eq!(bandwidth.estimate(), INITIAL_ESTIMATE);
        // A small transfer that takes long is a measurement.
        bandwidth.sample(900, 4.0);
        assert!(bandwidth.estimate() < 2_000.0);
    }

    #[test]
    fn abandons_download_only_for_replacement_in_time() {
        let slow = TransferProgress {
            seconds: 2.0,
            received: 100_000,
            total: 1_000_000,
        };
        assert!(should_abandon(slow, 5.0, 100_000));
        assert!(!should_abandon(slow, 9.0, 100_000), "too early to judge");
        assert!(!should_abandon(slow, 30.0, 100_000), "finishes in time");
        assert!(
            !should_abandon(slow, 5.0, 800_000),
            "replacement would be no quicker"
        );
        let early = TransferProgress {
            seconds: 0.2,
            ..slow
        };
        assert!(!should_abandon(early, 0.0, 1));
    }
}
