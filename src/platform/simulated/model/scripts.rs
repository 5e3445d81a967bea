//! Scripts of appends, removals and evictions, with what the specification has them end in.
//!
//! Pictures come ten a second with a random access point every second, sound twenty frames a second.

#![allow(
    clippy::single_range_in_vec_init,
    reason = "what is buffered is a list of ranges"
)]

use super::{
    Rules,
    media_source::{MediaSourceModel, SourceEvent},
    nanos, seconds,
};
use crate::platform::{simulated::bytes::Bytes, types::ReadyState};

#[path = "../../../../tests/platform/fmp4.rs"]
mod fmp4;

use fmp4::{AUDIO, Run, Track, VIDEO, init, plain_box, run, segment};

/// An open source, and what is done to it.
struct Script {
    source: MediaSourceModel,
    position: f64,
}

type Outcome = Result<(), String>;
type Buffered = Vec<(f64, f64)>;

impl Script {
    /// With one buffer for each of these types.
    fn new(rules: Rules, mimes: &[&str]) -> Self {
        let mut source = MediaSourceModel::new(rules, false);
        source.open();
        for mime in mimes {
            source.add_buffer(mime).unwrap();
        }
        source.take_events();
        Self {
            source,
            position: 0.0,
        }
    }

    /// With one buffer for pictures, which has its init segment.
    fn video(rules: Rules) -> Self {
        let mut script = Self::new(rules, &["video/mp4"]);
        script.append(&init(&[VIDEO])).unwrap();
        script
    }

    fn append_to(&mut self, nth: usize, bytes: &[u8]) -> Outcome {
        let position = nanos(self.position);
        let begun = self
            .source
            .append(nth, &Bytes::from(bytes), position, false);
        begun.map_err(|exception| exception.name)?;
        self.source.finish(nth);
        match self
            .source
            .take_events()
            .contains(&SourceEvent::DecodeError)
        {
            true => Err("decode error".into()),
            false => Ok(()),
        }
    }

    fn append(&mut self, bytes: &[u8]) -> Outcome {
        self.append_to(0, bytes)
    }

    /// Appends pictures.
    fn pictures(&mut self, from: f64, to: f64) -> Outcome {
        self.append(&segment(&[run(VIDEO, from, to)]))
    }

    fn remove(&mut self, from: f64, to: f64) -> Outcome {
        let begun = self.source.remove(0, from..to);
        begun.map_err(|exception| exception.name)?;
        self.source.finish(0);
        Ok(())
    }

    fn end(&mut self) -> Outcome {
        self.source.end_of_stream().map_err(|it| it.name)
    }

    fn offset(&mut self, offset: f64) -> Outcome {
        self.source
            .set_timestamp_offset(0, offset)
            .map_err(|it| it.name)
    }

    fn bounds(&mut self, from: f64, to: f64) -> Outcome {
        self.source
            .set_append_window(0, from..to)
            .map_err(|it| it.name)
    }

    fn buffered_in(&mut self, nth: usize) -> Vec<(f64, f64)> {
        let ranges = self.source.buffered(nth).unwrap();
        ranges
            .iter()
            .map(|it| (seconds(it.start), seconds(it.end)))
            .collect()
    }

    fn buffered(&mut self) -> Vec<(f64, f64)> {
        self.buffered_in(0)
    }
}

fn error(name: &str) -> Outcome {
    Err(name.into())
}

const INVALID_STATE: &str = "InvalidStateError";

#[test]
fn segment_is_buffered_from_first_to_last_frame() {
    let mut script = Script::video(Rules::chromium());
    assert_eq!(script.buffered(), []);
    script.pictures(1.0, 3.0).unwrap();
    assert_eq!(script.buffered(), [(1.0, 3.0)]);
}

