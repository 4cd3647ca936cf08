//! TLS by rustls.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;

use rustls_native_certs::CertificateResult;
use tokio::sync::OnceCell;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{AlertDescription, ClientConfig, Error, RootCertStore};

use super::error::Cause;
use super::io::{Alpn, Io};

/// TLS's handshake, by `config` or else by the machine's root certificates.
pub(super) async fn handshake(
    io: Io,
    host: &str,
    alpn: Alpn,
    config: Option<&Arc<ClientConfig>>,
) -> Result<Io, Cause> {
    let name =
        ServerName::try_from(host.to_owned()).map_err(|error| Cause::Connect(error.into()))?;
    let mut config = match config {
        Some(config) => ClientConfig::clone(config),
        None => ClientConfig::clone(&*machines_config().await?),
    };
    config.alpn_protocols = vec![alpn.name().to_vec()];
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, io)
        .await
        .map_err(Cause::Tls)?;
    let negotiated = chosen(stream.get_ref().1.alpn_protocol());
    Ok(Io::new(stream).with_negotiated(negotiated))
}

/// Whether TLS failed for the lack of a common protocol.
pub(super) fn is_no_protocol(error: &io::Error) -> bool {
    let error = error.get_ref().and_then(|error| error.downcast_ref());
    matches!(
        error,
        Some(Error::AlertReceived(
            AlertDescription::NoApplicationProtocol
        ))
    )
}

fn chosen(protocol: Option<&[u8]>) -> Option<Alpn> {
    [Alpn::Http1, Alpn::Http2]
        .into_iter()
        .find(|alpn| Some(alpn.name()) == protocol)
}

/// A configuration with the machine's root certificates, which are read once.
async fn machines_config() -> Result<Arc<ClientConfig>, Cause> {
    static CONFIG: OnceCell<Arc<ClientConfig>> = OnceCell::const_new();
    let config = CONFIG.get_or_try_init(|| async {
        let found = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs)
            .await
            .map_err(|error| Cause::Connect(error.into()))?;
        trusting(found)
    });
    config.await.map(Arc::clone)
}

fn trusting(found: CertificateResult) -> Result<Arc<ClientConfig>, Cause> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        let mut why = String::new();
        if let Some(error) = found.errors.first() {
            let _ = write!(why, ": {error}");
        }
        return Err(Cause::NoRoots(why));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Cause::Connect(error.into()))?;
    Ok(Arc::new(
        config.with_root_certificates(roots).with_no_client_auth(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_root_certificates_is_told() {
        let Err(none) = trusting(CertificateResult::default()) else {
            panic!("it trusts somebody");
        };
        assert!(none.to_string().starts_with("no root certificates"));
    }
}
