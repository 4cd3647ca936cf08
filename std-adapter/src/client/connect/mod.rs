//! Connections to a server: TCP or a unix socket, TLS, through a proxy where one is set.

mod connector;
mod error;
pub(crate) mod http1;
mod io;
mod proxy;
mod target;
#[cfg(test)]
pub(crate) mod tests;
#[cfg(feature = "tls")]
mod tls;

pub(crate) use connector::Connector;
pub(crate) use error::{ConnectError, write_chain};
pub(crate) use io::{Alpn, Io};
pub use proxy::Proxy;
pub use target::InvalidUri;
pub(crate) use target::{Target, TargetScheme};
