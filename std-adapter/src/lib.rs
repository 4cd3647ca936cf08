//! gRPC over WebSocket for tonic and axum servers.

mod body;
mod chunks;
mod closing;
mod config;
mod driver;
mod gather;
mod grpc_web;
mod handshake;
mod layer;
mod liveness;
mod metadata;
mod metered;
mod origin;
mod preface;
mod request;
mod response;
mod serve;
mod socket;
mod status;

pub use layer::{WebSocketLayer, WebSocketService};
pub use origin::{AllowOrigin, InvalidOrigin, Origin};
pub use serve::{serve, serve_with};
