//! AES-128 in CBC mode with PKCS#7 padding, as EXT-X-KEY with METHOD=AES-128 asks
//! (RFC 8216bis § 4.4.4.4).

use aes::Aes128;
use cbc::cipher::{BlockModeEncrypt, KeyIvInit, block_padding::Pkcs7};

/// Encrypts a file.
pub fn encrypt(key: [u8; 16], vector: [u8; 16], plain: &[u8]) -> Vec<u8> {
    cbc::Encryptor::<Aes128>::new(&key.into(), &vector.into()).encrypt_padded_vec::<Pkcs7>(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// NIST SP 800-38A, F.2.1.
    #[test]
    fn first_block_is_that_of_the_standard() {
        let key = 0x2b7e_1516_28ae_d2a6_abf7_1588_09cf_4f3c_u128.to_be_bytes();
        let vector = 0x0001_0203_0405_0607_0809_0a0b_0c0d_0e0f_u128.to_be_bytes();
        let plain = 0x6bc1_bee2_2e40_9f96_e93d_7e11_7393_172a_u128.to_be_bytes();
        let encrypted = encrypt(key, vector, &plain);
        let expected = 0x7649_abac_8119_b246_cee9_8e9b_12e9_197d_u128.to_be_bytes();
        assert_eq!(encrypted.get(..16), Some(&expected[..]));
        assert_eq!(encrypted.len(), 32);
    }
}
