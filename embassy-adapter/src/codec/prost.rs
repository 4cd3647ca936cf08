//! Messages that prost-build generates.

use core::convert::Infallible;

use prost::Message;

use super::{Decode, DecodeError, Encode, EncodeError};

/// The codec of prost's messages.
///
/// They live on the heap, so a firmware that uses them needs a global allocator. Where that has no
/// memory left, the firmware panics. A message takes more memory than it has bytes, so the limit of a
/// message's length has to be well below the size of the heap.
#[derive(Debug, Clone, Copy)]
pub struct Prost(Infallible);

impl<M: Message> Encode<Prost> for M {
    fn encoded_len(&self) -> usize {
        Message::encoded_len(self)
    }

    fn encode(&self, mut out: &mut [u8]) -> Result<usize, EncodeError> {
        let capacity = out.len();
        Message::encode(self, &mut out).map_err(|error| EncodeError {
            needed: error.required_capacity(),
        })?;
        Ok(capacity.saturating_sub(out.len()))
    }
}

impl<M: Message + Default> Decode<'_, Prost> for M {
    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        Message::decode(bytes).map_err(|_| DecodeError::Malformed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;

    /// A name of "abc" and a value of 300.
    const BYTES: [u8; 8] = [0x0a, 3, b'a', b'b', b'c', 0x10, 0xac, 0x02];

    #[derive(Clone, PartialEq, prost::Message)]
    struct Reading {
        #[prost(string, tag = "1")]
        name: String,
        #[prost(uint32, tag = "2")]
        value: u32,
    }

    fn reading() -> Reading {
        Reading {
            name: "abc".into(),
            value: 300,
        }
    }

    fn read(bytes: &[u8]) -> Result<Reading, DecodeError> {
        Decode::<Prost>::decode(bytes)
    }

    #[test]
    fn a_message_is_written_to_the_front_and_read_again() {
        let mut out = [0; 16];
        assert_eq!(Encode::<Prost>::encode(&reading(), &mut out), Ok(8));
        assert_eq!(Encode::<Prost>::encoded_len(&reading()), 8);
        assert_eq!(out[..8], BYTES);
        assert_eq!(read(&BYTES), Ok(reading()));
    }

    #[test]
    fn every_buffer_that_is_too_short_is_an_error() {
        let mut out = [0; 8];
        assert_eq!(Encode::<Prost>::encode(&reading(), &mut out), Ok(8));
        for len in 0..8 {
            assert_eq!(
                Encode::<Prost>::encode(&reading(), &mut out[..len]),
                Err(EncodeError { needed: 8 })
            );
        }
    }

    #[test]
    fn a_message_cut_short_is_malformed() {
        for len in [1, 2, 3, 4, 6, 7] {
            assert_eq!(read(&BYTES[..len]), Err(DecodeError::Malformed), "{len}");
        }
    }

    #[test]
    fn no_bytes_are_the_default_message() {
        assert_eq!(read(&[]), Ok(Reading::default()));
    }
}