#[test]
fn part_of_a_segment_buffers_its_complete_frames() {
    let mut script = Script::video(Rules::chromium());
    let whole = segment(&[run(VIDEO, 0.0, 2.0)]);
    // Twenty frames of 100 bytes: the last three and a half are missing.
    let (part, rest) = whole.split_at(whole.len() - 350);
    script.append(part).unwrap();
    assert_eq!(script.buffered(), [(0.0, 1.6)]);
    script.append(rest).unwrap();
    assert_eq!(script.buffered(), [(0.0, 2.0)]);
}

#[test]
fn segment_may_be_appended_byte_by_byte() {
    let mut script = Script::new(Rules::chromium(), &["video/mp4"]);
    let mut whole = init(&[VIDEO]);
    whole.extend(segment(&[Run {
        size: 3,
        ..run(VIDEO, 0.0, 1.0)
    }]));
    for byte in whole {
        script.append(&[byte]).unwrap();
    }
    assert_eq!(script.buffered(), [(0.0, 1.0)]);
}

#[test]
fn moof_and_its_payload_may_be_appended_separately() {
    let mut script = Script::video(Rules::chromium());
    let whole = segment(&[run(VIDEO, 0.0, 1.0)]);
    let (headers, payload) = whole.split_at(whole.len() - 1_000);
    script.append(headers).unwrap();
    assert_eq!(script.buffered(), []);
    script.append(payload).unwrap();
    assert_eq!(script.buffered(), [(0.0, 1.0)]);
}

#[test]
fn offset_is_added_to_timestamps() {
    let mut script = Script::video(Rules::chromium());
    script.offset(10.0).unwrap();
    script.pictures(0.0, 1.0).unwrap();
    script.offset(-1.0).unwrap();
    script.pictures(5.0, 6.0).unwrap();
    assert_eq!(script.buffered(), [(4.0, 5.0), (10.0, 11.0)]);
}

#[test]
fn offset_is_refused_within_a_segment_until_abort() {
    let mut script = Script::video(Rules::chromium());
    let whole = segment(&[run(VIDEO, 0.0, 1.0)]);
    script.append(&whole[..whole.len() - 1]).unwrap();
    assert_eq!(script.offset(5.0), error(INVALID_STATE));
    script.source.abort(0).unwrap();
    script.offset(5.0).unwrap();
    script.pictures(0.0, 1.0).unwrap();
    assert_eq!(script.buffered(), [(0.0, 0.9), (5.0, 6.0)]);
}

#[test]
fn frames_before_the_window_drop_their_dependents() {
    let mut script = Script::video(Rules::chromium());
    script.bounds(0.5, f64::INFINITY).unwrap();
    script.pictures(0.0, 2.0).unwrap();
    // What begins at 0.5 depends on the first frame, which was dropped.
    assert_eq!(script.buffered(), [(1.0, 2.0)]);
}

#[test]
fn frames_that_end_after_the_window_are_dropped() {
    let buffered = |rules| {
        let mut script = Script::video(rules);
        script.bounds(0.0, 1.55).unwrap();
        script.pictures(0.0, 2.0).unwrap();
        script.buffered()
    };
    assert_eq!(buffered(Rules::chromium()), [(0.0, 1.5)]);
    assert_eq!(buffered(Rules::firefox()), [(0.0, 1.55)], "trimmed");
}

#[test]
fn frame_dropped_by_the_window_drops_its_dependents_later() {
    let mut script = Script::video(Rules::chromium());
    script.bounds(0.0, 1.2).unwrap();
    script.pictures(0.0, 1.3).unwrap();
    script.bounds(0.0, f64::INFINITY).unwrap();
    let mut rest = segment(&[Run {
        group: 7,
        ..run(VIDEO, 1.3, 3.0)
    }]);
    make_dependent(&mut rest);
    script.append(&rest).unwrap();
    assert_eq!(script.buffered(), [(0.0, 1.2), (2.0, 3.0)]);
}

#[test]
fn first_frame_removes_what_begins_within_it() {
    let mut script = Script::video(Rules::chromium());
    script.offset(0.05).unwrap();
    script.pictures(0.0, 2.0).unwrap();
    script.offset(0.0).unwrap();
    script.pictures(0.0, 0.1).unwrap();
    // The frame at 0.05 began a group.
    assert_eq!(script.buffered(), [(0.0, 0.1), (1.05, 2.05)]);
}

