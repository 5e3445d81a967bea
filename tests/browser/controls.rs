//! The player's controls by mouse, keyboard, touch and screen reader.

use serde_json::{Value, json};
use thirtyfour::{By, Key};

use macro_rules_attribute::apply;

use crate::{
    context::{Feature, TestContext},
    server::ServerFault,
    suite::browser_test,
};

const VIDEO: &str = "document.querySelector('video')";
const SAID: &str = "document.querySelector('.toast').textContent";

/// Clicks the first element that matches.
async fn press(test: &TestContext, selector: &str) {
    test.press_element(By::Css(selector)).await;
}

/// Types into the focused element.
async fn keys(test: &TestContext, keys: impl Into<thirtyfour::TypingData>) {
    let chain = test.window.driver.action_chain();
    chain.send_keys(keys).perform().await.unwrap();
}

/// Waits until a property of the element has this value.
async fn until(test: &TestContext, property: &str, value: Value) {
    test.wait_until(&format!("{VIDEO}.{property} === {value}"))
        .await;
}

/// Waits until the volume is this many percent. Not every browser keeps the exact number.
async fn until_volume(test: &TestContext, percent: u32) {
    test.wait_until(&format!("Math.round({VIDEO}.volume * 100) === {percent}"))
        .await;
}

/// Waits until the position is this second.
async fn until_at(test: &TestContext, second: u32) {
    test.wait_until(&format!("Math.round({VIDEO}.currentTime) === {second}"))
        .await;
}

