//! Makes connections.

#[cfg(feature = "tls")]
use std::sync::Arc;
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use tokio::net::UnixStream;
use tokio::time::timeout;
#[cfg(feature = "tls")]
use tokio_rustls::rustls::ClientConfig;
use tower::ServiceExt as _;

use super::error::{Cause, ConnectError};
use super::io::{Alpn, Io};
use super::proxy::{Hop, Proxies, Proxy, with_port};
use super::target::{Place, Target};

/// TCP's keepalive finds a host that vanished. Frequent HTTP/2 pings would find it too, but gRPC
/// servers take them for abuse and end the connection (grpc-go allows one in five minutes).
const KEEPALIVE_TIME: Duration = Duration::from_secs(10);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);

/// Connects to servers. Clones share what they read of the machine's settings.
#[derive(Debug, Clone)]
pub(crate) struct Connector {
    #[cfg(feature = "tls")]
    tls: Option<Arc<ClientConfig>>,
    proxies: Proxies,
    limit: Duration,
}

impl Connector {
    /// `limit` is the time that a connection may take: name, TCP, proxy and TLS together.
    pub(crate) fn new(proxy: &Proxy, limit: Duration) -> Self {
        Self {
            #[cfg(feature = "tls")]
            tls: None,
            proxies: Proxies::new(proxy),
            limit,
        }
    }

    /// TLS with this configuration instead of the machine's root certificates. Its ALPN is replaced.
    #[cfg(feature = "tls")]
    pub(crate) fn with_tls(mut self, tls: Option<Arc<ClientConfig>>) -> Self {
        self.tls = tls;
        self
    }

    /// Connects, and offers a protocol if there is TLS. Dropping the future gives the attempt up.
    pub(crate) async fn connect(&self, target: &Target, alpn: Alpn) -> Result<Io, ConnectError> {
        let hop = self
            .proxies
            .hop(target)
            .map_err(|cause| ConnectError::new(target, None, cause))?;
        let connected = timeout(self.limit, self.through(hop.as_ref(), target, alpn)).await;
        connected
            .unwrap_or(Err(Cause::Timeout(self.limit)))
            .map_err(|cause| {
                let proxy = hop.map(|hop| hop.target.to_string());
                ConnectError::new(target, proxy, cause)
            })
    }

    async fn through(&self, hop: Option<&Hop>, target: &Target, alpn: Alpn) -> Result<Io, Cause> {
        let io = match hop {
            None => open(target).await?,
            Some(hop) => {
                let io = self.secure(open(&hop.target).await?, &hop.target, Alpn::Http1);
                hop.tunnel(io.await?, target).await?
            }
        };
        self.secure(io, target, alpn).await
    }

    /// TLS where the target asks for it.
    #[cfg(feature = "tls")]
    async fn secure(&self, io: Io, target: &Target, alpn: Alpn) -> Result<Io, Cause> {
        match target.place() {
            Place::Tcp { host, .. } if target.is_tls() => {
                super::tls::handshake(io, host, alpn, self.tls.as_ref()).await
            }
            _ => Ok(io),
        }
    }

    #[cfg(not(feature = "tls"))]
    async fn secure(&self, io: Io, target: &Target, _: Alpn) -> Result<Io, Cause> {
        if target.is_tls() {
            return Err(Cause::NoTls);
        }
        Ok(io)
    }
}

async fn open(target: &Target) -> Result<Io, Cause> {
    match target.place() {
        Place::Tcp { .. } => open_tcp(target).await,
        Place::Unix(path) => match UnixStream::connect(path).await {
            Ok(stream) => Ok(Io::new(stream)),
            Err(error) => Err(Cause::Connect(error.into())),
        },
    }
}

/// Tries the addresses of a name, IPv6 and IPv4 side by side (RFC 8305).
async fn open_tcp(target: &Target) -> Result<Io, Cause> {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_keepalive(Some(KEEPALIVE_TIME));
    connector.set_keepalive_interval(Some(KEEPALIVE_INTERVAL));
    let mut uri = http::uri::Parts::default();
    uri.scheme = Some(target.http_scheme());
    uri.authority = with_port(target);
    uri.path_and_query = Some(http::uri::PathAndQuery::from_static("/"));
    let uri = Uri::from_parts(uri).map_err(|error| Cause::Connect(error.into()))?;
    match connector.oneshot(uri).await {
        Ok(stream) => Ok(Io::new(stream.into_inner())),
        Err(error) => Err(Cause::Connect(error.into())),
    }
}
