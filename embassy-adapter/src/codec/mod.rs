//! Messages as bytes.
//!
//! A call is made with a codec `C`, a type without values: [`Raw`] for bytes as they are, `Micropb`
//! and `Prost` (features `micropb` and `prost`) for protobuf. The traits name the codec, so that
//! messages of several libraries can be used in one firmware.

use core::convert::Infallible;

use grpc_websocket_core::Code;

#[cfg(feature = "micropb")]
mod micropb;
#[cfg(feature = "prost")]
mod prost;

#[cfg(feature = "micropb")]
pub use self::micropb::Micropb;
#[cfg(feature = "prost")]
pub use self::prost::Prost;

/// A message that can be written with the codec `C`.
pub trait Encode<C> {
    /// The most bytes that a message of this type can have, where that is known when it is compiled.
    const MAX_LEN: Option<usize> = None;

    /// The number of bytes that [`encode`](Self::encode) writes.
    fn encoded_len(&self) -> usize;

    /// Writes the message to the front of `out`; how many bytes it has.
    ///
    /// # Errors
    ///
    /// `out` is too short. It may hold a part of the message then.
    fn encode(&self, out: &mut [u8]) -> Result<usize, EncodeError>;
}

/// A message that can be read with the codec `C`. It may borrow the bytes it is read from.
pub trait Decode<'b, C>: Sized {
    /// Reads a whole message.
    ///
    /// # Errors
    ///
    /// The bytes are no such message, or it does not fit in the memory of this type.
    fn decode(bytes: &'b [u8]) -> Result<Self, DecodeError>;
}

/// A message longer than the buffer it is to be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message of {needed} bytes is longer than the buffer for it")]
pub struct EncodeError {
    /// The length of the message, in bytes.
    pub needed: usize,
}

impl EncodeError {
    /// The status of a call whose message this end cannot send.
    #[must_use]
    pub const fn code(self) -> Code {
        Code::ResourceExhausted
    }
}

/// Bytes that do not become a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The bytes are no message of this type.
    #[error("malformed message")]
    Malformed,
    /// A field is longer, or has more elements, than this end has memory for.
    #[error("a field of the message is too long for this device")]
    Capacity,
}

impl DecodeError {
    /// The status of a call with such a message, at a client and at a server.
    #[must_use]
    pub const fn code(self) -> Code {
        match self {
            Self::Malformed => Code::Internal,
            Self::Capacity => Code::ResourceExhausted,
        }
    }
}

/// The codec of messages that are bytes already.
#[derive(Debug, Clone, Copy)]
pub struct Raw(Infallible);

/// Arrays, slices, strings, `heapless::Vec` and the like.
impl<B: AsRef<[u8]> + ?Sized> Encode<Raw> for B {
    fn encoded_len(&self) -> usize {
        self.as_ref().len()
    }

    fn encode(&self, out: &mut [u8]) -> Result<usize, EncodeError> {
        copy_to_front(self.as_ref(), out)
    }
}

impl<'b> Decode<'b, Raw> for &'b [u8] {
    fn decode(bytes: &'b [u8]) -> Result<Self, DecodeError> {
        Ok(bytes)
    }
}

fn copy_to_front(bytes: &[u8], out: &mut [u8]) -> Result<usize, EncodeError> {
    let needed = bytes.len();
    let (front, _) = out
        .split_at_mut_checked(needed)
        .ok_or(EncodeError { needed })?;
    // Not `copy_from_slice`: only an optimiser knows that both have the same length.
    for (to, from) in front.iter_mut().zip(bytes) {
        *to = *from;
    }
    Ok(needed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::String;
    use std::vec::Vec;

    fn written<M: Encode<Raw> + ?Sized>(message: &M) -> Vec<u8> {
        let mut out = [0; 16];
        let len = message.encode(&mut out).unwrap();
        assert_eq!(len, message.encoded_len());
        out[..len].to_vec()
    }

    #[test]
    fn bytes_are_written_as_they_are() {
        assert_eq!(written(&b"abc"[..]), b"abc");
        assert_eq!(written(b"abc"), b"abc");
        assert_eq!(written(&String::from("abc")), b"abc");
        assert_eq!(
            written(&heapless::Vec::<u8, 4>::from_array(*b"abc")),
            b"abc"
        );
        assert_eq!(written(""), b"");
    }

    #[test]
    fn bytes_are_borrowed() {
        let bytes = *b"abc";
        let message = <&[u8] as Decode<'_, Raw>>::decode(&bytes).unwrap();
        assert_eq!(message.as_ptr_range(), bytes.as_ptr_range());
    }

    #[test]
    fn bytes_fill_a_buffer_and_no_byte_less() {
        let mut out = [0; 3];
        assert_eq!(Encode::<Raw>::encode("abc", &mut out), Ok(3));
        assert_eq!(
            Encode::<Raw>::encode("abc", &mut out[..2]),
            Err(EncodeError { needed: 3 })
        );
    }

    #[test]
    fn what_does_not_fit_is_resource_exhausted() {
        assert_eq!(EncodeError { needed: 1 }.code(), Code::ResourceExhausted);
        assert_eq!(DecodeError::Capacity.code(), Code::ResourceExhausted);
        assert_eq!(DecodeError::Malformed.code(), Code::Internal);
    }
}
