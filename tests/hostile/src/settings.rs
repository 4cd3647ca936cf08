//! The settings that both targets take, in their two forms.

use std::time::Duration;

use grpc_websocket_tokio::WebSocketLayer;

/// Limits of time, in whole seconds as the gateway's flags are.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// From the upgrade to the end of the header block.
    pub metadata_timeout: u64,
    /// Silence before a ping.
    pub keepalive_interval: u64,
    /// Silence after it.
    pub keepalive_timeout: u64,
}

impl Default for Settings {
    /// Those of the product.
    fn default() -> Self {
        Self {
            metadata_timeout: 10,
            keepalive_interval: 20,
            keepalive_timeout: 10,
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
        }
    }

    pub(crate) fn layer(self) -> WebSocketLayer {
        let secs = Duration::from_secs;
        WebSocketLayer::new()
            .metadata_timeout(secs(self.metadata_timeout))
            .keepalive(secs(self.keepalive_interval), secs(self.keepalive_timeout))
    }

    pub(crate) fn flags(self) -> Vec<String> {
        [
            ("--header-timeout", self.metadata_timeout),
            ("--keepalive-interval", self.keepalive_interval),
            ("--keepalive-timeout", self.keepalive_timeout),
        ]
        .into_iter()
        .flat_map(|(flag, secs)| [flag.to_owned(), secs.to_string()])
        .collect()
    }
}
