//! Reads the times of media segments.

use super::{
    boxes::{boxes, child, first_box, number, time_width},
    init_segment::InitSegment,
};

/// A fragment has its own default duration of samples (`tfhd`, ISO/IEC 14496-12 § 8.8.7).
const HAS_DEFAULT_DURATION: u64 = 0x8;
/// The fields of `tfhd` before the default duration, and their bytes.
const TFHD_FIELDS: [(u64, usize); 2] = [(0x1, 8), (0x2, 4)];
/// The fields of `trun` before its samples, and their bytes (§ 8.8.8).
const TRUN_FIELDS: [(u64, usize); 2] = [(0x1, 4), (0x4, 4)];
/// The fields of each sample have four bytes each. The first is the duration.
const SAMPLE_FIELDS: [u64; 4] = [HAS_SAMPLE_DURATION, 0x200, 0x400, 0x800];
const HAS_SAMPLE_DURATION: u64 = 0x100;

/// The time in seconds at which a media segment begins, which may be cut off: see [`FragmentTimes::start`].
pub fn earliest_time(segment: &[u8], init: &InitSegment) -> Option<f64> {
    let mut times = FragmentTimes::new(init.clone());
    let mut rest = segment;
    while let Some((found, after)) = first_box(rest) {
        if found.kind == *b"moof" {
            match found.is_whole {
                true => times.read(rest),
                false => times.read_partial(rest),
            }
            break;
        }
        rest = after;
    }
    times.start()
}

/// The times of a media segment, read from its fragments while they arrive.
#[derive(Clone, Debug, Default)]
pub struct FragmentTimes {
    init: InitSegment,
    start: Option<f64>,
    end: Option<f64>,
}

impl FragmentTimes {
    /// Reads fragments with the tracks of this init segment.
    pub fn new(init: InitSegment) -> Self {
        Self {
            init,
            start: None,
            end: None,
        }
    }

    /// The earliest decode time (`tfdt`, ISO/IEC 14496-12 § 8.8.12) of the tracks in the first fragment, in seconds of
    /// the media.
    pub const fn start(&self) -> Option<f64> {
        self.start
    }

    /// The latest end of the tracks in the fragments so far, in seconds of the media.
    pub const fn end(&self) -> Option<f64> {
        self.end
    }

    /// Takes the start of a `moof` of which more will come. The times of its first tracks are known before all of it is
    /// there.
    pub fn read_partial(&mut self, moof: &[u8]) {
        let times = self.track_times(moof);
        if self.start.is_none() && times.len() == self.init.timescales.len() {
            self.start = times.iter().map(|time| time.start).reduce(f64::min);
        }
    }

    /// Takes a whole `moof`.
    pub fn read(&mut self, moof: &[u8]) {
        let times = self.track_times(moof);
        let first = times.iter().map(|time| time.start).reduce(f64::min);
        let last = times.iter().map(|time| time.end).reduce(f64::max);
        self.start = self.start.or(first);
        self.end = self.end.into_iter().chain(last).reduce(f64::max);
    }

    /// The times of the known tracks in a `moof`, which may be cut off.
    fn track_times(&self, moof: &[u8]) -> Vec<TrackTime> {
        let body = child(moof, b"moof").unwrap_or_default();
        boxes(body)
            .filter(|found| found.kind == *b"traf")
            .filter_map(|traf| track_time(traf.body, &self.init))
            .collect()
    }
}

/// Start and end of a track in a fragment, in seconds of the media.
struct TrackTime {
    start: f64,
    end: f64,
}

fn track_time(traf: &[u8], init: &InitSegment) -> Option<TrackTime> {
    let tfhd = child(traf, b"tfhd")?;
    let track_id = number(tfhd, 4, 4)?;
    let of_track = |list: &[(u32, u32)]| {
        let mut list = list.iter();
        let found = list.find(|(id, _)| u64::from(*id) == track_id);
        found.map(|(_, value)| u64::from(*value))
    };
    let timescale = of_track(&init.timescales)? as f64;
    let tfdt = child(traf, b"tfdt")?;
    let start = number(tfdt, 4, time_width(tfdt))?;
    let default = fragment_default(tfhd)
        .or_else(|| of_track(&init.default_durations))
        .unwrap_or(0);
    let runs = boxes(traf).filter(|found| found.kind == *b"trun");
    let durations = runs.map(|trun| run_duration(trun.body, default).unwrap_or(0));
    let end = durations.fold(start, u64::saturating_add);
    Some(TrackTime {
        start: start as f64 / timescale,
        end: end as f64 / timescale,
    })
}

