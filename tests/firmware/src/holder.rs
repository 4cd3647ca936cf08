//! Certificates, and who holds them.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use grpc_websocket_tokio::rustls::ServerConfig;
use grpc_websocket_tokio::rustls::crypto::ring;
use grpc_websocket_tokio::rustls::pki_types::pem::PemObject;
use grpc_websocket_tokio::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use grpc_websocket_tokio::rustls::sign::{CertifiedKey, SingleCertAndKey};
use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair};

use crate::image;

/// The name of a device's gateway.
pub const GATEWAY: &str = "gateway.example";

/// Who has a certificate of P-256 and its key, and can sign others, whether that is right or not.
#[derive(Debug)]
pub struct Holder {
    /// What it shows: its certificate, and those up to the authority, in PEM.
    chain: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Holder {
    /// An authority, and its certificate.
    ///
    /// # Panics
    ///
    /// If it cannot be made.
    pub fn authority() -> (Self, Certificate) {
        let key = KeyPair::generate().expect("a key");
        let certificate = authority().self_signed(&key).expect("a certificate");
        (Self::root(key), certificate)
    }

    /// The authority that the devices trust.
    ///
    /// # Panics
    ///
    /// If its key is not there.
    pub fn devices_authority() -> Self {
        let key = fs::read_to_string(Self::folder().join("authority.key")).expect("a file");
        Self::root(KeyPair::from_pem(&key).expect("a key"))
    }

    /// The folder with the authority of the devices, and a certificate for the gateway.
    pub fn folder() -> PathBuf {
        image::firmware().join("tls")
    }

    fn root(key: KeyPair) -> Self {
        Self {
            chain: String::new(),
            issuer: Issuer::new(authority(), key),
        }
    }

    /// Signs a certificate with that name for somebody else.
    ///
    /// # Panics
    ///
    /// If it cannot be made.
    pub fn sign(&self, name: &str) -> Self {
        self.sign_params(CertificateParams::new([name.to_owned()]).expect("a name"))
    }

    /// Signs a certificate for somebody else.
    ///
    /// # Panics
    ///
    /// If it cannot be made.
    pub fn sign_params(&self, params: CertificateParams) -> Self {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        Self {
            chain: certificate.pem() + &self.chain,
            issuer: Issuer::new(params, key),
        }
    }

    /// Shows somebody else's certificate with its own key.
    #[must_use]
    pub fn pretend(self, other: &Self) -> Self {
        let chain = other.chain.clone();
        Self { chain, ..self }
    }

    /// Its key, in PEM.
    pub fn key(&self) -> String {
        self.issuer.key().serialize_pem()
    }

    /// Writes what it shows, and its key: `NAME.pem` and `NAME.key`, which are returned.
    ///
    /// # Panics
    ///
    /// If they cannot be written.
    pub fn write(&self, folder: &Path, name: &str) -> [PathBuf; 2] {
        let files = ["pem", "key"].map(|kind| folder.join(name).with_extension(kind));
        for (file, text) in files.iter().zip([&self.chain, &self.key()]) {
            fs::write(file, text).expect("a file");
        }
        files
    }

    /// What it shows, its own certificate first.
    ///
    /// # Panics
    ///
    /// Never: it made them.
    pub fn certificates(&self) -> Vec<CertificateDer<'static>> {
        let certificates = CertificateDer::pem_slice_iter(self.chain.as_bytes());
        certificates.map(|it| it.expect("a certificate")).collect()
    }

    /// For a server, which shows the certificate even if its key is another.
    ///
    /// # Panics
    ///
    /// If one of them is none.
    pub fn server(&self) -> Arc<ServerConfig> {
        let key = PrivateKeyDer::from_pem_slice(self.key().as_bytes()).expect("a key");
        let key = ring::sign::any_ecdsa_type(&key).expect("a key of P-256");
        let shown = CertifiedKey::new(self.certificates(), key);
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(shown)));
        Arc::new(config)
    }
}

fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}
