//! How a call came.

use std::fmt::{self, Write as _};

use grpc_websocket_tokio::{GrpcWeb, Subprotocol};
use http::Request;
use prometheus_client::encoding::{EncodeLabelValue, LabelValueEncoder};

/// The protocol between the client and the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Transport {
    Http2,
    GrpcWeb,
    WebSocket(Subprotocol),
}

impl Transport {
    /// What brought a request here.
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        if let Some(subprotocol) = request.extensions().get() {
            return Self::WebSocket(*subprotocol);
        }
        if request.extensions().get::<GrpcWeb>().is_some() {
            return Self::GrpcWeb;
        }
        Self::Http2
    }

    /// Its name in metrics and logs.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Http2 => "http2",
            Self::GrpcWeb => "grpc-web",
            Self::WebSocket(subprotocol) => subprotocol.name(),
        }
    }
}

impl EncodeLabelValue for Transport {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> fmt::Result {
        encoder.write_str(self.name())
    }
}
