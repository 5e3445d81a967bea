//! Trunk's post-build hook (see Trunk.toml).
//!
//! `trunk serve` adds an inline script to the page, by which it reloads after a change, and which
//! differs from one request to the next. The page's Content-Security-Policy lets it through in that
//! build, and in no other. A release is trimmed, by a program of its own (`trim/`), because a
//! minifier takes a minute to compile.

use std::{env, fs, path::Path, process::Command};

use crate::{Outcome, step};

/// Trunk's own placeholder in its reload script.
const RELOAD: &str = "{{__TRUNK_ADDRESS__}}";

pub fn run() -> Outcome {
    let staging = env::var("TRUNK_STAGING_DIR").map_err(|_| "this is a hook for trunk to call")?;
    let page = Path::new(&staging).join("index.html");
    let html = fs::read_to_string(&page)?;
    if html.contains(RELOAD) {
        fs::write(&page, allow_reload(&html))?;
    }
    if env::var("TRUNK_PROFILE").is_ok_and(|profile| profile == "release") {
        step("Trimming; the first time, that is compiled, too");
        crate::run(
            Command::new("cargo")
                .args(["run", "--package", "trim", "--"])
                .arg(&staging),
        )?;
    }
    Ok(())
}

fn allow_reload(html: &str) -> String {
    html.replace("script-src 'self'", "script-src 'self' 'unsafe-inline'")
        .replace("connect-src http:", "connect-src ws: wss: http:")
}
