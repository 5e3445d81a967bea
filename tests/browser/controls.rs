//! The player's own controls, as a person uses them: by mouse, by keyboard, by ear.

use serde_json::{Value, json};
use thirtyfour::{By, Key};

use macro_rules_attribute::apply;

use crate::{
    server::Trouble,
    stage::{Feature, Stage},
    suite::in_every_browser,
};

const VIDEO: &str = "document.querySelector('video')";
const SAID: &str = "document.querySelector('.toast').textContent";

/// Presses the first of these.
async fn press(stage: &Stage, selector: &str) {
    stage.press_on(By::Css(selector)).await;
}

/// Types, into whatever has the focus.
async fn keys(stage: &Stage, keys: impl Into<thirtyfour::TypingData>) {
    let chain = stage.window.driver.action_chain();
    chain.send_keys(keys).perform().await.unwrap();
}

/// Waits until a property of the element has this value.
async fn until(stage: &Stage, property: &str, value: Value) {
    stage
        .until(&format!("{VIDEO}.{property} === {value}"))
        .await;
}

/// Waits until it is so loud, in percent: not every browser keeps the number as it was given.
async fn until_volume(stage: &Stage, percent: u32) {
    stage
        .until(&format!("Math.round({VIDEO}.volume * 100) === {percent}"))
        .await;
}

/// Waits until the film is at this second.
async fn until_at(stage: &Stage, second: u32) {
    stage
        .until(&format!("Math.round({VIDEO}.currentTime) === {second}"))
        .await;
}

/// Opens the page, and rests where the film is worth seeing and all of it is there.
async fn open(stage: &Stage) {
    stage.open("?t=12").await;
    stage.plays().await;
    stage.until_taken("end of stream").await;
    stage
        .until("!document.querySelector('.captions').hidden")
        .await;
    // Only now, when the focus is nowhere, and not by a key: nothing has been tried yet.
    stage.value(&format!("{VIDEO}.pause()")).await;
    stage
        .until(&format!(
            "{}.dataset.state === 'paused'",
            "document.querySelector('.controls')"
        ))
        .await;
}

#[apply(in_every_browser!)]
async fn buttons_do_what_they_say(stage: &Stage) {
    open(stage).await;
    let label = |selector| format!("document.querySelector('{selector}').ariaLabel");
    assert_eq!(stage.value(&label(".play")).await, json!("Play"));
    press(stage, ".play").await;
    stage
        .until(&format!("{} === 'Pause'", label(".play")))
        .await;
    until(stage, "paused", json!(false)).await;
    press(stage, ".play").await;
    until(stage, "paused", json!(true)).await;

    press(stage, ".mute").await;
    until(stage, "muted", json!(false)).await;
    stage.until(&format!("{SAID} === 'Volume 100 %'")).await;
    stage.until(&format!("{} === 'Mute'", label(".mute"))).await;

    press(stage, ".captions").await;
    until(stage, "textTracks[0].mode", json!("showing")).await;
    stage
        .until("document.querySelector('.captions').ariaPressed === 'true'")
        .await;
    stage.until(&format!("{SAID} === 'Subtitles on'")).await;

    press(stage, ".settings").await;
    stage
        .until("document.querySelector('.settings-menu').matches(':popover-open')")
        .await;
    let sound = "document.querySelector('[name=audio]').checkVisibility()";
    assert_eq!(stage.value(sound).await, json!(false), "there is but one");
    stage.screenshot("settings").await;
    press(stage, "[name=speed] [value='150']").await;
    until(stage, "playbackRate", json!(1.5)).await;
    stage.until(&format!("{SAID} === 'Speed 1.5'")).await;
    keys(stage, Key::Escape).await;
    stage
        .until("!document.querySelector('.settings-menu').matches(':popover-open')")
        .await;
    // The keyboard is where it was.
    stage
        .until("document.activeElement.className === 'settings'")
        .await;

    press(stage, ".fullscreen").await;
    stage
        .until("document.fullscreenElement?.className === 'video-container'")
        .await;
    stage
        .until(&format!("{} === 'Exit full screen'", label(".fullscreen")))
        .await;
    stage.screenshot("full-screen").await;
    press(stage, ".fullscreen").await;
    stage.until("!document.fullscreenElement").await;
    stage.is_well().await;
}

