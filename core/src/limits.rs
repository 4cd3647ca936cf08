//! What a peer may cost.

use core::time::Duration;

/// Bounds on what one call may send. All are checked before anything is kept.
///
/// ```
/// use grpc_websocket_core::Limits;
/// let limits = Limits::DEFAULT.with_max_message_len(64 * 1024);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The longest message in bytes, as its prefix announces it. gRPC's usual 4 MiB by default.
    pub max_message_len: u32,
    /// The largest block of initial or trailing metadata, counted as HTTP/2 does: name + value +
    /// 32 bytes for each field (RFC 9113 section 6.5.2). 8 KiB by default, as gRPC suggests.
    pub max_metadata_len: u32,
    /// How long a server waits for the initial metadata to be complete. 10 s by default.
    pub metadata_timeout: Duration,
}

impl Limits {
    /// The limits gRPC implementations agree on.
    pub const DEFAULT: Self = Self {
        max_message_len: 4 * 1024 * 1024,
        max_metadata_len: 8 * 1024,
        metadata_timeout: Duration::from_secs(10),
    };

    /// Sets [`Limits::max_message_len`].
    #[must_use]
    pub const fn with_max_message_len(mut self, bytes: u32) -> Self {
        self.max_message_len = bytes;
        self
    }

    /// Sets [`Limits::max_metadata_len`].
    #[must_use]
    pub const fn with_max_metadata_len(mut self, bytes: u32) -> Self {
        self.max_metadata_len = bytes;
        self
    }

    /// Sets [`Limits::metadata_timeout`].
    #[must_use]
    pub const fn with_metadata_timeout(mut self, timeout: Duration) -> Self {
        self.metadata_timeout = timeout;
        self
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}
