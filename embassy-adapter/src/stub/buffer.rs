//! What messages are encoded into and read into.

use crate::codec::Encode;

/// What most trailers fit into: a buffer of fewer bytes may cut the text of a status, each byte of which
/// may be three on the wire.
pub const MIN_BUFFER: usize = 256;

/// Where a message is encoded, or read: an array or a slice.
///
/// That an array takes every message of a type is checked when it is compiled, as far as the codec
/// knows how long they get. A slice that turns out to be too short is RESOURCE_EXHAUSTED, and so is a
/// message from a peer that has more fields than this end knows of.
pub trait Buffer {
    /// How many bytes it has, where that is known when it is compiled.
    const LEN: Option<usize>;

    /// The bytes.
    fn bytes(&mut self) -> &mut [u8];
}

impl<const B: usize> Buffer for [u8; B] {
    const LEN: Option<usize> = Some(B);

    fn bytes(&mut self) -> &mut [u8] {
        self
    }
}

impl Buffer for [u8] {
    const LEN: Option<usize> = None;

    fn bytes(&mut self) -> &mut [u8] {
        self
    }
}

/// The longest of these, if all are known.
#[must_use]
pub const fn longest(mut lens: &[Option<usize>]) -> Option<usize> {
    let mut longest = 0;
    while let [len, rest @ ..] = lens {
        match *len {
            Some(len) if len > longest => longest = len,
            Some(_) => {}
            None => return None,
        }
        lens = rest;
    }
    Some(longest)
}

/// How long a buffer for messages of these lengths should be, as far as they are known.
#[must_use]
pub const fn buffer_len(lens: &[Option<usize>]) -> usize {
    match longest(lens) {
        Some(len) if len > MIN_BUFFER => len,
        _ => MIN_BUFFER,
    }
}

/// Whether a buffer takes messages of a length, as far as both are known.
pub(super) const fn takes(buffer: Option<usize>, message: Option<usize>) -> bool {
    match (buffer, message) {
        (Some(buffer), Some(message)) => buffer >= message,
        _ => true,
    }
}

/// Does not compile for an array that is shorter than a message of this type can be.
pub(super) const fn check<C, M: Encode<C> + ?Sized, B: Buffer + ?Sized>() {
    const {
        assert!(
            takes(B::LEN, M::MAX_LEN),
            "the buffer is shorter than the message can be: the stub's constants say how long it has to be"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_as_long_as_the_longest_message() {
        assert_eq!(longest(&[]), Some(0));
        assert_eq!(longest(&[Some(3), Some(300), Some(7)]), Some(300));
        assert_eq!(longest(&[Some(3), None]), None);
        assert_eq!(buffer_len(&[Some(3), Some(300)]), 300);
        assert_eq!(buffer_len(&[Some(3)]), MIN_BUFFER);
        assert_eq!(buffer_len(&[Some(300), None]), MIN_BUFFER);
    }

    #[test]
    fn only_a_known_length_is_too_short() {
        assert!(takes(Some(3), Some(3)));
        assert!(!takes(Some(2), Some(3)));
        assert!(takes(None, Some(3)));
        assert!(takes(Some(2), None));
    }
}
