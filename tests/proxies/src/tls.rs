//! The certificate of a proxy, and clients that trust it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use grpc_websocket_tokio::rustls::crypto::ring;
use grpc_websocket_tokio::rustls::{ClientConfig, RootCertStore};
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};

/// A certificate for the loopback that its own key signed.
pub(crate) struct Certificate(CertifiedKey<KeyPair>);

impl Certificate {
    pub(crate) fn new() -> Self {
        Self(generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap())
    }

    pub(crate) fn write(&self, certificate: &Path, key: &Path) {
        fs::write(certificate, self.0.cert.pem()).unwrap();
        fs::write(key, self.0.signing_key.serialize_pem()).unwrap();
    }

    /// For clients that trust it alone.
    pub(crate) fn client(&self) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.cert.der().clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Arc::new(config)
    }
}
