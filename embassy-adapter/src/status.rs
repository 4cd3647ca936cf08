//! How calls end.

use core::fmt;
use core::str;

use grpc_websocket_core::Code;
use grpc_websocket_core::wire::{metadata, status};

/// How many bytes of a status's message are kept.
pub const MAX_STATUS_MESSAGE: usize = 64;

/// How many bytes of it are sent, where characters outside of ASCII take three for each of theirs.
const MAX_ENCODED: usize = 96;

/// See [`Status::encoded_message`].
pub(crate) struct EncodedMessage {
    bytes: [u8; MAX_ENCODED],
    len: usize,
}

impl EncodedMessage {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

/// A status of gRPC: a code, and up to [`MAX_STATUS_MESSAGE`] bytes of text for a person.
#[derive(Clone, PartialEq, Eq)]
// It is cleared and moved word by word: that is less code.
#[repr(C, align(4))]
pub struct Status {
    /// UTF-8, as far as its sender is right and its end was not cut. Zeros behind it.
    text: [u8; MAX_STATUS_MESSAGE],
    code: Code,
    len: u8,
}

impl Status {
    /// All is well.
    pub const OK: Self = Self::of(Code::Ok);

    /// A status without a message.
    #[must_use]
    pub const fn of(code: Code) -> Self {
        Self {
            code,
            len: 0,
            text: [0; MAX_STATUS_MESSAGE],
        }
    }

    /// A status with a message, of which what there is room for is kept.
    #[must_use]
    pub fn new(code: Code, message: &str) -> Self {
        let mut status = Self::of(code);
        status.set_message(&mut message.bytes());
        status
    }

    /// The code.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The message; may be empty.
    #[must_use]
    pub fn message(&self) -> &str {
        let text = self.text.get(..self.len.into()).unwrap_or_default();
        match str::from_utf8(text) {
            Ok(message) => message,
            Err(error) => {
                let valid = text.get(..error.valid_up_to()).unwrap_or_default();
                str::from_utf8(valid).unwrap_or_default()
            }
        }
    }

    /// Whether the code is [`Code::Ok`].
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.code == Code::Ok
    }

    /// The message as `grpc-message` has it, of which what there is room for.
    pub(crate) fn encoded_message(&self) -> EncodedMessage {
        let mut encoded = EncodedMessage {
            bytes: [0; MAX_ENCODED],
            len: 0,
        };
        // A cut in the middle of an escape would be text of its own.
        let most = MAX_ENCODED.saturating_sub(2);
        let mut bytes = status::percent_encode(self.message().as_bytes());
        let mut escape = 0_usize;
        for (place, byte) in encoded.bytes.iter_mut().zip(&mut bytes) {
            if escape == 0 && encoded.len >= most {
                break;
            }
            escape = if byte == b'%' {
                2
            } else {
                escape.saturating_sub(1)
            };
            *place = byte;
            encoded.len = encoded.len.saturating_add(1);
        }
        encoded
    }

    /// The status of trailers whose code is known, with the `grpc-message` of their block.
    pub(crate) fn of_trailers(code: Code, block: &[u8]) -> Self {
        let mut message = Self::of(code);
        let fields = metadata::fields(block).flatten();
        for field in fields.filter(|field| field.is("grpc-message")) {
            message.set_message(&mut status::percent_decode(field.value()));
        }
        message
    }

    /// A status with a text that is UTF-8 as far as its sender is right.
    pub(crate) fn of_text(code: Code, text: &[u8]) -> Self {
        let mut status = Self::of(code);
        status.set_message(&mut text.iter().copied());
        status
    }

    fn set_message(&mut self, bytes: &mut dyn Iterator<Item = u8>) {
        *self = Self::of(self.code);
        for (place, byte) in self.text.iter_mut().zip(bytes) {
            *place = byte;
            self.len = self.len.saturating_add(1);
        }
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Status")
            .field("code", &self.code)
            .field("message", &self.message())
            .finish()
    }
}

/// A buffer of the application does not take what it has to.
pub(crate) const TOO_SHORT: Failure =
    Failure::new(Code::ResourceExhausted, "the buffer is too short");

/// The server has answered, and takes no more before that is read.
pub(crate) const ANSWERED: Failure = Failure::new(Code::Cancelled, "the answer is there");

/// A status whose message is known when this is compiled: what is passed on inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    text: &'static str,
}

impl Failure {
    pub(crate) const fn of(code: Code) -> Self {
        Self::new(code, "")
    }

    pub(crate) const fn new(code: Code, text: &'static str) -> Self {
        Self { code, text }
    }
}

impl From<Failure> for Status {
    fn from(failure: Failure) -> Self {
        Self::new(failure.code, failure.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_decoded_and_cut_at_a_character() {
        let status = Status::of_trailers(
            Code::NotFound,
            b"grpc-status: 5\r\ngrpc-message: no%20%C3%A4\r\n",
        );
        assert_eq!(
            (status.code(), status.message()),
            (Code::NotFound, "no \u{e4}")
        );
        let long = "\u{e4}".repeat(40);
        assert_eq!(Status::new(Code::Unknown, &long).message().len(), 64);
        let cut = std::format!("grpc-message: x{}\r\n", "%C3%A4".repeat(40));
        assert_eq!(
            Status::of_trailers(Code::Unknown, cut.as_bytes())
                .message()
                .len(),
            63
        );
    }
}
