//! A client that servers answer in all ways.

use grpc_websocket_core::{Blame, Code};
use grpc_websocket_embassy::handshake::{HandshakeError, Subprotocol, Upgrade, Upgraded, connect};

use crate::common::{Source, pipe, run};
use crate::{ACCEPT, KEY, NONCE, changed, head};

pub(crate) const BOTH: Upgrade<'_> =
    Upgrade::new("device:8080", "/grpc").subprotocols(&[Subprotocol::Mux, Subprotocol::Single]);

/// A good answer.
pub(crate) const ANSWER: [&str; 5] = [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    "Sec-WebSocket-Protocol: grpc-mux.v1",
];

/// What became of a handshake: the result, what was sent, the buffer.
pub(crate) struct Outcome {
    pub(crate) result: Result<Upgraded, HandshakeError>,
    pub(crate) sent: Vec<u8>,
    pub(crate) buffer: Vec<u8>,
}

pub(crate) fn connect_with(upgrade: &Upgrade<'_>, mut answer: Source, size: usize) -> Outcome {
    let (mut sink, sent) = pipe(usize::MAX);
    let mut buffer = vec![0; size];
    let connecting = connect(&mut answer, &mut sink, upgrade, NONCE, false, &mut buffer);
    Outcome {
        result: run(connecting),
        sent: sent.take(),
        buffer,
    }
}

/// What a client says to an answer.
fn result(answer: &[u8]) -> Result<Upgraded, HandshakeError> {
    connect_with(&BOTH, Source::of(answer), 512).result
}

fn opened(answer: &[u8]) -> Subprotocol {
    result(answer).expect("a good answer").subprotocol
}

pub(crate) fn sent(upgrade: &Upgrade<'_>, size: usize) -> String {
    let sent = connect_with(upgrade, Source::of(b""), size).sent;
    String::from_utf8(sent).unwrap()
}

#[test]
fn the_request_is_that_of_rfc_6455() {
    let headers = [("authorization", "Bearer a.b"), ("x-device", "pump 7")];
    let upgrade = BOTH.origin("http://device:8080").headers(&headers);
    let sent = sent(&upgrade, 512);
    let mut lines = sent.split("\r\n");
    assert_eq!(lines.next(), Some("GET /grpc HTTP/1.1"));
    let mut lines: Vec<_> = lines.collect();
    assert_eq!(lines.split_off(lines.len() - 2), ["", ""]);
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "Connection: Upgrade",
            "Host: device:8080",
            "Origin: http://device:8080",
            &format!("Sec-WebSocket-Key: {KEY}"),
            "Sec-WebSocket-Protocol: grpc-mux.v1, grpc-websockets",
            "Sec-WebSocket-Version: 13",
            "Upgrade: websocket",
            "authorization: Bearer a.b",
            "x-device: pump 7",
        ]
    );
}

#[test]
fn one_subprotocol_is_offered_alone_and_no_origin_unless_it_is_given() {
    let sent = sent(&Upgrade::new("device", "/"), 512);
    assert!(sent.contains("\r\nSec-WebSocket-Protocol: grpc-mux.v1\r\n"));
    assert!(!sent.to_ascii_lowercase().contains("origin"));
}

#[test]
fn the_request_may_be_longer_than_the_buffer() {
    let whole = sent(&BOTH, 512);
    for size in [1, 2, 7, 64, whole.len() - 1, whole.len()] {
        assert_eq!(sent(&BOTH, size), whole, "{size}");
    }
}

#[test]
fn servers_answer_in_all_styles() {
    // tungstenite; npm ws; nginx in front; Python websockets; folded white space; LF alone.
    for answer in [
        head(&ANSWER),
        head(&[
            "HTTP/1.1 101 Switching Protocols",
            "connection: Upgrade",
            "upgrade: websocket",
            &format!("sec-websocket-accept: {ACCEPT}"),
            "sec-websocket-protocol: grpc-mux.v1",
        ]),
        head(&[
            "HTTP/1.1 101 Switching Protocols",
            "Server: nginx/1.22.1",
            "Date: Mon, 23 Nov 2026 05:00:00 GMT",
            "Connection: upgrade",
            "Upgrade: WebSocket",
            &format!("Sec-WebSocket-Accept: {ACCEPT}"),
            "Sec-WebSocket-Protocol: grpc-mux.v1",
            "Set-Cookie: a=b",
            "Content-Length: x",
        ]),
        head(&[
            "HTTP/1.1 101 ",
            "CONNECTION:keep-alive\t,\t UPGRADE ",
            "UPGRADE:\twebsocket\t",
            &format!("SEC-WEBSOCKET-ACCEPT:{ACCEPT}"),
            "SEC-WEBSOCKET-PROTOCOL:  grpc-mux.v1  ",
        ]),
        String::from_utf8(head(&ANSWER))
            .unwrap()
            .replace('\r', "")
            .into_bytes(),
    ] {
        assert_eq!(
            opened(&answer),
            Subprotocol::Mux,
            "{}",
            answer.escape_ascii()
        );
    }
    let single = changed(&ANSWER, &["Sec-WebSocket-Protocol: grpc-websockets"]);
    assert_eq!(opened(&single), Subprotocol::Single);
}

