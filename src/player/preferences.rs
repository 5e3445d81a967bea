//! The viewer's preferences on this site: volume, speed, captions, quality. Stored as a query string under one
//! key; if storage is unavailable or holds something else, there are none.

use std::ops::RangeInclusive;

use web_sys::{HtmlVideoElement, Storage, UrlSearchParams, window};

use crate::protocol::TrackInfo;

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

/// Stores the language and the purpose of the chosen audio track, or that there is none.
pub fn remember_audio(track: Option<&TrackInfo>) {
    let (language, note) = track.map_or(("", ""), |track| (&track.language, &track.note));
    remember("audio-language", language);
    remember("audio-note", note);
}

/// Returns the language and the purpose of the audio track that was chosen last.
pub fn audio() -> Option<TrackInfo> {
    let (_, all) = kept()?;
    let text = |name| all.get(name).unwrap_or_default();
    let track = TrackInfo {
        language: text("audio-language"),
        label: String::new(),
        note: text("audio-note"),
    };
    (!track.language.is_empty()).then_some(track)
}

fn kept() -> Option<(Storage, UrlSearchParams)> {
    let storage = window()?.local_storage().ok()??;
    let text = storage.get_item(KEY).ok()?.unwrap_or_default();
    let all = UrlSearchParams::new_with_str(&text).ok()?;
    Some((storage, all))
}

/// How an element sounds and how fast it plays.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SoundAndSpeed {
    /// Whether it is muted.
    pub muted: Option<bool>,
    /// The volume, from 0 to 1.
    pub volume: Option<f64>,
    /// The playback rate.
    pub rate: Option<f64>,
}

impl SoundAndSpeed {
    /// What is stored.
    pub fn stored() -> Self {
        let within = |name, range: RangeInclusive<u32>| {
            let percent = number(name).filter(|percent| range.contains(percent))?;
            Some(f64::from(percent) / 100.0)
        };
        Self {
            muted: number("muted").map(|muted| muted != 0),
            volume: within("volume", 0..=100),
            rate: within("rate", 50..=200),
        }
    }

    /// These, and the `other` ones where there are none.
    pub fn or(self, other: Self) -> Self {
        Self {
            muted: self.muted.or(other.muted),
            volume: self.volume.or(other.volume),
            rate: self.rate.or(other.rate),
        }
    }

    /// Applies them to an element.
    pub fn apply(self, video: &HtmlVideoElement) {
        if let Some(muted) = self.muted {
            video.set_muted(muted);
        }
        if let Some(volume) = self.volume {
            video.set_volume(volume.clamp(0.0, 1.0));
        }
        if let Some(rate) = self.rate {
            // Loading another source resets the rate to the default.
            video.set_default_playback_rate(rate);
            video.set_playback_rate(rate);
        }
    }
}
