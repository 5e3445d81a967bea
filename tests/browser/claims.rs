//! The claims about `MediaSource.handle`, tested in browsers with and without it.

use macro_rules_attribute::apply;
use serde_json::json;

use crate::{
    stage::{Feature, Stage},
    suite::in_every_browser,
};

#[apply(in_every_browser!)]
async fn every_claim_is_as_specified_or_cannot_be_tested(stage: &Stage) {
    // One of the claims blocks the page.
    stage.turn.alone().await;
    stage.open("").await;
    // Also before the page has started.
    stage
        .value("document.querySelector('#lab').open = true")
        .await;
    stage.plays().await;
    stage
        .until("!!document.querySelector('#lab-claims button')")
        .await;
    // Captures the copied text.
    let capture = "Object.defineProperty(navigator, 'clipboard', \
         { value: { writeText: async (text) => { window.copied = text } } }) && true";
    stage.value(capture).await;
    stage.value("probe.media.length = 0").await;
    stage.press("Run").await;
    let status = "document.querySelector('#lab-claims [role=status]').textContent";
    stage.until(&format!("{status}.includes('It took')")).await;
    println!("{}", stage.value(status).await);
    stage.press("Copy as JSON").await;
    stage.until(&format!("{status} === 'Copied.'")).await;
    let copied = stage.value("JSON.parse(copied)").await;
    let claims = copied["claims"].as_array().unwrap();
    assert_eq!(claims.len(), 35);

    for claim in claims {
        println!("{}: {}", claim["claim"], claim["details"]);
    }
    let has_handle = stage.has(Feature::MediaSourceInWorkers).await;
    let (verdict, first) = match has_handle {
        true => ("as specified", "on the page: no; in a worker: yes"),
        false => ("cannot be tested here", "on the page: no; in a worker: no"),
    };
    let exposure = claims[0]["details"].as_str().unwrap();
    assert!(exposure.starts_with(first), "{exposure}");
    // Behaviour that no specification defines is only described.
    for claim in claims {
        let is_open = has_handle && claim["specified"] == json!("not specified");
        let verdict = if is_open { "not specified" } else { verdict };
        assert_eq!(claim["verdict"], json!(verdict), "{claim}");
    }
    if has_handle {
        assert_eq!(
            exposure,
            "on the page: no; in a worker: yes; in a shared worker: no; in a service worker: no"
        );
    }

    // The video has played on without interruption, and the claims have left nothing behind.
    let interruptions = "probe.media.filter(kind => ['waiting', 'error'].includes(kind)).length";
    assert_eq!(stage.value(interruptions).await, json!(0));
    // Unregistering takes a while.
    let is_none_kept = "(navigator.serviceWorker.getRegistrations() \
         .then(all => window.kept = all.length), window.kept === 0)";
    stage.until(is_none_kept).await;
    stage.is_well().await;
    assert_eq!(stage.value("probe.violations").await, json!([]));
    stage
        .value("document.querySelector('#lab-claims').scrollIntoView()")
        .await;
    stage.screenshot("claims").await;
    // There is another button of this name in the lab.
    let copy = "[...document.querySelectorAll('#lab-claims button')] \
         .find(button => button.textContent === 'Copy as text').click()";
    stage.value(copy).await;
    stage
        .until("copied.startsWith('MediaSource.handle, measured')")
        .await;
}
