//! Values that the compiler knows nothing of.

use core::time::Duration;

use grpc_websocket_core::single::Fragment;
use grpc_websocket_core::{Code, Instant, Limits};

/// Memory that the caller of an entry point fills. It is read as volatile, so that every read may
/// give another value.
#[repr(C)]
#[derive(Debug)]
pub struct Input {
    number: *const u64,
    bytes: *const *const u8,
    bytes_len: *const usize,
    buffer: *const *mut u8,
    buffer_len: *const usize,
}

impl Input {
    pub(crate) fn u64(&self) -> u64 {
        // SAFETY: the caller of the entry point gives valid pointers.
        unsafe { self.number.read_volatile() }
    }

    pub(crate) fn u32(&self) -> u32 {
        self.u64() as u32
    }

    pub(crate) fn u16(&self) -> u16 {
        self.u64() as u16
    }

    pub(crate) fn u8(&self) -> u8 {
        self.u64() as u8
    }

    pub(crate) fn bool(&self) -> bool {
        self.u64() & 1 == 1
    }

    pub(crate) fn option<T>(&self, value: T) -> Option<T> {
        self.bool().then_some(value)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: as above; the pointer and the length belong together.
        unsafe {
            core::slice::from_raw_parts(self.bytes.read_volatile(), self.bytes_len.read_volatile())
        }
    }

    pub(crate) fn str(&self) -> &str {
        // SAFETY: as above; the caller knows the bytes to be UTF-8.
        unsafe { core::str::from_utf8_unchecked(self.bytes()) }
    }

    /// Memory for output.
    #[expect(
        clippy::mut_from_ref,
        reason = "the caller gives other memory at each read"
    )]
    pub(crate) fn buffer(&self) -> &mut [u8] {
        // SAFETY: as above; nothing else has the memory that a read gives.
        unsafe {
            let (start, len) = (self.buffer.read_volatile(), self.buffer_len.read_volatile());
            core::slice::from_raw_parts_mut(start, len)
        }
    }

    pub(crate) fn instant(&self) -> Instant {
        Instant::from_micros(self.u64())
    }

    pub(crate) fn code(&self) -> Code {
        Code::from_value(self.u8())
    }

    pub(crate) fn duration(&self) -> Duration {
        // Not `Duration::new`, which panics on too many nanoseconds, and no division of 64 bits,
        // which would count as code of the core.
        Duration::from_secs(self.u64())
    }

    pub(crate) fn fragment(&self) -> Fragment<'_> {
        if self.bool() {
            Fragment::message(self.bytes())
        } else {
            Fragment::part(self.bytes())
        }
    }

    pub(crate) fn limits(&self) -> Limits {
        let limits = if self.bool() {
            Limits::DEFAULT
        } else {
            Limits::default()
        };
        limits
            .with_max_message_len(self.u32())
            .with_max_metadata_len(self.u32())
            .with_metadata_timeout(self.duration())
    }
}
