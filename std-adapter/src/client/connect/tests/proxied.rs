//! Connections through a proxy.

use hyper_util::client::proxy::matcher::Matcher;
use tokio::net::TcpStream;

use super::*;
use crate::client::connect::proxy::Proxies;

fn through(address: &str) -> Connector {
    let proxy = format!("http://{address}").parse().unwrap();
    Connector::new(&Proxy::Uri(proxy), LIMIT)
}

/// Reads a request's head.
async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap().to_lowercase()
}

/// A proxy that answers one request with `answer`, and returns the request.
async fn answers(listener: TcpListener, answer: &'static str) -> String {
    let (mut stream, _) = listener.accept().await.unwrap();
    let request = head(&mut stream).await;
    stream.write_all(answer.as_bytes()).await.unwrap();
    // The client says or closes.
    let _ = stream.read_u8().await;
    request
}

async fn refused_by(answer: &'static str) -> ConnectError {
    let (listener, address) = listen().await;
    tokio::spawn(answers(listener, answer));
    let connector = through(&address);
    let connected = connector.connect(&target("wss://h"), Alpn::Http1).await;
    let error = connected.unwrap_err();
    assert!(error.to_string().contains(&address), "{error}");
    error
}

#[tokio::test]
async fn a_proxy_is_asked_for_the_server() {
    let (listener, address) = listen().await;
    let greeting = "HTTP/1.1 200 OK\r\n\r\nhello";
    let proxy = tokio::spawn(answers(listener, greeting));
    let connector = through(&address);
    let io = connector.connect(&target("http://h"), Alpn::Http2).await;
    // What the server said comes right behind the proxy's answer, and is not lost.
    is_greeted(io.unwrap()).await;
    let request = proxy.await.unwrap();
    assert!(
        request.starts_with("connect h:80 http/1.1\r\n"),
        "{request}"
    );
    assert!(request.contains("host: h:80\r\n"), "{request}");
    assert!(!request.contains("proxy-authorization"), "{request}");
}

#[tokio::test]
async fn a_proxys_user_and_password_are_sent_and_not_told() {
    let (listener, address) = listen().await;
    let answer = "HTTP/1.1 407 Proxy Authentication Required\r\n\r\n";
    let proxy = tokio::spawn(answers(listener, answer));
    let connector = through(&format!("user:secret@{address}"));
    assert!(!format!("{connector:?}").contains("secret"));
    let connected = connector.connect(&target("ws://h"), Alpn::Http1).await;
    let error = connected.unwrap_err();
    assert_eq!(error.code(), Code::Unauthenticated);
    assert!(!format!("{error} {error:?}").contains("secret"));
    let request = proxy.await.unwrap();
    // "user:secret" in base64, in lower case.
    let authorization = "proxy-authorization: basic dxnlcjpzzwnyzxq=\r\n";
    assert!(request.contains(authorization), "{request}");
}

#[tokio::test]
async fn what_a_proxy_refuses_is_told() {
    let denied = refused_by("HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!(denied.code(), Code::Unauthenticated);
    assert!(denied.to_string().contains("407"), "{denied}");
    let forbidden = refused_by("HTTP/1.1 403 No\r\n\r\n").await;
    assert_eq!(forbidden.code(), Code::Unavailable);
    assert!(forbidden.to_string().contains("403"), "{forbidden}");
    let garbage = refused_by("garbage\r\n\r\n").await;
    assert_eq!(garbage.code(), Code::Unavailable);
}

#[tokio::test]
async fn a_proxy_that_closes_is_an_error() {
    let (listener, address) = listen().await;
    tokio::spawn(async move { head(&mut listener.accept().await.unwrap().0).await });
    let connector = through(&address);
    let connected = connector.connect(&target("ws://h"), Alpn::Http1).await;
    assert_eq!(connected.unwrap_err().code(), Code::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn a_silent_proxy_has_the_time_of_a_connection() {
    let (listener, address) = listen().await;
    tokio::spawn(async move {
        let _silent = listener.accept().await.unwrap();
        std::future::pending::<()>().await;
    });
    let connector = through(&address);
    let connected = connector.connect(&target("ws://h"), Alpn::Http1).await;
    let text = connected.unwrap_err().to_string();
    assert!(text.ends_with("no answer in 5s"), "{text}");
}

#[tokio::test]
async fn proxies_of_other_kinds_are_refused() {
    for uri in ["socks5://127.0.0.1:1080", "ftp://127.0.0.1"] {
        let connector = Connector::new(&Proxy::Uri(uri.parse().unwrap()), LIMIT);
        let connected = connector.connect(&target("ws://h"), Alpn::Http1).await;
        let text = connected.unwrap_err().to_string();
        assert!(text.contains("only http and https proxies"), "{text}");
    }
}

#[test]
fn a_target_has_the_proxy_of_its_scheme_but_for_exceptions() {
    let matcher = Matcher::builder()
        .http("http://plain:1")
        .https("http://secure:2")
        .no("example.com,10.0.0.0/8")
        .build();
    let proxies = Proxies::matching(matcher);
    for (uri, proxy) in [
        ("ws://h", Some("http://plain:1")),
        ("http://h:8080", Some("http://plain:1")),
        ("wss://h", Some("http://secure:2")),
        ("https://[::1]", Some("http://secure:2")),
        ("wss://api.example.com", None),
        ("ws://10.1.2.3:80", None),
        ("unix:/run/s", None),
    ] {
        let hop = proxies.hop(&target(uri)).unwrap();
        let hop = hop.map(|hop| hop.target.to_string());
        assert_eq!(hop.as_deref(), proxy, "{uri}");
    }
}
