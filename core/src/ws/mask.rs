//! Masking (RFC 6455 section 5.3).

/// The bytes that are masked at once.
const WORD: usize = 4;

/// Masks the payload of a frame, or unmasks it, which is the same. It knows how far it is, so a
/// payload may pass in any pieces.
///
/// ```
/// use grpc_websocket_core::ws::Mask;
/// let mut payload = *b"Hello";
/// let (front, back) = payload.split_at_mut(3);
/// let mut mask = Mask::new([0x37, 0xfa, 0x21, 0x3d]);
/// mask.apply(front);
/// mask.apply(back);
/// assert_eq!(payload, [0x7f, 0x9f, 0x4d, 0x51, 0x58]);
/// ```
#[derive(Debug, Clone)]
pub struct Mask {
    /// The lowest byte is for the next byte of the payload.
    key: u32,
}

impl Mask {
    /// At the start of a payload. The key of zeros changes nothing, and costs nothing.
    #[must_use]
    pub const fn new(key: [u8; 4]) -> Self {
        Self {
            key: u32::from_le_bytes(key),
        }
    }

    /// Takes a byte of a key that comes: after four of them, it is their key.
    pub(super) const fn push_key(&mut self, byte: u8) {
        let [_, b, c, d] = self.key.to_le_bytes();
        self.key = u32::from_le_bytes([b, c, d, byte]);
    }

    /// Masks the next bytes of the payload where they are.
    pub fn apply(&mut self, bytes: &mut [u8]) {
        if self.key == 0 {
            return;
        }
        let (words, tail) = bytes.as_chunks_mut::<WORD>();
        let key = u32::from_ne_bytes(self.key.to_le_bytes());
        for word in words {
            *word = (u32::from_ne_bytes(*word) ^ key).to_ne_bytes();
        }
        for byte in tail {
            let [key, ..] = self.key.to_le_bytes();
            *byte ^= key;
            self.key = self.key.rotate_right(u8::BITS);
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    fn masked(key: [u8; 4], bytes: &[u8]) -> Vec<u8> {
        let keys = key.iter().cycle();
        bytes
            .iter()
            .zip(keys)
            .map(|(byte, key)| byte ^ key)
            .collect()
    }

    #[test]
    fn every_byte_is_masked_by_its_byte_of_the_key() {
        for len in 0..70 {
            for key in [[1, 2, 3, 4], [0, 0, 0, 9], [7, 0, 0, 0], [0; 4]] {
                let mut bytes: Vec<u8> = (0..len).collect();
                let expected = masked(key, &bytes);
                Mask::new(key).apply(&mut bytes);
                assert_eq!(bytes, expected);
            }
        }
    }

    proptest! {
        #[test]
        fn any_cut_masks_the_same(
            key: [u8; 4],
            bytes in prop::collection::vec(any::<u8>(), 0..200),
            lens in prop::collection::vec(0..40_usize, 0..20),
        ) {
            let expected = masked(key, &bytes);
            let mut cut = bytes;
            let mut mask = Mask::new(key);
            let mut rest = &mut cut[..];
            for len in lens {
                let (piece, after) = rest.split_at_mut(len.min(rest.len()));
                mask.apply(piece);
                rest = after;
            }
            mask.apply(rest);
            prop_assert_eq!(cut, expected);
        }
    }
}
