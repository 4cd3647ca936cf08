//! `Sec-WebSocket-Key` and its answer.

use grpc_websocket_core::wire::metadata::{decode_binary, encode_binary};

use super::sha1::digest;

/// Length of a key: 16 bytes in base64.
const KEY_LEN: usize = 24;

/// Length of its answer: 20 bytes in base64.
const ACCEPT_LEN: usize = 28;

/// The key of a request, made of 16 random bytes.
pub(super) fn key(nonce: &[u8; 16]) -> [u8; KEY_LEN] {
    padded(nonce)
}

/// The value of `Sec-WebSocket-Accept` for a key.
pub(super) fn accept_value(key: &[u8; KEY_LEN]) -> [u8; ACCEPT_LEN] {
    padded(digest(key).as_flattened())
}

/// Reads the value of `Sec-WebSocket-Key`: base64 of 16 bytes with its padding.
pub(super) fn parse_key(value: &[u8]) -> Option<&[u8; KEY_LEN]> {
    let key = value.try_into().ok()?;
    // Without padding, or with less of it, these are more than 16 bytes.
    decode_binary(value, &mut [0; 16]).ok().map(|_| key)
}

/// Base64 that needs `=` at its end to have a length of 4 times n.
fn padded<const LEN: usize>(bytes: &[u8]) -> [u8; LEN] {
    let mut text = [0; LEN];
    // It fits: LEN is the length of the padded text.
    let _ = encode_binary(bytes, &mut text);
    for byte in text.iter_mut().filter(|byte| **byte == 0) {
        *byte = b'=';
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6455 section 1.3.
    const EXAMPLE: &[u8; KEY_LEN] = b"dGhlIHNhbXBsZSBub25jZQ==";

    #[test]
    fn the_key_of_rfc_6455_is_made_and_answered_as_it_says() {
        assert_eq!(&key(b"the sample nonce"), EXAMPLE);
        assert_eq!(&accept_value(EXAMPLE), b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn a_key_is_sixteen_bytes_in_base64() {
        assert_eq!(parse_key(EXAMPLE), Some(EXAMPLE));
        for text in [
            "",
            "dGhlIHNhbXBsZSBub25jZQ",
            "dGhlIHNhbXBsZSBub25jZQ=",
            "dGhlIHNhbXBsZSBub25jZQ===",
            "dGhlIHNhbXBsZSBub25jZSE=",
            "dGhlIHNhbXBsZSBub25jZSEh",
            "dGhlIHNhbXBsZSBub25jZR==",
            "dGhlIHNhbXBsZSBub25j!Q==",
            "c2hvcnQ=",
            "========================",
        ] {
            assert_eq!(parse_key(text.as_bytes()), None, "{text}");
        }
    }
}
