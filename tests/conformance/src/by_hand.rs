//! The scripts that were written by hand: name and text.

/// All of them.
pub const SCRIPTS: &[(&str, &str)] = &[
    // Appends.
    ("first segment", "video: init; append 1"),
    ("two segments in a row", "video: init; append 1; append 2"),
    ("two segments apart", "video: init; append 1; append 3"),
    (
        "gap filled later",
        "video: init; append 1; append 3; append 2",
    ),
    (
        "segments in reverse",
        "video: init; append 3; append 2; append 1",
    ),
    ("same segment twice", "video: init; append 1; append 1"),
    (
        "audio segments",
        "audio: init; append 1; append 2; append 4",
    ),
    ("audio in reverse", "audio: init; append 2; append 1"),
    (
        "muxed segments",
        "muxed: init; append 1; append 2; append 4",
    ),
    ("muxed in reverse", "muxed: init; append 2; append 1"),
    ("segment without init segment", "video: append 1"),
    ("init segment only", "video: init"),
    ("init segment twice", "video: init; init; append 1"),
    (
        "init segment between segments",
        "video: init; append 1; init; append 2",
    ),
    // Parts of segments.
    ("half a segment", "video: init; part 1 0 50"),
    ("both halves", "video: init; part 1 0 50; part 1 50 100"),
    (
        "three thirds",
        "video: init; part 1 0 30; part 1 30 60; part 1 60 100",
    ),
    (
        "a tenth, which is only headers",
        "video: init; part 1 0 3; part 1 3 100",
    ),
    (
        "half a segment, then the next",
        "video: init; part 1 0 50; abort; init; append 2",
    ),
    (
        "half an audio segment",
        "audio: init; part 1 0 50; part 1 50 100",
    ),
    (
        "half a muxed segment",
        "muxed: init; part 1 0 50; part 1 50 100",
    ),
    // Garbage.
    (
        "garbage before the init segment",
        "video: garbage 100; init; append 1",
    ),
    (
        "garbage after the init segment",
        "video: init; garbage 100; append 1",
    ),
    (
        "garbage after a segment",
        "video: init; append 1; garbage 100",
    ),
    (
        "web page instead of a segment",
        "video: init; append 1; html",
    ),
    (
        "web page, then an abort",
        "video: init; append 1; html; abort; init; append 2",
    ),
    // Offsets.
    ("offset", "video: init; offset 10; append 1"),
    (
        "offset of a fraction",
        "video: init; offset 0.5; append 1; append 2",
    ),
    (
        "negative offset",
        "video: init; offset -2; append 2; append 3",
    ),
    (
        "offset that cuts the first segment",
        "video: init; offset -1; append 1; append 2",
    ),
    (
        "offset back and forth",
        "video: init; offset 4; append 1; offset 0; append 1",
    ),
    (
        "offset within a segment",
        "video: init; part 1 0 50; offset 5; part 1 50 100; append 2",
    ),
    (
        "offset leaves a gap of a frame",
        "video: init; append 1; offset 0.03; append 2",
    ),
    (
        "offset leaves a gap of two frames",
        "video: init; append 1; offset 0.07; append 2",
    ),
    (
        "offset leaves a gap of four frames",
        "video: init; append 1; offset 0.14; append 2",
    ),
    (
        "audio gap of a frame",
        "audio: init; append 1; offset 0.02; append 2",
    ),
    (
        "audio gap of two frames",
        "audio: init; append 1; offset 0.045; append 2",
    ),
    // Overlaps.
    (
        "overlap in the middle",
        "video: init; append 1; append 2; offset 1; append 1",
    ),
    (
        "overlap at the start",
        "video: init; append 2; offset 0.5; append 1",
    ),
    (
        "overlap at the end",
        "video: init; append 1; append 2; offset 3; append 1",
    ),
    (
        "overlap of three segments",
        "video: init; append 1; append 2; append 3; offset 1; append 2",
    ),
    (
        "audio overlap",
        "audio: init; append 1; append 2; offset 1; append 1",
    ),
    (
        "muxed overlap",
        "muxed: init; append 1; append 2; offset 1; append 1",
    ),
    (
        "other quality replaces a segment",
        "video: init; append 1; append 2; switch; init; append 2",
    ),
    (
        "other quality continues",
        "video: init; append 1; switch; init; append 2; append 3",
    ),
    (
        "other quality without its init segment",
        "video: init; append 1; switch; append 2",
    ),
    // Append windows.
    ("window drops the end", "video: init; window 0 1; append 1"),
    (
        "window drops the end between frames",
        "video: init; window 0 1.01; append 1; append 2",
    ),
    (
        "window drops the start",
        "video: init; window 0.5 inf; append 1; append 2",
    ),
    (
        "window from a segment's start",
        "video: init; window 2 4; append 1; append 2; append 3",
    ),
    (
        "window opened again",
        "video: init; window 0 1; append 1; window 0 inf; append 2",
    ),
    ("window on audio", "audio: init; window 0.13 0.87; append 1"),
    (
        "window on audio at segments",
        "audio: init; window 2 4; append 1; append 2; append 3",
    ),
    (
        "window on muxed",
        "muxed: init; window 0 1; append 1; window 0 inf; append 2",
    ),
    (
        "window with offset",
        "video: init; offset 1; window 2 4; append 1; append 2",
    ),
    ("empty window", "video: init; window 2 2; append 1"),
    ("negative window", "video: init; window -1 2; append 1"),
    (
        "abort resets the window",
        "video: init; window 0 1; abort; init; append 1",
    ),
    // Removals.
    (
        "remove all",
        "video: init; append 1; append 2; remove 0 inf",
    ),
    (
        "remove a segment",
        "video: init; append 1; append 2; append 3; remove 2 4",
    ),
    (
        "remove the start",
        "video: init; append 1; append 2; remove 0 1",
    ),
    (
        "remove the middle of a segment",
        "video: init; append 1; append 2; remove 0.5 1",
    ),
    (
        "remove across segments",
        "video: init; append 1; append 2; append 3; remove 1 3",
    ),
    (
        "remove the end",
        "video: init; append 1; append 2; remove 3 10",
    ),
    (
        "remove what is not there",
        "video: init; append 1; append 4; remove 3 5",
    ),
    (
        "remove from a gap",
        "video: init; append 1; append 3; remove 1.5 5",
    ),
    (
        "remove audio",
        "audio: init; append 1; append 2; remove 0.5 1",
    ),
    (
        "remove audio at the start",
        "audio: init; append 1; append 2; remove 0 1",
    ),
    (
        "remove muxed",
        "muxed: init; append 1; append 2; remove 0.5 1",
    ),
    (
        "remove muxed segment",
        "muxed: init; append 1; append 2; append 3; remove 2 4",
    ),
    (
        "remove between frames",
        "video: init; append 1; append 2; remove 0.51 1.49",
    ),
    (
        "remove audio to the end",
        "audio: init; append 1; append 2; remove 2.5 inf",
    ),
    (
        "audio in reverse after an abort",
        "audio: init; append 2; abort; init; append 1",
    ),
    (
        "audio in reverse with an offset",
        "audio: init; append 3; offset 10; append 1; append 2",
    ),
    ("remove backwards", "video: init; append 1; remove 2 1"),
    ("remove nothing", "video: init; append 1; remove 1 1"),
    ("remove before the init segment", "video: remove 0 1"),
    (
        "append after a removal",
        "video: init; append 1; append 2; remove 2 4; append 2",
    ),
    (
        "append next after a removal",
        "video: init; append 1; append 2; remove 1 4; append 3",
    ),
    (
        "remove twice",
        "video: init; append 1; append 2; append 3; remove 2 3; remove 4 5",
    ),
    // Aborts.
    ("abort at the start", "video: abort; init; append 1"),
    (
        "abort between segments",
        "video: init; append 1; abort; init; append 2",
    ),
    (
        "abort without init segment after it",
        "video: init; append 1; abort; append 2",
    ),
    (
        "abort in a segment",
        "video: init; part 1 0 50; abort; init; append 1",
    ),
    (
        "abort keeps the offset",
        "video: init; offset 2; abort; init; append 1",
    ),
    // changeType.
    (
        "changeType to the same type",
        "video: init; append 1; changetype; init; append 2",
    ),
    (
        "changeType to another quality",
        "video: init; append 1; switch; changetype; init; append 2",
    ),
    (
        "changeType in a segment",
        "video: init; part 1 0 50; changetype; init; append 2",
    ),
    (
        "changeType on audio",
        "audio: init; append 1; changetype; init; append 2",
    ),
    // The end.
    ("end of stream", "video: init; append 1; end"),
    ("end of an empty stream", "video: end"),
    ("end after the init segment", "video: init; end"),
    ("end with a gap", "video: init; append 1; append 3; end"),
    ("end twice", "video: init; append 1; end; end"),
    (
        "append after the end",
        "video: init; append 1; end; append 2; end",
    ),
    (
        "remove after the end",
        "video: init; append 1; append 2; end; remove 2 4; end",
    ),
    (
        "offset after the end",
        "video: init; append 1; end; offset 2; append 1",
    ),
    ("abort after the end", "video: init; append 1; end; abort"),
    (
        "window after the end",
        "video: init; append 1; end; window 0 1; append 2",
    ),
    (
        "changeType after the end",
        "video: init; append 1; end; changetype; init; append 2",
    ),
    (
        "end of two buffers",
        "video audio: init; 1 init; append 1; 1 append 1; end",
    ),
    (
        "end with a shorter track",
        "video audio: init; 1 init; append 1; append 2; 1 append 1; end",
    ),
    (
        "two buffers apart",
        "video audio: init; 1 init; append 1; 1 append 2; append 2",
    ),
    (
        "two buffers without one init segment",
        "video audio: init; append 1; 1 init; 1 append 1",
    ),
    // Durations.
    ("duration", "video: init; append 1; duration 100; append 2"),
    (
        "duration is raised by an append",
        "video: init; duration 3; append 1; append 2; append 3",
    ),
    (
        "duration below the buffer",
        "video: init; append 1; append 2; duration 1",
    ),
    (
        "duration within the last frame",
        "video: init; append 1; duration 1.97",
    ),
    (
        "duration after the end",
        "video: init; append 1; end; duration 5",
    ),
    (
        "duration before the init segment",
        "video: duration 20; init; append 1",
    ),
    ("negative duration", "video: init; duration -1"),
    (
        "duration shortened by a removal and the end",
        "video: init; duration 50; append 1; append 2; remove 2 4; end",
    ),
    // Seeks of the paused element.
    (
        "seek within the buffer",
        "video: init; append 1; append 2; seek 3",
    ),
    (
        "seek beyond the buffer",
        "video: init; append 1; seek 5; append 3",
    ),
    ("seek into a gap", "video: init; append 1; append 3; seek 3"),
    (
        "seek, then the segment arrives",
        "video: init; append 1; seek 5; append 3; seek 5",
    ),
    (
        "seek with a late track",
        "video audio: init; 1 init; append 1; append 2; 1 append 1; seek 3; 1 append 2; seek 3",
    ),
    (
        "remove at the position",
        "video: init; append 1; append 2; seek 2.5; remove 2 4; append 2",
    ),
    // Room. An audio segment has 26 kB.
    ("a hundred audio segments", "audio: init; fill 1 100"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::SCRIPTS;
    use crate::script::{InvalidScript, Script};

    #[test]
    fn scripts_are_valid_and_have_different_names() -> Result<(), InvalidScript> {
        let names: BTreeSet<&str> = SCRIPTS.iter().map(|(name, _)| *name).collect();
        assert_eq!(names.len(), SCRIPTS.len());
        assert!(SCRIPTS.len() >= 100, "{}", SCRIPTS.len());
        for (_, text) in SCRIPTS {
            let script: Script = text.parse()?;
            assert_eq!(script.to_string(), *text);
        }
        Ok(())
    }
}
