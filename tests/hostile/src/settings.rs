//! The settings that both targets take, in their two forms.

use std::time::Duration;

use grpc_websocket_tokio::WebSocketLayer;

/// Limits of time, in whole seconds as the gateway's flags are, and of sizes, in bytes.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// From the upgrade to the end of the header block.
    pub metadata_timeout: u64,
    /// Silence before a ping.
    pub keepalive_interval: u64,
    /// Silence after it.
    pub keepalive_timeout: u64,
    /// Of a message.
    pub max_message_size: u32,
    /// Of a block of metadata.
    pub max_header_size: u32,
}

impl Default for Settings {
    /// Those of the product.
    fn default() -> Self {
        Self {
            metadata_timeout: 10,
            keepalive_interval: 20,
            keepalive_timeout: 10,
            max_message_size: 4 * 1024 * 1024,
            max_header_size: 8 * 1024,
        }
    }
}

impl Settings {
    /// All as short as they can be.
    #[must_use]
    pub fn short() -> Self {
        Self {
            metadata_timeout: 1,
            keepalive_interval: 1,
            keepalive_timeout: 1,
            ..Self::default()
        }
    }

    /// For a server in this process.
    #[must_use]
    pub fn layer(self) -> WebSocketLayer {
        let secs = Duration::from_secs;
        WebSocketLayer::new()
            .metadata_timeout(secs(self.metadata_timeout))
            .keepalive(secs(self.keepalive_interval), secs(self.keepalive_timeout))
            .max_message_len(self.max_message_size)
            .max_metadata_len(self.max_header_size)
    }

    pub(crate) fn flags(self) -> Vec<String> {
        [
            ("--header-timeout", self.metadata_timeout),
            ("--keepalive-interval", self.keepalive_interval),
            ("--keepalive-timeout", self.keepalive_timeout),
            ("--max-message-size", self.max_message_size.into()),
            ("--max-header-size", self.max_header_size.into()),
        ]
        .into_iter()
        .flat_map(|(flag, value)| [flag.to_owned(), value.to_string()])
        .collect()
    }
}
