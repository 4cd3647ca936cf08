//! What those who run a gateway see of it: upstreams, readiness, metrics, logs, and its end.

#[path = "../../tests/common/mod.rs"]
mod common;
#[path = "../../tests/http2/mod.rs"]
mod http2;
mod process;
#[path = "../../tests/ways/mod.rs"]
mod ways;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::dialer::framed;
use common::mux::MuxClient;
use common::{BLOCK, SERVING, bind, block_of, routes, unary};
use grpc_websocket_core::Code;
use grpc_websocket_tokio::serve;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use http2::Http2;
use process::{Gateway, get, until};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tonic::Status;
use tonic::body::Body;
use tower::service_fn;
use ways::{check_by_grpc_web, check_by_http2, check_by_mux, check_by_websocket};

/// An upstream that answers each call with its name; one to `.../Fail` with NOT_FOUND, and one to
/// `.../Wait` once it is let.
struct Named {
    address: SocketAddr,
    let_go: Arc<Notify>,
}

impl Named {
    async fn start(name: &'static str) -> Self {
        let (listener, address) = bind().await;
        let let_go = Arc::new(Notify::new());
        let service = service_fn({
            let let_go = Arc::clone(&let_go);
            move |request: Request<Body>| answer(name, request, Arc::clone(&let_go))
        });
        tokio::spawn(serve(listener, service));
        Self { address, let_go }
    }
}

