//! A server that clients ask in all ways.

use grpc_websocket_embassy::handshake::{
    Accept, HandshakeError, Refusal, Subprotocol, Upgraded, accept,
};

use crate::common::{Source, pipe, run};
use crate::{ACCEPT, changed, head};

/// What Firefox sends, with its cookies.
pub(crate) const FIREFOX: [&str; 15] = [
    "GET /demo.Echo/Say HTTP/1.1",
    "Host: device.local:8080",
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept: */*",
    "Accept-Language: en-US,en;q=0.5",
    "Accept-Encoding: gzip, deflate",
    "Sec-WebSocket-Version: 13",
    "Origin: http://device.local:8080",
    "Sec-WebSocket-Protocol: grpc-websockets",
    "Sec-WebSocket-Extensions: permessage-deflate",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Connection: keep-alive, Upgrade",
    "Cookie: session=0123456789abcdef0123456789abcdef",
    "Pragma: no-cache",
    "Upgrade: websocket",
];

/// What became of a handshake: the result, the path, what was answered, the buffer.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) result: Result<Upgraded, HandshakeError>,
    pub(crate) path: String,
    pub(crate) answer: String,
    pub(crate) buffer: Vec<u8>,
}

pub(crate) fn accept_with(policy: &Accept<'_>, mut request: Source, size: usize) -> Outcome {
    let (mut sink, answer) = pipe(usize::MAX);
    let mut buffer = vec![0; size];
    let mut path = [0; 32];
    let accepted = run(accept(
        &mut request,
        &mut sink,
        policy,
        &mut path,
        false,
        &mut buffer,
    ));
    Outcome {
        result: accepted.map(|accepted| accepted.upgraded),
        path: accepted
            .map(|accepted| accepted.path.to_owned())
            .unwrap_or_default(),
        answer: String::from_utf8(answer.take()).unwrap(),
        buffer,
    }
}

pub(crate) fn outcome(request: &[u8]) -> Outcome {
    accept_with(&Accept::new(), Source::of(request), 512)
}

/// How a request is refused, and with which first line.
pub(crate) fn refusal(policy: &Accept<'_>, request: &[u8]) -> (Refusal, String) {
    let outcome = accept_with(policy, Source::of(request), 512);
    let Err(HandshakeError::Rejected(refusal)) = outcome.result else {
        panic!("{outcome:?}");
    };
    let (head, text) = outcome.answer.split_once("\r\n\r\n").expect("a whole head");
    assert_eq!(text.trim_end(), refusal.to_string());
    assert!(head.contains("\r\nConnection: close"));
    let status = head.strip_prefix("HTTP/1.1 ").expect("HTTP");
    (refusal, status.split(' ').next().unwrap().to_owned())
}

#[test]
fn the_answer_is_that_of_rfc_6455() {
    let outcome = outcome(&head(&FIREFOX));
    assert_eq!(
        outcome.result.map(|upgraded| upgraded.subprotocol),
        Ok(Subprotocol::Single)
    );
    assert_eq!(outcome.path, "/demo.Echo/Say");
    let answer = head(&[
        "HTTP/1.1 101 Switching Protocols",
        "Connection: Upgrade",
        "Upgrade: websocket",
        &format!("Sec-WebSocket-Accept: {ACCEPT}"),
        "Sec-WebSocket-Protocol: grpc-websockets",
    ]);
    assert_eq!(outcome.answer.as_bytes(), answer);
}

#[test]
fn many_calls_are_preferred_and_one_subprotocol_is_answered() {
    for (offered, chosen) in [
        (
            &["sec-websocket-protocol: grpc-mux.v1"][..],
            Subprotocol::Mux,
        ),
        (
            &["sec-websocket-protocol: grpc-websockets, grpc-mux.v1"],
            Subprotocol::Mux,
        ),
        (
            &[
                "sec-websocket-protocol: grpc-websockets",
                "sec-websocket-protocol: x,grpc-mux.v1",
            ],
            Subprotocol::Mux,
        ),
        (
            &["sec-websocket-protocol: grpc-mux.v2, grpc-websockets"],
            Subprotocol::Single,
        ),
        (
            &["sec-websocket-protocol: bearer.a, grpc-websockets"],
            Subprotocol::Single,
        ),
    ] {
        let outcome = outcome(&changed(&FIREFOX, offered));
        assert_eq!(outcome.result.unwrap().subprotocol, chosen, "{offered:?}");
        let line = format!("Sec-WebSocket-Protocol: {}\r\n", chosen.name());
        assert!(outcome.answer.contains(&line));
        assert_eq!(outcome.answer.matches("Protocol:").count(), 1);
    }
}

#[test]
fn a_server_may_take_one_subprotocol_only() {
    let both = "sec-websocket-protocol: grpc-websockets, grpc-mux.v1";
    let request = changed(&FIREFOX, &[both]);
    let single = Accept::new().subprotocols(&[Subprotocol::Single]);
    let outcome = accept_with(&single, Source::of(&request), 512);
    assert_eq!(outcome.result.unwrap().subprotocol, Subprotocol::Single);
    let mux = Accept::new().subprotocols(&[Subprotocol::Mux]);
    assert_eq!(refusal(&mux, &head(&FIREFOX)).0, Refusal::Subprotocol);
}

#[test]
fn clients_ask_in_all_styles() {
    // undici and npm ws send no origin; tungstenite; curl of a bare kind.
    for changes in [
        &["origin:", "accept:", "user-agent:", "cookie:"][..],
        &["connection: Upgrade", "upgrade: WebSocket"],
        &["connection: keep-alive", "Connection: UPGRADE"],
        &["upgrade: h2c, websocket"],
        &["Host:device.local:8080", "origin:http://device.local:8080"],
        &["content-length: x"],
        &["content-length: 99999999999999999999"],
        &["x~!#$%&'*+.^_`|: any token is a name"],
        &["x-binary: \u{e9}"],
    ] {
        let outcome = outcome(&changed(&FIREFOX, changes));
        assert!(outcome.result.is_ok(), "{changes:?}: {}", outcome.answer);
    }
    let mut late = b"\r\n\r\n".to_vec();
    late.extend(head(&FIREFOX));
    assert!(outcome(&late).result.is_ok());
    let lines = String::from_utf8(head(&FIREFOX)).unwrap().replace('\r', "");
    assert!(outcome(lines.as_bytes()).result.is_ok());
}

#[test]
fn bad_requests_get_the_status_of_their_fault() {
    for (changes, refused, status) in [
        (&["upgrade:"][..], Refusal::NotWebSocket, "426"),
        (&["upgrade: h2c"], Refusal::NotWebSocket, "426"),
        (&["host:"], Refusal::Host, "400"),
        (&["host: a", "Host: a"], Refusal::Host, "400"),
        (&["origin: http://evil.example"], Refusal::Origin, "403"),
        (&["origin: null"], Refusal::Origin, "403"),
        (
            &[
                "origin: http://device.local:8080",
                "Origin: http://device.local:8080",
            ],
            Refusal::Origin,
            "403",
        ),
        (
            &["sec-websocket-version:"],
            Refusal::WebSocketVersion,
            "426",
        ),
        (
            &["sec-websocket-version: 8"],
            Refusal::WebSocketVersion,
            "426",
        ),
        (
            &["sec-websocket-version: 13", "Sec-WebSocket-Version: 13"],
            Refusal::WebSocketVersion,
            "426",
        ),
        (&["connection:"], Refusal::Connection, "400"),
        (&["connection: keep-alive"], Refusal::Connection, "400"),
        (&["sec-websocket-key:"], Refusal::Key, "400"),
        (&["sec-websocket-key: c2hvcnQ="], Refusal::Key, "400"),
        (
            &["sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ"],
            Refusal::Key,
            "400",
        ),
        (
            &[
                "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
                "sec-websocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            ],
            Refusal::Key,
            "400",
        ),
        (&["sec-websocket-protocol:"], Refusal::Subprotocol, "400"),
        (
            &["sec-websocket-protocol: graphql-ws"],
            Refusal::Subprotocol,
            "400",
        ),
        (&["host"], Refusal::Malformed, "400"),
        (&["host : a"], Refusal::Malformed, "400"),
        (
            &["connection: keep-alive,", " Upgrade"],
            Refusal::Malformed,
            "400",
        ),
    ] {
        let refused = (refused, status.to_owned());
        assert_eq!(
            refusal(&Accept::new(), &changed(&FIREFOX, changes)),
            refused,
            "{changes:?}"
        );
    }
}

#[test]
fn the_first_line_is_looked_at() {
    for (line, refused, status) in [
        ("POST / HTTP/1.1", Refusal::Method, "405"),
        ("get / HTTP/1.1", Refusal::Method, "405"),
        ("PRI * HTTP/2.0", Refusal::HttpVersion, "505"),
        ("GET / HTTP/1.0", Refusal::HttpVersion, "505"),
        ("GET / HTTP/1.1 x", Refusal::HttpVersion, "505"),
        ("GET /", Refusal::Malformed, "400"),
        ("GET", Refusal::Malformed, "400"),
        ("GET * HTTP/1.1", Refusal::Malformed, "400"),
        ("GET s/m HTTP/1.1", Refusal::Malformed, "400"),
        ("GET  / HTTP/1.1", Refusal::Malformed, "400"),
        ("GET /\u{e9} HTTP/1.1", Refusal::Malformed, "400"),
        ("GET /\t HTTP/1.1", Refusal::Malformed, "400"),
        ("GET ftp://a/b HTTP/1.1", Refusal::Malformed, "400"),
        ("\u{16}\u{3}\u{1}", Refusal::Malformed, "400"),
        ("GET / SMTP/1.1", Refusal::Malformed, "400"),
    ] {
        let mut lines = FIREFOX;
        lines[0] = line;
        let refused = (refused, status.to_owned());
        assert_eq!(refusal(&Accept::new(), &head(&lines)), refused, "{line:?}");
    }
}

#[test]
fn refusals_say_what_would_be_taken() {
    let version = outcome(&changed(&FIREFOX, &["sec-websocket-version: 8"])).answer;
    assert!(
        version.contains("\r\nSec-WebSocket-Version: 13\r\n"),
        "{version}"
    );
    let mut post = FIREFOX;
    post[0] = "POST / HTTP/1.1";
    let method = outcome(&head(&post)).answer;
    assert!(method.contains("\r\nAllow: GET\r\n"), "{method}");
}

#[test]
fn the_path_is_that_of_the_url_without_its_query() {
    for (target, path) in [
        ("/s/m", "/s/m"),
        ("/s/m?a=b?c", "/s/m"),
        ("/?", "/"),
        ("/%20", "/%20"),
        ("http://other/s/m?q", "/s/m"),
        ("https://other", "/"),
    ] {
        let line = format!("GET {target} HTTP/1.1");
        let mut lines = FIREFOX;
        lines[0] = &line;
        assert_eq!(outcome(&head(&lines)).path, path, "{target}");
    }
}

#[test]
fn a_path_has_to_fit_where_it_names_the_method() {
    let fits = format!("GET /{} HTTP/1.1", "m".repeat(31));
    let too_long = format!("GET /{} HTTP/1.1", "m".repeat(32));
    let mut lines = FIREFOX;
    lines[0] = &fits;
    assert_eq!(outcome(&head(&lines)).path.len(), 32);
    lines[0] = &too_long;
    let refused = (Refusal::PathTooLong, "414".to_owned());
    assert_eq!(refusal(&Accept::new(), &head(&lines)), refused);
    let mux = outcome(&changed(&lines, &["sec-websocket-protocol: grpc-mux.v1"]));
    assert!(mux.result.is_ok());
    assert_eq!(mux.path, "");
}

#[test]
fn web_pages_of_other_hosts_may_connect_where_they_are_allowed() {
    let foreign = changed(&FIREFOX, &["origin: https://app.example"]);
    let listed = Accept::new().origins(&["https://app.example"]);
    let other = Accept::new().origins(&["https://other.example"]);
    for (policy, allowed) in [
        (Accept::new(), false),
        (Accept::new().any_origin(), true),
        (listed, true),
        (other, false),
    ] {
        let outcome = accept_with(&policy, Source::of(&foreign), 512);
        assert_eq!(outcome.result.is_ok(), allowed, "{policy:?}");
        let none = changed(&FIREFOX, &["origin:"]);
        assert!(accept_with(&policy, Source::of(&none), 512).result.is_ok());
    }
}
