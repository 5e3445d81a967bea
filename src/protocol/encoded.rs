//! Values inside a message that stay encoded until they are read.

use std::marker::PhantomData;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::error::PlaybackError;

/// An encoded value. A program that only forwards it does not contain its decoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "")]
pub struct Encoded<T> {
    bytes: Vec<u8>,
    _value: PhantomData<T>,
}

impl<T> Encoded<T> {
    /// Encodes a value.
    pub fn encode(value: &T) -> Self
    where
        T: Serialize,
    {
        Self {
            // Encoding plain data into a vector does not fail.
            bytes: postcard::to_allocvec(value).unwrap_or_default(),
            _value: PhantomData,
        }
    }

    /// Decodes the value.
    ///
    /// # Errors
    /// [`PlaybackError::InvalidMessage`] if the bytes are not an encoded `T`.
    pub fn decode(&self) -> Result<T, PlaybackError>
    where
        T: DeserializeOwned,
    {
        postcard::from_bytes(&self.bytes).map_err(|_| PlaybackError::InvalidMessage)
    }
}