/// Opens the page, and pauses the video when all of it is buffered.
async fn open(test: &TestContext) {
    test.open("?t=12").await;
    test.wait_until_playing().await;
    test.wait_for_milestone("end of stream").await;
    test.wait_until("!document.querySelector('.captions').hidden")
        .await;
    // By script, so that neither focus nor keys are used yet.
    test.eval(&format!("{VIDEO}.pause()")).await;
    test.wait_until(&format!(
        "{}.dataset.state === 'paused'",
        "document.querySelector('.controls')"
    ))
    .await;
}

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "controls: pointer, focus, full screen")]
async fn buttons_do_what_their_labels_say(test: &TestContext) {
    open(test).await;
    let label = |selector| format!("document.querySelector('{selector}').ariaLabel");
    assert_eq!(test.eval(&label(".play")).await, json!("Play"));
    press(test, ".play").await;
    test.wait_until(&format!("{} === 'Pause'", label(".play")))
        .await;
    until(test, "paused", json!(false)).await;
    press(test, ".play").await;
    until(test, "paused", json!(true)).await;

    press(test, ".mute").await;
    until(test, "muted", json!(false)).await;
    test.wait_until(&format!("{SAID} === 'Volume 100 %'")).await;
    test.wait_until(&format!("{} === 'Mute'", label(".mute")))
        .await;

    press(test, ".captions").await;
    until(test, "textTracks[0].mode", json!("showing")).await;
    test.wait_until("document.querySelector('.captions').ariaPressed === 'true'")
        .await;
    test.wait_until(&format!("{SAID} === 'Subtitles on'")).await;

    press(test, ".settings").await;
    test.wait_until("document.querySelector('.settings-menu').matches(':popover-open')")
        .await;
    let sound = "document.querySelector('[name=audio]').checkVisibility()";
    assert_eq!(test.eval(sound).await, json!(false), "there is but one");
    test.screenshot("settings").await;
    press(test, "[name=speed] [value='150']").await;
    until(test, "playbackRate", json!(1.5)).await;
    test.wait_until(&format!("{SAID} === 'Speed 1.5'")).await;
    keys(test, Key::Escape).await;
    test.wait_until("!document.querySelector('.settings-menu').matches(':popover-open')")
        .await;
    // The focus returns.
    test.wait_until("document.activeElement.className === 'settings'")
        .await;

    press(test, ".fullscreen").await;
    test.wait_until("document.fullscreenElement?.className === 'video-container'")
        .await;
    test.wait_until(&format!("{} === 'Exit full screen'", label(".fullscreen")))
        .await;
    test.screenshot("full-screen").await;
    press(test, ".fullscreen").await;
    test.wait_until("!document.fullscreenElement").await;
    test.assert_no_errors().await;
}

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "controls: keyboard")]
async fn keys_do_what_the_shortcut_list_says(test: &TestContext) {
    open(test).await;
    // Without focus, keys go to the first player.
    keys(test, "k").await;
    until(test, "paused", json!(false)).await;
    keys(test, " ").await;
    until(test, "paused", json!(true)).await;
    keys(test, "5").await;
    until_at(test, 16).await;
    keys(test, "l").await;
    until_at(test, 26).await;
    keys(test, "j").await;
    until_at(test, 16).await;
    keys(test, Key::Left).await;
    until_at(test, 11).await;
    keys(test, Key::Right).await;
    until_at(test, 16).await;
    keys(test, "m").await;
    until(test, "muted", json!(false)).await;
    keys(test, Key::Down).await;
    until_volume(test, 95).await;
    keys(test, Key::Up).await;
    until(test, "volume", json!(1)).await;
    keys(test, ">").await;
    until(test, "playbackRate", json!(1.25)).await;
    keys(test, "<").await;
    until(test, "playbackRate", json!(1)).await;
    keys(test, "c").await;
    until(test, "textTracks[0].mode", json!("showing")).await;
    keys(test, "?").await;
    let sheet = "document.querySelector('.shortcuts').matches(':popover-open')";
    test.wait_until(sheet).await;
    test.screenshot("keys").await;
    keys(test, Key::Escape).await;
    test.wait_until(&format!("!{sheet}")).await;
    keys(test, "f").await;
    test.wait_until("document.fullscreenElement?.className === 'video-container'")
        .await;
    keys(test, "f").await;
    test.wait_until("!document.fullscreenElement").await;

    // The seek bar handles the same keys, and has a text for screen readers.
    test.eval("document.querySelector('.seek-bar input').focus()")
        .await;
    keys(test, Key::Right).await;
    until_at(test, 21).await;
    let words = "document.querySelector('.seek-bar input').ariaValueText";
    test.wait_until(&format!("{words} === '21 seconds of 32 seconds'"))
        .await;
    // The volume slider handles arrow keys itself.
    test.eval("document.querySelector('.volume input').focus()")
        .await;
    keys(test, Key::Left).await;
    until_volume(test, 95).await;
    until_at(test, 21).await;

    // Keys in a text field are text.
    press(test, "#src").await;
    keys(test, "kmj5").await;
    test.wait_until("document.querySelector('#src').value.includes('kmj5')")
        .await;
    let still = format!("[{VIDEO}.paused, {VIDEO}.muted, Math.round({VIDEO}.currentTime)]");
    assert_eq!(test.eval(&still).await, json!([true, false, 21]));
    test.assert_no_errors().await;
}

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "controls: focus and its rendering")]
async fn tab_reaches_every_control_with_visible_focus(test: &TestContext) {
    open(test).await;
    // WebKitGTK's window has no focus without a window manager, so its focus outline is not shown.
    let is_seen = test.is_true("document.hasFocus()").await;
    let mut reached = Vec::new();
    for _ in 0..8 {
        keys(test, Key::Tab).await;
        // The controls fade in.
        test.wait_until("getComputedStyle(document.querySelector('.control-bar')).opacity === '1'")
            .await;
        let at = "[document.activeElement.ariaLabel, \
             getComputedStyle(document.activeElement).outlineStyle]";
        let found = test.eval(at).await;
        assert!(!is_seen || found[1] == json!("solid"), "{found}");
        reached.push(found[0].as_str().unwrap_or("Unmute").to_owned());
    }
    let expected = [
        "Unmute",
        "Seek",
        "Play",
        "Unmute",
        "Volume",
        "Subtitles",
        "Settings",
        match test.is_true("!!document.pictureInPictureEnabled").await {
            true => "Picture in picture",
            false => "Full screen",
        },
    ];
    assert_eq!(reached, expected);
    test.screenshot("focus").await;
    keys(test, Key::Enter).await;
    test.assert_no_errors().await;
}

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox, WebKit; "controls: layout and pointer")]
async fn seek_bar_can_be_dragged_and_shows_time_and_chapter(test: &TestContext) {
    open(test).await;
    let loaded = "document.querySelector('.buffered').getAttribute('d')";
    test.wait_until(&format!("{loaded} === 'M375 0H1000'"))
        .await;
    let chapters = "document.querySelector('.chapters').getAttribute('d')";
    test.wait_until(&format!("{chapters}?.split('M').length === 6"))
        .await;
    assert_eq!(
        test.eval("document.querySelector('.duration').textContent")
            .await,
        json!(" / 0:32")
    );

    let slider = test
        .window
        .driver
        .find(By::Css(".seek-bar input"))
        .await
        .unwrap();
    let width = slider.rect().await.unwrap().width as i64;
    let drag = test.window.driver.action_chain();
    // From the middle of the bar a quarter of its width to the right.
    drag.move_to_element_center(&slider)
        .click_and_hold()
        .move_by_offset(width / 4, 0)
        .perform()
        .await
        .unwrap();
    test.wait_until(&format!("Math.abs({VIDEO}.currentTime - 24) < 0.5"))
        .await;
    let hint = "document.querySelector('.seek-tooltip').textContent";
    test.wait_until(&format!(
        "/^(Segments arrive|The page freezes) · 0:2[34]$/.test({hint})"
    ))
    .await;
    test.screenshot("dragged").await;
    test.window
        .driver
        .action_chain()
        .release()
        .perform()
        .await
        .unwrap();
    test.wait_until("document.querySelector('.current-time').textContent.startsWith('0:2')")
        .await;
    let drawn = "Number(document.querySelector('.seek-bar').style.getPropertyValue('--position'))";
    test.wait_until(&format!(
        "Math.abs({drawn} - {VIDEO}.currentTime / 32) < 0.02"
    ))
    .await;
    test.assert_no_errors().await;
}

