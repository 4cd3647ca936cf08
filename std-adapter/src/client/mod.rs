//! The client: calls over WebSocket, for the stubs that tonic generates.

mod backoff;
mod channel;
pub(crate) mod connect;
mod device;
mod dial;
mod endpoint;
pub(crate) mod head;
mod http2;
pub(crate) mod outgoing;
mod remote;
mod slot;
mod transport;
mod upgrade;
pub(crate) mod upload;

pub use backoff::Backoff;
pub use channel::Channel;
pub use connect::{InvalidUri, Proxy};
pub use endpoint::Endpoint;
pub use transport::{Subprotocols, Transport, Transports};
