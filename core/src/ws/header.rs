//! The header of a frame to be written (RFC 6455 section 5.2).

use super::Opcode;

/// The longest header in bytes.
pub const MAX_HEADER: usize = 14;

/// The longest payload of a frame in bytes.
pub const MAX_PAYLOAD: u64 = u64::MAX >> 1;

/// In the second byte: the length is in the next two bytes.
pub(super) const MEDIUM: u8 = 126;
/// In the second byte: the length is in the next eight bytes.
pub(super) const LONG: u8 = 127;
/// The least that is written in two bytes.
pub(super) const LEAST_MEDIUM: u64 = 126;
/// The least that is written in eight bytes.
pub(super) const LEAST_LONG: u64 = 0x1_0000;

/// In the first byte: the message ends with this frame.
pub(super) const FIN: u8 = 0x80;
/// In the first byte: reserved for extensions.
pub(super) const RESERVED: u8 = 0x70;
/// In the first byte: the opcode.
pub(super) const OPCODE: u8 = 0x0f;
/// In the second byte: the payload is masked.
pub(super) const MASKED: u8 = 0x80;

/// The header of a frame to be written. The payload follows it; if there is a key, it passes through
/// a [`Mask`](super::Mask) of that key.
///
/// ```
/// use grpc_websocket_core::ws::{Header, Opcode};
/// let header = Header::new(Opcode::Binary, true, 5);
/// assert_eq!(header.encode().as_slice(), [0x82, 5]);
/// assert_eq!(header.masked([1, 2, 3, 4]).encode().as_slice(), [0x82, 0x85, 1, 2, 3, 4]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    opcode: Opcode,
    fin: bool,
    len: u64,
    key: Option<[u8; 4]>,
}

impl Header {
    /// Of a frame that a server sends. `fin`: the message ends with it, as every control frame does.
    /// `len`: the bytes of the payload, at most 125 in a control frame, and at most
    /// [`MAX_PAYLOAD`] in any.
    #[must_use]
    pub const fn new(opcode: Opcode, fin: bool, len: u64) -> Self {
        Self {
            opcode,
            fin,
            len,
            key: None,
        }
    }

    /// Of a frame that a client sends: each has a key of its own, which the peer's applications
    /// cannot foresee (RFC 6455 section 10.3).
    #[must_use]
    pub const fn masked(self, key: [u8; 4]) -> Self {
        Self {
            key: Some(key),
            ..self
        }
    }

    /// The bytes on the wire.
    #[must_use]
    pub fn encode(&self) -> HeaderBytes {
        let fin = if self.fin { FIN } else { 0 };
        let len = self.len.to_be_bytes();
        let [.., high, low] = len;
        let (short, long) = match self.len {
            ..LEAST_MEDIUM => (low, &[][..]),
            LEAST_MEDIUM..LEAST_LONG => (MEDIUM, &[high, low][..]),
            _ => (LONG, &len[..]),
        };
        let (masked, key) = match &self.key {
            Some(key) => (MASKED, &key[..]),
            None => (0, &[][..]),
        };
        let mut out = HeaderBytes {
            bytes: [0; MAX_HEADER],
            len: 0,
        };
        out.extend(&[fin | self.opcode.value(), masked | short]);
        out.extend(long);
        out.extend(key);
        out
    }
}

/// The bytes of a [`Header`] on the wire.
#[derive(Debug, Clone, Copy)]
pub struct HeaderBytes {
    bytes: [u8; MAX_HEADER],
    len: u8,
}

impl HeaderBytes {
    /// The bytes, 2 to 14 of them.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or_default()
    }

    fn extend(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if let Some(slot) = self.bytes.get_mut(usize::from(self.len)) {
                *slot = *byte;
                self.len = self.len.saturating_add(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    fn encoded(header: Header) -> Vec<u8> {
        header.encode().as_slice().to_vec()
    }

    #[test]
    fn a_length_is_written_in_as_few_bytes_as_it_needs() {
        let cases: [(u64, &[u8]); 7] = [
            (0, &[0]),
            (125, &[125]),
            (126, &[126, 0, 126]),
            (65_535, &[126, 0xff, 0xff]),
            (65_536, &[127, 0, 0, 0, 0, 0, 1, 0, 0]),
            (1 << 32, &[127, 0, 0, 0, 1, 0, 0, 0, 0]),
            (MAX_PAYLOAD, &[127, 0x7f, 255, 255, 255, 255, 255, 255, 255]),
        ];
        for (len, bytes) in cases {
            let header = Header::new(Opcode::Binary, true, len);
            assert_eq!(encoded(header), [&[0x82], bytes].concat());
            let mut masked = [&[0x82], bytes, &[9, 8, 7, 6]].concat();
            masked[1] |= 0x80;
            assert_eq!(encoded(header.masked([9, 8, 7, 6])), masked);
        }
    }

    #[test]
    fn every_opcode_goes_with_and_without_fin() {
        for value in [0, 1, 2, 8, 9, 10] {
            let opcode = Opcode::from_value(value).unwrap();
            assert_eq!(encoded(Header::new(opcode, false, 0)), [value, 0]);
            assert_eq!(encoded(Header::new(opcode, true, 0)), [0x80 | value, 0]);
        }
    }

    #[test]
    fn the_longest_header_is_max_header() {
        let header = Header::new(Opcode::Binary, true, MAX_PAYLOAD).masked([0; 4]);
        assert_eq!(header.encode().as_slice().len(), MAX_HEADER);
    }
}