/// The DOM is written about once a second; in between, an animation moves the bar.
#[apply(browser_test!)]
#[runs_in(Chromium; "controls: CSS animation")]
async fn seek_bar_is_animated_between_updates(test: &TestContext) {
    test.open("").await;
    test.wait_until_playing().await;
    test.wait_for_milestone("end of stream").await;
    // Pointer events keep the controls visible.
    let watch = "(() => { \
         window.off = () => { \
           const [bar, thumb] = ['.seek-bar', '.thumb'].map(it => document.querySelector(it).getBoundingClientRect()); \
           return (thumb.right - bar.left) / bar.width * 32 - VIDEO.currentTime; \
         }; \
         window.near = 0; \
         window.places = new Set(); \
         const picture = document.querySelector('.video-container'); \
         setInterval(() => picture.dispatchEvent(new PointerEvent('pointermove', { bubbles: true })), 1000); \
         const look = () => { \
           window.near = Math.abs(window.off()) < 0.3 ? window.near + 1 : 0; \
           places.add(document.querySelector('.seek-bar').style.getPropertyValue('--position')); \
           requestAnimationFrame(look); \
         }; \
         look(); })()";
    test.eval(&watch.replace("VIDEO", VIDEO)).await;
    let position = format!("{VIDEO}.currentTime");
    for speed in [1, 2] {
        test.eval(&format!(
            "{VIDEO}.playbackRate = {speed}, {VIDEO}.currentTime = 0"
        ))
        .await;
        test.wait_until(&format!("!{VIDEO}.seeking")).await;
        let from = test.eval(&position).await.as_f64().unwrap();
        test.eval("(window.near = 0, places.clear())").await;
        test.wait_until(&format!("near > 60 && {position} > {from} + 5"))
            .await;
        let told = test.eval(&format!("[places.size, {position}]")).await;
        let seconds = told[1].as_f64().unwrap() - from;
        let written = told[0].as_f64().unwrap();
        assert!(written < seconds + 3.0, "{written} times in {seconds} s");
    }
    // After a seek the bar jumps instead of gliding.
    test
        .eval(&format!(
            "{VIDEO}.addEventListener('seeked', () => requestAnimationFrame(() => window.landed = off()), {{ once: true }}), \
             {VIDEO}.currentTime = 20"
        ))
        .await;
    test.wait_until("'landed' in window").await;
    let landed = test.eval("landed").await.as_f64().unwrap();
    assert!(
        landed.abs() < 1.0,
        "{landed} seconds from where the video is"
    );
    test.eval(&format!("{VIDEO}.pause()")).await;
    test.wait_until("Math.abs(off()) < 0.05").await;
    test.assert_no_errors().await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "localStorage")]
