//! Opening handshakes with servers that do as a test tells them.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tonic::Code;

use super::*;

/// What a server needs to know to answer as it should.
struct Asked {
    head: String,
    accept: String,
}

impl Asked {
    /// The value of a header.
    fn value(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(line, _)| line.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
    }

    /// A good answer, but for the lines that begin like `lines`, which they replace.
    fn answer(&self, lines: &[&str]) -> String {
        let name = |line: &str| line.split(':').next().unwrap_or_default().to_owned();
        let good = [
            "upgrade: websocket".to_owned(),
            "connection: Upgrade".to_owned(),
            format!("sec-websocket-accept: {}", self.accept),
            "sec-websocket-protocol: grpc-mux.v1".to_owned(),
        ];
        let mut answer = String::from("HTTP/1.1 101 Switching Protocols\r\n");
        let kept = good.iter().map(String::as_str);
        let kept = kept.filter(|good| lines.iter().all(|line| name(line) != name(good)));
        for line in kept.chain(lines.iter().copied().filter(|line| line.contains(": "))) {
            answer.push_str(line);
            answer.push_str("\r\n");
        }
        answer + "\r\n"
    }
}

/// Reads the request's head.
async fn asked(server: &mut DuplexStream) -> Asked {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(server.read_u8().await.unwrap());
    }
    let mut asked = Asked {
        head: String::from_utf8(head).unwrap(),
        accept: String::new(),
    };
    let key = asked.value("sec-websocket-key").unwrap_or_default();
    asked.accept = handshake::accept_value(key.as_bytes());
    asked
}

/// Asks a server that answers `answer`, and keeps its end of the connection open.
async fn ask(
    headers: &HeaderMap,
    answer: impl FnOnce(&Asked) -> String,
) -> (Result<Handed, UpgradeError>, Asked) {
    let (client, mut server) = tokio::io::duplex(1 << 20);
    let target = Target::parse("wss://h:8443/grpc").unwrap();
    let opening = Opening {
        target: &target,
        path: target.path(),
        subprotocol: Subprotocol::Mux,
        origin: None,
        headers,
    };
    let serve = async {
        let asked = asked(&mut server).await;
        server.write_all(answer(&asked).as_bytes()).await.unwrap();
        (asked, server)
    };
    let (opened, (asked, _)) = tokio::join!(upgrade(Io::new(client), opening), serve);
    (opened, asked)
}

async fn refused(answer: impl FnOnce(&Asked) -> String) -> UpgradeError {
    ask(&HeaderMap::new(), answer).await.0.unwrap_err()
}

