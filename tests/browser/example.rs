//! `examples/handle` in a browser: nothing else can show that the smallest program plays.

use std::{path::Path, process::Command};

use macro_rules_attribute::apply;

use crate::{
    server::{Server, public_url},
    stage::{Feature, Stage},
    suite::in_every_browser,
};

#[apply(in_every_browser!)]
async fn handle_example_plays_to_the_end(stage: &Stage) {
    stage.needs(Feature::MediaSourceInWorkers).await;
    let server = Server::of(&build()).await;
    stage.window.driver.goto(server.url("")).await.unwrap();
    stage.plays().await;
    stage.hurry(4).await;
    stage.until("document.querySelector('video').ended").await;
    stage
        .until("document.querySelector('[role=alert]').textContent === ''")
        .await;
}

/// Builds the example with the profile and the target folder of the site, whose dependencies are compiled.
fn build() -> std::path::PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let site = root.join("target/handle-example");
    let status = Command::new("trunk")
        .args([
            "build",
            "--release",
            "--public-url",
            &public_url(),
            "--dist",
        ])
        .arg(&site)
        .current_dir(root.join("examples/handle"))
        .status()
        .unwrap();
    assert!(status.success(), "trunk could not build the example");
    site
}
