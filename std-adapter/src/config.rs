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
    /// The longest WebSocket message that is read: a gRPC message, a header block, and the framing
    /// around them. A client may send several gRPC messages in one, up to this.
    pub(crate) fn max_websocket_message(&self) -> usize {
        const FRAMING: usize = 64 * 1024;
        let len = self
            .limits
            .max_message_len
            .max(self.limits.max_metadata_len);
        usize::try_from(len)
            .unwrap_or(usize::MAX)
            .saturating_add(FRAMING)
    }
}

/// How a silent peer is found out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Keepalive {
    /// Silence after which a ping is sent.
    pub(crate) interval: Duration,
    /// Further silence after which the peer is taken for gone.
    pub(crate) timeout: Duration,
}

impl Default for Keepalive {
    fn default() -> Self {
        Self {
            interval: Duration::from_secs(20),
            timeout: Duration::from_secs(10),
        }
    }
}