#[apply(in_every_browser!)]
async fn keys_do_what_people_expect(stage: &Stage) {
    open(stage).await;
    // Nothing has the focus: they are for the first player.
    keys(stage, "k").await;
    until(stage, "paused", json!(false)).await;
    keys(stage, " ").await;
    until(stage, "paused", json!(true)).await;
    keys(stage, "5").await;
    until_at(stage, 16).await;
    keys(stage, "l").await;
    until_at(stage, 26).await;
    keys(stage, "j").await;
    until_at(stage, 16).await;
    keys(stage, Key::Left).await;
    until_at(stage, 11).await;
    keys(stage, Key::Right).await;
    until_at(stage, 16).await;
    keys(stage, "m").await;
    until(stage, "muted", json!(false)).await;
    keys(stage, Key::Down).await;
    until_volume(stage, 95).await;
    keys(stage, Key::Up).await;
    until(stage, "volume", json!(1)).await;
    keys(stage, ">").await;
    until(stage, "playbackRate", json!(1.25)).await;
    keys(stage, "<").await;
    until(stage, "playbackRate", json!(1)).await;
    keys(stage, "c").await;
    until(stage, "textTracks[0].mode", json!("showing")).await;
    keys(stage, "?").await;
    let sheet = "document.querySelector('.shortcuts').matches(':popover-open')";
    stage.until(sheet).await;
    stage.screenshot("keys").await;
    keys(stage, Key::Escape).await;
    stage.until(&format!("!{sheet}")).await;
    keys(stage, "f").await;
    stage
        .until("document.fullscreenElement?.className === 'video-container'")
        .await;
    keys(stage, "f").await;
    stage.until("!document.fullscreenElement").await;

    // On the seek bar they are the same, and what it says is for the ear.
    stage
        .value("document.querySelector('.seek-bar input').focus()")
        .await;
    keys(stage, Key::Right).await;
    until_at(stage, 21).await;
    let words = "document.querySelector('.seek-bar input').ariaValueText";
    stage
        .until(&format!("{words} === '21 seconds of 32 seconds'"))
        .await;
    // The volume's own keys are its own.
    stage
        .value("document.querySelector('.volume input').focus()")
        .await;
    keys(stage, Key::Left).await;
    until_volume(stage, 95).await;
    until_at(stage, 21).await;

    // And what is typed into a field is only typed.
    press(stage, "#src").await;
    keys(stage, "kmj5").await;
    stage
        .until("document.querySelector('#src').value.includes('kmj5')")
        .await;
    let still = format!("[{VIDEO}.paused, {VIDEO}.muted, Math.round({VIDEO}.currentTime)]");
    assert_eq!(stage.value(&still).await, json!([true, false, 21]));
    stage.is_well().await;
}

#[apply(in_every_browser!)]
async fn everything_is_reached_by_tab_and_seen_to_have_the_focus(stage: &Stage) {
    open(stage).await;
    // A window that has it not, as one of WebKitGTK's without a window manager, shows no focus either.
    let is_seen = stage.is("document.hasFocus()").await;
    let mut reached = Vec::new();
    for _ in 0..8 {
        keys(stage, Key::Tab).await;
        let at = "[document.activeElement.ariaLabel, \
             getComputedStyle(document.activeElement).outlineStyle, \
             getComputedStyle(document.querySelector('.control-bar')).opacity]";
        let found = stage.value(at).await;
        assert!(!is_seen || found[1] == json!("solid"), "{found}");
        assert_eq!(found[2], json!("1"), "{found}");
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
        match stage.is("!!document.pictureInPictureEnabled").await {
            true => "Picture in picture",
            false => "Full screen",
        },
    ];
    assert_eq!(reached, expected);
    stage.screenshot("focus").await;
    keys(stage, Key::Enter).await;
    stage.is_well().await;
}

