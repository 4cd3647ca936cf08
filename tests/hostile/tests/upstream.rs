//! Upstreams that are not there, or not what they should be.

use std::net::SocketAddr;
use std::thread::{scope, sleep};
use std::time::Duration;

use grpc_websocket_hostile::grpc::{BLOCK, data, headers, message, prefix, unary};
use grpc_websocket_hostile::upstream::{
    Answer, Upstream, closed_port, never_accepting, resetting, saying,
};
use grpc_websocket_hostile::{Client, Code, End, Frame, Gateway, Outcome, Settings, handshake};

const SOON: Duration = Duration::from_secs(3);

fn gateway_to(upstream: SocketAddr) -> Gateway {
    Gateway::start(upstream, Settings::default())
}

fn open(gateway: &Gateway) -> Client {
    Client::connect(gateway.address).upgraded(&handshake("Any"))
}

fn call(gateway: &Gateway) -> Outcome {
    let mut client = open(gateway);
    client.send(&unary(b"hi"));
    client.outcome()
}

/// A header block with one second to go.
fn block_of_one_second() -> Vec<u8> {
    Frame::binary(format!("{BLOCK}grpc-timeout: 1S\r\n")).encode()
}

#[test]
fn an_upstream_that_speaks_no_http2_is_unavailable() {
    let cases = [
        ("closed port", closed_port()),
        ("reset", resetting()),
        ("closes at once", saying(b"")),
        (
            "HTTP/1.1",
            saying(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/grpc\r\ncontent-length: 0\r\n\r\n",
            ),
        ),
        (
            "garbage",
            saying(b"\xff\xfe\xfd SSH-2.0-nothing\r\n\0\0\0\0\0\0\0\0\0\0"),
        ),
        (
            "GOAWAY",
            saying(b"\0\0\0\x04\0\0\0\0\0\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0"),
        ),
    ];
    for (case, upstream) in cases {
        let gateway = gateway_to(upstream);
        for _ in 0..2 {
            let outcome = call(&gateway);
            outcome.assert(case, Some(Code::Unavailable), Some(1000));
            assert!(outcome.took < SOON, "{case}: {outcome}");
        }
    }
}

#[test]
fn an_answer_that_is_not_grpc_becomes_a_status() {
    let ok = |answer: Answer| answer.trailer("grpc-status", "0");
    let cases = [
        (
            "HTML",
            Answer::new(200, "text/html").body("<html>"),
            Code::Unknown,
            1000,
        ),
        ("400", Answer::new(400, "text/html"), Code::Internal, 1000),
        (
            "401",
            Answer::new(401, "text/html"),
            Code::Unauthenticated,
            1000,
        ),
        (
            "403",
            Answer::new(403, "text/html"),
            Code::PermissionDenied,
            1000,
        ),
        (
            "404",
            Answer::new(404, "text/html"),
            Code::Unimplemented,
            1000,
        ),
        ("418", Answer::new(418, "text/html"), Code::Unknown, 1000),
        (
            "503",
            Answer::new(503, "text/html").body("busy"),
            Code::Unavailable,
            1000,
        ),
        ("no trailers", Answer::grpc(), Code::Unknown, 1000),
        (
            "no trailers after a message",
            Answer::grpc().body(message(b"m")),
            Code::Unknown,
            1000,
        ),
        (
            "trailers without a status",
            Answer::grpc().trailer("x", "y"),
            Code::Unknown,
            1000,
        ),
        (
            "status in the headers",
            Answer::grpc().header("grpc-status", "5"),
            Code::NotFound,
            1000,
        ),
        (
            "status in the headers of a 503",
            Answer::new(503, "text/html").header("grpc-status", "8"),
            Code::ResourceExhausted,
            1000,
        ),
        (
            "status in the headers and a body",
            Answer::grpc()
                .header("grpc-status", "0")
                .body(message(b"m")),
            Code::Ok,
            1000,
        ),
        (
            "not framed",
            ok(Answer::grpc().body("<html>")),
            Code::Internal,
            1011,
        ),
        (
            "OK inside a prefix",
            ok(Answer::grpc().body([0, 0])),
            Code::Internal,
            1011,
        ),
        (
            "OK inside a message",
            ok(Answer::grpc().body(prefix(0, 9)).body("half")),
            Code::Internal,
            1011,
        ),
        (
            "a message that is not UTF-8",
            Answer::grpc()
                .trailer("grpc-status", "9")
                .trailer("grpc-message", "caf\u{e9}"),
            Code::FailedPrecondition,
            1000,
        ),
        (
            "details that are not base64",
            Answer::grpc()
                .trailer("grpc-status", "9")
                .trailer("grpc-status-details-bin", "%%%"),
            Code::FailedPrecondition,
            1000,
        ),
    ];
    for (case, answer, status, close) in cases {
        let upstream = Upstream::answering(answer);
        let outcome = call(&gateway_to(upstream.address));
        outcome.assert(case, Some(status), Some(close));
        assert!(outcome.took < SOON, "{case}: {outcome}");
    }
}

