//! Certificates and keys, all in PEM files.

use std::path::PathBuf;

use clap::Args;

/// TLS towards clients.
#[derive(Debug, Args)]
#[command(next_help_heading = "TLS")]
pub(crate) struct ServerTls {
    /// The certificate that clients see, and those it was signed with; without it there is no TLS
    #[arg(
        long = "tls-cert",
        env = "GRPC_WEBSOCKET_TLS_CERT",
        value_name = "FILE",
        requires = "tls_key"
    )]
    pub(crate) tls_cert: Option<PathBuf>,

    /// The private key of --tls-cert
    #[arg(
        long = "tls-key",
        env = "GRPC_WEBSOCKET_TLS_KEY",
        value_name = "FILE",
        requires = "tls_cert"
    )]
    pub(crate) tls_key: Option<PathBuf>,

    /// Who signs the certificates of clients; then each client needs one
    #[arg(
        long = "tls-client-ca",
        env = "GRPC_WEBSOCKET_TLS_CLIENT_CA",
        value_name = "FILE",
        requires = "tls_cert"
    )]
    pub(crate) tls_client_ca: Option<PathBuf>,
}

impl ServerTls {
    pub(crate) fn is_given(&self) -> bool {
        self.tls_cert.is_some()
    }
}

/// TLS towards upstreams at `https://`.
#[derive(Debug, Args)]
#[command(next_help_heading = "TLS")]
pub(crate) struct ClientTls {
    /// Who signs the certificates of upstreams; whom the system trusts if not given
    #[arg(
        long = "upstream-ca",
        env = "GRPC_WEBSOCKET_UPSTREAM_CA",
        value_name = "FILE"
    )]
    pub(crate) upstream_ca: Option<PathBuf>,

    /// The certificate that upstreams see
    #[arg(
        long = "upstream-cert",
        env = "GRPC_WEBSOCKET_UPSTREAM_CERT",
        value_name = "FILE",
        requires = "upstream_key"
    )]
    pub(crate) upstream_cert: Option<PathBuf>,

    /// The private key of --upstream-cert
    #[arg(
        long = "upstream-key",
        env = "GRPC_WEBSOCKET_UPSTREAM_KEY",
        value_name = "FILE",
        requires = "upstream_cert"
    )]
    pub(crate) upstream_key: Option<PathBuf>,
}

impl ClientTls {
    pub(crate) fn is_given(&self) -> bool {
        self.upstream_ca.is_some() || self.upstream_cert.is_some()
    }
}
