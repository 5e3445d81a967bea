//! Deep links to the page: `?src=URL&t=seconds&goal=seconds&engine=worker|page|auto&credentials`.

use js_sys::parse_float;
use wasm_bindgen::JsValue;
use web_sys::{Url, UrlSearchParams, window};
use yew::AttrValue;

use crate::protocol::milestone::EngineLocation;

/// The parameters of a deep link.
#[derive(Debug, Default)]
pub struct DeepLink {
    /// `src`: URL of the manifest, absolute or relative to the page.
    pub source: Option<AttrValue>,
    /// `t`: where playback starts, in seconds.
    pub start: Option<f64>,
    /// `goal`: seconds to buffer ahead.
    pub goal: Option<f64>,
    /// `engine`: the thread that the engine runs on.
    pub engine: Option<EngineLocation>,
    /// `credentials`: whether requests to other origins carry credentials.
    pub credentials: bool,
    /// Number of calls of [`load`](Self::load); a changed number makes the player load the same source again.
    pub reload_key: u32,
}

impl DeepLink {
    /// Parses the URL that the page was opened with. Invalid parameters are ignored.
    pub fn from_page() -> Self {
        let query = window().and_then(|window| window.location().search().ok());
        let Ok(query) = UrlSearchParams::new_with_str(&query.unwrap_or_default()) else {
            return Self::default();
        };
        let seconds = |name: &str| {
            let seconds = query.get(name).map(|seconds| parse_float(&seconds));
            seconds.filter(|seconds| seconds.is_finite() && *seconds >= 0.0)
        };
        Self {
            source: query
                .get("src")
                .filter(|source| !source.is_empty())
                .map(AttrValue::from),
            reload_key: 0,
            start: seconds("t"),
            engine: match query.get("engine").as_deref() {
                Some("worker") => Some(EngineLocation::Worker),
                Some("page") => Some(EngineLocation::Page),
                _ => None,
            },
            credentials: query.has("credentials"),
            goal: seconds("goal"),
        }
    }

    /// Changes the source, or loads the same one again. It plays from the beginning.
    pub fn load(&mut self, source: Option<AttrValue>) {
        self.source = source;
        self.start = None;
        self.reload_key += 1;
    }

    /// Writes the source into the page's URL, so that it can be copied.
    pub fn replace_page_url(&self) {
        let Some(window) = window() else { return };
        let Ok(url) = window.location().href().and_then(|href| Url::new(&href)) else {
            return;
        };
        let query = url.search_params();
        query.delete("t");
        match &self.source {
            Some(source) => query.set("src", source),
            None => query.delete("src"),
        }
        if let Ok(history) = window.history() {
            // Throws in some documents, such as sandboxed ones. The video plays anyway.
            let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&url.href()));
        }
    }
}
