//! TLS of both ends: a certificate that signs itself, and a load generator that knows no other.

use std::error::Error;
use std::sync::{Arc, LazyLock};

use rcgen::{CertificateParams, KeyPair};
use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::peer::Protocol;

/// Whom the certificate names.
pub const NAME: &str = "localhost";

type BoxError = Box<dyn Error + Send + Sync>;

/// The certificate and its key, as PEM, one after the other. Each run has its own.
pub static IDENTITY: LazyLock<String> = LazyLock::new(|| identity().expect("the name is valid"));

fn identity() -> Result<String, rcgen::Error> {
    let key = KeyPair::generate()?;
    let certificate = CertificateParams::new([NAME.to_owned()])?.self_signed(&key)?;
    Ok(certificate.pem() + &key.serialize_pem())
}

/// Of a server of this project.
///
/// # Errors
/// The PEM is not as [`IDENTITY`].
pub(crate) fn server(pem: &str) -> Result<Arc<ServerConfig>, BoxError> {
    let certificate = CertificateDer::from_pem_slice(pem.as_bytes())?;
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes())?;
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)?;
    Ok(Arc::new(config))
}

/// Of a load generator. Each connection shakes hands in full.
///
/// # Errors
/// None: the certificate is of this process.
pub(crate) fn client(protocol: Protocol) -> Result<Arc<ClientConfig>, BoxError> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(IDENTITY.as_bytes())?)?;
    let mut config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.resumption = Resumption::disabled();
    let application: &[u8] = match protocol {
        Protocol::Http2 => b"h2",
        _ => b"http/1.1",
    };
    config.alpn_protocols = vec![application.to_vec()];
    Ok(Arc::new(config))
}