#[test]
fn abort_makes_the_window_infinite() {
    let mut script = Script::video(Rules::chromium());
    script.bounds(0.0, 0.5).unwrap();
    script.source.abort(0).unwrap();
    script.pictures(0.0, 1.0).unwrap();
    assert_eq!(script.buffered(), [(0.0, 1.0)]);
}

#[test]
fn sound_is_trimmed_to_the_window_but_in_webkit() {
    let trimmed = |rules| {
        let mut script = Script::new(rules, &["audio/mp4"]);
        script.append(&init(&[AUDIO])).unwrap();
        script.bounds(0.13, 0.87).unwrap();
        script.append(&segment(&[run(AUDIO, 0.0, 1.0)])).unwrap();
        script.buffered()
    };
    assert_eq!(trimmed(Rules::chromium()), [(0.13, 0.87)]);
    assert_eq!(trimmed(Rules::webkit()), [(0.15, 0.85)]);
}

#[test]
fn window_that_is_none_is_refused() {
    let mut script = Script::video(Rules::chromium());
    for (from, to) in [(-1.0, 5.0), (5.0, 5.0), (6.0, 5.0), (0.0, f64::NAN)] {
        assert_eq!(script.bounds(from, to), error("TypeError"), "{from}..{to}");
    }
}

#[test]
fn segments_apart_are_two_ranges() {
    let mut script = Script::video(Rules::chromium());
    script.pictures(0.0, 1.0).unwrap();
    script.pictures(3.0, 4.0).unwrap();
    script.pictures(2.0, 3.0).unwrap();
    assert_eq!(script.buffered(), [(0.0, 1.0), (2.0, 4.0)]);
}

#[test]
fn gap_of_one_frame_is_none() {
    let mut script = Script::video(Rules::chromium());
    script.pictures(0.0, 1.0).unwrap();
    script.pictures(1.1, 2.0).unwrap();
    script.pictures(2.2, 3.0).unwrap();
    assert_eq!(script.buffered(), [(0.0, 2.0), (2.2, 3.0)]);
}

#[test]
fn webkit_joins_what_follows_within_100_ms() {
    let gap = |rules, is_in_sequence: bool| {
        let mut script = Script::new(rules, &["audio/mp4"]);
        script.append(&init(&[AUDIO])).unwrap();
        let mut order = [(0.0, 1.0), (1.1, 2.0)];
        if !is_in_sequence {
            order.reverse();
        }
        for (from, to) in order {
            // Else WebKit would drop what is earlier.
            script.source.abort(0).unwrap();
            script.append(&init(&[AUDIO])).unwrap();
            script.append(&segment(&[run(AUDIO, from, to)])).unwrap();
        }
        script.buffered()
    };
    assert_eq!(gap(Rules::chromium(), true), [(0.0, 1.0), (1.1, 2.0)]);
    assert_eq!(gap(Rules::webkit(), true), [(0.0, 2.0)]);
    assert_eq!(gap(Rules::webkit(), false), [(0.0, 1.0), (1.1, 2.0)]);
}

#[test]
fn overlapping_append_replaces_frames() {
    let mut script = Script::video(Rules::chromium());
    script.pictures(0.0, 3.0).unwrap();
    assert_eq!(script.source.bytes(0), 3_000);
    let better = Run {
        size: 500,
        ..run(VIDEO, 1.0, 2.0)
    };
    script.append(&segment(&[better])).unwrap();
    assert_eq!(script.buffered(), [(0.0, 3.0)]);
    assert_eq!(script.source.bytes(0), 2_000 + 5_000);
}

#[test]
fn overlap_within_a_group_removes_its_rest() {
    let mut script = Script::video(Rules::chromium());
    script.pictures(0.0, 2.0).unwrap();
    script.pictures(0.5, 0.8).unwrap();
    // The frames at 0.8 and 0.9 depended on those that were replaced.
    assert_eq!(script.buffered(), [(0.0, 0.8), (1.0, 2.0)]);
    assert_eq!(script.source.bytes(0), 1_800);
}

