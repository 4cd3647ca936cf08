//! Masking keys and nonces.

/// Marsaglia's xorshift, from a seed that the application takes from its hardware.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// All zeros, for the memory of a connection that has no seed yet.
    pub(crate) const UNSET: Self = Self(0);

    pub(crate) const fn new(seed: u64) -> Self {
        // It stays at zero for ever.
        Self(if seed == 0 {
            0x9e37_79b9_7f4a_7c15
        } else {
            seed
        })
    }

    pub(crate) const fn next(&mut self) -> [u8; 4] {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let [_, _, a, b, c, d, _, _] = self.0.to_be_bytes();
        [a, b, c, d]
    }

    pub(crate) fn nonce(&mut self) -> [u8; 16] {
        let mut nonce = [0; 16];
        for bytes in nonce.chunks_exact_mut(4) {
            crate::ring::copy(bytes, &self.next());
        }
        nonce
    }
}
