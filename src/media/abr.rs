//! Adaptive bit rate: how fast the network is, and which representation that allows.

use super::Representation;

/// Bits per second that are believed in before anything has been measured.
pub const INITIAL_ESTIMATE: f64 = 1_500_000.0;

/// What is smaller than this, and quicker than [`SHORT`], tells of latency and not of bandwidth.
const SMALL: u64 = 16_000;
/// Seconds.
const SHORT: f64 = 0.25;

/// An average of which each half-life of measuring forgets one half.
#[derive(Clone, Copy, Debug)]
struct Ewma {
    /// Seconds.
    half_life: f64,
    average: f64,
    /// How much of the average has been measured: it began at 0, which is not a measurement.
    weight: f64,
}

impl Ewma {
    const fn new(half_life: f64) -> Self {
        Self {
            half_life,
            average: 0.0,
            weight: 0.0,
        }
    }

    fn sample(&mut self, value: f64, seconds: f64) {
        let kept = self.kept(seconds);
        self.average = kept * self.average + (1.0 - kept) * value;
        self.weight = kept * self.weight + (1.0 - kept);
    }

    fn value(&self) -> f64 {
        self.average / self.weight
    }

    /// What is left of something after so many seconds of measuring: e to the -x, by the limit of
    /// (1 + x / n) to the -n. `exp` and `powf` are larger than all that is measured with them.
    fn kept(&self, seconds: f64) -> f64 {
        let x = std::f64::consts::LN_2 * seconds / self.half_life;
        let mut kept = 1.0 / (1.0 + x / f64::from(1 << SQUARINGS));
        for _ in 0..SQUARINGS {
            kept *= kept;
        }
        kept
    }
}

/// Enough of them that the rest is smaller than any measurement is exact.
const SQUARINGS: u8 = 16;

/// The bandwidth of the network, as far as it has been measured.
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
    /// So many bytes came over the network in so many seconds. What came out of a cache does not
    /// belong here.
    pub fn sample(&mut self, bytes: u64, seconds: f64) {
        if seconds <= 0.0 || (bytes < SMALL && seconds < SHORT) {
            return;
        }
        let bits = bytes as f64 * 8.0 / seconds;
        self.fast.sample(bits, seconds);
        self.slow.sample(bits, seconds);
    }

    /// Bits per second: quick to believe that it has become less, slow to believe that it is more.
    pub fn estimate(&self) -> f64 {
        if self.slow.weight == 0.0 {
            return INITIAL_ESTIMATE;
        }
        self.fast.value().min(self.slow.value())
    }
}

/// What a choice depends on.
#[derive(Clone, Copy, Debug)]
pub struct AbrInput {
    /// Bits per second.
    pub bandwidth: f64,
    /// Seconds of film ahead of the position.
    pub buffer_ahead: f64,
    /// Seconds of film that are wanted ahead; more than 0.
    pub goal: f64,
    /// Seconds of film per second.
    pub rate: f64,
    /// Width and height of the picture on screen, in physical pixels; zeros if unknown.
    pub screen_size: (u32, u32),
    /// The representation that was chosen last.
    pub current: Option<usize>,
}

/// The best of `representations` (by ascending bandwidth) that the conditions allow, out of those
/// that may be played at all; `None` if none may.
pub fn choose(
    representations: &[Representation],
    playable: &dyn Fn(usize) -> bool,
    conditions: &AbrInput,
) -> Option<usize> {
    let fits = largest_of_use(representations, playable, conditions.screen_size);
    let budget = conditions.bandwidth / conditions.rate.max(0.1);
    let mut chosen = None;
    for (which, representation) in representations.iter().enumerate() {
        if !playable(which) {
            continue;
        }
        let needed = representation.bandwidth as f64;
        let affordable = needed <= budget * caution(which, conditions);
        let useful = pixels(representation) <= fits;
        // Something has to be played, however slow the network is.
        if chosen.is_none() || (affordable && useful) {
            chosen = Some(which);
        }
    }
    chosen
}

/// The one of `representations` that comes nearest to a bandwidth that a person has chosen, out of
/// those that may be played at all.
pub fn nearest(
    representations: &[Representation],
    playable: &dyn Fn(usize) -> bool,
    bandwidth: u64,
) -> Option<usize> {
    let mut nearest = None;
    let mut least = u64::MAX;
    for (which, representation) in representations.iter().enumerate() {
        let off = representation.bandwidth.abs_diff(bandwidth);
        if off < least && playable(which) {
            (nearest, least) = (Some(which), off);
        }
    }
    nearest
}

/// With this much buffered there is time to think again, however much more is wanted: seconds.
const ENOUGH: f64 = 10.0;

/// Which part of the bandwidth a representation may take. To go up is dared only by part; to stay is
/// easier than to go up, so that an estimate that wavers does not make the picture waver; and the
/// more is buffered, the longer a network that is too slow is put up with.
fn caution(which: usize, conditions: &AbrInput) -> f64 {
    let enough = conditions.goal.min(ENOUGH);
    let filled = (conditions.buffer_ahead / enough).min(1.0);
    if conditions.current.is_some_and(|current| which <= current) {
        0.8 + 0.5 * filled
    } else {
        0.6 + 0.2 * filled
    }
}

/// The pixels of the smallest picture that fills the screen: more would not be seen.
fn largest_of_use(
    representations: &[Representation],
    playable: &dyn Fn(usize) -> bool,
    (width, height): (u32, u32),
) -> u64 {
    if width == 0 || height == 0 {
        return u64::MAX;
    }
    let mut smallest = u64::MAX;
    for (which, it) in representations.iter().enumerate() {
        if (it.size.0 >= width || it.size.1 >= height) && playable(which) {
            smallest = smallest.min(pixels(it));
        }
    }
    smallest
}

