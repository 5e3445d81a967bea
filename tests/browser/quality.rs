//! Which quality is fetched: the player's choice, and a person's.

use macro_rules_attribute::apply;
use serde_json::json;

use crate::{server::Trouble, stage::Stage, suite::in_every_browser};

const VIDEO: &str = "document.querySelector('video')";
const SELECT: &str = "document.querySelector('.settings-menu select')";

/// The media segments of pictures that were asked for, in order: rendition and number.
fn asked_for(stage: &Stage) -> Vec<(String, u32)> {
    let paths = stage.server.requested("p/");
    let segment = |path: &String| {
        let mut parts = path.rsplit('/');
        let number = parts.next()?.strip_suffix(".m4s")?.parse().ok()?;
        let rendition = parts.next()?;
        rendition.ends_with('p').then(|| (rendition.into(), number))
    };
    paths.iter().filter_map(segment).collect()
}

/// Waits until the player has chosen this quality by itself.
async fn until_automatically(stage: &Stage, qualities: &[&str]) {
    let texts = qualities.iter().map(|quality| format!("Auto ({quality})"));
    let texts: Vec<String> = texts.collect();
    let text = format!("{SELECT}.querySelector('option[value=\"\"]').textContent");
    stage
        .until(&format!("{}.includes({text})", json!(texts)))
        .await;
}

/// Chooses, as a person does: a position among the qualities, or nothing.
async fn choose(stage: &Stage, value: &str) {
    let choose = format!(
        "({SELECT}.value = '{value}', {SELECT}.dispatchEvent(new Event('change', {{ bubbles: true }})))"
    );
    assert_eq!(stage.value(&choose).await, json!(true));
}

/// On a fast network it begins with a picture that is worth seeing, and goes up to the best one where
/// the screen has the pixels for it.
#[apply(in_every_browser!)]
async fn a_fast_network_and_a_large_picture_get_the_best(stage: &Stage) {
    stage.resize(1400, 1000, 2.0).await;
    stage.open("?src=film/film.mpd").await;
    until_automatically(stage, &["1080p"]).await;
    let asked = asked_for(stage);
    let (first, number) = &asked[0];
    assert_eq!(*number, 1);
    assert_ne!(first, "240p", "{asked:?}");
    // And that is what is seen.
    stage.plays().await;
    stage.hurry(4).await;
    stage.until(&format!("{VIDEO}.videoHeight === 1080")).await;
    stage.is_well().await;
}

/// More pixels than are seen are not fetched, however fast the network is.
#[apply(in_every_browser!)]
async fn a_small_picture_gets_no_more_than_it_shows(stage: &Stage) {
    // Windows are not made as narrow as a telephone everywhere.
    stage.resize(640, 900, 0.5).await;
    stage.open("?src=film/film.mpd").await;
    stage.until_taken("end of stream").await;
    stage.plays().await;
    let asked = asked_for(stage);
    let large = asked.iter().filter(|(rendition, _)| rendition == "1080p");
    assert_eq!(large.count(), 0, "{asked:?}");
    assert_eq!(asked.last(), Some(&("240p".into(), 16)), "{asked:?}");

    // Where it becomes larger, what is still to come is fetched anew.
    stage.value(&format!("{VIDEO}.pause()")).await;
    stage.resize(1400, 1000, 2.0).await;
    stage.value(&format!("void {VIDEO}.play()")).await;
    stage.server.until_asked_for("/1080p/16.m4s").await;
    stage.is_well().await;
}

/// Where the network gives less than it takes, the picture becomes smaller and the film plays on.
#[apply(in_every_browser!)]
async fn a_slow_network_gets_what_it_can_carry(stage: &Stage) {
    stage.resize(1400, 1000, 2.0).await;
    stage.server.trouble("/film/", Trouble::Throttle(30_000));
    stage.open("?src=film/film.mpd&goal=12").await;
    until_automatically(stage, &["240p", "360p"]).await;
    // It plays, and not only until the first segment is over.
    stage.until(&format!("{VIDEO}.currentTime > 6")).await;
    let asked = asked_for(stage);
    let large = asked.iter().filter(|(rendition, _)| rendition == "1080p");
    assert_eq!(large.count(), 0, "{asked:?}");

    // And up again, once it gives more.
    stage.server.heal();
    until_automatically(stage, &["720p", "1080p"]).await;
    stage.is_well().await;
}