#[test]
fn an_answer_that_breaks_rfc_6455_opens_nothing() {
    use HandshakeError as E;
    for (changes, error) in [
        (&["Upgrade: h2c"][..], E::NotWebSocket),
        (&["Upgrade:"], E::NotWebSocket),
        (&["Connection: close"], E::NotWebSocket),
        (&["Connection:"], E::NotWebSocket),
        (&["Sec-WebSocket-Accept:"], E::WrongAccept),
        (
            &["Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo="],
            E::WrongAccept,
        ),
        (
            &["Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo"],
            E::WrongAccept,
        ),
        (
            &[
                "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
                "sec-websocket-accept: x",
            ],
            E::WrongAccept,
        ),
        (
            &["Sec-WebSocket-Extensions: permessage-deflate"],
            E::Extension,
        ),
        (&["Sec-WebSocket-Extensions: "], E::Extension),
        (&["Sec-WebSocket-Protocol:"], E::Subprotocol),
        (&["Sec-WebSocket-Protocol: grpc"], E::Subprotocol),
        (
            &["Sec-WebSocket-Protocol: grpc-mux.v1, grpc-websockets"],
            E::Subprotocol,
        ),
        (
            &[
                "Sec-WebSocket-Protocol: grpc-mux.v1",
                "sec-websocket-protocol: grpc-mux.v1",
            ],
            E::Subprotocol,
        ),
        (&["Connection: Upgrade", "upgrade"], E::Malformed),
        (&["Connection: Upgrade", " and more"], E::Malformed),
        (&["Connection : Upgrade"], E::Malformed),
    ] {
        assert_eq!(
            result(&changed(&ANSWER, changes)),
            Err(error),
            "{changes:?}"
        );
        assert_eq!(error.blame(), Some(Blame::Peer));
        let expected = match error {
            E::Subprotocol => Code::Unimplemented,
            _ => Code::Internal,
        };
        assert_eq!(error.code(), expected);
        assert_eq!(error.is_about_subprotocol(), error == E::Subprotocol);
    }
}

#[test]
fn what_was_not_offered_may_not_be_chosen() {
    let single = changed(&ANSWER, &["Sec-WebSocket-Protocol: grpc-websockets"]);
    let outcome = connect_with(&Upgrade::new("h", "/"), Source::of(&single), 512);
    assert_eq!(outcome.result, Err(HandshakeError::Subprotocol));
}

#[test]
fn other_statuses_have_the_codes_that_grpc_gives_them() {
    for (status, code, is_about_subprotocol) in [
        (200, Code::Unknown, false),
        (301, Code::Unknown, false),
        (400, Code::Internal, true),
        (401, Code::Unauthenticated, false),
        (403, Code::PermissionDenied, false),
        (404, Code::Unimplemented, true),
        (405, Code::Unknown, true),
        (415, Code::Unknown, true),
        (426, Code::Unknown, true),
        (429, Code::Unavailable, false),
        (431, Code::Internal, false),
        (501, Code::Unknown, true),
        (502, Code::Unavailable, false),
        (503, Code::Unavailable, false),
        (504, Code::Unavailable, false),
    ] {
        for version in ["1.0", "1.1"] {
            let first = format!("HTTP/{version} {status} No");
            let error = result(&head(&[&first, "Content-Length: 2"])).unwrap_err();
            assert_eq!(error, HandshakeError::Refused(status));
            assert_eq!(error.code(), code, "{status}");
            assert_eq!(
                error.is_about_subprotocol(),
                is_about_subprotocol,
                "{status}"
            );
            assert!(error.to_string().contains(&status.to_string()));
        }
    }
}

#[test]
fn what_is_not_http_is_said_to_be_so() {
    for answer in [
        &b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n"[..],
        b"HTTP/1.0 101 Switching Protocols\r\n\r\n",
        b"HTTP/2 101\r\n\r\n",
        b"ICY 200 OK\r\n\r\n",
        b"\x15\x03\x01\n\r\n",
    ] {
        let error = result(answer).unwrap_err();
        assert_eq!(
            error,
            HandshakeError::Malformed,
            "{}",
            answer.escape_ascii()
        );
        assert_eq!(error.code(), Code::Internal);
    }
}

#[test]
fn nothing_is_sent_that_would_forge_a_part_of_the_request() {
    let forged = [("x", "y\r\nz: w")];
    let upgrade = BOTH.headers(&forged);
    let outcome = connect_with(&upgrade, Source::of(&head(&ANSWER)), 512);
    let error = outcome.result.unwrap_err();
    assert_eq!(error, HandshakeError::InvalidRequest);
    assert_eq!(error.blame(), Some(Blame::Misuse));
    assert_eq!(outcome.sent, b"");
}