#[test]
fn overlap_before_a_group_keeps_the_group() {
    let mut script = Script::video(Rules::chromium());
    script.pictures(1.0, 2.0).unwrap();
    script.pictures(0.0, 1.0).unwrap();
    assert_eq!(script.buffered(), [(0.0, 2.0)]);
    assert_eq!(script.source.bytes(0), 2_000);
}

#[test]
fn overlap_of_a_random_access_point_removes_its_group() {
    let mut script = Script::video(Rules::chromium());
    script.pictures(1.0, 3.0).unwrap();
    script.pictures(0.0, 1.1).unwrap();
    assert_eq!(script.buffered(), [(0.0, 1.1), (2.0, 3.0)]);
}

#[test]
fn remove_goes_on_to_the_next_random_access_point() {
    let mut script = Script::video(Rules::chromium());
    script.pictures(0.0, 3.0).unwrap();
    script.remove(0.5, 1.5).unwrap();
    assert_eq!(script.buffered(), [(0.0, 0.5), (2.0, 3.0)]);
}

#[test]
fn remove_in_the_last_group_goes_on_to_the_end() {
    let mut script = Script::video(Rules::chromium());
    script.pictures(0.0, 3.0).unwrap();
    script.remove(2.2, 2.5).unwrap();
    assert_eq!(script.buffered(), [(0.0, 2.2)]);
}

#[test]
fn remove_of_whole_groups_keeps_the_others() {
    let mut script = Script::video(Rules::chromium());
    script.pictures(0.0, 3.0).unwrap();
    script.remove(1.0, 2.0).unwrap();
    assert_eq!(script.buffered(), [(0.0, 1.0), (2.0, 3.0)]);
    script.remove(0.0, f64::INFINITY).unwrap();
    assert_eq!(script.buffered(), []);
    assert_eq!(script.source.bytes(0), 0);
}

#[test]
fn append_after_its_predecessor_was_removed_needs_a_key_frame() {
    let mut script = Script::video(Rules::chromium());
    script.pictures(0.0, 1.0).unwrap();
    script.remove(0.0, 5.0).unwrap();
    // Continues the group of which everything is gone; the group after begins at 1.5.
    let rest = Run {
        group: 20,
        ..run(VIDEO, 1.0, 1.5)
    };
    let mut bytes = segment(&[rest]);
    make_dependent(&mut bytes);
    script.append(&bytes).unwrap();
    assert_eq!(script.buffered(), []);
    script.pictures(1.5, 2.0).unwrap();
    assert_eq!(script.buffered(), [(1.5, 2.0)]);
}

/// Makes the first frame of a segment one that is no random access point.
fn make_dependent(segment: &mut [u8]) {
    let trun = segment.windows(4).position(|it| it == b"trun").unwrap();
    // Version and flags, count, data offset, size; then the flags.
    segment[trun + 4 + 16..][..4].copy_from_slice(&0x01_0000_u32.to_be_bytes());
}

#[test]
fn remove_of_a_range_that_is_none_is_refused() {
    let mut script = Script::video(Rules::chromium());
    script.pictures(0.0, 1.0).unwrap();
    script.end().unwrap();
    for (from, to) in [(-1.0, 1.0), (2.0, 3.0), (0.5, 0.5), (0.5, f64::NAN)] {
        assert_eq!(script.remove(from, to), error("TypeError"), "{from}..{to}");
    }
}

#[test]
fn remove_before_the_duration_is_known_is_refused() {
    let mut script = Script::new(Rules::chromium(), &["video/mp4"]);
    assert_eq!(script.remove(0.0, 1.0), error("TypeError"));
}

