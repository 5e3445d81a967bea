//! Reads the AdaptationSet elements of a Period (§ 5.3.3).

use std::rc::Rc;

use super::{
    attributes::language_and_label,
    inheritance,
    reader::{ADAPTATION_SET_SWITCHING, MpdReader},
    representations::{content_type, read_captions, read_representation},
};
use crate::media::{
    presentation::{AdaptationSet, ContentType, Period, Representation},
    purpose::{AutoSelect, Purpose},
    xml::Element,
};

/// The maximum number of representations that are read of an adaptation set.
pub const MAX_REPRESENTATIONS: usize = 100;

/// Reads the adaptation sets of a period that have video or audio. Sets between which a player may switch are
/// merged into one.
pub fn read_adaptation_sets(
    reader: &mut MpdReader,
    [period_element, mpd]: [&Element; 2],
    base_urls: &[Rc<str>],
    period: &Period,
) -> Vec<AdaptationSet> {
    let base_urls = reader.base_urls(base_urls, period_element);
    // Each set with the ids of the sets that the player may switch to from it.
    let mut sets: Vec<(&str, AdaptationSet)> = Vec::new();
    for element in period_element.children("AdaptationSet") {
        if !reader.is_supported(element) {
            continue;
        }
        let id = element.attribute("id").unwrap_or_default();
        let switchable_ids = switchable_ids(element);
        for set in read_uniform_sets(reader, [element, period_element, mpd], &base_urls, period) {
            let target = (sets.iter_mut())
                .find(|(ids, other)| contains_id(ids, id) && can_be_merged(other, &set));
            match target {
                Some((_, target)) => {
                    for representation in set.representations {
                        insert_by_bandwidth(target, representation);
                    }
                }
                None => sets.push((switchable_ids, set)),
            }
        }
    }
    sets.into_iter().map(|(_, set)| set).collect()
}

/// Reads an adaptation set and divides it so that each part has one content type and one container, as a
/// SourceBuffer needs, and so that unprotected representations can be played without DRM.
fn read_uniform_sets(
    reader: &mut MpdReader,
    [set_element, period_element, mpd]: [&Element; 3],
    base_urls: &[Rc<str>],
    period: &Period,
) -> Vec<AdaptationSet> {
    let base_urls = reader.base_urls(base_urls, set_element);
    let mut sets: Vec<AdaptationSet> = Vec::new();
    let elements = set_element.children("Representation");
    for element in elements.take(MAX_REPRESENTATIONS) {
        let levels = [element, set_element, period_element, mpd];
        if !reader.is_supported(element) {
            continue;
        }
        let base_urls = reader.base_urls(&base_urls, element);
        let Some(content_type) = content_type(&levels) else {
            read_captions(reader, &levels, base_urls, period);
            continue;
        };
        let representation = match read_representation(reader, &levels, base_urls, period) {
            Ok(representation) => representation,
            Err(error) => {
                reader.skipped = Some(error);
                continue;
            }
        };
        let is_protected = inheritance::child(&levels, "ContentProtection").is_some();
        let matching = sets.iter_mut().find(|set| {
            (set.content_type, set.is_protected) == (content_type, is_protected)
                && container(set) == representation.container
        });
        match matching {
            Some(set) => insert_by_bandwidth(set, representation),
            None => {
                let mut set = empty_set(set_element, content_type, is_protected);
                reader.inherit(set.language.len() + set.label.len());
                set.representations.push(representation);
                sets.push(set);
            }
        }
    }
    sets
}

/// An adaptation set without representations, from the description in its element.
fn empty_set(element: &Element, content_type: ContentType, is_protected: bool) -> AdaptationSet {
    let (language, label) = language_and_label(element);
    let purpose = Purpose::of_adaptation_set(element);
    let has_main_role = element
        .children("Role")
        .any(|role| role.attribute("value") == Some("main"));
    let is_main = has_main_role && !purpose.is_special();
    AdaptationSet {
        content_type,
        language: language.to_owned(),
        label: label.to_owned(),
        purpose,
        auto_select: match is_main {
            true => AutoSelect::Preferred,
            false if purpose.is_special() => AutoSelect::Never,
            false => AutoSelect::Allowed,
        },
        is_main,
        is_protected,
        representations: Vec::new(),
    }
}

fn insert_by_bandwidth(set: &mut AdaptationSet, representation: Representation) {
    let others = &mut set.representations;
    let index = others.partition_point(|other| other.bandwidth <= representation.bandwidth);
    others.insert(index, representation);
}

/// The comma-separated ids of the adaptation sets that a player may switch to (§ 5.3.3.5).
fn switchable_ids<'e>(set_element: &'e Element) -> &'e str {
    let supplemental = set_element.children("SupplementalProperty");
    let mut properties = supplemental.chain(set_element.children("EssentialProperty"));
    properties
        .find(|property| property.attribute("schemeIdUri") == Some(ADAPTATION_SET_SWITCHING))
        .and_then(|property| property.attribute("value"))
        .unwrap_or_default()
}

/// Whether a comma-separated list contains an id that is not empty.
fn contains_id(ids: &str, id: &str) -> bool {
    !id.is_empty() && ids.split(',').any(|other| other.trim_ascii() == id)
}

/// Whether the representations of two switchable sets can share a SourceBuffer and a menu entry.
fn can_be_merged(one: &AdaptationSet, other: &AdaptationSet) -> bool {
    (
        one.content_type,
        one.is_protected,
        &one.language,
        one.purpose,
    ) == (
        other.content_type,
        other.is_protected,
        &other.language,
        other.purpose,
    ) && container(one) == container(other)
}

/// The container of all representations in a set.
fn container(set: &AdaptationSet) -> &str {
    let first = set.representations.first();
    first.map_or("", |first| &first.container)
}
