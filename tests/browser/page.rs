//! The lifecycle of the page and of its elements; text size and motion.

use std::time::Duration;

use macro_rules_attribute::apply;
use serde_json::json;
use thirtyfour::By;

use crate::{
    context::{Feature, TestContext},
    server::ServerFault,
    suite::browser_test,
};

const VIDEO: &str = "document.querySelector('video')";

/// Waits until the position has advanced.
async fn moves(test: &TestContext) {
    test.eval(&format!("window.since = {VIDEO}.currentTime"))
        .await;
    test.wait_until(&format!("{VIDEO}.currentTime > since"))
        .await;
}

/// From the back/forward cache or loaded again.
#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "back/forward cache")]
async fn video_plays_after_navigating_back(test: &TestContext) {
    test.open("").await;
    test.wait_until_playing().await;
    let driver = &test.window.driver;
    driver.goto("about:blank").await.unwrap();
    driver.back().await.unwrap();
    test.wait_until_playing().await;
    moves(test).await;
    test.assert_no_errors().await;
    // During the start.
    test.open("?goal=8").await;
    driver.goto("about:blank").await.unwrap();
    driver.back().await.unwrap();
    test.wait_until_playing().await;
    test.assert_no_errors().await;
    // When the element has a source and no data yet, or as soon after as possible.
    test.open("?goal=6").await;
    let leave = format!(
        "void (window.leave = () => location.assign('about:blank'), ({VIDEO}?.readyState ?? 1) > 0 ? leave() : {VIDEO}.addEventListener('loadstart', leave, {{ once: true }}))"
    );
    test.eval(&leave).await;
    test.wait_until("location.href === 'about:blank'").await;
    driver.back().await.unwrap();
    test.wait_until_playing().await;
    test.assert_no_errors().await;
}

/// Browsers pause an element that is removed; its MediaSource stays attached.
#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "the element's lifecycle")]
async fn element_removed_and_reinserted_plays_on(test: &TestContext) {
    test.open("?goal=4").await;
    test.wait_until_playing().await;
    test.eval("window.before = attached()").await;
    let take = format!(
        "window.taken = {VIDEO}, window.place = document.createComment(''), taken.replaceWith(place)"
    );
    test.eval(&take).await;
    test.wait_until("taken.paused").await;
    test.eval("place.replaceWith(taken)").await;
    test.eval("void taken.play()").await;
    moves(test).await;
    assert_eq!(test.eval("attached() === before").await, json!(true));
    test.play_to_end().await;
    test.assert_no_errors().await;
}

/// Browsers throttle a hidden page; playback continues.
#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "page visibility")]
async fn hidden_page_plays_on(test: &TestContext) {
    test.open("?goal=4").await;
    test.wait_until_playing().await;
    // Browsers pause a muted video on a hidden page.
    test.press("Unmute").await;
    let driver = &test.window.driver;
    driver.minimize_window().await.unwrap();
    test.requires(Feature::HiddenPages).await;
    // Longer than what was buffered.
    test.eval(&format!("window.since = {VIDEO}.currentTime"))
        .await;
    test.wait_until(&format!("{VIDEO}.currentTime > since + 10"))
        .await;
    assert!(test.is_true("document.hidden").await);
    driver.set_window_rect(0, 0, 1280, 900).await.unwrap();
    test.wait_until("!document.hidden").await;
    moves(test).await;
    test.play_to_end().await;
    test.assert_no_errors().await;
}

/// A page that is hidden for long is frozen with its worker, and the video is paused. Afterwards the same worker
/// continues.
#[apply(browser_test!)]
#[runs_in(Chromium; "page lifecycle")]
async fn page_frozen_by_the_browser_resumes(test: &TestContext) {
    test.requires(Feature::DevTools).await;
    for is_heard in [false, true] {
        test.open("?goal=4").await;
        test.wait_until_playing().await;
        if is_heard {
            test.press("Unmute").await;
        }
        be_frozen(test).await;
        if is_heard {
            // Chromium resumes muted videos only.
            test.press("Play").await;
        }
        moves(test).await;
        test.assert_workers_started(1).await;
        test.play_to_end().await;
        test.assert_no_errors().await;
    }
}

/// Freezes the page in the background for longer than the heartbeat's timeout, and shows it again.
async fn be_frozen(test: &TestContext) {
    let driver = &test.window.driver;
    let hear = "void (window.heard = [], ['freeze', 'resume'].forEach((kind) => document.addEventListener(kind, () => heard.push(kind))))";
    test.eval(hear).await;
    let cdp = driver.cdp();
    let be = async |state: &str| {
        let state = json!({ "state": state });
        let done = cdp.send_raw("Page.setWebLifecycleState", state).await;
        done.unwrap();
    };
    driver.minimize_window().await.unwrap();
    test.wait_until("document.hidden").await;
    be("frozen").await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    be("active").await;
    driver.set_window_rect(0, 0, 1280, 900).await.unwrap();
    test.wait_until("!document.hidden").await;
    assert_eq!(test.eval("heard").await, json!(["freeze", "resume"]));
}

