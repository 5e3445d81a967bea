//! Values that an element has itself or inherits from the levels above it. Levels are in order from the
//! element itself up to the MPD.

use crate::media::{
    error::ManifestError,
    number::{integer, is_numeric},
    xml::Element,
};

/// The value of an attribute at the nearest level that has it.
pub fn attribute<'a>(levels: &[&'a Element], name: &str) -> Option<&'a str> {
    levels.iter().find_map(|element| element.attribute(name))
}

/// The value of an attribute that is an unsigned integer. Playback does not need it: if it cannot be read, it counts as
/// missing.
pub fn number(levels: &[&Element], name: &str) -> Option<u64> {
    integer(attribute(levels, name)?)
}

/// The value of an attribute that is an unsigned integer, which playback needs if it is there.
///
/// # Errors
/// [`ManifestError::Malformed`] if it cannot be read.
pub fn needed_number(levels: &[&Element], name: &str) -> Result<Option<u64>, ManifestError> {
    needed(levels, name, &|text| {
        integer(text).filter(|_| is_numeric(text))
    })
}

/// The value of an attribute that playback needs if it is there. An empty attribute counts as missing.
///
/// # Errors
/// [`ManifestError::Malformed`] if `parse` returns `None`.
pub fn needed<T>(
    levels: &[&Element],
    name: &str,
    parse: &dyn Fn(&str) -> Option<T>,
) -> Result<Option<T>, ManifestError> {
    match attribute(levels, name).unwrap_or_default() {
        "" => Ok(None),
        text => match parse(text) {
            Some(value) => Ok(Some(value)),
            None => Err(unreadable(name, text)),
        },
    }
}

/// The error of an attribute that cannot be read.
pub fn unreadable(name: &str, text: &str) -> ManifestError {
    const MAX_CHARS: usize = 40;
    let text: String = text.chars().take(MAX_CHARS).collect();
    ManifestError::Malformed(format!("its attribute {name}=\"{text}\" cannot be read"))
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
