//! Connections by TLS.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};

use super::*;

pub(crate) type Issuer = CertifiedIssuer<'static, KeyPair>;

pub(crate) fn issuer() -> Issuer {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A client's configuration that trusts one issuer.
pub(crate) fn trusting(issuer: &Issuer) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(issuer.der().clone()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_root_certificates(roots).with_no_client_auth())
}

/// A server's configuration for one name, with the protocols it speaks.
pub(crate) fn server(issuer: &Issuer, name: &str, protocols: &[&str]) -> Arc<ServerConfig> {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    let certificate = params.signed_by(&key, issuer).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap();
    let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
    let mut config = config
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    config.alpn_protocols = protocols
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    Arc::new(config)
}

/// Connects by TLS to a server on 127.0.0.1, and tells the protocol they agreed on.
async fn connect(
    trusted: &Issuer,
    config: Arc<ServerConfig>,
    alpn: Alpn,
) -> Result<Option<Alpn>, ConnectError> {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        if let Ok(stream) = TlsAcceptor::from(config).accept(stream).await {
            greet(stream).await;
        }
    });
    let connector = direct().with_tls(Some(trusting(trusted)));
    let target = target(&format!("wss://{address}"));
    let io = connector.connect(&target, alpn).await?;
    let negotiated = io.negotiated();
    is_greeted(io).await;
    Ok(negotiated)
}

#[tokio::test]
async fn the_protocol_is_what_both_sides_speak() {
    let issuer = issuer();
    for (protocols, offered, negotiated) in [
        (&["h2", "http/1.1"][..], Alpn::Http2, Some(Alpn::Http2)),
        (&["h2", "http/1.1"], Alpn::Http1, Some(Alpn::Http1)),
        (&[], Alpn::Http2, None),
    ] {
        let config = server(&issuer, "127.0.0.1", protocols);
        let chosen = connect(&issuer, config, offered).await.unwrap();
        assert_eq!(chosen, negotiated, "{protocols:?}");
    }
}

#[tokio::test]
async fn a_server_without_the_protocol_is_told_from_a_bad_certificate() {
    let issuer = issuer();
    let config = server(&issuer, "127.0.0.1", &["http/1.1"]);
    let error = connect(&issuer, config, Alpn::Http2).await.unwrap_err();
    assert!(error.is_no_protocol(), "{error}");
}

#[tokio::test]
async fn a_certificate_of_an_unknown_issuer_is_refused() {
    let config = server(&issuer(), "127.0.0.1", &[]);
    let error = connect(&issuer(), config, Alpn::Http1).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(!error.is_no_protocol());
    let text = error.to_string();
    assert!(text.contains("certificate: "), "{text}");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let issuer = issuer();
    let config = server(&issuer, "other.example", &[]);
    let error = connect(&issuer, config, Alpn::Http1).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("other.example"), "{text}");
}

#[tokio::test]
async fn a_server_without_tls_is_an_error() {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        let mut stream = listener.accept().await.unwrap().0;
        let answer = b"HTTP/1.1 400 Bad Request\r\n\r\n";
        stream.write_all(answer).await.unwrap();
        let _ = stream.read_u8().await;
    });
    let connector = direct().with_tls(Some(trusting(&issuer())));
    let target = target(&format!("https://{address}"));
    let error = connector.connect(&target, Alpn::Http2).await.unwrap_err();
    assert!(error.to_string().contains("TLS"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_server_silent_in_tls_has_the_time_of_a_connection() {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        let _silent = listener.accept().await.unwrap();
        std::future::pending::<()>().await;
    });
    let connector = direct().with_tls(Some(trusting(&issuer())));
    let target = target(&format!("wss://{address}"));
    let error = connector.connect(&target, Alpn::Http1).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(error.to_string().ends_with("no answer in 5s"), "{error}");
}

#[tokio::test]
async fn a_proxy_may_be_reached_by_tls() {
    let issuer = issuer();
    let acceptor = TlsAcceptor::from(server(&issuer, "127.0.0.1", &["http/1.1"]));
    let (listener, address) = listen().await;
    let proxy = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut stream = acceptor.accept(stream).await.unwrap();
        let mut method = [0; 7];
        stream.read_exact(&mut method).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        greet(stream).await;
        String::from_utf8(method.to_vec()).unwrap()
    });
    let uri = format!("https://{address}").parse().unwrap();
    let connector = Connector::new(&Proxy::Uri(uri), LIMIT).with_tls(Some(trusting(&issuer)));
    let io = connector.connect(&target("ws://h"), Alpn::Http1).await;
    is_greeted(io.unwrap()).await;
    assert_eq!(proxy.await.unwrap(), "CONNECT");
}
