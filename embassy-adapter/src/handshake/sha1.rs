//! SHA-1 (FIPS 180-4) of what the handshake hashes.
//!
//! Here it proves that a server read the request, no more; for secrets SHA-1 is of no use. A
//! library's costs a device several times the code, and can panic as far as a linker sees.

/// What a key is hashed with (RFC 6455 section 1.3).
const GUID: &[u8; 36] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// What fills the second block: the length of key and GUID in bits. The first ends with the 1 that
/// follows them.
const LAST: [u32; 16] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8 * 60];

const START: [u32; 5] = [
    0x6745_2301,
    0xefcd_ab89,
    0x98ba_dcfe,
    0x1032_5476,
    0xc3d2_e1f0,
];

/// The digest of a key and the GUID.
pub(super) fn digest(key: &[u8; 24]) -> [[u8; 4]; 5] {
    let mut first = [1 << 31; 16];
    let (key, _) = key.as_chunks();
    let (guid, _) = GUID.as_chunks();
    for (word, bytes) in first.iter_mut().zip(key.iter().chain(guid)) {
        *word = u32::from_be_bytes(*bytes);
    }
    compress(compress(START, first), LAST).map(u32::to_be_bytes)
}

/// Takes a block into the state (FIPS 180-4 section 6.1.2).
fn compress(state: [u32; 5], mut block: [u32; 16]) -> [u32; 5] {
    let [mut a, mut b, mut c, mut d, mut e] = state;
    for round in 0..80 {
        let (mixed, constant) = match round {
            0..20 => ((b & c) | (!b & d), 0x5a82_7999),
            20..40 => (b ^ c ^ d, 0x6ed9_eba1),
            40..60 => ((b & c) | (b & d) | (c & d), 0x8f1b_bcdc),
            _ => (b ^ c ^ d, 0xca62_c1d6),
        };
        let next = [mixed, e, constant, next_word(&mut block, round)]
            .into_iter()
            .fold(a.rotate_left(5), u32::wrapping_add);
        (a, b, c, d, e) = (next, a, b.rotate_left(30), c, d);
    }
    let [start_a, start_b, start_c, start_d, start_e] = state;
    [
        start_a.wrapping_add(a),
        start_b.wrapping_add(b),
        start_c.wrapping_add(c),
        start_d.wrapping_add(d),
        start_e.wrapping_add(e),
    ]
}

/// The word of a round. In its place comes the one of 16 rounds later.
fn next_word(words: &mut [u32; 16], round: usize) -> u32 {
    let at = |later: usize| {
        let word = words.get(round.wrapping_add(later) % 16);
        word.copied().unwrap_or_default()
    };
    let word = at(0);
    let next = (word ^ at(2) ^ at(8) ^ at(13)).rotate_left(1);
    if let Some(slot) = words.get_mut(round % 16) {
        *slot = next;
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_another_implementation_says() {
        for seed in 0..=u8::MAX {
            let mut key = [seed; 24];
            key[usize::from(seed) % 24] = 0x5a;
            let mut other = sha1_smol::Sha1::from(key);
            other.update(GUID);
            assert_eq!(digest(&key).concat(), other.digest().bytes());
        }
    }
}