#[test]
fn busy_buffer_refuses_everything_but_abort() {
    let mut script = Script::video(Rules::chromium());
    let bytes = Bytes::from(segment(&[run(VIDEO, 0.0, 1.0)]).as_slice());
    script.source.append(0, &bytes, 0, false).unwrap();
    assert!(script.source.is_updating(0));
    assert_eq!(script.pictures(1.0, 2.0), error(INVALID_STATE));
    assert_eq!(script.remove(0.0, 1.0), error(INVALID_STATE));
    assert_eq!(script.offset(1.0), error(INVALID_STATE));
    assert_eq!(script.bounds(0.0, 1.0), error(INVALID_STATE));
    assert_eq!(script.end(), error(INVALID_STATE));
    assert_eq!(
        script.source.set_duration(5.0).unwrap_err().name,
        INVALID_STATE
    );
    script.source.abort(0).unwrap();
    script.pictures(1.0, 2.0).unwrap();
    assert_eq!(
        script.buffered(),
        [(1.0, 2.0)],
        "what was aborted was never parsed"
    );
}

#[test]
fn removal_cannot_be_aborted() {
    let mut script = Script::video(Rules::chromium());
    script.pictures(0.0, 1.0).unwrap();
    script.source.remove(0, 0.0..1.0).unwrap();
    assert_eq!(script.source.abort(0).unwrap_err().name, INVALID_STATE);
}

#[test]
fn media_segment_before_any_init_segment_fails() {
    let mut script = Script::new(Rules::chromium(), &["video/mp4"]);
    assert_eq!(script.pictures(0.0, 1.0), error("decode error"));
    assert_eq!(script.source.state(), ReadyState::Closed);
}

/// What an append of garbage gives, and what is buffered after a segment that follows, and after another that
/// follows an abort.
fn after_garbage(rules: Rules, garbage: &[u8]) -> (Outcome, Buffered, Buffered) {
    let mut script = Script::video(rules);
    let outcome = script.append(garbage);
    let _ = script.pictures(0.0, 1.0);
    let buffered = |script: &mut Script| {
        let ranges = script.source.buffered(0).unwrap_or_default();
        ranges
            .iter()
            .map(|it| (seconds(it.start), seconds(it.end)))
            .collect()
    };
    let before = buffered(&mut script);
    let _ = script.source.abort(0);
    let _ = script.append(&init(&[VIDEO]));
    let _ = script.pictures(1.0, 2.0);
    (outcome, before, buffered(&mut script))
}

#[test]
fn text_is_swallowed_by_chromium_and_fails_elsewhere() {
    let text = b"<!doctype html><title>Log in</title>";
    let swallowed = (Ok(()), vec![], vec![(1.0, 2.0)]);
    assert_eq!(after_garbage(Rules::chromium(), text), swallowed);
    assert_eq!(
        after_garbage(Rules::firefox(), text).0,
        error("decode error")
    );
    assert_eq!(
        after_garbage(Rules::webkit(), text).0,
        error("decode error")
    );
}

#[test]
fn unknown_box_fails_but_in_webkit() {
    let unknown = plain_box(b"zzzz", &[0; 8]);
    assert_eq!(
        after_garbage(Rules::chromium(), &unknown).0,
        error("decode error")
    );
    assert_eq!(
        after_garbage(Rules::firefox(), &unknown).0,
        error("decode error")
    );
    let passed = (Ok(()), vec![(0.0, 1.0)], vec![(0.0, 2.0)]);
    assert_eq!(after_garbage(Rules::webkit(), &unknown), passed);
}

#[test]
fn zeros_fail_everywhere() {
    for rules in [Rules::chromium(), Rules::firefox(), Rules::webkit()] {
        assert_eq!(after_garbage(rules, &[0; 64]).0, error("decode error"));
    }
}

#[test]
fn abort_needs_another_init_segment_in_webkit() {
    let mut script = Script::video(Rules::webkit());
    script.source.abort(0).unwrap();
    script.pictures(0.0, 1.0).unwrap();
    assert_eq!(script.buffered(), []);
    script.append(&init(&[VIDEO])).unwrap();
    script.pictures(1.0, 2.0).unwrap();
    assert_eq!(script.buffered(), [(1.0, 2.0)]);
}

