//! What clients and upstreams may cost.

use std::time::Duration;

use clap::Args;
use grpc_websocket_tokio::WebSocketLayer;

use super::values::seconds;

#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct Limits {
    /// Longest message a client may send over WebSocket
    #[arg(
        long,
        env = "GRPC_WEBSOCKET_MAX_MESSAGE_SIZE",
        value_name = "BYTES",
        default_value_t = 4 * 1024 * 1024
    )]
    max_message_size: u32,

    /// Largest block of request metadata over WebSocket, counting each field as name + value + 32
    #[arg(
        long,
        env = "GRPC_WEBSOCKET_MAX_HEADER_SIZE",
        value_name = "BYTES",
        default_value_t = 8 * 1024
    )]
    max_header_size: u32,

    /// How long a WebSocket client may take from the upgrade to its request metadata
    #[arg(
        long,
        env = "GRPC_WEBSOCKET_HEADER_TIMEOUT",
        value_name = "SECONDS",
        value_parser = seconds(),
        default_value_t = 10
    )]
    header_timeout: u64,

    /// How many calls a client may have open on one WebSocket, where its subprotocol has several
    #[arg(
        long,
        env = "GRPC_WEBSOCKET_MAX_CONCURRENT_CALLS",
        value_name = "CALLS",
        default_value_t = 256
    )]
    max_concurrent_calls: u32,

    /// Silence after which a WebSocket client is pinged; proxies often end what is silent for 60 s
    #[arg(
        long,
        env = "GRPC_WEBSOCKET_KEEPALIVE_INTERVAL",
        value_name = "SECONDS",
        value_parser = seconds(),
        default_value_t = 20
    )]
    keepalive_interval: u64,

    /// Silence after the ping after which its calls are cancelled
    #[arg(
        long,
        env = "GRPC_WEBSOCKET_KEEPALIVE_TIMEOUT",
        value_name = "SECONDS",
        value_parser = seconds(),
        default_value_t = 10
    )]
    keepalive_timeout: u64,

    /// How often an upstream is pinged while it has calls
    ///
    /// gRPC servers take frequent pings for abuse: by default they allow one in 300 seconds.
    #[arg(
        long,
        env = "GRPC_WEBSOCKET_UPSTREAM_KEEPALIVE",
        value_name = "SECONDS",
        value_parser = seconds(),
        default_value_t = 320
    )]
    upstream_keepalive: u64,
}

impl Limits {
    pub(super) fn apply(&self, layer: WebSocketLayer) -> WebSocketLayer {
        let secs = Duration::from_secs;
        layer
            .max_message_len(self.max_message_size)
            .max_metadata_len(self.max_header_size)
            .metadata_timeout(secs(self.header_timeout))
            .max_concurrent_calls(self.max_concurrent_calls)
            .keepalive(secs(self.keepalive_interval), secs(self.keepalive_timeout))
    }

    pub(super) fn upstream_keepalive(&self) -> Duration {
        Duration::from_secs(self.upstream_keepalive)
    }
}
