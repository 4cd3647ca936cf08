//! The ways to call through a proxy.

use std::net::SocketAddr;

use grpc_websocket_interop::proto::interop_client::InteropClient;
use grpc_websocket_tokio::{self as tokio_adapter, Endpoint, Subprotocols, Transports};
use http::{Request, Response};
use tonic::Status;
use tonic::body::Body;
use tower::util::BoxCloneSyncService;

use crate::grpc_web;
use crate::proxy::Proxy;

/// A client, whichever way it calls.
pub(crate) type Client = InteropClient<BoxCloneSyncService<Request<Body>, Response<Body>, Status>>;

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Mux,
    Single,
    Http2,
    GrpcWeb,
}

impl Way {
    /// Those with all four kinds of calls.
    pub(crate) const STREAMING: [Self; 3] = [Self::Mux, Self::Single, Self::Http2];
    pub(crate) const ALL: [Self; 4] = [Self::Mux, Self::Single, Self::Http2, Self::GrpcWeb];

    /// What the gateway's metrics call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Mux => "grpc-mux.v1",
            Self::Single => "grpc-websockets",
            Self::Http2 => "http2",
            Self::GrpcWeb => "grpc-web",
        }
    }

    /// A client with connections of its own.
    pub(crate) fn client(self, proxy: &Proxy) -> Client {
        let channel = |subprotocols, transports| {
            let channel = endpoint(proxy)
                .subprotocols(subprotocols)
                .transports(transports)
                .connect_lazy();
            BoxCloneSyncService::new(channel)
        };
        InteropClient::new(match self {
            Self::Mux => channel(Subprotocols::Mux, Transports::WebSocket),
            Self::Single => channel(Subprotocols::Single, Transports::WebSocket),
            Self::Http2 => channel(Subprotocols::Any, Transports::Http2),
            Self::GrpcWeb => grpc_web::client(proxy),
        })
    }
}

/// A client of a server that no proxy is in front of.
pub(crate) fn direct(server: SocketAddr) -> Client {
    let endpoint = Endpoint::new(format!("http://{server}")).unwrap();
    let channel = endpoint.proxy(tokio_adapter::Proxy::None).connect_lazy();
    InteropClient::new(BoxCloneSyncService::new(channel))
}

fn endpoint(proxy: &Proxy) -> Endpoint {
    let scheme = match proxy.certificate {
        Some(_) => "https",
        None => "http",
    };
    let endpoint = Endpoint::new(format!("{scheme}://{}", proxy.address))
        .unwrap()
        .proxy(tokio_adapter::Proxy::None);
    match &proxy.certificate {
        Some(certificate) => endpoint.tls_config(certificate.client()),
        None => endpoint,
    }
}