#[test]
fn decode_error_closes_the_source_in_webkit() {
    let mut script = Script::video(Rules::webkit());
    assert_eq!(script.append(&[0; 64]), error("decode error"));
    assert_eq!(script.source.state(), ReadyState::Closed);
}

#[test]
fn offset_may_be_set_within_a_segment_in_webkit() {
    let mut script = Script::video(Rules::webkit());
    let whole = segment(&[run(VIDEO, 0.0, 2.0)]);
    let (part, rest) = whole.split_at(whole.len() - 1_250);
    script.append(part).unwrap();
    script.offset(5.0).unwrap();
    script.append(rest).unwrap();
    // The rest of the first group is lost, as what it depends on is elsewhere.
    assert_eq!(script.buffered(), [(0.0, 0.7), (6.0, 7.0)]);
}

#[test]
fn boxes_without_media_are_passed_over() {
    let mut script = Script::video(Rules::chromium());
    let mut bytes = plain_box(b"styp", b"msdh\0\0\0\0");
    bytes.extend(plain_box(b"emsg", &[0; 30]));
    bytes.extend(segment(&[run(VIDEO, 0.0, 1.0)]));
    script.append(&bytes).unwrap();
    assert_eq!(script.buffered(), [(0.0, 1.0)]);
}

#[test]
fn append_opens_a_source_that_has_ended() {
    let mut script = Script::video(Rules::chromium());
    script.pictures(0.0, 1.0).unwrap();
    script.end().unwrap();
    assert_eq!(script.source.state(), ReadyState::Ended);
    assert_eq!(script.source.abort(0).unwrap_err().name, INVALID_STATE);
    script.source.take_events();
    let bytes = Bytes::from(segment(&[run(VIDEO, 1.0, 2.0)]).as_slice());
    script.source.append(0, &bytes, 0, false).unwrap();
    assert_eq!(script.source.take_events(), [SourceEvent::Open]);
    assert_eq!(script.source.state(), ReadyState::Open);
}

#[test]
fn end_of_stream_cuts_the_duration_to_what_is_buffered() {
    let mut script = Script::video(Rules::chromium());
    script.source.set_duration(100.0).unwrap();
    script.pictures(0.0, 3.0).unwrap();
    script.end().unwrap();
    assert_eq!(script.source.duration(), 3.0);
    assert_eq!(script.end(), error(INVALID_STATE));
}

#[test]
fn frames_beyond_the_duration_extend_it() {
    let mut script = Script::video(Rules::chromium());
    assert_eq!(script.source.duration(), f64::INFINITY);
    script.source.set_duration(1.0).unwrap();
    script.pictures(0.0, 2.0).unwrap();
    assert_eq!(script.source.duration(), 2.0);
}

#[test]
fn duration_is_not_set_below_what_is_buffered() {
    let mut script = Script::video(Rules::chromium());
    script.pictures(0.0, 2.0).unwrap();
    // The last frame is from 1.9 to 2.
    assert_eq!(
        script.source.set_duration(1.8).unwrap_err().name,
        INVALID_STATE
    );
    script.source.set_duration(1.95).unwrap();
    assert_eq!(script.source.duration(), 1.95);
    assert_eq!(
        script.source.set_duration(f64::NAN).unwrap_err().name,
        "TypeError"
    );
}

#[test]
fn duration_within_the_last_frame_is_raised_but_in_chromium() {
    let mut script = Script::video(Rules::firefox());
    script.pictures(0.0, 2.0).unwrap();
    script.source.set_duration(1.95).unwrap();
    assert_eq!(script.source.duration(), 2.0);
}

#[test]
fn muxed_tracks_are_buffered_where_both_are() {
    let mut script = Script::new(Rules::firefox(), &["video/mp4"]);
    script.append(&init(&[VIDEO, AUDIO])).unwrap();
    script
        .append(&segment(&[run(VIDEO, 0.0, 2.0), run(AUDIO, 0.5, 1.8)]))
        .unwrap();
    assert_eq!(script.buffered(), [(0.5, 1.8)]);
    script.end().unwrap();
    assert_eq!(
        script.buffered(),
        [(0.5, 2.0)],
        "the shorter track has ended"
    );
}

