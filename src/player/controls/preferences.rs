//! The viewer's preferences on this site: volume, speed, captions, quality. Stored as a query string under one
//! key; if storage is unavailable or holds something else, there are none.

use web_sys::{HtmlVideoElement, Storage, UrlSearchParams, window};

/// The key in [`Storage`].
const KEY: &str = "yew-mse-worker";

/// Stores a preference for the next visit.
pub fn remember(name: &str, value: &str) {
    if let Some((storage, all)) = kept() {
        all.set(name, value);
        // Throws if the storage is full.
        let _ = storage.set_item(KEY, &String::from(all.to_string()));
    }
}

/// Returns a stored whole number.
pub fn number(name: &str) -> Option<u32> {
    let (_, all) = kept()?;
    all.get(name)?.parse().ok()
}

fn kept() -> Option<(Storage, UrlSearchParams)> {
    let storage = window()?.local_storage().ok()??;
    let text = storage.get_item(KEY).ok()?.unwrap_or_default();
    let all = UrlSearchParams::new_with_str(&text).ok()?;
    Some((storage, all))
}

/// Restores volume and speed. On a first visit the element is muted, so that the browser allows autoplay.
pub fn restore(video: &HtmlVideoElement) {
    video.set_muted(number("muted") != Some(0));
    if let Some(volume) = number("volume").filter(|percent| *percent <= 100) {
        video.set_volume(f64::from(volume) / 100.0);
    }
    if let Some(rate) = number("rate").filter(|percent| (50..=200).contains(percent)) {
        let rate = f64::from(rate) / 100.0;
        video.set_default_playback_rate(rate);
        video.set_playback_rate(rate);
    }
}
