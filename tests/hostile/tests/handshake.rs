//! The opening handshake, and what is no handshake at all.

use std::time::Duration;

use grpc_websocket_hostile::grpc::unary;
use grpc_websocket_hostile::{Code, Handshake, Target, handshake};

fn honest() -> Handshake {
    handshake("Unary")
}

/// The HTTP status of the answer to these bytes; `None` if the server closes instead.
fn status(target: &Target, bytes: &[u8]) -> Option<u16> {
    let mut client = target.connect();
    client.send(bytes);
    client.head().map(|head| head.status)
}

#[test]
fn a_bad_handshake_gets_the_status_of_its_fault() {
    let key = "Sec-WebSocket-Key";
    let version = "Sec-WebSocket-Version";
    let cases = [
        ("no key", honest().without(key), 400),
        (
            "key of 5 bytes",
            honest().without(key).with(key, "c2hvcnQ="),
            400,
        ),
        (
            "key that is not base64",
            honest().without(key).with(key, "****"),
            400,
        ),
        (
            "two keys",
            honest().with(key, "dGhlIHNhbXBsZSBub25jZQ=="),
            400,
        ),
        ("no version", honest().without(version), 426),
        (
            "version 8",
            honest().without(version).with(version, "8"),
            426,
        ),
        ("two versions", honest().with(version, "13"), 426),
        ("no Connection", honest().without("Connection"), 400),
        (
            "Connection: close",
            honest().without("Connection").with("Connection", "close"),
            400,
        ),
        (
            "foreign Origin",
            honest().with("Origin", "http://evil.example"),
            403,
        ),
        ("Origin: null", honest().with("Origin", "null"), 403),
        (
            "Origin of another port",
            honest().with("Origin", "http://localhost:1"),
            403,
        ),
        (
            "two Origins",
            honest()
                .with("Origin", "http://localhost")
                .with("Origin", "http://evil.example"),
            403,
        ),
        (
            "no Host",
            honest().without("Host").with("Origin", "http://localhost"),
            403,
        ),
    ];
    for target in Target::both() {
        for (case, handshake, expected) in &cases {
            assert_eq!(
                status(&target, &handshake.encode()),
                Some(*expected),
                "{case}"
            );
        }
        target.assert_recovered();
        assert_eq!(
            target.probe.begun(),
            1,
            "only the honest call has a handler"
        );
    }
}

#[test]
fn a_request_for_no_websocket_of_ours_is_an_ordinary_request() {
    let protocol = "Sec-WebSocket-Protocol";
    let cases = [
        ("no Upgrade", honest().without("Upgrade")),
        (
            "Upgrade: h2c",
            honest().without("Upgrade").with("Upgrade", "h2c"),
        ),
        ("no subprotocol", honest().without(protocol)),
        (
            "other subprotocol",
            honest().without(protocol).with(protocol, "graphql-ws"),
        ),
    ];
    for target in Target::both() {
        for (case, handshake) in &cases {
            let status = status(&target, &handshake.encode()).expect("an answer");
            println!("{case}: {status}");
            assert_ne!(status, 101, "{case}");
        }
        target.assert_recovered();
    }
}

#[test]
fn no_extension_is_accepted_and_only_our_subprotocol() {
    for target in Target::both() {
        let handshake = honest()
            .with(
                "Sec-WebSocket-Extensions",
                "permessage-deflate; client_max_window_bits",
            )
            .with("Sec-WebSocket-Protocol", "secret-token");
        let mut client = target.connect();
        client.send(&handshake.encode());
        let head = client.head().expect("an answer");
        assert_eq!(head.status, 101);
        assert!(
            !head.headers.contains("sec-websocket-extensions"),
            "{head:?}"
        );
        assert!(
            head.headers
                .contains("sec-websocket-protocol: grpc-websockets\r\n"),
            "{head:?}"
        );
        client.send(&unary(b"hi"));
        client
            .outcome()
            .assert(target.name, Some(Code::Ok), Some(1000));
    }
}