#[test]
fn element_plays_what_is_in_all_buffers() {
    let mut script = Script::new(Rules::chromium(), &["video/mp4", "audio/mp4"]);
    script.append_to(0, &init(&[VIDEO])).unwrap();
    assert!(!script.source.has_metadata());
    script.append_to(1, &init(&[AUDIO])).unwrap();
    assert!(script.source.has_metadata());
    script
        .append_to(0, &segment(&[run(VIDEO, 0.0, 3.0)]))
        .unwrap();
    assert_eq!(script.source.element_buffered(), []);
    script
        .append_to(1, &segment(&[run(AUDIO, 1.0, 2.0)]))
        .unwrap();
    let element = script.source.element_buffered();
    assert_eq!(element, [nanos(1.0)..nanos(2.0)]);
}

#[test]
fn append_beyond_the_quota_is_refused_if_nothing_can_go() {
    let rules = Rules {
        video_quota: 2_000,
        ..Rules::chromium()
    };
    let mut script = Script::video(rules);
    script.pictures(0.0, 1.0).unwrap();
    assert_eq!(script.pictures(1.0, 2.0), error("QuotaExceededError"));
    assert_eq!(script.buffered(), [(0.0, 1.0)]);
}

#[test]
fn eviction_takes_whole_groups_behind_the_position() {
    let rules = Rules {
        // Room for three segments of a second: 1,000 bytes of frames, and less than 400 of headers on their way in.
        video_quota: 3_400,
        ..Rules::chromium()
    };
    let mut script = Script::video(rules);
    for second in 0..3 {
        script
            .pictures(f64::from(second), f64::from(second + 1))
            .unwrap();
        script.position = 1.5;
    }
    script.pictures(3.0, 4.0).unwrap();
    assert_eq!(script.buffered(), [(1.0, 4.0)]);
    // The group of the position itself stays.
    assert_eq!(script.pictures(4.0, 5.0), error("QuotaExceededError"));
    assert_eq!(script.buffered(), [(1.0, 4.0)]);
}

#[test]
fn eviction_takes_from_the_end_after_a_seek_back() {
    let rules = Rules {
        video_quota: 3_400,
        ..Rules::chromium()
    };
    let mut script = Script::video(rules);
    script.pictures(10.0, 12.0).unwrap();
    script.pictures(0.0, 1.0).unwrap();
    script.pictures(1.0, 2.0).unwrap();
    assert_eq!(script.buffered(), [(0.0, 2.0), (10.0, 11.0)]);
    script.pictures(2.0, 3.0).unwrap();
    assert_eq!(script.buffered(), [(0.0, 3.0)]);
}

#[test]
fn buffers_are_refused_after_the_first_init_segment() {
    let mut script = Script::new(Rules::chromium(), &["video/mp4"]);
    script.source.add_buffer("audio/mp4").unwrap();
    script.append(&init(&[VIDEO])).unwrap();
    let refused = script.source.add_buffer("audio/mp4").unwrap_err();
    assert_eq!(refused.name, "QuotaExceededError");
}

#[test]
fn closing_source_refuses_every_call() {
    let mut script = Script::video(Rules::chromium());
    script.pictures(0.0, 1.0).unwrap();
    script.source.begin_closing();
    assert_eq!(
        script.source.state(),
        ReadyState::Open,
        "its thread is not told yet"
    );
    assert_eq!(script.pictures(1.0, 2.0), error(INVALID_STATE));
    assert_eq!(script.remove(0.0, 1.0), error(INVALID_STATE));
    assert_eq!(script.offset(1.0), error(INVALID_STATE));
    assert_eq!(script.end(), error(INVALID_STATE));
    assert_eq!(script.source.buffered(0).unwrap_err().name, INVALID_STATE);
    script.source.close();
    assert_eq!(script.source.state(), ReadyState::Closed);
    assert_eq!(script.pictures(1.0, 2.0), error(INVALID_STATE));
    assert!(script.source.duration().is_nan());
}