#[apply(in_every_browser!)]
async fn the_seek_bar_is_drawn_dragged_and_says_what_is_under_the_pointer(stage: &Stage) {
    open(stage).await;
    let loaded = "document.querySelector('.buffered').getAttribute('d')";
    stage.until(&format!("{loaded} === 'M375 0H1000'")).await;
    let chapters = "document.querySelector('.chapters').getAttribute('d')";
    stage
        .until(&format!("{chapters}?.split('M').length === 6"))
        .await;
    assert_eq!(
        stage
            .value("document.querySelector('.duration').textContent")
            .await,
        json!(" / 0:32")
    );

    let slider = stage
        .window
        .driver
        .find(By::Css(".seek-bar input"))
        .await
        .unwrap();
    let width = slider.rect().await.unwrap().width as i64;
    let drag = stage.window.driver.action_chain();
    // From the middle of the bar a quarter of it to the right.
    drag.move_to_element_center(&slider)
        .click_and_hold()
        .move_by_offset(width / 4, 0)
        .perform()
        .await
        .unwrap();
    stage
        .until(&format!("Math.abs({VIDEO}.currentTime - 24) < 0.5"))
        .await;
    let hint = "document.querySelector('.seek-tooltip').textContent";
    stage
        .until(&format!(
            "/^(Segments arrive|The page freezes) · 0:2[34]$/.test({hint})"
        ))
        .await;
    stage.screenshot("dragged").await;
    stage
        .window
        .driver
        .action_chain()
        .release()
        .perform()
        .await
        .unwrap();
    stage
        .until("document.querySelector('.current-time').textContent.startsWith('0:2')")
        .await;
    let drawn = "Number(document.querySelector('.seek-bar').style.getPropertyValue('--position'))";
    stage
        .until(&format!(
            "Math.abs({drawn} - {VIDEO}.currentTime / 32) < 0.02"
        ))
        .await;
    stage.is_well().await;
}

/// Between two seconds nothing is written, and the bar is drawn where the film is all the same.
#[apply(in_every_browser!)]
async fn the_seek_bar_goes_on_by_itself_while_the_film_does(stage: &Stage) {
    stage.open("").await;
    stage.plays().await;
    stage.until_taken("end of stream").await;
    // Somebody stirs, and so the controls stay.
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
    stage.value(&watch.replace("VIDEO", VIDEO)).await;
    let position = format!("{VIDEO}.currentTime");
    for speed in [1, 2] {
        stage
            .value(&format!(
                "{VIDEO}.playbackRate = {speed}, {VIDEO}.currentTime = 0"
            ))
            .await;
        stage.until(&format!("!{VIDEO}.seeking")).await;
        let from = stage.value(&position).await.as_f64().unwrap();
        stage.value("(window.near = 0, places.clear())").await;
        stage
            .until(&format!("near > 60 && {position} > {from} + 5"))
            .await;
        let told = stage.value(&format!("[places.size, {position}]")).await;
        let seconds = told[1].as_f64().unwrap() - from;
        let written = told[0].as_f64().unwrap();
        assert!(written < seconds + 3.0, "{written} times in {seconds} s");
    }
    // Elsewhere it is at once, and does not glide there.
    stage
        .value(&format!(
            "{VIDEO}.addEventListener('seeked', () => requestAnimationFrame(() => window.landed = off()), {{ once: true }}), \
             {VIDEO}.currentTime = 20"
        ))
        .await;
    stage.until("'landed' in window").await;
    let landed = stage.value("landed").await.as_f64().unwrap();
    assert!(
        landed.abs() < 1.0,
        "{landed} seconds from where the film is"
    );
    stage.value(&format!("{VIDEO}.pause()")).await;
    stage.until("Math.abs(off()) < 0.05").await;
    stage.is_well().await;
}

#[apply(in_every_browser!)]
async fn what_was_chosen_is_remembered(stage: &Stage) {
    open(stage).await;
    keys(stage, "m").await;
    for _ in 0..6 {
        keys(stage, Key::Down).await;
    }
    keys(stage, ">").await;
    keys(stage, "c").await;
    until_volume(stage, 70).await;
    until(stage, "textTracks[0].mode", json!("showing")).await;
    press(stage, ".settings").await;
    press(stage, "[name=quality] [value='1']").await;
    stage.server.until_asked_for("/360p/16.m4s").await;

    stage.open("?t=12").await;
    stage.until_taken("first frame").await;
    until_volume(stage, 70).await;
    until(stage, "playbackRate", json!(1.25)).await;
    until(stage, "textTracks[0].mode", json!("showing")).await;
    stage
        .until("document.querySelector('[name=quality]').value === '1'")
        .await;
    // Unless the browser wants a click for the sound first: then there is one to be made.
    let heard = format!("!{VIDEO}.muted || document.querySelector('.unmute').checkVisibility()");
    stage.until(&heard).await;

    // What somebody else has put there is as good as nothing.
    stage
        .value("localStorage.setItem('yew-mse-worker', 'volume=loud&rate=9999&quality=-1&%%%')")
        .await;
    stage.open("").await;
    stage.plays().await;
    let usual = format!("[{VIDEO}.volume, {VIDEO}.playbackRate, {VIDEO}.muted]");
    assert_eq!(stage.value(&usual).await, json!([1, 1, true]));
    stage.is_well().await;
}