async fn settings_are_restored_on_the_next_visit(test: &TestContext) {
    open(test).await;
    keys(test, "m").await;
    for _ in 0..6 {
        keys(test, Key::Down).await;
    }
    keys(test, ">").await;
    keys(test, "c").await;
    until_volume(test, 70).await;
    until(test, "textTracks[0].mode", json!("showing")).await;
    press(test, ".settings").await;
    press(test, "[name=quality] [value='1']").await;
    test.server.wait_for_request("/360p/16.m4s").await;

    test.open("?t=12").await;
    test.wait_for_milestone("first frame").await;
    until_volume(test, 70).await;
    until(test, "playbackRate", json!(1.25)).await;
    until(test, "textTracks[0].mode", json!("showing")).await;
    test.wait_until("document.querySelector('[name=quality]').value === '1'")
        .await;
    // If the browser requires a click for sound, the button for it is visible.
    let heard = format!("!{VIDEO}.muted || document.querySelector('.unmute').checkVisibility()");
    test.wait_until(&heard).await;

    // Invalid settings are ignored.
    test.eval("localStorage.setItem('yew-mse-worker', 'volume=loud&rate=9999&quality=-1&%%%')")
        .await;
    test.open("").await;
    test.wait_until_playing().await;
    let usual = format!("[{VIDEO}.volume, {VIDEO}.playbackRate, {VIDEO}.muted]");
    assert_eq!(test.eval(&usual).await, json!([1, 1, true]));
    test.assert_no_errors().await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "controls: rendering and pointer")]
async fn controls_fade_after_a_while_without_input(test: &TestContext) {
    test.open("").await;
    test.wait_until_playing().await;
    let idle = "document.querySelector('.video-container').hasAttribute('data-idle')";
    let opacity = "getComputedStyle(document.querySelector('.control-bar')).opacity";
    test.wait_until(idle).await;
    test.wait_until(&format!("{opacity} === '0'")).await;
    test.screenshot("faded").await;
    // A pointer event shows them, with the current time.
    let picture = test
        .window
        .driver
        .find(By::Css(".video-container"))
        .await
        .unwrap();
    let chain = test.window.driver.action_chain();
    chain
        .move_to_element_center(&picture)
        .perform()
        .await
        .unwrap();
    test.wait_until(&format!("!{idle} && {opacity} === '1'"))
        .await;
    let now = "document.querySelector('.current-time').textContent.split(':')[1]";
    test.wait_until(&format!("Math.abs({now} - {VIDEO}.currentTime) < 1.5"))
        .await;
    // They fade again, and a video that is paused by a key shows them.
    test.wait_until(idle).await;
    keys(test, "k").await;
    test.wait_until(&format!("!{idle} && {opacity} === '1'"))
        .await;
    test.assert_no_errors().await;
}

