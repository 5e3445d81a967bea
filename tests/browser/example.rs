//! `examples/handle` in a browser.

use std::{path::Path, process::Command};

use macro_rules_attribute::apply;

use crate::{
    context::{Feature, TestContext},
    server::{Server, public_url},
    suite::browser_test,
};

#[apply(browser_test!)]
#[runs_in(Chromium; "the handle")]
async fn handle_example_plays_to_the_end(test: &TestContext) {
    test.requires(Feature::MediaSourceInWorkers).await;
    let server = Server::of_folder(&build()).await;
    test.window.driver.goto(server.url("")).await.unwrap();
    test.wait_until_playing().await;
    test.set_rate(4).await;
    test.wait_until("document.querySelector('video').ended")
        .await;
    test.wait_until("document.querySelector('[role=alert]').textContent === ''")
        .await;
}

/// Builds the example in the site's profile and target folder, where its dependencies are compiled.
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
