//! Decryption.

use aes::cipher::{BlockDecryptMut, KeyIvInit, block_padding::Pkcs7};

use super::Bytes;
use crate::platform::Exception;

/// Decrypts AES-128 in CBC mode with PKCS #7 padding.
///
/// # Errors
/// If the key has not 16 bytes, or is not the one that the data was encrypted with (then the padding is
/// wrong).
pub async fn decrypt_aes_cbc(bytes: &Bytes, key: &Bytes, iv: [u8; 16]) -> Result<Bytes, Exception> {
    // WebCrypto answers in another task.
    super::sleep(0).await;
    let key: [u8; 16] = key
        .to_vec()
        .try_into()
        .map_err(|_| Exception::new("DataError", "the key has not 16 bytes"))?;
    let decryptor = cbc::Decryptor::<aes::Aes128>::new(&key.into(), &iv.into());
    let decrypted = decryptor
        .decrypt_padded_vec_mut::<Pkcs7>(&bytes.to_vec())
        .map_err(|_| Exception::new("OperationError", "the padding is wrong"))?;
    Ok(decrypted.as_slice().into())
}
