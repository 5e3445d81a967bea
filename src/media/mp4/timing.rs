//! Reads the times of media segments.

use super::{
    boxes::{boxes, child, number, time_width},
    init_segment::InitSegment,
};

/// The time in seconds at which a media segment begins: the earliest decode time (`tfdt`, ISO/IEC 14496-12
/// § 8.8.12) of the tracks in its first fragment. `None` if `segment`, which may be cut off, does not contain
/// the whole `moof` of that fragment.
pub fn earliest_time(segment: &[u8], init: &InitSegment) -> Option<f64> {
    let moof = boxes(segment).find(|found| found.kind == *b"moof" && found.is_whole)?;
    boxes(moof.body)
        .filter(|found| found.kind == *b"traf")
        .filter_map(|traf| {
            let track_id = number(child(traf.body, b"tfhd")?, 4, 4)?;
            let tfdt = child(traf.body, b"tfdt")?;
            let ticks = number(tfdt, 4, time_width(tfdt))?;
            let mut timescales = init.timescales.iter();
            let (_, timescale) = timescales.find(|(id, _)| u64::from(*id) == track_id)?;
            Some(ticks as f64 / f64::from(*timescale))
        })
        .reduce(f64::min)
}

#[cfg(test)]
mod tests {
    use super::super::test_boxes::boxed;
    use super::*;

    #[test]
    fn segment_begins_with_earliest_of_its_tracks() {
        let traf = |track: u8, version: u8, time: &[u8]| {
            let tfhd = boxed(b"tfhd", &[&[0, 0, 0, 0, 0, 0, 0, track]]);
            boxed(
                b"traf",
                &[&tfhd, &boxed(b"tfdt", &[&[version, 0, 0, 0], time])],
            )
        };
        let init = InitSegment {
            timescales: vec![(1, 100), (2, 1)],
            ..InitSegment::default()
        };
        let one = traf(1, 1, &1234_u64.to_be_bytes());
        let two = traf(2, 0, &12_u32.to_be_bytes());
        let other = traf(3, 0, &[0; 4]);
        let segment = [boxed(b"styp", &[]), boxed(b"moof", &[&other, &one, &two])].concat();
        assert_eq!(earliest_time(&segment, &init), Some(12.0));
        assert_eq!(earliest_time(&segment[..segment.len() - 1], &init), None);
        assert_eq!(earliest_time(&boxed(b"moof", &[&one]), &init), Some(12.34));
        assert_eq!(earliest_time(&boxed(b"moof", &[&other]), &init), None);
        assert_eq!(earliest_time(&boxed(b"mdat", &[]), &init), None);
    }
}
