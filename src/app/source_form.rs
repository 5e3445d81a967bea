//! Another film: by its address, or the sample again.

use web_sys::HtmlInputElement;
use yew::prelude::*;

#[derive(Clone, Debug, PartialEq, Properties)]
pub struct SourceFormProps {
    /// What is played now.
    pub source: AttrValue,
    /// The film to fall back to.
    pub sample: AttrValue,
    /// The person wants to see this one.
    pub onload: Callback<AttrValue>,
}

/// Takes an address. Whether it is one is for the player to say.
#[component]
pub fn SourceForm(props: &SourceFormProps) -> Html {
    let input = use_node_ref();
    let onsubmit = {
        let (input, onload) = (input.clone(), props.onload.clone());
        Callback::from(move |event: SubmitEvent| {
            event.prevent_default();
            if let Some(input) = input.cast::<HtmlInputElement>() {
                let url = input.value();
                if !url.trim().is_empty() {
                    onload.emit(url.trim().to_owned().into());
                }
            }
        })
    };
    let onsample = {
        let sample = props.sample.clone();
        props.onload.reform(move |_| sample.clone())
    };
    html! {
        <form {onsubmit}>
            <label for="src">{ "Another film: the address of an HLS playlist (on demand, fragmented MP4)" }</label>
            <div class="row">
                <input
                    id="src" ref={input} type="text" inputmode="url" autocomplete="off" spellcheck="false"
                    placeholder="https://…/film.m3u8" value={props.source.clone()}
                />
                <button type="submit">{ "Play" }</button>
                <button type="button" class="quiet" onclick={onsample}>{ "Sample film" }</button>
            </div>
        </form>
    }
}
