//! A load command that a worker finds in its name. `assets/start.js` starts the worker before the page's program runs,
//! which later sends the same command.

use js_sys::parse_float;
use web_sys::UrlSearchParams;

use super::{
    command::{BufferGoal, Command, PlaybackSettings},
    id::SessionId,
};
use crate::platform::web;

/// Parses a worker's name: a query string with `src`, the absolute URL of the manifest, and optionally `t`, `goal` and
/// `credentials`, as in the page's address. `None` if it is none.
pub fn from_worker_name(name: &str) -> Option<Command> {
    let query = UrlSearchParams::new_with_str(name).ok()?;
    let url = query.get("src")?;
    let seconds = |name| query.get(name).map(|seconds| parse_float(&seconds));
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
            // Only the page knows it. If there is one, its own command differs, and is carried out.
            remembered_audio: None,
        },
    })
}