/// What a person chooses counts at once: also for what was fetched in another quality and is not about
/// to be seen.
#[apply(in_every_browser!)]
async fn a_person_chooses_and_lets_the_player_choose_again(stage: &Stage) {
    stage.resize(1400, 1000, 2.0).await;
    stage.open("?src=film/film.mpd").await;
    stage.plays().await;
    stage.until_taken("end of stream").await;
    stage.value(&format!("{VIDEO}.pause()")).await;
    let before = asked_for(stage);
    assert!(
        before.iter().all(|(rendition, _)| rendition != "240p"),
        "{before:?}"
    );
    // Ascending, as the page lists them from the top down.
    let offered = stage
        .value(&format!(
            "[...{SELECT}.options].map(({{ value, text }}) => value + ' ' + text.replace(/^Auto.*/, 'Auto'))"
        ))
        .await;
    let expected = json!([" Auto", "3 1080p", "2 720p", "1 360p", "0 240p"]);
    assert_eq!(offered, expected);

    choose(stage, "0").await;
    stage.server.until_asked_for("/240p/16.m4s").await;
    let position = stage.value(&format!("{VIDEO}.currentTime")).await;
    let position = position.as_f64().unwrap();
    let asked = asked_for(stage).split_off(before.len());
    // The few seconds that come next stay as they are, or it would be waited for.
    let begins = |number: u32| f64::from(number - 1) * 2.0;
    let expected: Vec<u32> = (1..=16)
        .filter(|nth| begins(*nth) > position + 4.0)
        .collect();
    let numbers: Vec<u32> = asked.iter().map(|(_, number)| *number).collect();
    assert!(
        asked.iter().all(|(rendition, _)| rendition == "240p"),
        "{asked:?}"
    );
    assert_eq!(numbers, expected);
    let text = stage
        .value(&format!("{SELECT}.selectedOptions[0].text"))
        .await;
    assert_eq!(text, json!("240p"));

    // And that is what is seen there, with nothing missing between.
    stage
        .until(&format!(
            "{VIDEO}.buffered.length === 1 && {VIDEO}.buffered.end(0) > 31.9"
        ))
        .await;
    stage.value(&format!("{VIDEO}.currentTime = 20.5")).await;
    // WebKitGTK may keep the old size to itself until it plays.
    stage.value(&format!("void {VIDEO}.play()")).await;
    stage
        .until(&format!("!{VIDEO}.seeking && {VIDEO}.videoHeight === 240"))
        .await;
    stage.value(&format!("{VIDEO}.pause()")).await;

    // Back to the beginning, and to the player's own choice.
    stage.value(&format!("{VIDEO}.currentTime = 0.5")).await;
    let before = asked_for(stage).len();
    choose(stage, "").await;
    until_automatically(stage, &["720p", "1080p"]).await;
    stage.until(&format!("{SELECT}.value === ''")).await;
    // What was fetched in a poor quality is fetched anew in a better one.
    while !asked_for(stage)[before..]
        .iter()
        .any(|(_, number)| *number == 16)
    {
        stage.until("true").await;
    }
    // But for what was on its way when the choice was made.
    let asked = asked_for(stage).split_off(before);
    let poor = |(rendition, _): &&(String, u32)| rendition == "240p";
    let mut later = asked.iter().skip_while(poor);
    assert!(later.all(|asked| !poor(&asked)), "{asked:?}");
    stage.value(&format!("void {VIDEO}.play()")).await;
    stage.ends_with_all_there().await;
}

/// Where the film comes to what is being replaced, there is nothing meanwhile: neither does the clock run on
/// over it, nor is it jumped.
#[apply(in_every_browser!)]
async fn what_is_being_replaced_is_waited_for(stage: &Stage) {
    stage.resize(640, 900, 0.5).await;
    stage
        .server
        .trouble("/1080p/8.m4s", Trouble::Throttle(30_000));
    stage.open("?src=film/film.mpd&goal=20").await;
    stage.plays().await;
    stage
        .value(&format!("({VIDEO}.pause(), window.jumps = [], true)"))
        .await;
    stage.until(&format!("{VIDEO}.buffered.end(0) > 20")).await;
    choose(stage, "3").await;
    stage.server.until_asked_for("/1080p/8.m4s").await;
    stage
        .value(&format!(
            "({VIDEO}.onseeking = () => jumps.push({VIDEO}.currentTime), {VIDEO}.play(), true)"
        ))
        .await;
    stage.hurry(8).await;
    stage.until(&format!("{VIDEO}.currentTime > 18")).await;
    assert_eq!(stage.value("jumps").await, json!([]));
    assert_eq!(stage.server.requests("/1080p/8.m4s"), 1);
    stage.is_well().await;
}

