//! What befalls a page: it is left and come back to, and taken apart.

use macro_rules_attribute::apply;
use serde_json::json;

use crate::{
    stage::{Feature, Stage},
    suite::in_every_browser,
};

const VIDEO: &str = "document.querySelector('video')";

/// Waits until the film has moved on from where it is.
async fn moves(stage: &Stage) {
    stage
        .value(&format!("window.since = {VIDEO}.currentTime"))
        .await;
    stage.until(&format!("{VIDEO}.currentTime > since")).await;
}

/// Out of the back/forward cache or anew: it plays.
#[apply(in_every_browser!)]
async fn who_comes_back_to_the_page_finds_a_film_that_plays(stage: &Stage) {
    stage.open("").await;
    stage.plays().await;
    let driver = &stage.window.driver;
    driver.goto("about:blank").await.unwrap();
    driver.back().await.unwrap();
    stage.plays().await;
    moves(stage).await;
    stage.is_well().await;
    // And in the middle of its beginning.
    stage.open("?goal=8").await;
    driver.goto("about:blank").await.unwrap();
    driver.back().await.unwrap();
    stage.plays().await;
    stage.is_well().await;
}

/// The browser pauses what is taken out of a page; it is the same film when it is put back.
#[apply(in_every_browser!)]
async fn an_element_that_is_taken_out_and_put_back_goes_on(stage: &Stage) {
    stage.open("?goal=4").await;
    stage.plays().await;
    stage.value("window.before = attached()").await;
    let take = format!(
        "window.taken = {VIDEO}, window.place = document.createComment(''), taken.replaceWith(place)"
    );
    stage.value(&take).await;
    stage.until("taken.paused").await;
    stage.value("place.replaceWith(taken)").await;
    stage.value("void taken.play()").await;
    moves(stage).await;
    assert_eq!(stage.value("attached() === before").await, json!(true));
    stage.ends_with_all_there().await;
    stage.is_well().await;
}

/// Behind other windows a browser gives a page little time; the film goes on, and is there when the page is
/// seen again.
#[apply(in_every_browser!)]
async fn a_page_that_is_hidden_plays_on(stage: &Stage) {
    stage.open("?goal=4").await;
    stage.plays().await;
    // What nobody hears is paused where nobody sees it.
    stage.press("Unmute").await;
    let driver = &stage.window.driver;
    driver.minimize_window().await.unwrap();
    stage.needs(Feature::HiddenPages).await;
    // Longer than what was buffered.
    stage
        .value(&format!("window.since = {VIDEO}.currentTime"))
        .await;
    stage
        .until(&format!("{VIDEO}.currentTime > since + 10"))
        .await;
    assert!(stage.is("document.hidden").await);
    driver.set_window_rect(0, 0, 1280, 900).await.unwrap();
    stage.until("!document.hidden").await;
    moves(stage).await;
    stage.ends_with_all_there().await;
    stage.is_well().await;
}
