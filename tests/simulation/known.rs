//! Seeds with failures that are known and not mended yet, each with the invariant that it breaks. Each must still
//! fail: remove a line once its seed passes.

use crate::invariants::Invariant;

/// How many of the 3,000 seeds may fail beside those that are listed. To be lowered with the list.
pub const UNLISTED: usize = 10;

/// Seed and invariant.
pub const KNOWN: &[(u64, Invariant)] = &[
    (4, Invariant::NoSecondFetch),
    (105, Invariant::NoSecondFetch),
    (148, Invariant::Covered),
    (182, Invariant::Covered),
    (264, Invariant::Cause),
    (297, Invariant::Covered),
    (331, Invariant::Covered),
    (358, Invariant::Rendition),
    (444, Invariant::NoSecondFetch),
    (471, Invariant::Covered),
    (490, Invariant::Cause),
    (532, Invariant::Rendition),
    (565, Invariant::Rendition),
    (572, Invariant::Cause),
    (607, Invariant::Cause),
    (627, Invariant::Cause),
    (640, Invariant::WithinGoal),
    (689, Invariant::NoSecondFetch),
    (702, Invariant::Ends),
    (801, Invariant::Cause),
    (913, Invariant::Covered),
    (933, Invariant::Cause),
    (969, Invariant::Covered),
    (1063, Invariant::NoSecondFetch),
    (1069, Invariant::NoStallWhileCalm),
    (1158, Invariant::NoSecondFetch),
    (1168, Invariant::NothingAfterDrop),
    (1201, Invariant::NoSecondFetch),
    (1206, Invariant::Covered),
    (1208, Invariant::NoSecondFetch),
    (1211, Invariant::NoSecondFetch),
    (1360, Invariant::NoSecondFetch),
    (1384, Invariant::Covered),
    (1386, Invariant::NoSecondFetch),
    (1501, Invariant::NoMisuse),
    (1508, Invariant::Cause),
    (1617, Invariant::Rendition),
    (1643, Invariant::Covered),
    (1738, Invariant::Covered),
    (1744, Invariant::Cause),
    (1746, Invariant::Covered),
    (1762, Invariant::Covered),
    (1771, Invariant::NoSecondFetch),
    (1931, Invariant::Cause),
    (2000, Invariant::Ends),
    (2007, Invariant::Covered),
    (2027, Invariant::Cause),
    (2251, Invariant::Ends),
    (2274, Invariant::NoSecondFetch),
    (2376, Invariant::Clock),
    (2384, Invariant::Covered),
    (2434, Invariant::NoSecondFetch),
    (2518, Invariant::Clock),
    (2863, Invariant::NoSecondFetch),
    (2867, Invariant::NoSecondFetch),
    (2895, Invariant::Covered),
    (2943, Invariant::Ends),
    (2966, Invariant::Cause),
];

/// The invariant that a listed seed breaks. With `LISTED=0`, none is listed.
pub fn invariant(seed: u64) -> Option<Invariant> {
    if crate::number("LISTED") == Some(0) {
        return None;
    }
    let listed = KNOWN.iter().find(|(it, _)| *it == seed);
    listed.map(|(_, invariant)| *invariant)
}