#[apply(browser_test!)]
#[runs_in(Chromium, Firefox; "MediaSession")]
async fn media_session_actions_control_the_video(test: &TestContext) {
    test.open("").await;
    test.requires(Feature::MediaSession).await;
    let watch = "const set = MediaSession.prototype.setActionHandler; window.handlers = {}; \
         MediaSession.prototype.setActionHandler = function (name, act) { \
           handlers[name] = act; return set.call(this, name, act); };\n";
    test.server
        .add_fault("/start.js", ServerFault::wrap_script(watch, ""));
    open(test).await;
    assert_eq!(
        test.eval("navigator.mediaSession.metadata.title === document.title")
            .await,
        json!(true)
    );
    test.eval("handlers.seekto({ action: 'seekto', seekTime: 20 })")
        .await;
    until_at(test, 20).await;
    test.eval("handlers.seekbackward({ action: 'seekbackward', seekOffset: 4 })")
        .await;
    until_at(test, 16).await;
    test.eval("handlers.seekforward({ action: 'seekforward' })")
        .await;
    until_at(test, 26).await;
    test.eval("handlers.play({ action: 'play' })").await;
    until(test, "paused", json!(false)).await;
    test.eval("handlers.pause({ action: 'pause' })").await;
    until(test, "paused", json!(true)).await;
    test.assert_no_errors().await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "controls: focus")]
async fn keys_go_to_the_player_that_has_the_focus(test: &TestContext) {
    open(test).await;
    test.press("Add a second player").await;
    test.wait_until("document.querySelectorAll('video')[1]?.currentTime > 0.3")
        .await;
    test.eval("document.activeElement.blur()").await;
    let paused = "[...document.querySelectorAll('video')].map(video => video.paused).join()";
    // Without focus, keys go to the first player. Then the second player gets the focus.
    keys(test, "k").await;
    test.wait_until(&format!("{paused} === 'false,false'"))
        .await;
    test.eval("document.querySelectorAll('.play')[1].focus()")
        .await;
    keys(test, "k").await;
    test.wait_until(&format!("{paused} === 'false,true'")).await;
    test.eval("document.querySelectorAll('.settings')[1].click()")
        .await;
    test.wait_until("document.querySelectorAll('.settings-menu')[1].matches(':popover-open')")
        .await;
    let ids = "(all => all.length === new Set(all).size)([...document.querySelectorAll('[id]')].map(({ id }) => id))";
    assert_eq!(test.eval(ids).await, json!(true));
    test.assert_no_errors().await;
}

/// A tap shows the controls; a double tap on one side seeks by ten seconds.
#[apply(browser_test!)]
#[runs_in(Chromium; "controls: touch")]
async fn touch_shows_controls_and_double_tap_seeks(test: &TestContext) {
    test.requires(Feature::DevTools).await;
    let cdp = test.window.driver.cdp();
    let touch = json!({ "enabled": true, "maxTouchPoints": 1 });
    cdp.send_raw("Emulation.setTouchEmulationEnabled", touch)
        .await
        .unwrap();
    test.open("?t=12").await;
    test.wait_until_playing().await;
    let idle = "document.querySelector('.video-container').hasAttribute('data-idle')";
    test.wait_until(idle).await;
    let place = |part: f64| {
        format!(
            "(box => [box.x + box.width * {part}, box.y + box.height * 0.3])({VIDEO}.getBoundingClientRect())"
        )
    };
    let tap = async |part: f64| {
        let at = test.eval(&place(part)).await;
        let points = json!([{ "x": at[0], "y": at[1] }]);
        for (kind, points) in [("touchStart", points), ("touchEnd", json!([]))] {
            let touch = json!({ "type": kind, "touchPoints": points });
            cdp.send_raw("Input.dispatchTouchEvent", touch)
                .await
                .unwrap();
        }
    };
    tap(0.5).await;
    test.wait_until(&format!("!{idle}")).await;
    tap(0.5).await;
    test.wait_until(idle).await;
    assert_eq!(test.eval(&format!("{VIDEO}.paused")).await, json!(false));
    // Paused, so that the position only changes by taps. DevTools send no `dblclick`, so the test does.
    test.pause().await;
    test.eval(&format!("{VIDEO}.currentTime = 16")).await;
    until_at(test, 16).await;
    for (part, goes_to) in [(0.9, 26), (0.1, 16)] {
        tap(part).await;
        let twice = format!(
            "(([clientX, clientY]) => document.elementFromPoint(clientX, clientY) \
             .dispatchEvent(new MouseEvent('dblclick', {{ bubbles: true, clientX, clientY }})))({})",
            place(part)
        );
        test.eval(&twice).await;
        until_at(test, goes_to).await;
    }
    test.assert_no_errors().await;
}