#[apply(in_every_browser!)]
async fn the_controls_fade_while_nobody_stirs(stage: &Stage) {
    stage.open("").await;
    stage.plays().await;
    let idle = "document.querySelector('.video-container').hasAttribute('data-idle')";
    let opacity = "getComputedStyle(document.querySelector('.control-bar')).opacity";
    stage.until(idle).await;
    stage.until(&format!("{opacity} === '0'")).await;
    stage.screenshot("faded").await;
    // Somebody stirs: they are there, and say where the film is by now.
    let picture = stage
        .window
        .driver
        .find(By::Css(".video-container"))
        .await
        .unwrap();
    let chain = stage.window.driver.action_chain();
    chain
        .move_to_element_center(&picture)
        .perform()
        .await
        .unwrap();
    stage.until(&format!("!{idle} && {opacity} === '1'")).await;
    let now = "document.querySelector('.current-time').textContent.split(':')[1]";
    stage
        .until(&format!("Math.abs({now} - {VIDEO}.currentTime) < 1.5"))
        .await;
    // They fade again, and a film that is paused by a key brings them back.
    stage.until(idle).await;
    keys(stage, "k").await;
    stage.until(&format!("!{idle} && {opacity} === '1'")).await;
    stage.is_well().await;
}

#[apply(in_every_browser!)]
async fn the_systems_keys_know_the_film(stage: &Stage) {
    stage.open("").await;
    stage.needs(Feature::MediaSession).await;
    let watch = "const set = MediaSession.prototype.setActionHandler; window.handlers = {}; \
         MediaSession.prototype.setActionHandler = function (name, act) { \
           handlers[name] = act; return set.call(this, name, act); };\n";
    stage
        .server
        .trouble("/start.js", Trouble::around(watch, ""));
    open(stage).await;
    assert_eq!(
        stage
            .value("navigator.mediaSession.metadata.title === document.title")
            .await,
        json!(true)
    );
    stage
        .value("handlers.seekto({ action: 'seekto', seekTime: 20 })")
        .await;
    until_at(stage, 20).await;
    stage
        .value("handlers.seekbackward({ action: 'seekbackward', seekOffset: 4 })")
        .await;
    until_at(stage, 16).await;
    stage
        .value("handlers.seekforward({ action: 'seekforward' })")
        .await;
    until_at(stage, 26).await;
    stage.value("handlers.play({ action: 'play' })").await;
    until(stage, "paused", json!(false)).await;
    stage.value("handlers.pause({ action: 'pause' })").await;
    until(stage, "paused", json!(true)).await;
    stage.is_well().await;
}

#[apply(in_every_browser!)]
async fn each_of_two_players_has_its_own(stage: &Stage) {
    open(stage).await;
    stage.press("Add a second player").await;
    stage
        .until("document.querySelectorAll('video')[1]?.currentTime > 0.3")
        .await;
    stage.value("document.activeElement.blur()").await;
    let paused = "[...document.querySelectorAll('video')].map(video => video.paused).join()";
    // Nothing has the focus: the first. Then the second, by its own button.
    keys(stage, "k").await;
    stage.until(&format!("{paused} === 'false,false'")).await;
    stage
        .value("document.querySelectorAll('.play')[1].focus()")
        .await;
    keys(stage, "k").await;
    stage.until(&format!("{paused} === 'false,true'")).await;
    stage
        .value("document.querySelectorAll('.settings')[1].click()")
        .await;
    stage
        .until("document.querySelectorAll('.settings-menu')[1].matches(':popover-open')")
        .await;
    let ids = "(all => all.length === new Set(all).size)([...document.querySelectorAll('[id]')].map(({ id }) => id))";
    assert_eq!(stage.value(ids).await, json!(true));
    stage.is_well().await;
}

