//! Another film: by its address, or the sample again.

use web_sys::HtmlInputElement;
use yew::prelude::*;

/// Takes an address. Whether it is one is for the player to say.
pub fn source_form(
    input: &NodeRef,
    source: &AttrValue,
    sample: &'static str,
    onload: &Callback<AttrValue>,
) -> Html {
    let onsubmit = {
        let (input, onload) = (input.clone(), onload.clone());
        move |event: SubmitEvent| {
            event.prevent_default();
            let address = input.cast::<HtmlInputElement>().map(|input| input.value());
            let address = address.unwrap_or_default();
            let address = address.trim_ascii();
            if !address.is_empty() {
                onload.emit(AttrValue::from(address.to_owned()));
            }
        }
    };
    let onsample = onload.reform(move |_: MouseEvent| AttrValue::Static(sample));
    html! {
        <form {onsubmit}>
            <label for="src">
                { "Another film: the address of a DASH manifest or an HLS playlist (on demand)" }
            </label>
            <div class="row">
                <input
                    id="src" ref={input} type="text" inputmode="url" autocomplete="off"
                    spellcheck="false" placeholder="https://…/film.mpd" value={source}
                />
                <button type="submit">{ "Play" }</button>
                <button type="button" onclick={onsample}>{ "Sample film" }</button>
            </div>
        </form>
    }
}
