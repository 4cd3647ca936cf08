//! The payload of a Close frame (RFC 6455 sections 5.5.1 and 7.4).

use super::Error;

/// The longest payload of a control frame in bytes (RFC 6455 section 5.5).
pub const MAX_CONTROL_PAYLOAD: usize = 125;

/// What the code of a Close leaves for its reason.
const MAX_REASON: usize = 123;

/// Writes the payload of a Close frame: the code, and as much of the reason as there is room for,
/// whole characters. Returns its length.
///
/// ```
/// use grpc_websocket_core::ws::{MAX_CONTROL_PAYLOAD, encode_close};
/// let mut out = [0; MAX_CONTROL_PAYLOAD];
/// let len = encode_close(1001, "restart", &mut out);
/// assert_eq!(&out[..len], b"\x03\xe9restart");
/// ```
pub fn encode_close(code: u16, reason: &str, out: &mut [u8; MAX_CONTROL_PAYLOAD]) -> usize {
    let mut reason_len = reason.len().min(MAX_REASON);
    while !reason.is_char_boundary(reason_len) {
        reason_len = reason_len.saturating_sub(1);
    }
    let payload = code.to_be_bytes().into_iter().chain(reason.bytes());
    let len = reason_len.saturating_add(2);
    for (slot, byte) in out.iter_mut().take(len).zip(payload) {
        *slot = byte;
    }
    len
}

/// Reads the payload of a Close frame: its code, if it has one.
///
/// # Errors
/// A single byte, a code that may not be sent, and a reason that is not UTF-8.
pub(super) fn decode_close(payload: &[u8]) -> Result<Option<u16>, Error> {
    match payload {
        [] => Ok(None),
        [_] => Err(Error::CloseOfOneByte),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            if !is_valid_code(code) {
                return Err(Error::InvalidCloseCode);
            }
            if !is_utf8(reason) {
                return Err(Error::CloseReason);
            }
            Ok(Some(code))
        }
    }
}

/// Whether a Close may have the code: those of RFC 6455 section 7.4.1 that travel, those that were
/// registered since, and those of libraries and applications (section 7.4.2).
const fn is_valid_code(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// Whether the bytes are UTF-8 (RFC 3629 section 4). Not `core::str::from_utf8`: that is made for long
/// text and is twice the code.
fn is_utf8(bytes: &[u8]) -> bool {
    const ANY: (u8, u8) = (0x80, 0xbf);
    // How many bytes the character still has, and the range that the next of them is in.
    let (mut left, mut next) = (0_u8, ANY);
    for &byte in bytes {
        if left > 0 {
            let (low, high) = core::mem::replace(&mut next, ANY);
            if byte < low || byte > high {
                return false;
            }
            left = left.saturating_sub(1);
            continue;
        }
        (left, next) = match byte {
            0x00..=0x7f => (0, ANY),
            0xc2..=0xdf => (1, ANY),
            0xe0 => (2, (0xa0, 0xbf)),
            0xed => (2, (0x80, 0x9f)),
            0xe1..=0xef => (2, ANY),
            0xf0 => (3, (0x90, 0xbf)),
            0xf1..=0xf3 => (3, ANY),
            0xf4 => (3, (0x80, 0x8f)),
            _ => return false,
        };
    }
    left == 0
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec::Vec;

    fn encoded(code: u16, reason: &str) -> Vec<u8> {
        let mut out = [0; MAX_CONTROL_PAYLOAD];
        let len = encode_close(code, reason, &mut out);
        out[..len].to_vec()
    }

    #[test]
    fn a_reason_is_cut_between_characters() {
        let short = "a".repeat(122);
        assert_eq!(
            encoded(1000, &short),
            [b"\x03\xe8", short.as_bytes()].concat()
        );
        assert_eq!(encoded(1000, &(short.clone() + "bc")).len(), 125);
        for tail in ["é", "€", "😀"] {
            let cut = encoded(1000, &(short.clone() + tail));
            assert_eq!(cut, encoded(1000, &short));
        }
        assert_eq!(encoded(4999, ""), [0x13, 0x87]);
    }

    #[test]
    fn what_is_written_is_read() {
        for code in [1000, 1003, 1007, 1014, 3000, 4999] {
            let payload = encoded(code, "größe");
            assert_eq!(decode_close(&payload), Ok(Some(code)));
        }
    }

    #[test]
    fn a_close_may_be_empty_but_not_of_one_byte() {
        assert_eq!(decode_close(b""), Ok(None));
        assert_eq!(decode_close(b"\x03"), Err(Error::CloseOfOneByte));
    }

    #[test]
    fn codes_that_may_not_be_sent_are_refused() {
        let valid = |code: u16| decode_close(&code.to_be_bytes()).is_ok();
        for code in [
            0,
            1,
            999,
            1004,
            1005,
            1006,
            1015,
            1016,
            2000,
            2999,
            5000,
            u16::MAX,
        ] {
            assert_eq!(
                decode_close(&code.to_be_bytes()),
                Err(Error::InvalidCloseCode)
            );
        }
        assert_eq!(
            (0..=u16::MAX).filter(|&code| valid(code)).count(),
            12 + 2000
        );
    }

    #[test]
    fn a_reason_has_to_be_utf_8() {
        assert_eq!(decode_close(b"\x03\xe8\xff"), Err(Error::CloseReason));
        assert_eq!(decode_close(b"\x03\xe8\xe2\x82"), Err(Error::CloseReason));
    }

    /// All that is up to four bytes of those next to a border.
    #[test]
    fn utf_8_is_what_the_standard_library_says() {
        let borders = [
            0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec,
            0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xff,
        ];
        let mut texts = std::vec![Vec::new()];
        let mut begin = 0;
        // Miri is slow.
        for _ in 0..if cfg!(miri) { 2 } else { 4 } {
            let end = texts.len();
            for at in begin..end {
                let longer = borders.map(|byte| [&texts[at][..], &[byte]].concat());
                texts.extend(longer);
            }
            begin = end;
        }
        for text in texts {
            assert_eq!(
                is_utf8(&text),
                core::str::from_utf8(&text).is_ok(),
                "{text:x?}"
            );
        }
    }
}
