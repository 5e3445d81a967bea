//! Which browser is simulated: where browsers differ, and what is a measured constant of one.

use super::model::Rules;

/// A browser to simulate. Every field may be changed before the world is made.
#[derive(Clone, Debug)]
pub struct Browser {
    /// Whether workers have `MediaSource` and its handle.
    pub has_media_source_in_workers: bool,
    /// Whether the page has `MediaSource`.
    pub has_media_source: bool,
    /// Of a `ManagedMediaSource`: below how many seconds ahead it starts streaming, and from how many on it ends.
    /// `None` if a MediaSource is not managed.
    pub managed_goal: Option<(f64, f64)>,
    /// Whether a SourceBuffer has `changeType`.
    pub has_change_type: bool,
    /// Codecs that are decoded, by how their RFC 6381 names begin.
    pub codecs: Vec<&'static str>,
    /// Pixels per second up to which video decodes smoothly; `None` if the browser does not say.
    pub smooth_pixel_rate: Option<f64>,
    /// How often `currentTime` is ignored that is set before the metadata is loaded. 8 of 20 in Chromium 156.
    pub ignores_early_seek: f64,
    /// How often a seek loses the stream that comes before the first frame is shown, while something is buffered at
    /// 0: playback never moves again. WebKitGTK 2.50 does.
    pub early_seek_loses_stream: f64,
    /// The rules of buffers and of playback.
    pub rules: Rules,
}

impl Browser {
    /// Chromium 156.
    pub fn chromium() -> Self {
        Self {
            has_media_source_in_workers: true,
            has_media_source: true,
            managed_goal: None,
            has_change_type: true,
            codecs: vec!["avc1", "avc3", "mp4a.40", "vp09", "av01", "opus", "fLaC"],
            smooth_pixel_rate: Some(3840.0 * 2160.0 * 60.0),
            ignores_early_seek: 0.4,
            early_seek_loses_stream: 0.0,
            rules: Rules::chromium(),
        }
    }

    /// Firefox 153, which has no MediaSource in workers.
    pub fn firefox() -> Self {
        Self {
            has_media_source_in_workers: false,
            ignores_early_seek: 0.0,
            rules: Rules::firefox(),
            ..Self::chromium()
        }
    }

    /// WebKitGTK 2.50: managed, on the page only, and without `changeType`. Safari 18 has it in workers too.
    pub fn webkit() -> Self {
        Self {
            has_media_source_in_workers: false,
            managed_goal: Some((10.0, 30.0)),
            has_change_type: false,
            ignores_early_seek: 0.0,
            early_seek_loses_stream: 0.5,
            rules: Rules::webkit(),
            ..Self::chromium()
        }
    }
}