/// A film that is touched shows its controls; two taps on one side go ten seconds that way.
#[apply(in_every_browser!)]
async fn a_finger_finds_what_it_needs(stage: &Stage) {
    stage.needs(Feature::DevTools).await;
    let cdp = stage.window.driver.cdp();
    let touch = json!({ "enabled": true, "maxTouchPoints": 1 });
    cdp.send_raw("Emulation.setTouchEmulationEnabled", touch)
        .await
        .unwrap();
    stage.open("?t=12").await;
    stage.plays().await;
    let idle = "document.querySelector('.video-container').hasAttribute('data-idle')";
    stage.until(idle).await;
    let place = |part: f64| {
        format!(
            "(box => [box.x + box.width * {part}, box.y + box.height * 0.3])({VIDEO}.getBoundingClientRect())"
        )
    };
    let tap = async |part: f64| {
        let at = stage.value(&place(part)).await;
        let points = json!([{ "x": at[0], "y": at[1] }]);
        for (kind, points) in [("touchStart", points), ("touchEnd", json!([]))] {
            let touch = json!({ "type": kind, "touchPoints": points });
            cdp.send_raw("Input.dispatchTouchEvent", touch)
                .await
                .unwrap();
        }
    };
    tap(0.5).await;
    stage.until(&format!("!{idle}")).await;
    tap(0.5).await;
    stage.until(idle).await;
    assert_eq!(stage.value(&format!("{VIDEO}.paused")).await, json!(false));
    // From here on it rests, so that it goes nowhere by itself. The first tap of two says by what it was
    // done, the browser says that there were two.
    stage.rest().await;
    stage.value(&format!("{VIDEO}.currentTime = 16")).await;
    until_at(stage, 16).await;
    for (part, goes_to) in [(0.9, 26), (0.1, 16)] {
        tap(part).await;
        let twice = format!(
            "(([clientX, clientY]) => document.elementFromPoint(clientX, clientY) \
             .dispatchEvent(new MouseEvent('dblclick', {{ bubbles: true, clientX, clientY }})))({})",
            place(part)
        );
        stage.value(&twice).await;
        until_at(stage, goes_to).await;
    }
    stage.is_well().await;
}

/// What takes longer than a moment is seen to be waited for, and is said to who does not see it.
#[apply(in_every_browser!)]
async fn a_spinner_comes_after_a_moment(stage: &Stage) {
    stage.open("?t=12&goal=4").await;
    stage.plays().await;
    stage.rest().await;
    stage.server.trouble("/720p/15.m4s", Trouble::Held);
    stage.server.trouble("/360p/15.m4s", Trouble::Held);
    // How long it has been waited for by the spinner's own clock, and whether it is seen by then.
    let seen = "(spinner => { \
           const moment = spinner.getAnimations().find(it => it.animationName === 'appear'); \
           const waited = moment?.currentTime ?? 0; \
           return [waited, getComputedStyle(spinner).visibility === 'visible' && !!spinner.offsetWidth]; \
         })(document.querySelector('.spinner'))";
    let is_as_it_should = format!("(([waited, seen]) => !seen || waited >= 500)({seen})");
    stage
        .value(&format!("({VIDEO}.currentTime = 29, {VIDEO}.play(), true)"))
        .await;
    // In every frame from now on.
    let watch = format!(
        "(window.odd = [], (function watch() {{ if (!{is_as_it_should}) odd.push({seen}); requestAnimationFrame(watch); }})(), true)"
    );
    assert!(stage.is(&watch).await);
    stage.until(&format!("{seen}[1]")).await;
    let status = "document.querySelector('.controls > .visually-hidden').textContent";
    stage.until(&format!("{status} === 'Loading'")).await;
    stage.screenshot("spinner").await;
    stage.server.heal();
    stage.until(&format!("!{seen}[1]")).await;
    stage.until(&format!("{status} === ''")).await;
    stage.until(&format!("{VIDEO}.currentTime > 29.3")).await;
    assert_eq!(stage.value("odd").await, json!([]));
    stage.is_well().await;
}