#[tokio::test]
async fn the_request_is_that_of_rfc_6455() {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("authorization", "Bearer token"),
        ("host", "other"),
        ("upgrade", "h2c"),
        ("sec-websocket-extensions", "permessage-deflate"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let (opened, asked) = ask(&headers, |asked| asked.answer(&[])).await;
    opened.unwrap();
    assert!(asked.head.starts_with("GET /grpc HTTP/1.1\r\n"));
    for (name, value) in [
        ("host", "h:8443"),
        ("upgrade", "websocket"),
        ("connection", "Upgrade"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-protocol", "grpc-mux.v1"),
        ("origin", "https://h:8443"),
        ("authorization", "Bearer token"),
    ] {
        assert_eq!(asked.value(name), Some(value), "{name}");
    }
    assert_eq!(asked.value("sec-websocket-extensions"), None);
    let key = asked.value("sec-websocket-key").unwrap();
    assert_eq!(STANDARD.decode(key).unwrap().len(), 16);
}

#[tokio::test]
async fn what_comes_behind_the_answer_is_kept() {
    let early = |asked: &Asked| asked.answer(&[]) + "early";
    let mut opened = ask(&HeaderMap::new(), early).await.0.unwrap();
    let mut text = [0; 5];
    opened.read_exact(&mut text).await.unwrap();
    assert_eq!(&text, b"early");
}

#[tokio::test]
async fn an_answer_that_breaks_rfc_6455_opens_nothing() {
    for lines in [
        &["upgrade: h2c"][..],
        &["upgrade:"],
        &["connection: close"],
        &["sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="],
        &["sec-websocket-accept:"],
        &["sec-websocket-extensions: permessage-deflate"],
    ] {
        let error = refused(|asked| asked.answer(lines)).await;
        assert!(
            matches!(error, UpgradeError::Answer(_)),
            "{lines:?}: {error}"
        );
        assert_eq!(error.status().code(), Code::Internal);
        assert!(!error.is_about_subprotocol());
    }
}

#[tokio::test]
async fn another_subprotocol_than_the_offered_one_is_told_from_other_faults() {
    for lines in [
        &["sec-websocket-protocol:"][..],
        &["sec-websocket-protocol: grpc-websockets"],
        &[
            "sec-websocket-protocol: grpc-mux.v1",
            "sec-websocket-protocol: x",
        ],
    ] {
        let error = refused(|asked| asked.answer(lines)).await;
        assert!(error.is_about_subprotocol(), "{lines:?}: {error}");
        assert_eq!(error.status().code(), Code::Unimplemented);
    }
}

#[tokio::test]
async fn other_statuses_have_the_codes_that_grpc_gives_them() {
    for (status, code, is_about_subprotocol) in [
        (200, Code::Unknown, true),
        (301, Code::Unknown, false),
        (400, Code::Internal, true),
        (401, Code::Unauthenticated, false),
        (403, Code::PermissionDenied, false),
        (404, Code::Unimplemented, true),
        (405, Code::Unknown, true),
        (407, Code::Unknown, false),
        (415, Code::Unknown, true),
        (426, Code::Unknown, true),
        (429, Code::Unavailable, false),
        (500, Code::Unknown, true),
        (501, Code::Unknown, true),
        (502, Code::Unavailable, false),
        (503, Code::Unavailable, false),
        (504, Code::Unavailable, false),
        (505, Code::Unknown, true),
    ] {
        let head = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
        let error = refused(|_| head).await;
        assert_eq!(error.status().code(), code, "{status}");
        let message = error.status().message().to_owned();
        assert!(message.contains(&status.to_string()), "{message}");
        assert_eq!(error.is_about_subprotocol(), is_about_subprotocol);
    }
}

#[tokio::test]
async fn a_refusals_text_is_told_up_to_a_limit() {
    let answer = |kind: &str, text: &str| {
        let len = text.len();
        format!("HTTP/1.1 403 X\r\ncontent-type: {kind}\r\ncontent-length: {len}\r\n\r\n{text}")
    };
    let told = refused(|_| answer("text/plain; charset=utf-8", "not\r\nyou\n")).await;
    assert!(told.to_string().ends_with(": not  you"), "{told}");
    let long = refused(|_| answer("text/plain", &"x".repeat(10_000))).await;
    assert!(matches!(long, UpgradeError::Refused { text, .. } if text.len() == MAX_TEXT));
    let page = refused(|_| answer("text/html", "<html>")).await;
    assert!(page.to_string().ends_with("403 Forbidden"), "{page}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_whose_text_never_comes_is_told_without_it() {
    let head = "HTTP/1.1 503 X\r\ncontent-type: text/plain\r\ncontent-length: 9\r\n\r\n";
    let error = refused(|_| head.to_owned()).await;
    assert_eq!(error.status().code(), Code::Unavailable);
}

#[tokio::test]
async fn what_is_not_http_or_too_long_is_an_error() {
    let garbage = refused(|_| "\u{15}\u{3}\u{3}garbage\r\n\r\n".to_owned()).await;
    assert_eq!(garbage.status().code(), Code::Internal, "{garbage}");
    let line = format!("x: {}\r\n", "y".repeat(70_000));
    let long = refused(|asked| asked.answer(&[]).replace("\r\n\r\n", "\r\n") + &line).await;
    assert!(!long.is_about_subprotocol(), "{long}");
    let many = "x: y\r\n".repeat(101);
    let many = refused(|asked| asked.answer(&[]).replace("\r\n\r\n", "\r\n") + &many + "\r\n");
    assert!(!many.await.is_about_subprotocol());
}

#[tokio::test]
async fn a_connection_that_closes_in_the_handshake_is_unavailable() {
    for answer in ["", "HTTP/1.1 101 Swit"] {
        let (client, mut server) = tokio::io::duplex(1 << 10);
        let target = Target::parse("ws://h").unwrap();
        let headers = HeaderMap::new();
        let opening = Opening {
            target: &target,
            path: "/",
            subprotocol: Subprotocol::Single,
            origin: None,
            headers: &headers,
        };
        let serve = async move {
            asked(&mut server).await;
            server.write_all(answer.as_bytes()).await.unwrap();
        };
        let (opened, ()) = tokio::join!(upgrade(Io::new(client), opening), serve);
        let error = opened.unwrap_err();
        assert_eq!(error.status().code(), Code::Unavailable, "{error}");
        assert!(!error.is_about_subprotocol());
    }
}

#[tokio::test]
async fn the_handshake_can_be_made_in_a_task_of_its_own() {
    let (client, server) = tokio::io::duplex(1 << 10);
    drop(server);
    let opened = tokio::spawn(async move {
        let target = Target::parse("ws://h").unwrap();
        let headers = HeaderMap::new();
        let opening = Opening {
            target: &target,
            path: "/",
            subprotocol: Subprotocol::Single,
            origin: None,
            headers: &headers,
        };
        upgrade(Io::new(client), opening).await.is_ok()
    });
    assert!(!opened.await.unwrap());
}
