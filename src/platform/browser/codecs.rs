//! Queries about the codecs and the features of this browser's MediaSource.

use js_sys::{Object, Promise, Reflect};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use crate::platform::types::VideoConfiguration;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_namespace = MediaSource, js_name = isTypeSupported)]
    fn supports_plain(mime: &str) -> Result<bool, JsValue>;

    #[wasm_bindgen(catch, js_namespace = ManagedMediaSource, js_name = isTypeSupported)]
    fn supports_managed(mime: &str) -> Result<bool, JsValue>;

    #[wasm_bindgen(js_namespace = ["navigator", "mediaCapabilities"], js_name = decodingInfo, catch)]
    fn decoding_info(configuration: &Object) -> Result<Promise, JsValue>;
}

/// Whether a MediaSource of this thread decodes a media type with codecs, as in
/// [RFC 6381](https://www.rfc-editor.org/rfc/rfc6381). Page and workers may differ.
pub fn can_decode(mime: &str) -> bool {
    supports_managed(mime)
        .or_else(|_| supports_plain(mime))
        .unwrap_or(false)
}

/// Whether a SourceBuffer has
/// [`changeType`](https://w3c.github.io/media-source/#dom-sourcebuffer-changetype).
pub fn can_change_type() -> bool {
    let property =
        |object: &JsValue, name: &str| Reflect::get(object, &name.into()).unwrap_or_default();
    let class = property(&js_sys::global(), "SourceBuffer");
    property(&property(&class, "prototype"), "changeType").is_truthy()
}

/// Whether video is decoded without dropped frames
/// ([`decodingInfo`](https://w3c.github.io/media-capabilities/#dom-mediacapabilities-decodinginfo)); `None`
/// if the browser does not say.
pub async fn decodes_smoothly(video: &VideoConfiguration) -> Option<bool> {
    let stream = object(&[
        ("contentType", video.mime.as_str().into()),
        ("width", video.width.into()),
        ("height", video.height.into()),
        ("bitrate", (video.bitrate as f64).into()),
        ("framerate", video.frame_rate.into()),
    ]);
    let query = object(&[("type", "media-source".into()), ("video", stream.into())]);
    let result = JsFuture::from(decoding_info(&query).ok()?).await.ok()?;
    let is_false =
        |name: &str| Reflect::get(&result, &name.into()).is_ok_and(|value| value.is_falsy());
    Some(!is_false("supported") && !is_false("smooth"))
}

/// An object with these properties.
fn object(properties: &[(&str, JsValue)]) -> Object {
    let object = Object::new();
    for (name, value) in properties {
        // Setting a property of a new object does not fail.
        let _ = Reflect::set(&object, &(*name).into(), value);
    }
    object
}
