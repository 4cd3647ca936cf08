//! Connections to servers and through proxies of the tests' own.

mod proxied;
#[cfg(feature = "tls")]
pub(crate) mod tls;

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, UnixListener};
use tonic::Code;

use super::*;

const LIMIT: Duration = Duration::from_secs(5);

fn direct() -> Connector {
    Connector::new(&Proxy::None, LIMIT)
}

fn target(uri: &str) -> Target {
    Target::parse(uri).unwrap()
}

/// A listener, and its address.
async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

/// Greets who comes, and returns what it is greeted with.
async fn greet(mut stream: impl AsyncRead + AsyncWrite + Unpin) -> String {
    stream.write_all(b"hello").await.unwrap();
    let mut text = [0; 2];
    stream.read_exact(&mut text).await.unwrap();
    String::from_utf8(text.to_vec()).unwrap()
}

/// The client's part of [`greet`].
async fn is_greeted(mut io: Io) {
    let mut text = [0; 5];
    io.read_exact(&mut text).await.unwrap();
    assert_eq!(&text, b"hello");
    io.write_all(b"hi").await.unwrap();
    io.flush().await.unwrap();
}

#[tokio::test]
async fn a_tcp_connection_is_made() {
    let (listener, address) = listen().await;
    let server = tokio::spawn(async move { greet(listener.accept().await.unwrap().0).await });
    let target = target(&format!("ws://{address}"));
    let io = direct().connect(&target, Alpn::Http1).await.unwrap();
    assert_eq!(io.negotiated(), None);
    is_greeted(io).await;
    assert_eq!(server.await.unwrap(), "hi");
}

#[tokio::test]
async fn a_unix_socket_is_never_reached_through_a_proxy() {
    let path = std::env::temp_dir().join(format!("grpc-websocket-{}", fastrand::u64(..)));
    let listener = UnixListener::bind(&path).unwrap();
    let server = tokio::spawn(async move { greet(listener.accept().await.unwrap().0).await });
    let target = target(&format!("unix:{}", path.display()));
    let nobody = Proxy::Uri("http://127.0.0.1:1".parse().unwrap());
    let connector = Connector::new(&nobody, LIMIT);
    is_greeted(connector.connect(&target, Alpn::Http2).await.unwrap()).await;
    assert_eq!(server.await.unwrap(), "hi");
    std::fs::remove_file(&path).unwrap();
    let error = connector.connect(&target, Alpn::Http2).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(error.to_string().starts_with("cannot connect to unix:/"));
}

#[tokio::test]
async fn nobody_there_is_unavailable_and_says_so() {
    let (listener, address) = listen().await;
    drop(listener);
    let target = target(&format!("http://{address}"));
    let error = direct().connect(&target, Alpn::Http2).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    let text = error.to_string();
    assert!(text.contains(&address), "{text}");
    assert!(text.contains("refused"), "{text}");
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_unavailable_and_says_so() {
    let target = target("ws://name.invalid");
    let error = direct().connect(&target, Alpn::Http1).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    let text = error.to_string();
    assert!(
        text.contains("name.invalid") && text.contains("dns"),
        "{text}"
    );
}
