//! TLS as the flags say it, with certificates in files.

#[path = "../../tests/common/mod.rs"]
mod common;
#[path = "../../tests/http2/mod.rs"]
mod http2;
mod process;
#[path = "../../tests/ways/mod.rs"]
mod ways;

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use common::{BLOCK, CHECK, SERVING, bind, block_of, connect_on, routes, unary, unary_on};
use grpc_websocket_tokio::rustls::pki_types::{PrivateKeyDer, ServerName};
use grpc_websocket_tokio::rustls::{ClientConfig, RootCertStore, crypto::ring};
use grpc_websocket_tokio::serve;
use process::Gateway;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use ways::{check_by_grpc_web_on, check_by_websocket};

/// An authority, and files with what it signed.
struct Certificates {
    authority: CertifiedIssuer<'static, KeyPair>,
    folder: PathBuf,
}

impl Certificates {
    /// In a folder of this name.
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let authority = CertifiedIssuer::self_signed(params, key).unwrap();
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        let new = Self { authority, folder };
        fs::write(new.path("ca.pem"), new.authority.pem()).unwrap();
        new.sign("server");
        new
    }

    fn path(&self, file: &str) -> String {
        self.folder.join(file).display().to_string()
    }

    /// Writes a certificate and its key.
    fn sign(&self, name: &str) -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.authority).unwrap();
        fs::write(self.path(&format!("{name}.pem")), certificate.pem()).unwrap();
        fs::write(self.path(&format!("{name}.key")), key.serialize_pem()).unwrap();
        (certificate, key)
    }

    /// A gateway with the server's certificate, and more arguments.
    async fn gateway(&self, arguments: &[&str]) -> Gateway {
        let (listener, address) = bind().await;
        tokio::spawn(serve(listener, routes()));
        let (cert, key) = (self.path("server.pem"), self.path("server.key"));
        let upstream = format!("http://{address}");
        let tls = [
            "--upstream",
            &upstream,
            "--tls-cert",
            &cert,
            "--tls-key",
            &key,
        ];
        Gateway::start(&[&tls, arguments].concat())
    }

    /// A connection that offers a protocol, with a certificate of the authority or none.
    async fn connect(
        &self,
        address: SocketAddr,
        protocol: &[u8],
        with_certificate: bool,
    ) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.der().clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = if with_certificate {
            let (certificate, key) = self.sign("client");
            let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
            let chain = vec![certificate.der().clone()];
            builder.with_client_auth_cert(chain, key).unwrap()
        } else {
            builder.with_no_client_auth()
        };
        config.alpn_protocols = vec![protocol.to_vec()];
        let tcp = TcpStream::connect(address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let stream = connector.connect(name, tcp).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol));
        stream
    }
}

#[tokio::test]
async fn clients_speak_every_version_of_http_in_tls() {
    let certificates = Certificates::new("every_version");
    let gateway = certificates.gateway(&[]).await;
    let io = certificates.connect(gateway.address, b"http/1.1", false);
    check_by_grpc_web_on(io.await).await;
    let io = certificates.connect(gateway.address, b"http/1.1", false);
    let (client, _) = connect_on(io.await, CHECK, "grpc-websockets").await;
    assert_eq!(unary_on(client).await.0[1], SERVING);
    let mut io = certificates.connect(gateway.address, b"h2", false).await;
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
    io.write_all(preface).await.unwrap();
    let mut settings = [0; 9];
    io.read_exact(&mut settings).await.unwrap();
    assert_eq!(settings[3..9], [4, 0, 0, 0, 0, 0]);
}

#[tokio::test]
async fn with_an_authority_for_clients_each_needs_a_certificate() {
    let certificates = Certificates::new("authority");
    let authority = certificates.path("ca.pem");
    let gateway = certificates.gateway(&["--tls-client-ca", &authority]).await;
    let io = certificates.connect(gateway.address, b"http/1.1", true);
    check_by_grpc_web_on(io.await).await;
    let stranger = certificates.connect(gateway.address, b"http/1.1", false);
    let mut stranger = stranger.await;
    let _ = stranger
        .write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n")
        .await;
    assert!(stranger.read_to_end(&mut Vec::new()).await.is_err());
}

#[tokio::test]
async fn upstreams_are_called_by_tls_with_a_certificate_where_they_ask() {
    let certificates = Certificates::new("upstreams");
    certificates.sign("client");
    let authority = certificates.path("ca.pem");
    let upstream = certificates.gateway(&["--tls-client-ca", &authority]).await;
    let port = upstream.address.port();
    let upstream_uri = format!("https://localhost:{port}");
    let (cert, key) = (
        certificates.path("client.pem"),
        certificates.path("client.key"),
    );
    let trusted = ["--upstream", &upstream_uri, "--upstream-ca", &authority];
    let known = ["--upstream-cert", &cert, "--upstream-key", &key];
    let gateway = Gateway::start(&[&trusted[..], &known].concat());
    check_by_websocket(gateway.address).await;
    for arguments in [&trusted[..], &["--upstream", &upstream_uri]] {
        let gateway = Gateway::start(arguments);
        let (messages, _) = unary(gateway.address, CHECK, BLOCK).await;
        let trailers = block_of(&messages[0]);
        assert!(trailers.contains("grpc-status: 14"), "{trailers}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn an_upstream_may_be_a_unix_socket() {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("upstream.socket");
    let _ = fs::remove_file(&path);
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    tokio::spawn(serve(listener, routes()));
    let gateway = Gateway::start(&["--upstream", &format!("unix:{}", path.display())]);
    check_by_websocket(gateway.address).await;
}

#[test]
fn a_file_that_cannot_be_used_is_told_with_its_flag() {
    let certificates = Certificates::new("bad_files");
    certificates.sign("other");
    let file = |name: &str| certificates.path(name);
    let (cert, key) = (file("server.pem"), file("server.key"));
    fs::write(file("empty.pem"), "").unwrap();
    let cases = [
        (
            ["--tls-cert", &file("none.pem"), "--tls-key", &key],
            "--tls-cert ",
        ),
        (
            ["--tls-cert", &file("empty.pem"), "--tls-key", &key],
            "no certificate",
        ),
        (["--tls-cert", &cert, "--tls-key", &cert], "--tls-key "),
        (
            ["--tls-cert", &cert, "--tls-key", &file("other.key")],
            "--tls-cert and --tls-key",
        ),
        (
            ["--upstream", "https://localhost:1", "--upstream-ca", &key],
            "--upstream-ca ",
        ),
    ];
    for (arguments, part) in cases {
        let arguments = [&["--listen", "127.0.0.1:0"], &arguments[..]].concat();
        let output = process::run(&arguments, &[]);
        assert!(!output.status.success());
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(part), "{part} is not in {said}");
        assert!(!said.contains("panicked"), "{said}");
    }
}
