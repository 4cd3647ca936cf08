//! gRPC over WebSocket, for tonic and axum.
//!
//! * A server: [`serve`] or [`Server`] answers HTTP/2, gRPC-Web and WebSocket on one port;
//!   [`WebSocketLayer`] is the part of it that fits into another HTTP server; [`Services`] is a light
//!   router for them.
//! * A client: [`Channel`], for the stubs that tonic generates, by WebSocket or HTTP/2; [`Endpoint`] has
//!   its settings.
//! * Calls to devices that dialled in: [`Registry`].
//!
//! Features: `tls` (by default) for `wss` and `https` by rustls, `axum` (by default) for peers' addresses
//! below `axum::serve`.

mod body;
mod chunks;
mod client;
mod config;
mod deadline;
mod driver;
mod gather;
mod metadata;
mod registry;
mod seldom;
mod server;
mod spare;
mod status;
mod subprotocol;
mod websocket;

pub use client::{
    Backoff, Channel, Endpoint, InvalidUri, Proxy, Subprotocols, Transport, Transports,
};
pub use registry::{Registry, RegistryEvent, RegistryEvents};
pub use server::{
    AllowOrigin, GracefulShutdown, GrpcWeb, InvalidOrigin, Listener, Origin, Server, Services,
    SpawnLayer, SpawnService, WebSocketLayer, WebSocketService, serve, serve_with_shutdown,
};
pub use subprotocol::Subprotocol;
/// The version of rustls that [`Server::tls`] takes the configuration of.
#[cfg(feature = "tls")]
pub use tokio_rustls::rustls;
