//! TLS: the same ways to call, with the certificates of clients.

#![cfg(feature = "tls")]

mod common;
mod http2;
mod ways;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use common::dialer::framed;
use common::mux::MuxClient;
use common::{CHECK, SERVING, bind, connect_on, unary_on};
use grpc_websocket_tokio::Server;
use grpc_websocket_tokio::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use grpc_websocket_tokio::rustls::server::WebPkiClientVerifier;
use grpc_websocket_tokio::rustls::{
    ClientConfig, RootCertStore, ServerConfig, crypto::CryptoProvider, crypto::ring,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tonic::service::Routes;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::server::TcpConnectInfo;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use ways::check_by_grpc_web_on;

/// A certificate and its key.
struct Pair {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Pair {
    fn new(issuer: &CertifiedIssuer<'_, KeyPair>) -> Self {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, issuer).unwrap();
        Self { certificate, key }
    }

    fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![self.certificate.der().clone()]
    }

    fn private_key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::try_from(self.key.serialize_der()).unwrap()
    }
}

/// A server that asks for certificates, its clients, and the certificates that it saw.
struct Setup {
    address: SocketAddr,
    authority: CertifiedIssuer<'static, KeyPair>,
    client: Pair,
    seen: Arc<Mutex<Vec<Seen>>>,
}

#[derive(Debug, PartialEq)]
struct Seen {
    certificate: Vec<u8>,
    has_address: bool,
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn roots(authority: &CertifiedIssuer<'_, KeyPair>) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    roots
}

impl Setup {
    async fn start() -> Self {
        let authority = authority();
        let (server, client) = (Pair::new(&authority), Pair::new(&authority));
        let roots = Arc::new(roots(&authority));
        let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider())
            .build()
            .unwrap();
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(server.chain(), server.private_key())
            .unwrap();

        let seen = Arc::new(Mutex::new(Vec::new()));
        let health = tonic_health::server::health_reporter().1;
        let service = InterceptedService::new(health, {
            let seen = Arc::clone(&seen);
            move |request: tonic::Request<()>| {
                seen.lock().unwrap().push(Seen {
                    certificate: request.peer_certs().unwrap()[0].to_vec(),
                    has_address: request.extensions().get::<TcpConnectInfo>().is_some(),
                });
                Ok(request)
            }
        });
        let (listener, address) = bind().await;
        let server = Server::new().tls(Arc::new(config));
        tokio::spawn(server.serve(listener, Routes::new(service)));
        Self {
            address,
            authority,
            client,
            seen,
        }
    }

    /// A connection that offers a protocol.
    async fn connect(&self, protocol: &[u8]) -> TlsStream<TcpStream> {
        let mut config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots(&self.authority))
            .with_client_auth_cert(self.client.chain(), self.client.private_key())
            .unwrap();
        config.alpn_protocols = vec![protocol.to_vec()];
        let tcp = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::new(config));
        let stream = connector.connect(name, tcp).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(protocol));
        stream
    }

    async fn check_by_http2(&self) {
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(self.authority.pem()))
            .identity(Identity::from_pem(
                self.client.certificate.pem(),
                self.client.key.serialize_pem(),
            ))
            .domain_name("localhost");
        let endpoint = Endpoint::from_shared(format!("https://{}", self.address)).unwrap();
        let channel = endpoint.tls_config(tls).unwrap().connect().await.unwrap();
        let mut client = HealthClient::new(channel);
        let answer = client.check(HealthCheckRequest::default()).await.unwrap();
        assert_eq!(answer.into_inner().status, 1);
    }
}

#[tokio::test]
async fn the_certificates_of_clients_are_seen_in_every_way() {
    let setup = Setup::start().await;
    setup.check_by_http2().await;
    check_by_grpc_web_on(setup.connect(b"http/1.1").await).await;

    let io = setup.connect(b"http/1.1").await;
    let (client, _) = connect_on(io, CHECK, "grpc-websockets").await;
    assert_eq!(unary_on(client).await.0[1], SERVING);

    let io = setup.connect(b"http/1.1").await;
    let (client, _) = connect_on(io, "/", "grpc-mux.v1").await;
    let mut client = MuxClient::new(client).await;
    let call = client.dialer.call(CHECK, "", &framed(b""), true);
    assert_eq!(client.answer(call).await.messages, SERVING);

    let expected = Seen {
        certificate: setup.client.certificate.der().to_vec(),
        has_address: true,
    };
    let seen = setup.seen.lock().unwrap();
    assert_eq!(seen.len(), 4);
    assert!(seen.iter().all(|seen| *seen == expected));
}

#[tokio::test]
async fn a_connection_that_is_not_tls_ends_and_the_others_go_on() {
    let setup = Setup::start().await;
    for garbage in [&b"GET / HTTP/1.1\r\nhost: h\r\n\r\n"[..], &[0x16; 1000]] {
        let mut stream = TcpStream::connect(setup.address).await.unwrap();
        stream.write_all(garbage).await.unwrap();
        let mut answer = Vec::new();
        // A reset is as good an end.
        let _ = stream.read_to_end(&mut answer).await;
        assert!(!answer.starts_with(b"HTTP"), "{}", answer.escape_ascii());
    }
    setup.check_by_http2().await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_says_nothing_ends() {
    let setup = Setup::start().await;
    let begun = Instant::now();
    let mut stream = TcpStream::connect(setup.address).await.unwrap();
    assert_eq!(stream.read_to_end(&mut Vec::new()).await.unwrap(), 0);
    assert_eq!(begun.elapsed().as_secs(), 10);
}

#[tokio::test]
async fn a_client_without_a_certificate_gets_no_answer() {
    let setup = Setup::start().await;
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots(&setup.authority))
        .with_no_client_auth();
    let tcp = TcpStream::connect(setup.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let mut stream = connector.connect(name, tcp).await.unwrap();
    let _ = stream.write_all(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n").await;
    assert!(stream.read_to_end(&mut Vec::new()).await.is_err());
    setup.check_by_http2().await;
}