/// The default duration of samples in a `tfhd`.
fn fragment_default(tfhd: &[u8]) -> Option<u64> {
    let flags = number(tfhd, 1, 3)?;
    let before = TFHD_FIELDS.iter().filter(|(flag, _)| flags & flag != 0);
    let at = 8 + before.map(|(_, width)| width).sum::<usize>();
    match flags & HAS_DEFAULT_DURATION {
        0 => None,
        _ => number(tfhd, at, 4),
    }
}

/// The sum of the durations of the samples in a `trun`, in ticks.
fn run_duration(trun: &[u8], default: u64) -> Option<u64> {
    let flags = number(trun, 1, 3)?;
    let count = number(trun, 4, 4)?;
    if flags & HAS_SAMPLE_DURATION == 0 {
        return Some(count.saturating_mul(default));
    }
    let before = TRUN_FIELDS.iter().filter(|(flag, _)| flags & flag != 0);
    let first = 8 + before.map(|(_, width)| width).sum::<usize>();
    let fields = SAMPLE_FIELDS.iter().filter(|flag| flags & **flag != 0);
    let width = 4 * fields.count();
    let samples = trun.get(first..)?.chunks_exact(width);
    let durations = samples.filter_map(|sample| number(sample, 0, 4));
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    Some(durations.take(count).sum())
}

#[cfg(test)]
mod tests {
    use super::super::test_boxes::boxed;
    use super::*;

    fn init(timescales: &[(u32, u32)]) -> InitSegment {
        InitSegment {
            timescales: timescales.to_vec(),
            default_durations: vec![(1, 50)],
            ..InitSegment::default()
        }
    }

    fn traf(track: u8, version: u8, time: &[u8], trun: &[u8]) -> Vec<u8> {
        let tfhd = boxed(b"tfhd", &[&[0, 0, 0, 0, 0, 0, 0, track]]);
        let tfdt = boxed(b"tfdt", &[&[version, 0, 0, 0], time]);
        boxed(b"traf", &[&tfhd, &tfdt, &boxed(b"trun", &[trun])])
    }

    #[test]
    fn segment_begins_with_earliest_of_its_tracks() {
        let four = [0, 0, 0, 0, 0, 0, 0, 4];
        let one = traf(1, 1, &1234_u64.to_be_bytes(), &four);
        let two = traf(2, 0, &12_u32.to_be_bytes(), &four);
        let other = traf(3, 0, &[0; 4], &four);
        let times = |parts: &[&[u8]]| {
            let mut times = FragmentTimes::new(init(&[(1, 100), (2, 1)]));
            times.read(&boxed(b"moof", parts));
            (times.start(), times.end())
        };
        assert_eq!(times(&[&other, &one, &two]), (Some(12.0), Some(14.34)));
        assert_eq!(times(&[&one]), (Some(12.34), Some(14.34)));
        assert_eq!(times(&[&other]), (None, None));
        assert_eq!(times(&[]), (None, None));
    }

    #[test]
    fn durations_of_samples_are_added_up() {
        // Duration and size of each of two samples, after the data offset and the flags of the first.
        let numbers = [2, 8, 0, 30, 99, 31, 99_u32].map(u32::to_be_bytes).concat();
        let trun = [[0, 0, 3, 5].as_slice(), &numbers].concat();
        let mut times = FragmentTimes::new(init(&[(1, 100)]));
        times.read(&boxed(b"moof", &[&traf(1, 0, &[0, 0, 0, 0], &trun)]));
        assert_eq!((times.start(), times.end()), (Some(0.0), Some(0.61)));
        let numbers = [7, 0, 1, 3_u32].map(u32::to_be_bytes).concat();
        assert_eq!(
            fragment_default(&[&[0, 0, 0, 0xb], &*numbers].concat()),
            None
        );
        let numbers = [7, 0, 1, 3, 25_u32].map(u32::to_be_bytes).concat();
        let tfhd = [&[0, 0, 0, 0xb], &*numbers].concat();
        assert_eq!(fragment_default(&tfhd), Some(25));
    }

    #[test]
    fn time_is_known_before_the_whole_fragment_has_come() {
        let samples = [[0, 0, 2, 0, 0, 0, 0x40, 0].as_slice(), &[0; 0x10_000]].concat();
        let moof = boxed(b"moof", &[&traf(1, 0, &[0, 0, 1, 0], &samples)]);
        let mut times = FragmentTimes::new(init(&[(1, 256)]));
        times.read_partial(&moof[..40]);
        assert_eq!(times.start(), None);
        times.read_partial(&moof[..60]);
        assert_eq!((times.start(), times.end()), (Some(1.0), None));
        // The other track of a muxed segment may begin earlier.
        let mut muxed = FragmentTimes::new(init(&[(1, 256), (2, 256)]));
        muxed.read_partial(&moof[..60]);
        assert_eq!(muxed.start(), None);
        muxed.read(&moof);
        assert_eq!(muxed.start(), Some(1.0));
    }
}