#[test]
fn reordered_frames_are_buffered_by_presentation_time() {
    let mut script = Script::video(Rules::chromium());
    let reordered = Run {
        // Decoded as I P B B, shown as I B B P.
        composition: &[1, 3, 0, 0],
        count: 8,
        group: 4,
        ..run(VIDEO, 0.0, 1.0)
    };
    script.append(&segment(&[reordered])).unwrap();
    assert_eq!(script.buffered(), [(0.1, 0.9)]);
    assert_eq!(script.source.bytes(0), 800, "none has removed another");
}

#[test]
fn jump_in_decode_time_needs_a_random_access_point() {
    let mut script = Script::video(Rules::chromium());
    script.pictures(0.0, 1.0).unwrap();
    let mut later = segment(&[run(VIDEO, 5.0, 7.0)]);
    make_dependent(&mut later);
    script.append(&later).unwrap();
    assert_eq!(script.buffered(), [(0.0, 1.0), (6.0, 7.0)]);
}

#[test]
fn init_segment_requires_a_random_access_point() {
    let mut script = Script::video(Rules::chromium());
    script.pictures(0.0, 1.0).unwrap();
    script.append(&init(&[VIDEO])).unwrap();
    let mut next = segment(&[run(VIDEO, 1.0, 3.0)]);
    make_dependent(&mut next);
    script.append(&next).unwrap();
    assert_eq!(script.buffered(), [(0.0, 1.0), (2.0, 3.0)]);
}

#[test]
fn other_set_of_tracks_fails() {
    let mut script = Script::new(Rules::chromium(), &["video/mp4"]);
    script.append(&init(&[VIDEO, AUDIO])).unwrap();
    assert_eq!(script.append(&init(&[VIDEO])), error("decode error"));
}

#[test]
fn other_codec_needs_change_type() {
    let hevc = Track {
        codec: b"hvc1",
        ..VIDEO
    };
    let mut script = Script::video(Rules::chromium());
    script.pictures(0.0, 1.0).unwrap();
    script.source.change_type(0).unwrap();
    script.append(&init(&[hevc])).unwrap();
    script.pictures(1.0, 2.0).unwrap();
    assert_eq!(script.buffered(), [(0.0, 2.0)]);
    let mut script = Script::video(Rules::chromium());
    assert_eq!(script.append(&init(&[hevc])), error("decode error"));
}

#[test]
fn edit_list_shifts_timestamps_in_firefox_alone() {
    let edited = Track {
        edit_start: 2,
        ..VIDEO
    };
    let shown = |rules| {
        let mut script = Script::new(rules, &["video/mp4"]);
        script.append(&init(&[edited])).unwrap();
        script.pictures(1.0, 2.0).unwrap();
        script.buffered()
    };
    assert_eq!(shown(Rules::firefox()), [(0.8, 1.8)]);
    assert_eq!(shown(Rules::chromium()), [(1.0, 2.0)]);
}

#[test]
fn element_that_has_failed_refuses_appends() {
    let mut script = Script::video(Rules::chromium());
    let bytes = Bytes::from(segment(&[run(VIDEO, 0.0, 1.0)]).as_slice());
    let refused = script.source.append(0, &bytes, 0, true).unwrap_err();
    assert_eq!(refused.name, INVALID_STATE);
}

#[test]
fn managed_source_tells_what_was_removed() {
    let mut source = MediaSourceModel::new(Rules::chromium(), true);
    source.open();
    source.add_buffer("video/mp4").unwrap();
    let mut script = Script {
        source,
        position: 0.0,
    };
    script.append(&init(&[VIDEO])).unwrap();
    script.pictures(0.0, 3.0).unwrap();
    script.source.evict_range(0, 0, nanos(1.0));
    let range = 0..nanos(1.0);
    assert_eq!(
        script.source.take_events(),
        [SourceEvent::Removed { buffer: 0, range }]
    );
    assert_eq!(script.buffered(), [(1.0, 3.0)]);
}