#[test]
fn a_half_of_a_long_message_is_followed_by_no_status() {
    let half = Answer::grpc()
        .body(prefix(0, 1 << 20))
        .body(vec![0; 1 << 19]);
    let upstream = Upstream::answering(half.trailer("grpc-status", "0"));
    let outcome = call(&gateway_to(upstream.address));
    outcome.assert("half of 1 MiB", None, Some(1011));
}

#[test]
fn an_upstream_that_is_killed_is_unavailable_and_never_a_clean_end() {
    let begun = Answer::grpc().body(message(b"whole")).unending();
    let short = begun.clone().body(prefix(0, 9)).body("half");
    let long = begun
        .clone()
        .body(prefix(0, 1 << 20))
        .body(vec![0; 1 << 19]);
    let unavailable = (Some(Code::Unavailable), Some(1000));
    for (case, answer, (status, close)) in [
        ("after the headers", Answer::grpc().unending(), unavailable),
        ("after a message", begun, unavailable),
        ("inside a message", short, unavailable),
        ("inside a long message", long, (None, Some(1011))),
    ] {
        let upstream = Upstream::answering(answer);
        let gateway = gateway_to(upstream.address);
        let mut client = open(&gateway);
        client.send(&unary(b"hi"));
        sleep(Duration::from_millis(300));
        upstream.kill();
        let outcome = client.outcome();
        outcome.assert(case, status, close);
        assert!(outcome.took < SOON, "{case}: {outcome}");
        call(&gateway).assert("the next call", Some(Code::Unavailable), Some(1000));
    }
}

#[test]
fn an_upstream_that_comes_back_is_used_again() {
    let address = closed_port();
    let gateway = gateway_to(address);
    call(&gateway).assert("down", Some(Code::Unavailable), Some(1000));
    let answer = Answer::grpc()
        .body(message(b"back"))
        .trailer("grpc-status", "0");
    let upstream = Upstream::answering_at(address, answer);
    let outcome = call(&gateway);
    outcome.assert("up", Some(Code::Ok), Some(1000));
    assert_eq!(outcome.messages, [b"back"]);
    upstream.kill();
    call(&gateway).assert("down again", Some(Code::Unavailable), Some(1000));
}

#[test]
fn a_silent_upstream_ends_its_calls_by_deadline_keepalive_or_cancellation() {
    let (_listener, address) = never_accepting();
    let gateway = gateway_to(address);
    scope(|scope| {
        scope.spawn(|| deadline_passes(&gateway));
        scope.spawn(|| keepalive_finds_it(&gateway));
        scope.spawn(|| client_closes(&gateway));
    });
}

fn deadline_passes(gateway: &Gateway) {
    let mut client = open(gateway);
    client.send(&block_of_one_second());
    let outcome = client.outcome();
    outcome.assert("deadline", Some(Code::DeadlineExceeded), Some(1000));
    assert!(outcome.took < SOON, "{outcome}");
}

fn keepalive_finds_it(gateway: &Gateway) {
    let mut client = open(gateway);
    client.set_patience(Duration::from_secs(40));
    client.send(&unary(b"hi"));
    client
        .outcome()
        .assert("keepalive", Some(Code::Unavailable), Some(1000));
}

fn client_closes(gateway: &Gateway) {
    let mut client = open(gateway);
    client.send(&[headers(), Frame::close([]).encode()].concat());
    let outcome = client.outcome();
    assert_eq!(outcome.close_code(), Some(1005), "{outcome}");
    assert!(outcome.took < SOON, "{outcome}");
}

#[test]
fn an_upstream_that_is_silent_after_its_headers_is_left_by_deadline_or_close() {
    let upstream = Upstream::answering(Answer::grpc().unending());
    let gateway = gateway_to(upstream.address);
    deadline_passes(&gateway);
    client_closes(&gateway);
}

#[test]
fn an_upload_that_the_upstream_does_not_read_stops_and_costs_no_memory() {
    let (_listener, silent) = never_accepting();
    let unread = Upstream::answering(Answer::grpc().unending());
    for upstream in [silent, unread.address] {
        let gateway = gateway_to(upstream);
        let before = gateway.resident_kib();
        let mut client = open(&gateway);
        client.send(&block_of_one_second());
        let upload = data(&message(&vec![0; 1 << 20]));
        let (outcome, _) = client.flood(&upload, 4, &[]);
        outcome.assert("upload", Some(Code::DeadlineExceeded), Some(1000));
        let grown = gateway.peak_resident_kib() - before;
        println!("{grown} KiB");
        assert!(grown < 8 * 1024, "{grown} KiB");
        assert_ne!(outcome.end(), Some(End::TimedOut));
    }
}
