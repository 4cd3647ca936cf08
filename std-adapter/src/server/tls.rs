//! TLS of a server, by rustls.

use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

/// By RFC 7301: what HTTP/2 and HTTP/1.1 are called in the handshake.
const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Accepts TLS by a configuration, which need not name the protocols above.
pub(crate) fn acceptor(mut config: Arc<ServerConfig>) -> TlsAcceptor {
    if config.alpn_protocols.is_empty() {
        Arc::make_mut(&mut config).alpn_protocols = ALPN.map(<[u8]>::to_vec).to_vec();
    }
    TlsAcceptor::from(config)
}