#[apply(in_every_browser!)]
async fn the_picture_leaves_the_page_and_comes_back(stage: &Stage) {
    open(stage).await;
    stage.needs(Feature::PictureInPicture).await;
    let pressed = "document.querySelector('.pip').ariaPressed";
    press(stage, ".pip").await;
    stage
        .until(&format!("document.pictureInPictureElement === {VIDEO}"))
        .await;
    stage.until(&format!("{pressed} === 'true'")).await;
    press(stage, ".play").await;
    until(stage, "paused", json!(false)).await;
    press(stage, ".pip").await;
    stage.until("!document.pictureInPictureElement").await;
    stage.until(&format!("{pressed} === 'false'")).await;
    stage.is_well().await;
}

/// Has axe look at what is on the page.
async fn examine(stage: &Stage, what: &str) {
    let axe = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/target/axe/node_modules/axe-core/axe.min.js"
    );
    let axe = std::fs::read_to_string(axe).expect("`cargo xtask test` installs axe");
    let driver = &stage.window.driver;
    driver.execute(axe, vec![]).await.unwrap();
    let run = "axe.run().then(({ violations }) => violations.flatMap(({ id, impact, nodes }) => \
         nodes.map(({ html }) => `${impact} ${id} ${html}`)))";
    let found = stage.value(run).await;
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

#[apply(in_every_browser!)]
async fn axe_finds_nothing_serious(stage: &Stage) {
    stage.needs(Feature::DevTools).await;
    for scheme in stage.schemes().await {
        stage.wear(scheme).await;
        open(stage).await;
        for opened in [
            "",
            "document.querySelector('.settings-menu').showPopover()",
            "document.querySelector('.shortcuts').showPopover()",
        ] {
            stage.value(opened).await;
            examine(stage, &format!("{scheme} {opened}")).await;
        }
        // Behind the player, with all that can be seen there.
        stage
            .value("document.querySelector('.shortcuts').hidePopover()")
            .await;
        stage
            .value("document.querySelector('#lab').open = true")
            .await;
        stage
            .until("!!document.querySelector('#lab-claims td')")
            .await;
        stage
            .press_on(By::Css(".comparison option[value='2']"))
            .await;
        stage.press("Freeze the page for 2 s").await;
        stage.until("!!document.querySelector('.freezes li')").await;
        stage
            .value("document.querySelectorAll('#lab details').forEach(it => (it.open = true))")
            .await;
        stage.press("Run").await;
        stage
            .until("document.querySelector('#lab-claims [role=status]').textContent.includes('It took')")
            .await;
        examine(stage, &format!("{scheme}, the lab")).await;
        // And what is said when nothing can be played.
        stage.open("?src=film/none.mpd").await;
        stage
            .until("!!document.querySelector('[role=alert]')")
            .await;
        examine(stage, &format!("{scheme}, a fault")).await;
        stage.screenshot(&format!("fault-{scheme}")).await;
    }
}

/// What it costs the page's thread to show where the film is. `cargo xtask test script --nocapture`
/// prints it.
#[apply(in_every_browser!)]
async fn script_of_the_page_while_a_film_plays(stage: &Stage) {
    stage.needs(Feature::DevTools).await;
    stage.open("").await;
    stage.plays().await;
    stage.until_taken("end of stream").await;
    // With the controls on screen all the time, as while the keyboard is on one of them.
    for (place, shown) in [("input", "shown"), ("video", "faded")] {
        stage
            .value(&format!(
                "document.querySelector('.video-container {place}').focus()"
            ))
            .await;
        keys(stage, "0").await;
        if shown == "faded" {
            stage
                .value("document.querySelector('.video-container').setAttribute('data-idle', '')")
                .await;
        }
        // By DevTools, and seldom: the driver's way to ask is script, too.
        let cdp = stage.window.driver.cdp();
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
        let (script_before, task_before) = stage.spent().await;
        let to = reach(22).await;
        let (script_after, task_after) = stage.spent().await;
        let per_20 = |before: f64, after: f64| (after - before) * 20.0 / (to - from);
        println!(
            "controls {shown}: {:.1} ms of script in 20 s of film; the page's thread busy for {:.0} ms",
            per_20(script_before, script_after),
            per_20(task_before, task_after)
        );
    }
    stage.is_well().await;
}
