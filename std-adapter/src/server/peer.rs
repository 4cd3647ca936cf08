//! Who the peer of a connection is, for interceptors and handlers.

use http::Extensions;
use tonic::transport::server::Connected;

/// What a connection says of its peer.
pub(crate) fn of<I: Connected>(io: &I) -> Extensions {
    let mut extensions = Extensions::new();
    extensions.insert(io.connect_info());
    extensions
}

/// What a connection over TLS says of its peer, and the one below it.
#[cfg(feature = "tls")]
pub(crate) fn of_tls<I: Connected>(io: &tokio_rustls::server::TlsStream<I>) -> Extensions {
    let info = io.connect_info();
    let mut extensions = Extensions::new();
    extensions.insert(info.get_ref().clone());
    extensions.insert(info);
    extensions
}

/// Says the peer's address as tonic does where axum said it, and as axum does where tonic did: by
/// `axum::serve` with connect info, or by [`Server`](crate::Server).
#[cfg(feature = "axum")]
pub(crate) fn complete(extensions: &mut Extensions) {
    use std::net::SocketAddr;

    use axum::extract::ConnectInfo;
    use tonic::transport::server::TcpConnectInfo;

    let tonics = extensions.get::<TcpConnectInfo>();
    let axums = extensions.get::<ConnectInfo<SocketAddr>>();
    match (tonics.map(TcpConnectInfo::remote_addr), axums.copied()) {
        (None, Some(ConnectInfo(peer))) => {
            extensions.insert(TcpConnectInfo {
                local_addr: None,
                remote_addr: Some(peer),
            });
        }
        (Some(Some(peer)), None) => {
            extensions.insert(ConnectInfo(peer));
        }
        _ => {}
    }
}
