//! AES-128-CBC of whole files ([RFC 8216bis § 4.4.4.4]).
//!
//! [RFC 8216bis § 4.4.4.4]: https://datatracker.ietf.org/doc/html/draft-pantos-hls-rfc8216bis#section-4.4.4.4

use super::error::{Error, invalid_data};
use crate::{
    platform::{self, Bytes},
    protocol::ResourceKind,
};

/// Decrypts a file.
///
/// # Errors
/// [`PlaybackError::InvalidData`](crate::protocol::PlaybackError::InvalidData) if the key is invalid or does not fit.
pub async fn decrypt(
    resource: ResourceKind,
    bytes: &Bytes,
    key: &Bytes,
    iv: [u8; 16],
    url: &str,
) -> Result<Bytes, Error> {
    platform::decrypt_aes_cbc(bytes, key, iv)
        .await
        .map_err(|_| invalid_data(resource, url, "it cannot be decrypted with its key"))
}
