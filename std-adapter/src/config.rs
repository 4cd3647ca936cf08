//! What a server may be told.

use std::time::Duration;

use grpc_websocket_core::Limits;

use crate::origin::AllowOrigin;

/// The settings of a [`WebSocketLayer`](crate::WebSocketLayer).
#[derive(Debug, Clone, Default)]
pub(crate) struct Config {
    pub(crate) limits: Limits,
    pub(crate) origins: AllowOrigin,
    pub(crate) keepalive: Keepalive,
}

impl Config {
    /// The longest WebSocket message that is read: a gRPC message and the framing around it. A
    /// client may send several gRPC messages in one, up to this.
    pub(crate) fn max_websocket_message(&self) -> usize {
        with_framing(self.limits.max_message_len)
    }

    /// The longest WebSocket message before the metadata is complete.
    pub(crate) fn max_first_websocket_message(&self) -> usize {
        with_framing(self.limits.max_metadata_len)
    }
}

/// A limit that leaves room for framing, so that it is the core that finds what is too long.
fn with_framing(len: u32) -> usize {
    const FRAMING: usize = 64 * 1024;
    usize::try_from(len)
        .unwrap_or(usize::MAX)
        .saturating_add(FRAMING)
}

/// How a silent peer is found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Keepalive {
    /// Silence after which a ping is sent.
    pub(crate) interval: Duration,
    /// Further silence after which the peer is taken for gone.
    pub(crate) timeout: Duration,
}

impl Keepalive {
    /// Durations that arithmetic on time can hold: at least a millisecond, at most a year.
    pub(crate) fn new(interval: Duration, timeout: Duration) -> Self {
        const SHORTEST: Duration = Duration::from_millis(1);
        const LONGEST: Duration = Duration::from_secs(365 * 86_400);
        Self {
            interval: interval.clamp(SHORTEST, LONGEST),
            timeout: timeout.clamp(SHORTEST, LONGEST),
        }
    }
}

impl Default for Keepalive {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(20),
            timeout: Duration::from_secs(10),
        }
    }
}
