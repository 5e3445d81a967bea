//! AES-128-CBC of whole files ([RFC 8216bis § 4.4.4.4]), by WebCrypto.
//!
//! [RFC 8216bis § 4.4.4.4]: https://datatracker.ietf.org/doc/html/draft-pantos-hls-rfc8216bis#section-4.4.4.4

use js_sys::{Array, Uint8Array};
use wasm_bindgen::JsValue;
use wasm_bindgen_futures::JsFuture;

use super::error::{Error, invalid_data};
use crate::{platform::web, protocol::ResourceKind};

/// Decrypts a file.
///
/// # Errors
/// [`PlaybackError::InvalidData`](crate::protocol::PlaybackError::InvalidData) if the key is invalid or does not fit.
pub async fn decrypt(
    resource: ResourceKind,
    bytes: &Uint8Array,
    key: &Uint8Array,
    iv: [u8; 16],
    url: &str,
) -> Result<Uint8Array, Error> {
    let usages = Array::of1(&"decrypt".into());
    let decrypted = async {
        let key = web::import_key("raw", key, "AES-CBC", false, &usages)?;
        let key = JsFuture::from(key).await?;
        let iv = Uint8Array::from(iv.as_slice());
        let algorithm = web::object(&[("name", "AES-CBC".into()), ("iv", iv.into())]);
        let decrypted = web::decrypt(&algorithm, &key, bytes)?;
        Ok::<_, JsValue>(Uint8Array::new(&JsFuture::from(decrypted).await?))
    };
    decrypted
        .await
        .map_err(|_| invalid_data(resource, url, "it cannot be decrypted with its key"))
}
