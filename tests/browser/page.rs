//! What befalls a page: it is left and come back to, and taken apart.

use std::time::Duration;

use macro_rules_attribute::apply;
use serde_json::json;
use thirtyfour::By;

use crate::{
    server::Trouble,
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
    // And when the element has its source, and nothing of it yet; or as soon after that as can be.
    stage.open("?goal=6").await;
    let leave = format!(
        "void (window.leave = () => location.assign('about:blank'), ({VIDEO}?.readyState ?? 1) > 0 ? leave() : {VIDEO}.addEventListener('loadstart', leave, {{ once: true }}))"
    );
    stage.value(&leave).await;
    stage.until("location.href === 'about:blank'").await;
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

/// A page that was hidden for long is frozen, its worker with it, and what plays is paused. Once it is seen
/// again, the same worker goes on, which nobody takes for dead.
#[apply(in_every_browser!)]
async fn a_page_that_the_browser_froze_goes_on_when_it_is_seen_again(stage: &Stage) {
    stage.needs(Feature::DevTools).await;
    for is_heard in [false, true] {
        stage.open("?goal=4").await;
        stage.plays().await;
        if is_heard {
            stage.press("Unmute").await;
        }
        be_frozen(stage).await;
        if is_heard {
            // The browser itself plays on what is muted only.
            stage.press("Play").await;
        }
        moves(stage).await;
        stage.has_started_workers(1).await;
        stage.ends_with_all_there().await;
        stage.is_well().await;
    }
}

/// Has the browser freeze the page behind other windows for longer than a worker may be silent, and then shows
/// it again.
async fn be_frozen(stage: &Stage) {
    let driver = &stage.window.driver;
    let hear = "void (window.heard = [], ['freeze', 'resume'].forEach((kind) => document.addEventListener(kind, () => heard.push(kind))))";
    stage.value(hear).await;
    let cdp = driver.cdp();
    let be = async |state: &str| {
        let state = json!({ "state": state });
        let done = cdp.send_raw("Page.setWebLifecycleState", state).await;
        done.unwrap();
    };
    driver.minimize_window().await.unwrap();
    stage.until("document.hidden").await;
    be("frozen").await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    be("active").await;
    driver.set_window_rect(0, 0, 1280, 900).await.unwrap();
    stage.until("!document.hidden").await;
    assert_eq!(stage.value("heard").await, json!(["freeze", "resume"]));
}

/// Who needs large letters has them, and all that there is.
#[apply(in_every_browser!)]
async fn letters_twice_as_large_have_room(stage: &Stage) {
    for (width, height) in [(1280, 800), (320, 800)] {
        stage.resize(width, height, 1.0).await;
        stage.open("").await;
        stage.plays().await;
        stage
            .value("document.documentElement.style.fontSize = '200%'")
            .await;
        stage
            .until("getComputedStyle(document.documentElement).fontSize === '32px'")
            .await;
        // So that the controls stay.
        stage.value(&format!("{VIDEO}.pause()")).await;
        let too_wide = "[...document.querySelectorAll('body *')].filter(it => it.checkVisibility() \
             && document.documentElement.scrollWidth > document.documentElement.clientWidth \
             && it.getBoundingClientRect().right > document.documentElement.clientWidth) \
             .map(it => it.outerHTML.slice(0, 80))";
        assert_eq!(
            stage.value(too_wide).await,
            json!([]),
            "{width} px wide: wider than the page"
        );
        let cut = "[...document.querySelectorAll('body *')].filter(it => it.checkVisibility() \
             && ['hidden', 'clip'].includes(getComputedStyle(it).overflowX) && it.clientWidth > 1 \
             && it.scrollWidth > it.clientWidth + 1).map(it => it.outerHTML.slice(0, 80))";
        assert_eq!(stage.value(cut).await, json!([]), "{width} px wide");
        // Each control lies within the picture, and nothing lies over it.
        let hidden = "(frame => [...document.querySelectorAll('.control-bar button')] \
             .filter(it => it.checkVisibility()).filter(it => { \
               const { left, right, top, bottom } = it.getBoundingClientRect(); \
               const at = document.elementFromPoint((left + right) / 2, (top + bottom) / 2); \
               return left < frame.left - 1 || right > frame.right + 1 || bottom > frame.bottom + 1 || !it.contains(at); \
             }).map(it => it.outerHTML.slice(0, 80)))(document.querySelector('.video-container').getBoundingClientRect())";
        stage
            .value("document.querySelector('.video-container').scrollIntoView({ block: 'end' })")
            .await;
        stage.screenshot(&format!("large-{width}")).await;
        assert_eq!(stage.value(hidden).await, json!([]), "{width} px wide");
        stage.rest().await;
        stage.press_on(By::Css(".settings")).await;
        stage
            .until("document.querySelector('.settings-menu').matches(':popover-open')")
            .await;
        let inside = "(({ left, right }) => left >= 0 && right <= innerWidth)(document.querySelector('.settings-menu').getBoundingClientRect())";
        assert!(stage.is(inside).await, "{width} px wide");
        stage
            .value("document.querySelector('.settings-menu').hidePopover(), document.querySelector('.milestones').scrollIntoView()")
            .await;
        stage.screenshot(&format!("large-journey-{width}")).await;
        stage.is_well().await;
    }
}

/// Who is made dizzy by what moves sees nothing move but the film.
#[apply(in_every_browser!)]
async fn who_prefers_less_motion_sees_none_but_the_films(stage: &Stage) {
    stage.needs(Feature::DevTools).await;
    // Longer than one frame.
    let moving = "document.getAnimations().filter(it => it.playState === 'running' \
         && it.effect.getComputedTiming().activeDuration > 20).length";
    for preference in ["no-preference", "reduce"] {
        stage.prefer("prefers-reduced-motion", preference).await;
        // It waits, and shows that.
        stage.server.trouble(".m4s", Trouble::Held);
        stage.open("").await;
        stage
            .until("document.querySelector('.controls')?.hasAttribute('data-waiting')")
            .await;
        if preference == "no-preference" {
            stage.until(&format!("{moving} > 0")).await;
        } else {
            assert_eq!(stage.value(moving).await, json!(0), "while it waits");
        }
        stage.server.heal();
    }
    stage.plays().await;
    // Whatever begins to move from here on is seen in the frame in which it does; and a seek bar that does not
    // move by itself is where the film is or was, and not where it will be.
    let watch = "window.moved = [], window.ahead = [], requestAnimationFrame(function look() { \
         moved.push(...document.getAnimations().filter(it => it.effect.getComputedTiming().activeDuration > 20) \
         .map(it => it.effect.target.className)); \
         const [bar, thumb] = ['.seek-bar', '.thumb'].map(it => document.querySelector(it).getBoundingClientRect()); \
         ahead.push((thumb.right - bar.left) / bar.width * 32 - document.querySelector('video').currentTime); \
         requestAnimationFrame(look); })";
    stage.value(watch).await;
    stage.press_on(By::Css(".settings")).await;
    stage
        .until("document.querySelector('.settings-menu').matches(':popover-open')")
        .await;
    stage
        .value("document.querySelector('.settings-menu').hidePopover()")
        .await;
    stage
        .until("document.querySelector('.video-container').hasAttribute('data-idle')")
        .await;
    stage
        .until("getComputedStyle(document.querySelector('.control-bar')).opacity === '0'")
        .await;
    assert_eq!(stage.value("moved").await, json!([]));
    let ahead = stage.value("Math.max(...ahead)").await.as_f64().unwrap();
    assert!(ahead < 0.1, "drawn {ahead} seconds too far");
    stage.is_well().await;
}