#[test]
fn frames_behind_the_upgrade_request_in_one_segment_are_not_lost() {
    for target in Target::both() {
        let mut client = target.connect();
        client.send(&[honest().encode(), unary(b"hi")].concat());
        assert_eq!(client.head().expect("an answer").status, 101);
        let outcome = client.outcome();
        outcome.assert(target.name, Some(Code::Ok), Some(1000));
        assert_eq!(outcome.messages, [b"hi"]);
    }
}

#[test]
fn a_handshake_byte_by_byte_is_a_handshake() {
    for target in Target::both() {
        let mut client = target.connect();
        client.drip(
            &[honest().encode(), unary(b"hi")].concat(),
            Duration::from_micros(100),
        );
        assert_eq!(client.head().expect("an answer").status, 101);
        client
            .outcome()
            .assert(target.name, Some(Code::Ok), Some(1000));
    }
}

#[test]
fn two_requests_in_one_buffer_are_two_requests() {
    for target in Target::both() {
        let get = b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec();
        let mut client = target.connect();
        client.send(&[get, honest().encode(), unary(b"hi")].concat());
        let first = client.head().expect("an answer");
        println!("{}: {first:?}", target.name);
        assert_ne!(first.status, 101);
        assert!(first.headers.contains("content-length: 0"), "{first:?}");
        assert_eq!(client.head().expect("an answer").status, 101);
        client
            .outcome()
            .assert(target.name, Some(Code::Ok), Some(1000));
    }
}

#[test]
fn a_second_request_behind_a_handshake_is_no_frame() {
    for target in Target::both() {
        let mut client = target.connect();
        client.send(&[honest().encode(), honest().encode()].concat());
        assert_eq!(client.head().expect("an answer").status, 101);
        client.outcome().assert(target.name, None, Some(1002));
        target.assert_recovered();
    }
}

#[test]
fn http_garbage_is_a_bad_request_or_a_closed_connection() {
    let many = |lines: usize| {
        let lines: Vec<_> = (0..lines).map(|line| format!("x-{line}: 1\r\n")).collect();
        format!("GET / HTTP/1.1\r\n{}\r\n", lines.concat()).into_bytes()
    };
    let cases = [
        ("zeros", vec![0; 100]),
        (
            "TLS",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".repeat(20),
        ),
        ("line breaks", b"\r\n".repeat(100)),
        ("no version", b"GET /\r\n\r\n".to_vec()),
        ("HTTP/9.9", b"GET / HTTP/9.9\r\n\r\n".to_vec()),
        (
            "half of the preface",
            b"PRI * HTTP/2.0\r\n\r\nxx\r\n\r\n".to_vec(),
        ),
        ("a frame without a preface", vec![0, 0, 0, 4, 0, 0, 0, 0, 0]),
        (
            "a header without a colon",
            b"GET / HTTP/1.1\r\nnothing\r\n\r\n".to_vec(),
        ),
        (
            "NUL in a header",
            b"GET / HTTP/1.1\r\nx: a\0b\r\n\r\n".to_vec(),
        ),
        (
            "a folded header",
            b"GET / HTTP/1.1\r\nx: a\r\n b\r\n\r\n".to_vec(),
        ),
        ("1,000 headers", many(1000)),
        (
            "a head of 100 KB",
            format!("GET / HTTP/1.1\r\nx: {}", "y".repeat(100_000)).into_bytes(),
        ),
        (
            "a path of 100 KB",
            format!("GET /{}", "y".repeat(100_000)).into_bytes(),
        ),
    ];
    for target in Target::both() {
        for (case, bytes) in &cases {
            let mut client = target.connect();
            let _ = client.try_send(bytes);
            client.finish();
            let status = client.head().map(|head| head.status);
            println!("{case}: {status:?}");
            assert!(
                status.is_none_or(|status| (400..500).contains(&status)),
                "{case}: {status:?}"
            );
        }
        target.assert_recovered();
    }
}
