//! Values that an element has itself or inherits from the levels above it. Levels are in order from the
//! element itself up to the MPD.

use crate::media::{number::digits, xml::Element};

/// The value of an attribute at the nearest level that has it.
pub fn attribute<'a>(levels: &[&'a Element], name: &str) -> Option<&'a str> {
    levels.iter().find_map(|element| element.attribute(name))
}

/// The value of an attribute that is an unsigned integer.
pub fn number(levels: &[&Element], name: &str) -> Option<u64> {
    digits(attribute(levels, name)?)
}

/// The first child with a name at the nearest level that has one.
pub fn child<'e, 'a>(levels: &[&'e Element<'a>], name: &str) -> Option<&'e Element<'a>> {
    levels.iter().find_map(|element| element.child(name))
}

/// The levels of the segment information: the nearest SegmentTemplate, SegmentList or SegmentBase and those
/// of the same name above, from which it inherits (§ 5.3.9.1).
pub fn segment_info<'e, 'a>(levels: &[&'e Element<'a>]) -> Vec<&'e Element<'a>> {
    let mut found: Vec<&Element> = Vec::new();
    for level in levels {
        for name in ["SegmentTemplate", "SegmentList", "SegmentBase"] {
            if let Some(element) = level.child(name)
                && found.first().is_none_or(|nearest| nearest.name == name)
            {
                found.push(element);
            }
        }
    }
    found
}