/// A wait of more than half a second is shown, and announced to screen readers.
#[apply(browser_test!)]
#[runs_in(Chromium; "controls: CSS animation")]
async fn spinner_appears_after_half_a_second(test: &TestContext) {
    test.open("?t=12&goal=4").await;
    test.wait_until_playing().await;
    test.pause().await;
    test.server.add_fault("/720p/15.m4s", ServerFault::Held);
    test.server.add_fault("/360p/15.m4s", ServerFault::Held);
    // How long the spinner's own animation has run, and whether it is visible.
    let seen = "(spinner => { \
           const moment = spinner.getAnimations().find(it => it.animationName === 'appear'); \
           const waited = moment?.currentTime ?? 0; \
           return [waited, getComputedStyle(spinner).visibility === 'visible' && !!spinner.offsetWidth]; \
         })(document.querySelector('.spinner'))";
    let is_as_it_should = format!("(([waited, seen]) => !seen || waited >= 500)({seen})");
    test.eval(&format!("({VIDEO}.currentTime = 29, {VIDEO}.play(), true)"))
        .await;
    // In every frame from now on.
    let watch = format!(
        "(window.odd = [], (function watch() {{ if (!{is_as_it_should}) odd.push({seen}); requestAnimationFrame(watch); }})(), true)"
    );
    assert!(test.is_true(&watch).await);
    test.wait_until(&format!("{seen}[1]")).await;
    let status = "document.querySelector('.controls > .visually-hidden').textContent";
    test.wait_until(&format!("{status} === 'Loading'")).await;
    test.screenshot("spinner").await;
    test.server.clear_faults();
    test.wait_until(&format!("!{seen}[1]")).await;
    test.wait_until(&format!("{status} === ''")).await;
    test.wait_until(&format!("{VIDEO}.currentTime > 29.3"))
        .await;
    assert_eq!(test.eval("odd").await, json!([]));
    test.assert_no_errors().await;
}

#[apply(browser_test!)]
#[runs_in(Chromium; "picture-in-picture")]
async fn picture_in_picture_starts_and_ends(test: &TestContext) {
    open(test).await;
    test.requires(Feature::PictureInPicture).await;
    let pressed = "document.querySelector('.pip').ariaPressed";
    press(test, ".pip").await;
    test.wait_until(&format!("document.pictureInPictureElement === {VIDEO}"))
        .await;
    test.wait_until(&format!("{pressed} === 'true'")).await;
    press(test, ".play").await;
    until(test, "paused", json!(false)).await;
    press(test, ".pip").await;
    test.wait_until("!document.pictureInPictureElement").await;
    test.wait_until(&format!("{pressed} === 'false'")).await;
    test.assert_no_errors().await;
}

/// Runs axe on the page.
async fn examine(test: &TestContext, what: &str) {
    let axe = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/target/axe/node_modules/axe-core/axe.min.js"
    );
    let axe = std::fs::read_to_string(axe).expect("`cargo xtask test` installs axe");
    let driver = &test.window.driver;
    driver.execute(axe, vec![]).await.unwrap();
    let run = "axe.run().then(({ violations }) => violations.flatMap(({ id, impact, nodes }) => \
         nodes.map(({ html }) => `${impact} ${id} ${html}`)))";
    let found = test.eval(run).await;
    let found: Vec<String> = serde_json::from_value(found).unwrap();
    println!("{what}: {found:#?}");
    let is_serious =
        |found: &&String| found.starts_with("serious") || found.starts_with("critical");
    assert_eq!(
        found.iter().filter(is_serious).count(),
        0,
        "{what}: {found:#?}"
    );
}

