//! What either end of a WebSocket may be told.

use std::time::Duration;

use grpc_websocket_core::{Limits, mux};

use crate::server::headers::UpgradeHeaders;
use crate::server::origin::AllowOrigin;
use crate::subprotocol::Subprotocol;

/// How many calls a client may have open on a WebSocket.
const MAX_CALLS: u32 = 256;

/// How many bytes of each of them may wait for its handler: a message of 64 KiB and what is around it
/// comes without a wait.
const CALL_WINDOW: u32 = 80 * 1024;

/// The same at a client, which chooses whom it calls: as hyper's window for a connection.
const CLIENT_CALL_WINDOW: u32 = 1024 * 1024;

/// How many bytes more the calls of a client may have together, if their handlers keep up.
const LENT_WINDOW: usize = 4 * 1024 * 1024;

/// The longest payload of a mux frame from a client, in bytes.
const MAX_MUX_FRAME: u32 = 16 * 1024;

/// The settings of a [`WebSocketLayer`](crate::WebSocketLayer).
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) limits: Limits,
    pub(crate) origins: AllowOrigin,
    pub(crate) upgrade_headers: UpgradeHeaders,
    pub(crate) keepalive: Keepalive,
    /// What `grpc-mux.v1` has beside `limits`. WebSocket's own pings keep its connections.
    pub(crate) mux: mux::Config,
    /// How many bytes the windows of all calls on a WebSocket may be wider than `mux` says, together.
    pub(crate) lent_window_len: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            limits: Limits::DEFAULT,
            origins: AllowOrigin::default(),
            upgrade_headers: UpgradeHeaders::default(),
            keepalive: Keepalive::default(),
            mux: mux::Config::DEFAULT
                .with_max_calls(MAX_CALLS)
                .with_window(CALL_WINDOW)
                .with_max_frame(MAX_MUX_FRAME),
            lent_window_len: LENT_WINDOW,
        }
    }
}

impl Config {
    /// For a client that answers no calls.
    pub(crate) fn client() -> Self {
        let server = Self::default();
        Self {
            mux: server.mux.with_max_calls(0).with_window(CLIENT_CALL_WINDOW),
            ..server
        }
    }

    /// The longest WebSocket message that is read: what is the longest in its subprotocol, and the
    /// framing around it. A client of `grpc-websockets` may send several gRPC messages in one, up
    /// to this.
    pub(crate) fn max_websocket_message(&self, subprotocol: Subprotocol) -> usize {
        with_framing(match subprotocol {
            Subprotocol::Single => self.limits.max_message_len,
            Subprotocol::Mux => self.mux.max_frame,
        })
    }

    /// The longest WebSocket message at first: before the metadata of the one call is complete, if
    /// there is one.
    pub(crate) fn max_first_websocket_message(&self, subprotocol: Subprotocol) -> usize {
        match subprotocol {
            Subprotocol::Single => with_framing(self.limits.max_metadata_len),
            Subprotocol::Mux => self.max_websocket_message(subprotocol),
        }
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
