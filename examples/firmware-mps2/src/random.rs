//! Random numbers of the host, by semihosting: this board has no generator.
#![allow(unsafe_code)]

use core::ffi::CStr;

use cortex_m_semihosting::{nr, syscall};
use rand_core::{CryptoRng, Error, RngCore, impls};

const FILE: &CStr = c"/dev/urandom";

/// Fit for keys, as a generator in hardware is.
pub struct Random {
    file: usize,
}

impl Random {
    /// Opens the host's.
    ///
    /// # Panics
    ///
    /// If it has none.
    #[allow(clippy::new_without_default, reason = "it does something")]
    pub fn new() -> Self {
        // SAFETY: SYS_OPEN reads the name, which ends with a zero behind its length.
        let file = unsafe { syscall!(OPEN, FILE.as_ptr(), nr::open::R_BINARY, FILE.count_bytes()) };
        assert_ne!(file, usize::MAX, "the host has no /dev/urandom");
        Self { file }
    }
}

impl RngCore for Random {
    fn next_u32(&mut self) -> u32 {
        impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        // SAFETY: SYS_READ writes at most so many bytes there, which nobody else uses during the call.
        let missing = unsafe { syscall!(READ, self.file, bytes.as_mut_ptr(), bytes.len()) };
        assert_eq!(missing, 0, "the host reads /dev/urandom");
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Random {}
