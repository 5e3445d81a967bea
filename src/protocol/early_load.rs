//! A load command that a worker finds in its name. `assets/start.js` starts the worker before the page's program runs,
//! which later sends the same command.

use js_sys::parse_float;
use web_sys::UrlSearchParams;

use super::{
    command::{BufferGoal, Command, PlaybackSettings},
    event::TrackInfo,
    id::SessionId,
};
use crate::platform::web;

/// Parses a worker's name: a query string with `src`, the absolute URL of the manifest. Optional are `t`, `goal` and
/// `credentials`, as in the page's address; `width` and `height`, the size of the page's window in physical pixels; and
/// `audio-language` and `audio-note`, as in `player/preferences.rs`. `None` if it is none.
pub fn from_worker_name(name: &str) -> Option<Command> {
    let query = UrlSearchParams::new_with_str(name).ok()?;
    let url = query.get("src")?;
    let seconds = |name| query.get(name).map(|seconds| parse_float(&seconds));
    let pixels = |name| {
        query
            .get(name)
            .map_or(0, |pixels| parse_float(&pixels) as u32)
    };
    let text = |name| query.get(name).unwrap_or_default();
    let remembered_audio = TrackInfo {
        language: text("audio-language"),
        note: text("audio-note"),
        label: String::new(),
    };
    let default_goal = BufferGoal::default();
    Some(Command::Load {
        // The first session of any page.
        session: SessionId::default().next(),
        url,
        settings: PlaybackSettings {
            start: seconds("t"),
            buffer: BufferGoal {
                ahead: seconds("goal").unwrap_or(default_goal.ahead),
                ..default_goal
            },
            credentials: query.has("credentials"),
            headers: Vec::new(),
            // The same in both threads.
            languages: web::languages(),
            remembered_audio: (!remembered_audio.language.is_empty()).then_some(remembered_audio),
            screen_size: (pixels("width"), pixels("height")),
        },
    })
}
