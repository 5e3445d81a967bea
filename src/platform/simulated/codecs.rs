//! What the simulated browser decodes.

use super::world::World;
use crate::platform::VideoConfiguration;

/// Whether a MediaSource decodes a media type. The simulation knows fragmented MP4 only.
pub fn can_decode(mime: &str) -> bool {
    World::current().with_browser(|browser| supports(mime, &browser.codecs))
}

/// Whether a type is MP4 with codecs that are all known.
fn supports(mime: &str, known: &[&str]) -> bool {
    let mut parameters = mime.split(';').map(str::trim);
    if !matches!(parameters.next(), Some("video/mp4" | "audio/mp4")) {
        return false;
    }
    let codecs = parameters.find_map(|parameter| parameter.strip_prefix("codecs="));
    codecs.is_some_and(|codecs| {
        codecs.trim_matches('"').split(',').all(|codec| {
            let codec = codec.trim();
            known.iter().any(|known| codec.starts_with(known))
        })
    })
}

/// Whether a SourceBuffer has `changeType`.
pub fn can_change_type() -> bool {
    World::current().with_browser(|browser| browser.has_change_type)
}

/// Whether video is decoded without dropped frames; `None` if the browser does not say.
pub async fn decodes_smoothly(video: &VideoConfiguration) -> Option<bool> {
    // The answer comes from another process.
    super::sleep(1).await;
    let world = World::current();
    let rate = f64::from(video.width) * f64::from(video.height) * video.frame_rate;
    let limit = world.with_browser(|browser| browser.smooth_pixel_rate)?;
    Some(can_decode(&video.mime) && rate <= limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_is_supported_if_all_its_codecs_are() {
        let known = ["avc1", "mp4a.40"];
        assert!(supports(
            "video/mp4; codecs=\"avc1.4d401e, mp4a.40.2\"",
            &known
        ));
        assert!(supports("audio/mp4;codecs=mp4a.40.2", &known));
        assert!(!supports("video/mp4; codecs=\"avc1.4d401e,ac-3\"", &known));
        assert!(!supports("video/mp4", &known));
        assert!(!supports("video/mp2t; codecs=\"avc1.4d401e\"", &known));
    }
}
