//! Trunk's post-build hook (see Trunk.toml). `trunk serve` adds an inline script to the page, by
//! which it reloads after a change, and which differs from one request to the next. The page's
//! Content-Security-Policy lets it through in that build, and in no other.

use std::{env, fs, path::Path};

use crate::Outcome;

/// Trunk's own placeholder in its reload script.
const RELOAD: &str = "{{__TRUNK_ADDRESS__}}";

pub fn run() -> Outcome {
    let staging = env::var("TRUNK_STAGING_DIR").map_err(|_| "this is a hook for trunk to call")?;
    let page = Path::new(&staging).join("index.html");
    let html = fs::read_to_string(&page)?;
    if html.contains(RELOAD) {
        fs::write(&page, allow_reload(&html))?;
    }
    Ok(())
}

fn allow_reload(html: &str) -> String {
    html.replace("script-src 'self'", "script-src 'self' 'unsafe-inline'")
        .replace("connect-src http:", "connect-src ws: wss: http:")
}
