//! The claims about `MediaSource.handle` in the lab.

use macro_rules_attribute::apply;
use serde_json::json;

use crate::{
    context::{Feature, TestContext},
    suite::browser_test,
};

#[apply(browser_test!)]
#[runs_in(Chromium; "the behaviour of MediaSource.handle")]
async fn every_claim_is_as_specified_or_cannot_be_tested(test: &TestContext) {
    // One of the claims blocks the page.
    test.slot.alone().await;
    test.open("").await;
    // The lab may be opened before the page has started.
    test.eval("document.querySelector('#lab').open = true")
        .await;
    test.wait_until_playing().await;
    test.wait_until("!!document.querySelector('#lab-claims button')")
        .await;
    // Captures the copied text.
    let capture = "Object.defineProperty(navigator, 'clipboard', \
         { value: { writeText: async (text) => { window.copied = text } } }) && true";
    test.eval(capture).await;
    test.eval("probe.media.length = 0").await;
    test.press("Run").await;
    let status = "document.querySelector('#lab-claims [role=status]').textContent";
    test.wait_until(&format!("{status}.includes('It took')"))
        .await;
    println!("{}", test.eval(status).await);
    test.press("Copy as JSON").await;
    test.wait_until(&format!("{status} === 'Copied.'")).await;
    let copied = test.eval("JSON.parse(copied)").await;
    let claims = copied["claims"].as_array().unwrap();
    assert_eq!(claims.len(), 35);

    for claim in claims {
        println!("{}: {}", claim["claim"], claim["details"]);
    }
    let has_handle = test.has(Feature::MediaSourceInWorkers).await;
    let (verdict, first) = match has_handle {
        true => ("as specified", "on the page: no; in a worker: yes"),
        false => ("cannot be tested here", "on the page: no; in a worker: no"),
    };
    let exposure = claims[0]["details"].as_str().unwrap();
    assert!(exposure.starts_with(first), "{exposure}");
    // Behaviour that no specification defines has no expected verdict.
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

    // The video played on without interruption, and the claims left nothing behind.
    let interruptions = "probe.media.filter(kind => ['waiting', 'error'].includes(kind)).length";
    assert_eq!(test.eval(interruptions).await, json!(0));
    // Unregistering takes a while.
    let is_none_kept = "(navigator.serviceWorker.getRegistrations() \
         .then(all => window.kept = all.length), window.kept === 0)";
    test.wait_until(is_none_kept).await;
    test.assert_no_errors().await;
    assert_eq!(test.eval("probe.violations").await, json!([]));
    test.eval("document.querySelector('#lab-claims').scrollIntoView()")
        .await;
    test.screenshot("claims").await;
    // The lab has another button with this text.
    let copy = "[...document.querySelectorAll('#lab-claims button')] \
         .find(button => button.textContent === 'Copy as text').click()";
    test.eval(copy).await;
    test.wait_until("copied.startsWith('MediaSource.handle, measured')")
        .await;
}