/// What this browser cannot decode is not offered, and not a byte of it is fetched.
#[apply(in_every_browser!)]
async fn what_cannot_be_decoded_is_left_alone(stage: &Stage) {
    stage.resize(1400, 1000, 2.0).await;
    let bogus = || Trouble::replace("avc1.640028", "bogus.640028");
    stage.server.trouble("film.mpd", bogus());
    stage.server.trouble("film.m3u8", bogus());
    for film in ["film/film.mpd", "film/film.m3u8"] {
        stage.open(&format!("?src={film}")).await;
        stage.plays().await;
        stage.until_taken("end of stream").await;
        let offered = stage
            .value(&format!(
                "[...{SELECT}.options].map(({{ text }}) => text.replace(/^Auto.*/, 'Auto'))"
            ))
            .await;
        assert_eq!(offered, json!(["Auto", "720p", "360p", "240p"]), "{film}");
    }
    assert_eq!(stage.server.requested("/1080p/"), [""; 0]);
    stage.is_well().await;
}

/// What this machine decodes too slowly, by the browser's own word in the worker, is not fetched.
#[apply(in_every_browser!)]
async fn what_would_stutter_is_left_alone(stage: &Stage) {
    stage.resize(1400, 1000, 2.0).await;
    // Held, for WebKit forgets what was set of an object that nobody holds.
    let weak = "globalThis.held = navigator.mediaCapabilities; held.decodingInfo = async ({ video }) => \
         ({ supported: true, smooth: video.height <= 360, powerEfficient: false });";
    stage
        .server
        .trouble("/worker.js", Trouble::around(weak, ""));
    stage.open("?src=film/film.mpd").await;
    until_automatically(stage, &["360p"]).await;
    stage.until_taken("end of stream").await;
    assert_eq!(stage.server.requested("/1080p/"), [""; 0]);
    assert_eq!(asked_for(stage).last(), Some(&("360p".into(), 16)));
    stage.is_well().await;
}

/// The same of pictures that come together with their sound: it is asked of one codec at a time.
#[apply(in_every_browser!)]
async fn what_would_stutter_is_left_alone_though_it_has_sound_in_it(stage: &Stage) {
    stage.resize(1400, 1000, 2.0).await;
    let weak = "globalThis.held = navigator.mediaCapabilities; held.decodingInfo = async ({ video }) => { \
         if (video.contentType.includes(',')) throw new TypeError(); \
         return { supported: true, smooth: video.height <= 360, powerEfficient: false }; };";
    stage
        .server
        .trouble("/worker.js", Trouble::around(weak, ""));
    let film = "#EXTM3U\n\
        #EXT-X-STREAM-INF:BANDWIDTH=90000,CODECS=\"avc1.4d400c,mp4a.40.2\",RESOLUTION=1280x720\n\
        ../tests/media/packed/muxed.m3u8\n\
        #EXT-X-STREAM-INF:BANDWIDTH=80000,CODECS=\"avc1.4d400c,mp4a.40.2\",RESOLUTION=640x360\n\
        ../tests/media/packed/byterange.m3u8\n";
    stage.server.make("film/muxed.m3u8", film);
    stage.open("?src=film/muxed.m3u8").await;
    until_automatically(stage, &["360p"]).await;
    stage.is_well().await;
}

/// A playlist that does not come keeps nobody who has changed his mind.
#[apply(in_every_browser!)]
async fn what_is_chosen_no_more_is_waited_for_no_more(stage: &Stage) {
    stage.server.trouble("/240p/media.m3u8", Trouble::Silence);
    stage.open("?src=film/film.m3u8&goal=8").await;
    stage.plays().await;
    choose(stage, "0").await;
    stage.server.until_asked_for("/240p/media.m3u8").await;
    choose(stage, "").await;
    while stage.server.abandoned() == 0 {
        stage.until("true").await;
    }
    assert_eq!(stage.server.requests("/240p/media.m3u8"), 1);
    stage.hurry(4).await;
    stage.until(&format!("{VIDEO}.ended")).await;
    stage.is_well().await;
}
