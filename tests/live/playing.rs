//! Plain live streams: start, edge, end.

use super::page::Stage;
use yew_mse_worker::platform::simulated::Browser;

const MANIFESTS: [&str; 3] = ["/number.mpd", "/time.mpd", "/main.m3u8"];

#[test]
fn live_stream_plays_at_its_delay_behind_the_edge() {
    for path in MANIFESTS {
        for browser in [Browser::chromium, Browser::firefox, Browser::webkit] {
            let stage = Stage::new(1, browser(), |_| {});
            stage.page.load(path);
            stage.run(60.0);
            assert_eq!(stage.page.failure(), None, "{path}\n{}", stage.trace());
            let played = stage.page.played();
            assert!(played > 55.0, "{path} {played}\n{}", stage.trace());
            let live = stage.page.live.get().unwrap();
            assert!((live.latency - live.delay).abs() < 1.0, "{path} {live:?}");
            assert_eq!(stage.world.violations(), [""; 0], "{path}");
        }
    }
}
