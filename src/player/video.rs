//! The video element.

use yew::prelude::*;

use super::{
    handle::{use_labels, use_playback},
    model::CaptionEntry,
};
use crate::platform::web;

/// The props of [`Video`].
#[derive(PartialEq, Properties)]
pub struct VideoProps {
    /// Bound to the element.
    pub node: NodeRef,
    /// URL of the image that is shown before the first frame.
    pub poster: Option<AttrValue>,
    /// Whether playback starts again at the end.
    pub is_loop: bool,
    /// URL of WebVTT captions beside those of the manifest.
    pub captions: Option<AttrValue>,
    /// URL of WebVTT chapters.
    pub chapters: Option<AttrValue>,
}

/// The video element with its tracks. Its source is set by the player's controller.
#[component]
pub fn Video(props: &VideoProps) -> Html {
    let labels = use_labels();
    let captions = use_playback(|model| model.captions.clone());
    // Captions of the manifest have a track before they have a file: the engine loads them once their track is
    // shown.
    let from_manifest = captions.iter().map(|CaptionEntry { track, file }| {
        let name = track.display_name(&web::language_name).map(Into::into);
        let label = name.unwrap_or_else(|| labels.subtitles.clone());
        let file = file.clone().unwrap_or_default();
        html! {
            // `~src` sets the property. Firefox ignores later changes of an attribute that was empty at first.
            <track kind="captions" srclang={track.language.clone()} {label} ~src={file} />
        }
    });
    html! {
        // Focusable from scripts, for when the focused element is removed.
        <video
            ref={&props.node}
            playsinline=true
            tabindex="-1"
            aria-label={&labels.video}
            poster={props.poster.clone()}
            loop={props.is_loop}
        >
            { for from_manifest }
            if let Some(captions) = &props.captions {
                <track kind="captions" srclang="en" label="English" src={captions} />
            }
            if let Some(chapters) = &props.chapters {
                <track kind="chapters" srclang="en" src={chapters} />
            }
        </video>
    }
}
