//! The state of reading one MPD.

use std::rc::Rc;

use super::inheritance;
use crate::media::{captions::CaptionTrack, error::ManifestError, xml::Element};

/// The maximum number of bytes that all representations together may inherit.
pub const MAX_INHERITED_BYTES: usize = 64 << 20;

/// The maximum number of base URLs of a representation.
pub const MAX_BASE_URLS: usize = 8;

/// The `xlink:href` of an element that resolves to nothing.
pub const RESOLVE_TO_ZERO: &str = "urn:mpeg:dash:resolve-to-zero:2013";

/// The scheme of the property that lists the adaptation sets a player may switch to.
pub const ADAPTATION_SET_SWITCHING: &str = "urn:mpeg:dash:adaptation-set-switching:2016";

/// Resolves a relative URL (second) against a base URL (first).
type Resolve<'r> = &'r dyn Fn(&str, &str) -> Option<String>;

/// The state that the readers of all levels share.
pub struct MpdReader<'r> {
    resolve: Resolve<'r>,
    /// Whether the MPD is dynamic, that is, live.
    pub is_dynamic: bool,
    inherited_bytes: usize,
    /// Why the last skipped element was skipped.
    pub skipped: Option<ManifestError>,
    /// The `serviceLocation` that content steering begins with (§ 5.3.1.4).
    pub default_service: Option<String>,
    /// The captions found so far.
    pub captions: Vec<CaptionTrack>,
}

impl<'r> MpdReader<'r> {
    pub fn new(resolve: Resolve<'r>, is_dynamic: bool) -> Self {
        Self {
            resolve,
            is_dynamic,
            inherited_bytes: 0,
            skipped: None,
            default_service: None,
            captions: Vec::new(),
        }
    }

    /// Counts inherited bytes.
    pub fn inherit(&mut self, bytes: usize) {
        self.inherited_bytes = self.inherited_bytes.saturating_add(bytes);
    }

    /// Whether more is inherited than [`MAX_INHERITED_BYTES`].
    pub fn exceeds_limit(&self) -> bool {
        self.inherited_bytes > MAX_INHERITED_BYTES
    }

    /// The URLs of the MPD: where it was fetched from, and those in its Location elements (§ 5.3.1.2), where it also is.
    pub fn document_urls(&self, url: &str, mpd: &Element) -> Vec<Rc<str>> {
        let locations = mpd.children("Location").take(MAX_BASE_URLS - 1);
        let urls = locations.filter_map(|location| (self.resolve)(url, &location.text));
        let mut all = vec![Rc::from(url)];
        for url in urls.map(Rc::from) {
            if !all.contains(&url) {
                all.push(url);
            }
        }
        all
    }

    /// The base URLs of an element: each one of the level above, combined with each BaseURL of the element
    /// (§ 5.6.4), the latter by ascending `dvb:priority` (ETSI TS 103 285 § 10.8.2.1), and those of the service that
    /// content steering begins with first.
    pub fn base_urls(&mut self, parent_urls: &[Rc<str>], element: &Element) -> Vec<Rc<str>> {
        let mut own_urls: Vec<&Element> = element.children("BaseURL").take(MAX_BASE_URLS).collect();
        own_urls.sort_by_key(|url| {
            let service = url.attribute("serviceLocation");
            let is_default = service.is_some() && service == self.default_service.as_deref();
            let priority = inheritance::number(&[*url], "dvb:priority").unwrap_or(1);
            (!is_default, priority)
        });
        if own_urls.is_empty() {
            return parent_urls.to_vec();
        }
        let mut base_urls = Vec::new();
        for parent_url in parent_urls {
            for own_url in &own_urls {
                if base_urls.len() < MAX_BASE_URLS
                    && !self.exceeds_limit()
                    && let Some(url) = (self.resolve)(parent_url, &own_url.text)
                {
                    self.inherit(url.len());
                    base_urls.push(Rc::from(url));
                }
            }
        }
        base_urls
    }

    /// Whether a Period, AdaptationSet or Representation can be used. Notes the unsupported feature if not.
    pub fn is_supported(&mut self, element: &Element) -> bool {
        let is_known = |property: &Element| {
            let scheme = property.attribute("schemeIdUri").unwrap_or_default();
            scheme.starts_with("urn:mpeg:mpegB:cicp:") || scheme == ADAPTATION_SET_SWITCHING
        };
        let link = element.attribute("xlink:href");
        if link == Some(RESOLVE_TO_ZERO) {
            return false;
        }
        let feature = if link.is_some() && element.children.is_empty() {
            "remote elements (xlink)"
        } else if !element.children("EssentialProperty").all(is_known) {
            "an unknown EssentialProperty"
        } else if element.attribute("dependencyId").is_some() {
            "layered video (dependencyId)"
        } else {
            return true;
        };
        self.skipped = Some(ManifestError::Unsupported(feature));
        false
    }
}
