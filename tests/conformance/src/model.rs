//! Runs a script in the simulated browser.

use std::{fs, ops::Range, path::Path};

use yew_mse_worker::platform::{
    Bytes, MediaHandle, Request,
    simulated::{Answer, Browser, MediaElement, Reply, World},
};

use crate::{
    run::{Element, Files, run},
    script::Script,
};

const BASE: &str = "https://example.test/";
/// Longer than any script takes, in simulated milliseconds.
const SCRIPT_MS: f64 = 10_000_000.0;

impl Element for MediaElement {
    fn attach(&self, handle: &MediaHandle) {
        Self::attach(self, handle);
    }

    fn seek(&self, position: f64) {
        Self::seek(self, position);
    }

    fn is_seeking(&self) -> bool {
        Self::is_seeking(self)
    }

    fn buffered(&self) -> Vec<Range<f64>> {
        Self::buffered(self)
    }
}

/// The outcome of a script in a simulated browser.
pub fn run_simulated(script: &Script, browser: Browser) -> Vec<String> {
    let world = World::new(1, browser);
    let _entered = world.enter();
    world.serve(serve);
    let element = MediaElement::new();
    let script = script.clone();
    let outcome = world.block_on(SCRIPT_MS, async move {
        run(&script, &mut Files::at(BASE), &element).await
    });
    outcome.unwrap_or_else(|| vec!["the simulated browser did not finish".to_owned()])
}

fn serve(request: &Request, _at_ms: f64) -> Answer {
    let path = request.url.strip_prefix(BASE).unwrap_or_default();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let file = match path.strip_prefix("film/") {
        Some(path) => root.join("assets/film").join(path),
        None => root.join("tests/media").join(path),
    };
    Answer::Response(match fs::read(file) {
        Ok(file) => Reply::file(&Bytes::from(file.as_slice()), request),
        Err(_) => Reply::status(404),
    })
}
