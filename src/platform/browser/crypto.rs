//! Decryption by [WebCrypto](https://w3c.github.io/webcrypto/).

use js_sys::{Array, Object, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::bytes::Bytes;
use crate::platform::types::Exception;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], js_name = importKey, catch)]
    fn import_key(
        format: &str,
        key: &Uint8Array,
        algorithm: &str,
        extractable: bool,
        usages: &Array,
    ) -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_namespace = ["crypto", "subtle"], catch)]
    fn decrypt(algorithm: &Object, key: &JsValue, bytes: &Uint8Array) -> Result<Promise, JsValue>;
}

/// Decrypts AES-128 in CBC mode with PKCS #7 padding.
///
/// # Errors
/// If the key does not have 16 bytes, or is the wrong one for this data, which shows in the padding.
pub async fn decrypt_aes_cbc(bytes: &Bytes, key: &Bytes, iv: [u8; 16]) -> Result<Bytes, Exception> {
    let usages = Array::of1(&"decrypt".into());
    let key = import_key("raw", key.array(), "AES-CBC", false, &usages)?;
    let key = JsFuture::from(key).await?;
    let algorithm = Object::new();
    Reflect::set(&algorithm, &"name".into(), &"AES-CBC".into())?;
    Reflect::set(&algorithm, &"iv".into(), &Uint8Array::from(iv.as_slice()))?;
    let decrypted = decrypt(&algorithm, &key, bytes.array())?;
    let decrypted = JsFuture::from(decrypted).await?;
    Ok(Uint8Array::new(&decrypted).into())
}
