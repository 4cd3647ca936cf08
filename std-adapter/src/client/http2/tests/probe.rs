//! Servers that speak HTTP/2, and others.

use socket2::SockRef;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;
use crate::client::http2::first::NotHttp2;

/// What a probe says of a server that answers the preface with `bytes` and then waits.
async fn probe(bytes: &'static [u8]) -> Result<(), Failure> {
    let (listener, http2) = listen().await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(bytes).await.unwrap();
        let mut ignored = Vec::new();
        let _ = stream.read_to_end(&mut ignored).await;
    });
    http2.probe().await
}

/// Why a server is said not to speak HTTP/2.
fn why(result: Result<(), Failure>) -> NotHttp2 {
    match result.unwrap_err() {
        Failure::NotHttp2(_, why) => why,
        Failure::Connect(error) => panic!("not reached: {error}"),
    }
}

#[tokio::test]
async fn a_server_of_http2_is_found_and_its_connection_kept() {
    let (listener, http2) = listen().await;
    // It accepts once.
    let server = tokio::spawn(answers_early(listener));
    http2.probe().await.unwrap();
    http2.probe().await.unwrap();
    assert_eq!(forward(&http2, request()).await.unwrap().status(), 200);
    drop(http2);
    server.await.unwrap();
}

#[tokio::test]
async fn a_server_of_http_1_is_told_by_its_answer() {
    let answer = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n";
    let answered = why(probe(answer).await);
    let line = "HTTP/1.1 400 Bad Request".to_owned();
    assert_eq!(answered, NotHttp2::Answered(line));
}

#[tokio::test]
async fn garbage_is_not_http2() {
    let garbage = why(probe(b"\x15\x03\x03\0\x02\x02\x28 and more").await);
    assert!(matches!(garbage, NotHttp2::Answered(_)), "{garbage}");
}

#[tokio::test(start_paused = true)]
async fn silence_is_not_http2_nor_is_half_a_frame() {
    let start = tokio::time::Instant::now();
    assert_eq!(why(probe(b"").await), NotHttp2::Silent);
    assert_eq!(start.elapsed().as_secs(), 5);
    assert_eq!(why(probe(b"\0\0\0\x04").await), NotHttp2::Silent);
}

#[tokio::test]
async fn a_server_that_closes_first_is_not_http2() {
    let (listener, http2) = listen().await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut preface = [0; 24];
        stream.read_exact(&mut preface).await.unwrap();
    });
    assert_eq!(why(http2.probe().await), NotHttp2::Closed);
}

#[tokio::test]
async fn a_server_that_resets_the_connection_is_not_http2() {
    let (listener, http2) = listen().await;
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        SockRef::from(&stream)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
    });
    assert_eq!(why(http2.probe().await), NotHttp2::Closed);
}

#[tokio::test]
async fn nobody_is_told_from_a_server_of_another_protocol() {
    let failure = nobody().probe().await.unwrap_err();
    assert!(matches!(failure, Failure::Connect(_)), "{failure}");
}

#[tokio::test]
async fn a_call_to_a_server_of_http_1_says_so_and_is_unprocessed() {
    let (listener, http2) = listen().await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 No\r\n\r\n").await.unwrap();
        let mut ignored = Vec::new();
        let _ = stream.read_to_end(&mut ignored).await;
    });
    let unanswered = forward(&http2, request()).await.unwrap_err();
    assert!(unanswered.is_unprocessed);
    assert_eq!(unanswered.status.code(), Code::Unavailable);
    let message = unanswered.status.message();
    assert!(message.contains("HTTP/1.1 400 No"), "{message}");
}

#[cfg(feature = "tls")]
mod tls {
    use tokio_rustls::TlsAcceptor;

    use super::*;
    use crate::client::connect::tests::tls::{issuer, server, trusting};

    /// What a probe says of a server with TLS that speaks `protocols`; it answers as HTTP/1.1.
    async fn probe(protocols: &[&str]) -> Result<(), Failure> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let issuer = issuer();
        let acceptor = TlsAcceptor::from(server(&issuer, "127.0.0.1", protocols));
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut stream = acceptor.accept(stream).await.unwrap();
            let answer = b"HTTP/1.1 400 No\r\n\r\n";
            stream.write_all(answer).await.unwrap();
            stream.flush().await.unwrap();
            let mut ignored = Vec::new();
            let _ = stream.read_to_end(&mut ignored).await;
        });
        let connector = Connector::new(&Proxy::None, Duration::from_secs(5));
        let connector = connector.with_tls(Some(trusting(&issuer)));
        with(connector, &format!("https://{address}")).probe().await
    }

    #[tokio::test]
    async fn a_server_of_http_1_alone_is_not_http2() {
        assert_eq!(why(probe(&["http/1.1"]).await), NotHttp2::Alpn);
    }

    #[tokio::test]
    async fn a_server_that_names_no_protocol_is_told_by_its_answer() {
        let answered = why(probe(&[]).await);
        assert_eq!(answered, NotHttp2::Answered("HTTP/1.1 400 No".into()));
    }
}
