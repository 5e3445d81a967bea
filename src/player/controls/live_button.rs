//! The "Live" button: whether playback is at the live edge, how far behind it is, and the way back.

use web_sys::MouseEvent;
use yew::prelude::*;

use crate::{
    platform,
    player::{
        format::clock,
        handle::{use_labels, use_playback, use_player},
        media::MediaRequest,
    },
    protocol::LiveStatus,
};

/// Playback that is at most this much later than wished is at the edge, in seconds.
const AT_EDGE_SECONDS: f64 = 5.0;

/// Shows that the stream is live, and returns to its edge. There is none for a video on demand.
#[component]
pub fn LiveButton() -> Html {
    let (player, labels) = (use_player(), use_labels());
    let is_live = use_playback(|model| model.live.is_some());
    let behind = use_playback(|model| model.live.and_then(seconds_behind));
    let onclick = Callback::from(move |_: MouseEvent| {
        let live = player.playback().read(|model| model.live);
        if let Some(live) = live {
            player.request(MediaRequest::Seek(edge_position(&live, platform::now())));
            player.request(MediaRequest::Play);
        }
    });
    let distance = behind.map(|seconds| ["−", &clock(seconds)].concat());
    let label = match behind {
        Some(seconds) => [&labels.return_to_live, ", ", &labels.spoken(seconds)].concat(),
        None => labels.live.to_string(),
    };
    html! {
        if is_live {
            <button
                type="button"
                class="live"
                aria-label={label.clone()}
                title={label}
                data-edge={behind.is_none().then_some("")}
                {onclick}
            >
                { &labels.live }
                <span class="distance">{ distance }</span>
            </button>
        }
    }
}

/// How many seconds playback is behind the edge; `None` if it is there.
fn seconds_behind(live: LiveStatus) -> Option<u32> {
    (live.latency > live.delay + AT_EDGE_SECONDS).then_some(live.latency as u32)
}

/// Where playback is at the edge at `now`, in milliseconds since the Unix epoch. The edge moves on between two reports.
fn edge_position(live: &LiveStatus, now: f64) -> f64 {
    let edge = live.edge + (now - live.at).max(0.0) / 1000.0;
    (edge - live.delay).max(live.seekable.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIVE: LiveStatus = LiveStatus {
        seekable: (100.0, 160.0),
        edge: 161.0,
        at: 5_000.0,
        delay: 6.0,
        latency: 6.5,
        zero: None,
        clock_offset: 0.0,
        reloads: 0,
    };

    #[test]
    fn distance_is_shown_only_away_from_the_edge() {
        assert_eq!(seconds_behind(LIVE), None);
        let late = LiveStatus {
            latency: 42.9,
            ..LIVE
        };
        assert_eq!(seconds_behind(late), Some(42));
    }

    #[test]
    fn edge_moves_on_between_reports_and_stays_in_the_window() {
        assert_eq!(edge_position(&LIVE, 5_000.0), 155.0);
        assert_eq!(edge_position(&LIVE, 7_000.0), 157.0);
        let short = LiveStatus {
            seekable: (158.0, 160.0),
            ..LIVE
        };
        assert_eq!(edge_position(&short, 5_000.0), 158.0);
    }
}
