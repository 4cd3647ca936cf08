//! What an end of a connection takes, and when it gives up.

use embassy_time::Duration;

/// What an end of a connection takes, and when it gives up.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Config {
    /// How many calls the peer may have open, of the places that the
    /// [`State`](crate::State) has; none by default. The others are for calls made here.
    pub max_incoming_calls: usize,
    /// The longest message that is taken, in bytes; 64 KiB by default. It may be longer than the
    /// device's memory: read it in pieces.
    pub max_message_len: u32,
    /// How long a peer may take to its handshake, to its settings, and to the metadata of a call;
    /// 10 s by default.
    pub handshake_timeout: Duration,
    /// After how much silence the peer is asked whether it is there, and after how much more it is
    /// given up; 20 s and 10 s by default. In `grpc-websockets` it is not asked.
    pub keepalive: Option<(Duration, Duration)>,
    /// Whether to flush the writer after each burst. TLS streams send nothing without; TCP sockets
    /// of embassy-net need none, and wait in it for the peer. Not so by default.
    pub flush: bool,
}

impl Config {
    /// The defaults.
    pub const DEFAULT: Self = Self {
        max_incoming_calls: 0,
        max_message_len: 64 * 1024,
        handshake_timeout: Duration::from_secs(10),
        keepalive: Some((Duration::from_secs(20), Duration::from_secs(10))),
        flush: false,
    };

    /// All zeros, for the memory of a connection that has none yet.
    pub(crate) const UNSET: Self = Self {
        max_incoming_calls: 0,
        max_message_len: 0,
        handshake_timeout: Duration::from_ticks(0),
        keepalive: None,
        flush: false,
    };

    /// Sets [`Config::max_incoming_calls`].
    #[must_use]
    pub const fn with_max_incoming_calls(mut self, calls: usize) -> Self {
        self.max_incoming_calls = calls;
        self
    }

    /// Sets [`Config::max_message_len`].
    #[must_use]
    pub const fn with_max_message_len(mut self, bytes: u32) -> Self {
        self.max_message_len = bytes;
        self
    }

    /// Sets [`Config::handshake_timeout`].
    #[must_use]
    pub const fn with_handshake_timeout(mut self, timeout: Duration) -> Self {
        self.handshake_timeout = timeout;
        self
    }

    /// Sets [`Config::keepalive`].
    #[must_use]
    pub const fn with_keepalive(mut self, keepalive: Option<(Duration, Duration)>) -> Self {
        self.keepalive = keepalive;
        self
    }

    /// Sets [`Config::flush`].
    #[must_use]
    pub const fn with_flush(mut self, flush: bool) -> Self {
        self.flush = flush;
        self
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::DEFAULT
    }
}