async fn answer(
    name: &'static str,
    request: Request<Body>,
    let_go: Arc<Notify>,
) -> Result<Response<Body>, Infallible> {
    match request.uri().path().rsplit_once('/') {
        Some((_, "Fail")) => return Ok(Status::not_found(name).into_http()),
        Some((_, "Wait")) => let_go.notified().await,
        _ => {}
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    let frames = [
        Ok::<_, Infallible>(Frame::data(Bytes::from(framed(name.as_bytes())))),
        Ok(Frame::trailers(trailers)),
    ];
    let body = Body::new(StreamBody::new(tokio_stream::iter(frames)));
    let response = Response::builder().header("content-type", "application/grpc");
    Ok(response.body(body).unwrap())
}

/// An upstream with gRPC's health service.
async fn healthy() -> SocketAddr {
    let (listener, address) = bind().await;
    tokio::spawn(serve(listener, routes()));
    address
}

/// Who answers a call, or the trailers if nobody does.
async fn who(address: SocketAddr, path: &str) -> String {
    let (messages, _) = unary(address, path, BLOCK).await;
    match messages.get(1) {
        Some(message) if message[0] == 0 => String::from_utf8(message[5..].to_vec()).unwrap(),
        Some(trailers) => block_of(trailers).to_owned(),
        None => block_of(&messages[0]).to_owned(),
    }
}

#[tokio::test]
async fn each_call_goes_to_the_upstream_of_its_service() {
    let (one, two) = (Named::start("one").await, Named::start("two").await);
    let one = format!("billing.v1=http://{}", one.address);
    let two = format!("billing.v1.Invoices=http://{}", two.address);
    let gateway = Gateway::start(&["--upstream", &one, "--upstream", &two]);
    let address = gateway.address;
    assert_eq!(who(address, "/billing.v1.Receipts/Get").await, "one");
    assert_eq!(who(address, "/billing.v1.Invoices/Get").await, "two");
    let nobody = who(address, "/billing.v2.Invoices/Get").await;
    assert!(nobody.contains("grpc-status: 12"), "{nobody}");
    assert!(
        nobody.contains("no%20upstream%20for%20billing.v2.Invoices"),
        "{nobody}"
    );
}

#[tokio::test]
async fn an_upstream_without_a_name_has_the_rest() {
    let (named, rest) = (Named::start("one").await, healthy().await);
    let both = format!("a.v1=http://{},http://{rest}", named.address);
    let gateway = Gateway::start(&["--upstream", &both]);
    check_by_websocket(gateway.address).await;
    check_by_http2(gateway.address).await;
    assert_eq!(who(gateway.address, "/a.v1.S/M").await, "one");
}

#[tokio::test]
async fn metrics_tell_of_calls_of_every_kind() {
    let (named, rest) = (Named::start("one").await, healthy().await);
    let both = format!("a.v1=http://{},http://{rest}", named.address);
    let mut gateway = Gateway::start(&["--admin", "127.0.0.1:0", "--upstream", &both]);
    let (address, admin) = (gateway.address, gateway.admin());
    check_by_http2(address).await;
    check_by_grpc_web(address).await;
    let answer = Http2::connect(address).await.check_by_grpc_web().await;
    assert!(answer.starts_with(SERVING), "{answer:?}");
    check_by_websocket(address).await;
    check_by_mux(address).await;
    who(address, "/a.v1.S/Fail").await;
    for n in 0..20 {
        who(address, &format!("/grpc.health.v1.Nothing/M{n}")).await;
    }
    let (head, text) = get(admin, "/metrics").await;
    assert!(head.contains("openmetrics-text"), "{head}");
    let health = r#"grpc_service="grpc.health.v1.Health",grpc_method="Check""#;
    for (transport, calls) in TRANSPORTS {
        let ok = format!(
            "grpc_server_handled_total{{{health},grpc_code=\"OK\",transport=\"{transport}\"}} {calls}\n"
        );
        assert!(text.contains(&ok), "{ok} is not in {text}");
        let begun =
            format!("grpc_server_started_total{{{health},transport=\"{transport}\"}} {calls}\n");
        assert!(text.contains(&begun), "{begun} is not in {text}");
    }
    let failed = r#"grpc_service="a.v1.S",grpc_method="Fail",grpc_code="NotFound""#;
    assert!(text.contains(failed), "{text}");
    assert!(!text.contains("M7"), "{text}");
    let unknown =
        r#"grpc_method="other",grpc_code="Unimplemented",transport="grpc-websockets"} 20"#;
    assert!(text.contains(unknown), "{text}");
    assert!(
        text.contains("grpc_websocket_connections_total 2"),
        "{text}"
    );
}

const TRANSPORTS: [(&str, u32); 4] = [
    ("http2", 1),
    ("grpc-web", 2),
    ("grpc-websockets", 1),
    ("grpc-mux.v1", 1),
];

#[tokio::test]
async fn readiness_is_that_of_the_upstreams() {
    let (listener, dead) = bind().await;
    drop(listener);
    let both = format!("http://{},a=http://{dead}", healthy().await);
    let mut gateway = Gateway::start(&["--admin", "127.0.0.1:0", "--upstream", &both]);
    let admin = gateway.admin();
    let reasons = until(admin, "/readyz", "503").await;
    assert!(reasons.contains(&format!("http://{dead}: ")), "{reasons}");
    assert!(get(admin, "/healthz").await.0.starts_with("HTTP/1.1 200 "));
    let check = process::run(&["check", "--admin", &admin.to_string()], &[]);
    assert!(!check.status.success());
    let listener = tokio::net::TcpListener::bind(dead).await.unwrap();
    tokio::spawn(serve(listener, routes()));
    until(admin, "/readyz", "200").await;
    let check = process::run(&["check", "--admin", &admin.to_string()], &[]);
    assert!(check.status.success(), "{check:?}");
}

#[tokio::test]
async fn the_admin_paths_are_not_on_the_port_of_the_calls() {
    let upstream = healthy().await;
    let gateway = Gateway::before(upstream);
    for path in ["/healthz", "/readyz", "/metrics"] {
        let (head, body) = get(gateway.address, path).await;
        assert!(head.to_lowercase().contains("grpc-status: 12"), "{head}");
        assert_eq!(body, "");
    }
}

#[tokio::test]
async fn a_signal_lets_calls_end_and_takes_no_more() {
    let named = Named::start("one").await;
    let upstream = format!("http://{}", named.address);
    let mut gateway = Gateway::start(&["--admin", "127.0.0.1:0", "--upstream", &upstream]);
    let (address, admin) = (gateway.address, gateway.admin());
    until(admin, "/readyz", "200").await;
    let mut client = MuxClient::connect(address).await;
    let call = client.dialer.call("/a.S/Wait", "", &framed(b""), true);
    client.flush().await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    gateway.signal("TERM");
    assert_eq!(
        until(admin, "/readyz", "503").await,
        "the gateway is stopping\n"
    );
    assert!(TcpStream::connect(address).await.is_err());
    client.until(|dialer| dialer.goaway.is_some()).await;
    assert_eq!(client.dialer.goaway, Some(Code::Unavailable));
    named.let_go.notify_one();
    assert_eq!(client.answer(call).await.messages, framed(b"one"));
    assert_eq!(client.close_code().await, (vec![], Some(1001)));
    drop(client);
    let (status, log) = gateway.end().await;
    assert!(status.success(), "{log}");
}

/// A call that never ends, and the gateway that has it.
async fn endless(arguments: &[&str]) -> (Gateway, MuxClient, Named) {
    let named = Named::start("one").await;
    let upstream = format!("http://{}", named.address);
    let arguments = [&["--upstream", upstream.as_str()], arguments].concat();
    let gateway = Gateway::start(&arguments);
    let mut client = MuxClient::connect(gateway.address).await;
    client.dialer.call("/a.S/Wait", "", &framed(b""), true);
    client.flush().await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    (gateway, client, named)
}

#[tokio::test]
async fn calls_that_do_not_end_are_ended_after_the_grace() {
    let (gateway, _client, _named) = endless(&["--grace", "1"]).await;
    let begun = Instant::now();
    gateway.signal("INT");
    let (status, log) = gateway.end().await;
    assert!(status.success(), "{log}");
    let took = begun.elapsed();
    assert!((1..5).contains(&took.as_secs()), "{took:?}");
}

#[tokio::test]
async fn a_second_signal_ends_at_once() {
    let (gateway, _client, _named) = endless(&[]).await;
    let begun = Instant::now();
    gateway.signal("TERM");
    tokio::time::sleep(Duration::from_millis(300)).await;
    gateway.signal("TERM");
    let (status, log) = gateway.end().await;
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert!(!status.success());
    assert!(log.contains("second signal"), "{log}");
}

#[tokio::test]
async fn a_call_is_a_line_of_the_log_without_its_metadata() {
    let named = Named::start("one").await;
    let upstream = format!("http://{}", named.address);
    let log = ["--log", "info", "--log-format", "json"];
    let gateway = Gateway::start(&[&["--upstream", upstream.as_str()], &log[..]].concat());
    let mut client = MuxClient::connect(gateway.address).await;
    let fields = "authorization: Bearer s3cret\r\n";
    let call = client.dialer.call("/a.S/Fail", fields, &framed(b""), true);
    assert_eq!(client.status(call).await, Code::NotFound);
    drop(client);
    gateway.signal("TERM");
    let (_, log) = gateway.end().await;
    let line = log.lines().find(|line| line.contains("a.S")).unwrap();
    for part in [
        r#""service":"a.S""#,
        r#""method":"Fail""#,
        r#""status":"NotFound""#,
        r#""transport":"grpc-mux.v1""#,
        r#""peer":"127.0.0.1:"#,
        r#""duration_ms":"#,
    ] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
    assert!(!log.contains("s3cret"), "{log}");
}

#[test]
fn a_bad_flag_is_told_with_its_name_and_how_to_write_it() {
    let cases: [(&[&str], &[&str]); 7] = [
        (&["--upstream", "h"], &["--upstream", "http://HOST:PORT"]),
        (
            &["--upstream", "http://h:1,http://h:2"],
            &["two --upstream", "billing.v1=URI"],
        ),
        (
            &["--allow-origin", "h"],
            &["--allow-origin", "scheme://host"],
        ),
        (&["--grace", "soon"], &["--grace"]),
        (&["--tls-key", "k.pem"], &["--tls-cert"]),
        (&["--listen", "192.0.2.1:1"], &["--listen", "HOST:PORT"]),
        (
            &["--listen", "127.0.0.1:0", "--admin", "x"],
            &["--admin", "HOST:PORT"],
        ),
    ];
    for (arguments, parts) in cases {
        let output = process::run(arguments, &[]);
        assert!(!output.status.success());
        let said = String::from_utf8(output.stderr).unwrap();
        for part in parts {
            assert!(said.contains(part), "{part} is not in {said}");
        }
        assert!(!said.contains("panicked"), "{said}");
    }
}

#[test]
fn the_environment_says_what_flags_say() {
    let output = process::run(&[], &[("GRPC_WEBSOCKET_UPSTREAM", "h")]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("--upstream"), "{said}");
    let output = process::run(&["--help"], &[]);
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(help.contains("GRPC_WEBSOCKET_KEEPALIVE_INTERVAL"), "{help}");
}

#[test]
fn completions_are_printed_for_shells() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let output = process::run(&["completions", shell], &[]);
        assert!(output.status.success());
        let script = String::from_utf8(output.stdout).unwrap();
        assert!(script.contains("allow-origin"), "{shell}");
    }
}
