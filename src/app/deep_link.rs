//! The page's own address: `?src=URL&t=seconds&goal=seconds&engine=worker|page|auto&credentials`.

use js_sys::parse_float;
use wasm_bindgen::JsValue;
use web_sys::{Url, UrlSearchParams, window};
use yew::AttrValue;

use crate::protocol::{BufferGoal, milestone::EngineLocation};

/// What a deep link asks for.
#[derive(Debug, Default)]
pub struct DeepLink {
    /// `src`: the film's URL, absolute or relative to the page.
    pub source: Option<AttrValue>,
    /// `t`: where to begin, in seconds of film.
    pub start: f64,
    /// `goal`: how much to buffer ahead, in seconds of film.
    pub buffer: BufferGoal,
    /// `engine`: the thread that the engine is to run on.
    pub engine: Option<EngineLocation>,
    /// `credentials`: whether cookies and the like go along to other hosts.
    pub credentials: bool,
    /// How many films were asked for before this one. The same film asked for again is shown again.
    pub reload_key: u32,
}

impl DeepLink {
    /// Reads the address that the page was opened by.
    pub fn from_page() -> Self {
        let query = window().and_then(|window| window.location().search().ok());
        let Ok(query) = UrlSearchParams::new_with_str(&query.unwrap_or_default()) else {
            return Self::default();
        };
        let seconds = |name: &str| {
            let seconds = query.get(name).map(|seconds| parse_float(&seconds));
            seconds.filter(|seconds| seconds.is_finite() && *seconds > 0.0)
        };
        let usual = BufferGoal::default();
        Self {
            source: query
                .get("src")
                .filter(|source| !source.is_empty())
                .map(AttrValue::from),
            reload_key: 0,
            start: seconds("t").unwrap_or_default(),
            engine: match query.get("engine").as_deref() {
                Some("worker") => Some(EngineLocation::Worker),
                Some("page") => Some(EngineLocation::Page),
                _ => None,
            },
            credentials: query.has("credentials"),
            buffer: BufferGoal {
                ahead: seconds("goal").unwrap_or(usual.ahead),
                ..usual
            },
        }
    }

    /// Names another film, or the same once more.
    pub fn load(&mut self, source: Option<AttrValue>) {
        self.source = source;
        self.start = 0.0;
        self.reload_key += 1;
    }

    /// Puts the film into the page's address, so that it can be copied.
    pub fn show(&self) {
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
            // A document that may not touch its address, such as a sandboxed one, plays all the same.
            let _ = history.replace_state_with_url(&JsValue::NULL, "", Some(&url.href()));
        }
    }
}