#[apply(browser_test!)]
#[runs_in(Chromium; "accessibility tree and contrast")]
async fn axe_finds_nothing_serious(test: &TestContext) {
    test.requires(Feature::DevTools).await;
    for scheme in test.colour_schemes().await {
        test.set_colour_scheme(scheme).await;
        open(test).await;
        for opened in [
            "",
            "document.querySelector('.settings-menu').showPopover()",
            "document.querySelector('.shortcuts').showPopover()",
        ] {
            test.eval(opened).await;
            examine(test, &format!("{scheme} {opened}")).await;
        }
        // The lab, with all its content.
        test.eval("document.querySelector('.shortcuts').hidePopover()")
            .await;
        test.eval("document.querySelector('#lab').open = true")
            .await;
        test.wait_until("!!document.querySelector('#lab-claims td')")
            .await;
        test.press_element(By::Css(".comparison option[value='2']"))
            .await;
        test.press("Freeze the page for 2 s").await;
        test.wait_until("!!document.querySelector('.freezes li')")
            .await;
        test.eval("document.querySelectorAll('#lab details').forEach(it => (it.open = true))")
            .await;
        test.press("Run").await;
        test.wait_until(
            "document.querySelector('#lab-claims [role=status]').textContent.includes('It took')",
        )
        .await;
        examine(test, &format!("{scheme}, the lab")).await;
        // The page with an error.
        test.open("?src=film/none.mpd").await;
        test.wait_until("!!document.querySelector('[role=alert]')")
            .await;
        examine(test, &format!("{scheme}, a fault")).await;
        test.screenshot(&format!("fault-{scheme}")).await;
    }
}

/// Prints the script time of the page during playback.
#[apply(browser_test!)]
#[runs_in(Chromium; "the page's script time")]
#[ignore = "prints a measurement"]
async fn script_time_of_the_page_during_playback(test: &TestContext) {
    test.requires(Feature::DevTools).await;
    test.open("").await;
    test.wait_until_playing().await;
    test.wait_for_milestone("end of stream").await;
    // With visible controls, as while one has the focus; and with faded ones.
    for (place, shown) in [("input", "shown"), ("video", "faded")] {
        test.eval(&format!(
            "document.querySelector('.video-container {place}').focus()"
        ))
        .await;
        if shown == "faded" {
            test.wait_until("document.querySelector('.video-container').hasAttribute('data-idle')")
                .await;
        }
        test.eval(&format!("{VIDEO}.currentTime = 0")).await;
        test.wait_until(&format!("!{VIDEO}.seeking")).await;
        // By DevTools and seldom, because WebDriver's polling is script, too.
        let cdp = test.window.driver.cdp();
        let reach = async |second: u32| {
            let expression = format!(
                "new Promise(done => {{ const look = () => {{ const left = {second} - {VIDEO}.currentTime; \
                 left > 0 ? setTimeout(look, left * 1000 + 10) : done({VIDEO}.currentTime) }}; look() }})"
            );
            let ask = json!({ "expression": expression, "awaitPromise": true });
            let told = cdp.send_raw("Runtime.evaluate", ask).await.unwrap();
            told["result"]["value"].as_f64().unwrap()
        };
        let from = reach(2).await;
        let (script_before, task_before) = test.thread_time().await;
        let to = reach(22).await;
        let (script_after, task_after) = test.thread_time().await;
        let per_20 = |before: f64, after: f64| (after - before) * 20.0 / (to - from);
        println!(
            "controls {shown}: {:.1} ms of script in 20 s of playback; the page's thread busy for {:.0} ms",
            per_20(script_before, script_after),
            per_20(task_before, task_after)
        );
    }
    test.assert_no_errors().await;
}
