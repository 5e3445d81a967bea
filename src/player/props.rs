//! The props of the player.

use yew::{html::IntoPropValue, prelude::*};

use super::{handle::PlayerHandle, labels::Labels};
use crate::protocol::{BufferGoal, Message, PlaybackError, milestone::EngineLocation};

/// The props of [`Player`](super::Player). A change takes effect at the next render; each prop's documentation says
/// whether it restarts anything.
#[derive(Clone, Debug, PartialEq, Properties)]
pub struct PlayerProps {
    /// URL of a DASH MPD, an HLS playlist or an MP4 file, absolute or relative to the document's base. A change starts
    /// another session with the same engine.
    pub source: AttrValue,
    /// A file of the viewer, played instead of [`source`](Self::source). It is read on this device; nothing is
    /// uploaded. A change starts another session.
    #[prop_or_default]
    pub file: Option<web_sys::File>,
    /// A changed number starts another session with the same source, from [`start`](Self::start).
    #[prop_or_default]
    pub reload_key: u32,
    /// Whether playback starts without a click. A browser that blocks autoplay with sound gets it muted. A change
    /// applies to the next source.
    #[prop_or_default]
    pub autoplay: bool,
    /// Whether the video starts muted. Default: as on the viewer's last visit; on the first, muted if it plays by
    /// [`autoplay`](Self::autoplay), so that browsers allow that. A change applies at once.
    #[prop_or_default]
    pub muted: Option<bool>,
    /// The volume, from 0 to 1. Default: as on the viewer's last visit. A change applies at once.
    #[prop_or_default]
    pub volume: Option<f64>,
    /// The playback rate. Default: as on the viewer's last visit. A change applies at once.
    #[prop_or_default]
    pub rate: Option<f64>,
    /// Whether playback starts again at the end.
    #[prop_or_default]
    pub r#loop: bool,
    /// URL of the image that is shown before the first frame.
    #[prop_or_default]
    pub poster: Option<AttrValue>,
    /// The controls: `controls={false}` for none, `controls={html! { … }}` for your own. Default: the standard ones.
    #[prop_or_default]
    pub controls: PlayerControls,
    /// The texts of the controls. Default: English.
    #[prop_or_default]
    pub labels: Labels,
    /// CSS classes of the player, beside `player`.
    #[prop_or_default]
    pub class: Classes,
    /// URL of WebVTT captions beside those that the manifest lists.
    #[prop_or_default]
    pub captions: Option<AttrValue>,
    /// URL of WebVTT chapters.
    #[prop_or_default]
    pub chapters: Option<AttrValue>,
    /// The title for the system's media controls. Default: the document's title.
    #[prop_or_default]
    pub title: Option<AttrValue>,
    /// Where playback starts, in seconds. A change starts another session.
    #[prop_or_default]
    pub start: Option<f64>,
    /// Seconds to buffer ahead of and behind the position. A change applies to the running
    /// session. Default: 30 s each.
    #[prop_or_default]
    pub buffer: BufferGoal,
    /// Whether requests to other origins carry credentials (cookies, HTTP authentication). A change starts
    /// another session.
    #[prop_or_default]
    pub credentials: bool,
    /// The thread that the engine runs on. A change starts another session, and another engine if needed.
    /// Default: a worker where the browser has MediaSource in workers, else the page.
    #[prop_or_default]
    pub engine: Option<EngineLocation>,
    /// Whether a live stream is played up to 5 % faster or slower to keep its distance from the live edge. A change
    /// applies to the running session.
    #[prop_or(true)]
    pub catch_up: bool,
    /// Whether the startup milestones are shown beside the video.
    #[prop_or(true)]
    pub show_milestones: bool,
    /// Name and value of headers that are added to every request for the manifest and the media. A change
    /// starts another session.
    #[prop_or_default]
    pub headers: Vec<(String, String)>,
    /// Called once, when the video element is on the page, with the handle that controls this player.
    #[prop_or_default]
    pub on_ready: Callback<PlayerHandle>,
    /// Called when playback cannot continue. What the player recovers from by itself is not reported.
    #[prop_or_default]
    pub on_error: Callback<PlaybackError>,
    /// Called at the end of the video, each time that is reached; never while [`loop`](Self::loop) is set.
    #[prop_or_default]
    pub on_ended: Callback<()>,
    /// Called with the position in seconds, whenever the element fires `timeupdate`: in today's browsers four times a
    /// second during playback, and once after a seek; the specification allows up to 66 times a second.
    #[prop_or_default]
    pub on_time: Option<Callback<f64>>,
    /// Called on the page's thread with every message between player and engine, encoded; unpack it to read
    /// it. Observations of the element and heartbeats are left out. Read when an engine is started.
    #[prop_or_default]
    pub on_message: Callback<Message>,
}

/// The controls of a player.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum PlayerControls {
    /// [`StandardControls`](super::controls::StandardControls).
    #[default]
    Standard,
    /// None. Clicks on the video do nothing.
    None,
    /// Others, such as a [`ControlsLayer`](super::controls::ControlsLayer) with some of the parts in
    /// [`controls`](super::controls) and components of your own.
    Custom(Html),
}

impl IntoPropValue<PlayerControls> for bool {
    fn into_prop_value(self) -> PlayerControls {
        if self {
            PlayerControls::Standard
        } else {
            PlayerControls::None
        }
    }
}

impl IntoPropValue<PlayerControls> for Html {
    fn into_prop_value(self) -> PlayerControls {
        PlayerControls::Custom(self)
    }
}