fn pixels(representation: &Representation) -> u64 {
    u64::from(representation.size.0) * u64::from(representation.size.1)
}

/// A download that is going on.
#[derive(Clone, Copy, Debug)]
pub struct TransferProgress {
    /// Since it was asked for.
    pub seconds: f64,
    /// What has come so far.
    pub received: u64,
    /// What there will be, as far as that is known or can be guessed.
    pub total: u64,
}

/// How long a download is watched before it is judged: seconds, and a part of the time that is left. In
/// its first moments it has mostly waited.
const TRIAL: (f64, f64) = (0.5, 0.25);

/// Whether a download should be given up, because the buffer will have run dry (`left` seconds from
/// now) before it is done, and a smaller one of `instead` bytes would be done well before it.
pub fn should_abandon(transfer: TransferProgress, left: f64, instead: u64) -> bool {
    let trial = TRIAL.0.max(left * TRIAL.1);
    if transfer.seconds < trial || transfer.received == 0 {
        return false;
    }
    let speed = transfer.received as f64 / transfer.seconds;
    let missing = transfer.total.saturating_sub(transfer.received) as f64 / speed;
    missing > left && instead as f64 / speed < missing * 0.7
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

    const CALM: AbrInput = AbrInput {
        bandwidth: 10_000_000.0,
        buffer_ahead: 20.0,
        goal: 30.0,
        rate: 1.0,
        screen_size: (0, 0),
        current: None,
    };

    fn chosen(conditions: AbrInput) -> Option<usize> {
        choose(&ladder(), &|_| true, &conditions)
    }

    #[test]
    fn the_network_bounds_the_choice() {
        for (bandwidth, expected) in [(50_000.0, 0), (1_200_000.0, 1), (10_000_000.0, 2)] {
            let conditions = AbrInput { bandwidth, ..CALM };
            assert_eq!(chosen(conditions), Some(expected), "{bandwidth}");
        }
    }

    #[test]
    fn playing_faster_takes_more_of_the_network() {
        let conditions = AbrInput {
            bandwidth: 5_000_000.0,
            ..CALM
        };
        assert_eq!(chosen(conditions), Some(2));
        assert_eq!(
            chosen(AbrInput {
                rate: 2.0,
                ..conditions
            }),
            Some(1)
        );
    }

    #[test]
    fn the_screen_bounds_the_choice() {
        for (screen, expected) in [((320, 180), 0), ((640, 360), 1), ((3840, 2160), 2)] {
            let conditions = AbrInput {
                screen_size: screen,
                ..CALM
            };
            assert_eq!(chosen(conditions), Some(expected), "{screen:?}");
        }
    }

    #[test]
    fn what_cannot_be_played_is_never_chosen() {
        assert_eq!(choose(&ladder(), &|which| which == 0, &CALM), Some(0));
        assert_eq!(choose(&ladder(), &|_| false, &CALM), None);
        let slow = AbrInput {
            bandwidth: 1.0,
            ..CALM
        };
        assert_eq!(choose(&ladder(), &|which| which == 2, &slow), Some(2));
    }

    #[test]
    fn what_a_person_has_chosen_is_played_or_what_comes_nearest() {
        let nearest = |bandwidth, without| nearest(&ladder(), &|which| which != without, bandwidth);
        assert_eq!(nearest(800_000, 2), Some(1));
        assert_eq!(nearest(800_000, 1), Some(0));
        assert_eq!(nearest(u64::MAX, 0), Some(2));
        assert_eq!(super::nearest(&ladder(), &|_| false, 800_000), None);
    }

    #[test]
    fn a_full_buffer_keeps_the_picture_where_an_empty_one_gives_it_up() {
        let wavering = AbrInput {
            bandwidth: 2_500_000.0,
            current: Some(2),
            ..CALM
        };
        let with_level = |level| AbrInput {
            buffer_ahead: level,
            ..wavering
        };
        assert_eq!(chosen(with_level(30.0)), Some(2));
        assert_eq!(chosen(with_level(2.0)), Some(1));
    }

    #[test]
    fn less_is_believed_sooner_than_more() {
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
    fn each_half_life_forgets_one_half() {
        let ewma = Ewma::new(2.0);
        for (seconds, expected) in [(0.0, 1.0), (2.0, 0.5), (4.0, 0.25), (20.0, 1.0 / 1024.0)] {
            let kept = ewma.kept(seconds);
            assert!((kept - expected).abs() < 1e-5, "{seconds}: {kept}");
        }
    }

    #[test]
    fn small_answers_say_nothing_of_the_bandwidth() {
        let mut bandwidth = BandwidthEstimator::default();
        bandwidth.sample(900, 0.001);
        bandwidth.sample(900, 0.2);
        assert_eq!(bandwidth.estimate(), INITIAL_ESTIMATE);
        // But a trickle does.
        bandwidth.sample(900, 4.0);
        assert!(bandwidth.estimate() < 2_000.0);
    }

    #[test]
    fn a_download_is_given_up_only_for_one_that_would_make_it() {
        let slow = TransferProgress {
            seconds: 2.0,
            received: 100_000,
            total: 1_000_000,
        };
        assert!(should_abandon(slow, 5.0, 100_000));
        assert!(!should_abandon(slow, 9.0, 100_000), "there is time to see");
        assert!(!should_abandon(slow, 30.0, 100_000), "it will be in time");
        assert!(
            !should_abandon(slow, 5.0, 800_000),
            "the other would be no quicker"
        );
        let young = TransferProgress {
            seconds: 0.2,
            ..slow
        };
        assert!(!should_abandon(young, 0.0, 1));
    }
}