/// At double text size, nothing is cut off, covered, or outside of the page.
#[apply(browser_test!)]
#[runs_in(Chromium; "layout")]
async fn text_of_double_size_fits(test: &TestContext) {
    for (width, height) in [(1280, 800), (320, 800)] {
        test.resize(width, height, 1.0).await;
        test.open("").await;
        test.wait_until_playing().await;
        test.eval("document.documentElement.style.fontSize = '200%'")
            .await;
        test.wait_until("getComputedStyle(document.documentElement).fontSize === '32px'")
            .await;
        // So that the controls do not fade.
        test.eval(&format!("{VIDEO}.pause()")).await;
        let too_wide = "[...document.querySelectorAll('body *')].filter(it => it.checkVisibility() \
             && document.documentElement.scrollWidth > document.documentElement.clientWidth \
             && it.getBoundingClientRect().right > document.documentElement.clientWidth) \
             .map(it => it.outerHTML.slice(0, 80))";
        assert_eq!(
            test.eval(too_wide).await,
            json!([]),
            "{width} px wide: wider than the page"
        );
        let cut = "[...document.querySelectorAll('body *')].filter(it => it.checkVisibility() \
             && ['hidden', 'clip'].includes(getComputedStyle(it).overflowX) && it.clientWidth > 1 \
             && it.scrollWidth > it.clientWidth + 1).map(it => it.outerHTML.slice(0, 80))";
        assert_eq!(test.eval(cut).await, json!([]), "{width} px wide");
        // Each control is within the picture, and nothing covers it.
        let hidden = "(frame => [...document.querySelectorAll('.control-bar button')] \
             .filter(it => it.checkVisibility()).filter(it => { \
               const { left, right, top, bottom } = it.getBoundingClientRect(); \
               const at = document.elementFromPoint((left + right) / 2, (top + bottom) / 2); \
               return left < frame.left - 1 || right > frame.right + 1 || bottom > frame.bottom + 1 || !it.contains(at); \
             }).map(it => it.outerHTML.slice(0, 80)))(document.querySelector('.video-container').getBoundingClientRect())";
        test.eval("document.querySelector('.video-container').scrollIntoView({ block: 'end' })")
            .await;
        test.screenshot(&format!("large-{width}")).await;
        assert_eq!(test.eval(hidden).await, json!([]), "{width} px wide");
        test.pause().await;
        test.press_element(By::Css(".settings")).await;
        test.wait_until("document.querySelector('.settings-menu').matches(':popover-open')")
            .await;
        let inside = "(({ left, right }) => left >= 0 && right <= innerWidth)(document.querySelector('.settings-menu').getBoundingClientRect())";
        assert!(test.is_true(inside).await, "{width} px wide");
        test
            .eval("document.querySelector('.settings-menu').hidePopover(), document.querySelector('.milestones').scrollIntoView()")
            .await;
        test.screenshot(&format!("large-journey-{width}")).await;
        test.assert_no_errors().await;
    }
}

/// With `prefers-reduced-motion`, only the video moves.
#[apply(browser_test!)]
#[runs_in(Chromium; "media query and animations")]
async fn reduced_motion_disables_animations(test: &TestContext) {
    test.requires(Feature::DevTools).await;
    // Longer than one frame.
    let moving = "document.getAnimations().filter(it => it.playState === 'running' \
         && it.effect.getComputedTiming().activeDuration > 20).length";
    for preference in ["no-preference", "reduce"] {
        test.emulate_media("prefers-reduced-motion", preference)
            .await;
        // While it waits, the spinner is shown.
        test.server.add_fault(".m4s", ServerFault::Held);
        test.open("").await;
        test.wait_until("document.querySelector('.controls')?.hasAttribute('data-waiting')")
            .await;
        if preference == "no-preference" {
            test.wait_until(&format!("{moving} > 0")).await;
        } else {
            assert_eq!(test.eval(moving).await, json!(0), "while it waits");
        }
        test.server.clear_faults();
    }
    test.wait_until_playing().await;
    // Looks for animations in every frame from now on. Without its animation, the seek bar is never ahead of the
    // video.
    let watch = "window.moved = [], window.ahead = [], requestAnimationFrame(function look() { \
         moved.push(...document.getAnimations().filter(it => it.effect.getComputedTiming().activeDuration > 20) \
         .map(it => it.effect.target.className)); \
         const [bar, thumb] = ['.seek-bar', '.thumb'].map(it => document.querySelector(it).getBoundingClientRect()); \
         ahead.push((thumb.right - bar.left) / bar.width * 32 - document.querySelector('video').currentTime); \
         requestAnimationFrame(look); })";
    test.eval(watch).await;
    test.press_element(By::Css(".settings")).await;
    test.wait_until("document.querySelector('.settings-menu').matches(':popover-open')")
        .await;
    test.eval("document.querySelector('.settings-menu').hidePopover()")
        .await;
    test.wait_until("document.querySelector('.video-container').hasAttribute('data-idle')")
        .await;
    test.wait_until("getComputedStyle(document.querySelector('.control-bar')).opacity === '0'")
        .await;
    assert_eq!(test.eval("moved").await, json!([]));
    let ahead = test.eval("Math.max(...ahead)").await.as_f64().unwrap();
    assert!(ahead < 0.1, "drawn {ahead} seconds too far");
    test.assert_no_errors().await;
}
