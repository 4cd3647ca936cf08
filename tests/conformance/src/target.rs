//! The matrix: which clients run the cases, and against which servers.

use std::net::SocketAddr;

use grpc_websocket_hostile::{Gateway, Settings};
use grpc_websocket_tokio::{Subprotocols, Transports};
use tokio::net::TcpListener;
use tonic::service::Routes;
use tonic::transport::Endpoint;
use tonic::transport::server::TcpIncoming;

use crate::channel::{AnyChannel, erase};
use crate::wire::{Carrier, SingleClient};

/// The largest block of metadata that any server here takes.
const MAX_METADATA: u32 = 96 * 1024;

/// The clients that run all cases. Another one is one more line.
pub const CLIENTS: &[Client] = &[
    Client::new("tonic over HTTP/2", Carrier::Http2, over_http2),
    Client::new("Channel by mux", Carrier::Mux, channel_by_mux),
    Client::new("Channel by single", Carrier::Single, channel_by_single),
    Client::new("Channel by HTTP/2", Carrier::Http2, channel_by_http2),
    Client::new(
        "plain grpc-websockets",
        Carrier::Single,
        over_plain_websocket,
    ),
];

/// A client under test.
#[derive(Debug, Clone, Copy)]
pub struct Client {
    /// Unique.
    pub name: &'static str,
    /// What it speaks.
    pub carrier: Carrier,
    /// Makes a channel to a server; connects when it likes.
    pub connect: fn(SocketAddr) -> AnyChannel,
}

/// Where the service is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In this process, on our server.
    Server,
    /// On a tonic server behind the gateway.
    Gateway,
}

/// A server that runs as long as the runtime and this do.
#[derive(Debug)]
pub struct Server {
    /// Where clients connect to.
    pub address: SocketAddr,
    _gateway: Option<Gateway>,
}

impl Client {
    const fn new(
        name: &'static str,
        carrier: Carrier,
        connect: fn(SocketAddr) -> AnyChannel,
    ) -> Self {
        Self {
            name,
            carrier,
            connect,
        }
    }
}

impl Place {
    /// For names of targets.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Server => "our server",
            Self::Gateway => "gateway",
        }
    }
}

impl Server {
    /// Serves routes with a limit for messages, in bytes.
    ///
    /// # Panics
    /// When it does not start.
    pub async fn start(place: Place, routes: Routes, max_message_size: u32) -> Self {
        let settings = Settings {
            max_message_size,
            max_header_size: MAX_METADATA,
            ..Settings::default()
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("its address");
        match place {
            Place::Server => {
                tokio::spawn(our_server(listener, routes, settings));
                Self {
                    address,
                    _gateway: None,
                }
            }
            Place::Gateway => {
                tokio::spawn(tonic_server(listener, routes));
                let start = tokio::task::spawn_blocking(move || Gateway::start(address, settings));
                let gateway = start.await.expect("the gateway");
                Self {
                    address: gateway.address,
                    _gateway: Some(gateway),
                }
            }
        }
    }
}

async fn our_server(listener: TcpListener, routes: Routes, settings: Settings) {
    let server = grpc_websocket_tokio::Server::new().layer(settings.layer());
    let served = server.serve(listener, routes).await;
    served.expect("a server without end");
}

async fn tonic_server(listener: TcpListener, routes: Routes) {
    let mut server = tonic::transport::Server::builder().http2_max_header_list_size(MAX_METADATA);
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let served = server
        .add_routes(routes)
        .serve_with_incoming(incoming)
        .await;
    served.expect("a server without end");
}

fn over_http2(address: SocketAddr) -> AnyChannel {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("a URI");
    erase(
        endpoint
            .http2_max_header_list_size(MAX_METADATA)
            .connect_lazy(),
    )
}

fn over_plain_websocket(address: SocketAddr) -> AnyChannel {
    erase(SingleClient(address))
}

fn channel_by_mux(address: SocketAddr) -> AnyChannel {
    let endpoint = endpoint("ws", address).subprotocols(Subprotocols::Mux);
    erase(endpoint.connect_lazy())
}

fn channel_by_single(address: SocketAddr) -> AnyChannel {
    let endpoint = endpoint("ws", address).subprotocols(Subprotocols::Single);
    erase(endpoint.connect_lazy())
}

fn channel_by_http2(address: SocketAddr) -> AnyChannel {
    let endpoint = endpoint("http", address).transports(Transports::Http2);
    erase(endpoint.connect_lazy())
}

fn endpoint(scheme: &str, address: SocketAddr) -> grpc_websocket_tokio::Endpoint {
    let endpoint = grpc_websocket_tokio::Endpoint::new(format!("{scheme}://{address}"));
    endpoint.expect("a URI").max_metadata_len(MAX_METADATA)
}
