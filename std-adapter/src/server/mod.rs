//! The server: one port for every way to call a gRPC service.

mod connection;
mod grpc_web;
pub(crate) mod handshake;
pub(crate) mod headers;
mod layer;
mod listener;
pub(crate) mod origin;
mod peer;
mod preface;
pub(crate) mod request;
pub(crate) mod response;
mod serve;
mod services;
pub(crate) mod shutdown;
mod spawn;
mod task;
mod timeouts;
#[cfg(feature = "tls")]
mod tls;
mod upload;

pub use grpc_web::GrpcWeb;
pub use layer::{WebSocketLayer, WebSocketService};
pub use listener::Listener;
pub use origin::{AllowOrigin, InvalidOrigin, Origin};
pub use serve::{Server, serve, serve_with_shutdown};
pub use services::Services;
pub use shutdown::GracefulShutdown;
pub use spawn::{SpawnLayer, SpawnService};
