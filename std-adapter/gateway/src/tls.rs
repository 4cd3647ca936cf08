//! Makes TLS settings of PEM files.

use std::path::Path;
use std::sync::Arc;

use grpc_websocket_tokio::rustls::crypto::{CryptoProvider, ring};
use grpc_websocket_tokio::rustls::pki_types::pem::PemObject as _;
use grpc_websocket_tokio::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use grpc_websocket_tokio::rustls::server::{ServerConfig, WebPkiClientVerifier};
use grpc_websocket_tokio::rustls::{ClientConfig, RootCertStore};

use crate::cli::{ClientTls, ServerTls};

/// TLS towards clients, if there is to be any.
pub(crate) fn server(files: &ServerTls) -> Result<Option<Arc<ServerConfig>>, String> {
    let (Some(cert), Some(key)) = (&files.tls_cert, &files.tls_key) else {
        return Ok(None);
    };
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?;
    let builder = match &files.tls_client_ca {
        Some(path) => {
            let roots = Arc::new(roots("--tls-client-ca", path)?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider());
            let verifier = verifier.build();
            builder.with_client_cert_verifier(
                verifier.map_err(|error| format!("--tls-client-ca: {error}"))?,
            )
        }
        None => builder.with_no_client_auth(),
    };
    let (chain, key) = (chain("--tls-cert", cert)?, private_key("--tls-key", key)?);
    let config = builder.with_single_cert(chain, key);
    let config = config.map_err(|error| format!("--tls-cert and --tls-key: {error}"))?;
    Ok(Some(Arc::new(config)))
}

/// TLS towards upstreams.
pub(crate) fn client(files: &ClientTls) -> Result<Arc<ClientConfig>, String> {
    let roots = match &files.upstream_ca {
        Some(path) => roots("--upstream-ca", path)?,
        None => roots_of_system(),
    };
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| error.to_string())?
        .with_root_certificates(roots);
    let config = match (&files.upstream_cert, &files.upstream_key) {
        (Some(cert), Some(key)) => builder
            .with_client_auth_cert(
                chain("--upstream-cert", cert)?,
                private_key("--upstream-key", key)?,
            )
            .map_err(|error| format!("--upstream-cert and --upstream-key: {error}"))?,
        _ => builder.with_no_client_auth(),
    };
    Ok(Arc::new(config))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn roots(flag: &str, path: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in chain(flag, path)? {
        roots
            .add(certificate)
            .map_err(|error| bad_file(flag, path, &error))?;
    }
    Ok(roots)
}

/// What cannot be read of the system's store is left out: an upstream that needs it will not be
/// trusted.
fn roots_of_system() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "cannot read a certificate that the system trusts");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    roots
}

fn chain(flag: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| bad_file(flag, path, &error))?;
    if certificates.is_empty() {
        return Err(bad_file(flag, path, &"there is no certificate in it"));
    }
    Ok(certificates)
}

fn private_key(flag: &str, path: &Path) -> Result<PrivateKeyDer<'static>, String> {
    PrivateKeyDer::from_pem_file(path).map_err(|error| bad_file(flag, path, &error))
}

fn bad_file(flag: &str, path: &Path, why: &dyn std::fmt::Display) -> String {
    format!("{flag} {}: {why}; it takes a PEM file", path.display())
}
