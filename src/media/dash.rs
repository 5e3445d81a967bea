//! Reads DASH manifests (MPDs), after ISO/IEC 23009-1:2022 and the [DASH-IF
//! guidelines](https://dashif.org/guidelines/iop-v5/). Adaptation sets that no SourceBuffer accepts (text,
//! images) and elements that need unsupported features are left out. An MPD with nothing else is rejected.
//!
//! Periods, adaptation sets, representations and segments are read by one submodule each. Elements inherit
//! from those above them, so a short MPD could expand into gigabytes: inherited bytes are limited.

mod adaptation_sets;
mod attributes;
mod inheritance;
mod live;
mod periods;
mod reader;
mod representations;
mod segment_timeline;
mod segments;
#[cfg(test)]
mod tests;
mod ticks;

use super::{error::ManifestError, presentation::Presentation, xml};
use reader::MpdReader;

/// Reads an MPD that was fetched from `url`. `resolve(base, relative)` makes a URL absolute; it returns
/// `None` if the URL is invalid.
///
/// # Errors
/// [`ManifestError::Malformed`] if the text is not an MPD, has neither video nor audio, or has an attribute that is
/// needed for all of them and cannot be read; [`ManifestError::Unsupported`] if all of its video and audio needs
/// unsupported features.
pub fn parse(
    text: &str,
    url: &str,
    resolve: &dyn Fn(&str, &str) -> Option<String>,
) -> Result<Presentation, ManifestError> {
    let mpd = xml::parse(text)?;
    if mpd.name != "MPD" {
        return Err(malformed("the root element is not MPD"));
    }
    let is_dynamic = mpd.attribute("type") == Some("dynamic");
    let mut reader = MpdReader::new(resolve, is_dynamic);
    reader.default_service = (mpd.child("ContentSteering"))
        .and_then(|steering| steering.attribute("defaultServiceLocation"))
        // It may list several, separated by blanks.
        .and_then(|services| services.split_ascii_whitespace().next())
        .map(str::to_owned);
    let base_urls = reader.document_urls(url, &mpd);
    let periods = periods::read_periods(&mut reader, &mpd, &base_urls);
    let Some(last) = periods.last() else {
        let unreadable = unreadable_duration(&mpd).or(reader.skipped);
        return Err(unreadable.unwrap_or_else(|| malformed("it contains neither video nor audio")));
    };
    let end = Some(last.end).filter(|end| end.is_finite());
    Ok(Presentation {
        duration: attributes::presentation_duration(&mpd).or(end),
        live: is_dynamic.then(|| live::read_live(resolve, &mpd, url)),
        periods,
        captions: reader.captions,
        start: None,
    })
}

/// The error of the first duration or start time that cannot be read. It counts as missing if enough others can be.
fn unreadable_duration(mpd: &xml::Element) -> Option<ManifestError> {
    let find = |element: &xml::Element, names: &[&str]| {
        names.iter().find_map(|name| {
            let text = element.attribute(name).filter(|text| !text.is_empty())?;
            let is_read = attributes::parse_duration(text).is_some();
            (!is_read).then(|| inheritance::unreadable(name, text))
        })
    };
    find(mpd, &["mediaPresentationDuration"]).or_else(|| {
        mpd.children("Period")
            .find_map(|period| find(period, &["start", "duration"]))
    })
}

fn malformed(reason: &str) -> ManifestError {
    ManifestError::Malformed(reason.to_owned())
}
