//! WebSockets over HTTP/2 (RFC 8441) by a client that breaks them off, stalls, and asks for too many.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use grpc_websocket_hostile::{Frame, SERVICE, Settings, Target, eventually, grpc};
use h2::client::{ResponseFuture, SendRequest};
use h2::ext::Protocol;
use h2::{Reason, SendStream};
use http::{Method, Request, StatusCode};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(5);

/// A connection on which WebSockets can be asked for.
async fn connect(address: SocketAddr) -> SendRequest<Bytes> {
    let io = TcpStream::connect(address).await.expect("a server");
    let (requests, connection) = h2::client::handshake(io).await.expect("HTTP/2");
    tokio::spawn(connection);
    let mut requests = requests.ready().await.expect("a connection");
    while !requests.is_extended_connect_protocol_enabled() {
        tokio::time::sleep(Duration::from_millis(1)).await;
        requests = requests.ready().await.expect("a connection");
    }
    requests
}

fn ask(
    requests: &mut SendRequest<Bytes>,
    method: &str,
) -> Result<(ResponseFuture, SendStream<Bytes>), h2::Error> {
    let request = Request::builder()
        .method(Method::CONNECT)
        .uri(format!("http://localhost/{SERVICE}/{method}"))
        .extension(Protocol::from_static("websocket"))
        .header("sec-websocket-version", "13")
        .header("sec-websocket-protocol", "grpc-websockets")
        .body(())
        .expect("a request");
    requests.send_request(request, false)
}

/// A WebSocket, and what comes on it.
async fn open(
    requests: &mut SendRequest<Bytes>,
    method: &str,
) -> (SendStream<Bytes>, h2::RecvStream) {
    let (response, stream) = ask(requests, method).expect("a stream");
    let response = timeout(LIMIT, response).await.expect("in time");
    let response = response.expect("an answer");
    assert_eq!(response.status(), StatusCode::OK);
    (stream, response.into_body())
}

/// One honest call on the same connection.
async fn assert_serves(requests: &mut SendRequest<Bytes>) {
    let (mut stream, mut answer) = open(requests, "Unary").await;
    let call = Bytes::from(grpc::unary(b"honest"));
    stream.send_data(call, false).expect("a stream");
    let mut bytes = Vec::new();
    while !bytes.windows(6).any(|window| window == b"honest") {
        let data = timeout(LIMIT, answer.data()).await.expect("in time");
        bytes.extend_from_slice(&data.expect("an answer").expect("no error"));
    }
}

fn assert_recovers(target: &Target) {
    eventually("no handler is left", LIMIT, || target.probe.live() == 0);
    target.assert_recovered();
}

#[test]
fn a_stream_that_is_reset_in_a_message_ends_its_call_and_no_other() {
    let target = Target::in_process(Settings::default());
    let whole = [grpc::headers(), grpc::data(&grpc::message(b"hi"))].concat();
    Runtime::new().expect("a runtime").block_on(async {
        let mut requests = connect(target.address).await;
        let (mut other, _answer) = open(&mut requests, "Count").await;
        other
            .send_data(whole.clone().into(), false)
            .expect("a stream");
        for cut in 0..whole.len() {
            let (mut stream, _answer) = open(&mut requests, "Count").await;
            let part = Bytes::copy_from_slice(&whole[..cut]);
            stream.send_data(part, false).expect("a stream");
            let reasons = [Reason::CANCEL, Reason::NO_ERROR, Reason::INTERNAL_ERROR];
            stream.send_reset(reasons[cut % 3]);
        }
        eventually("one handler is left", LIMIT, || target.probe.live() == 1);
        assert_serves(&mut requests).await;
    });
    assert_recovers(&target);
    assert_eq!(target.probe.clean_ends(), 0, "none of them half-closed");
}

#[test]
fn a_client_that_gives_no_credit_stops_its_handler_and_nobody_else() {
    let target = Target::in_process(Settings::default());
    Runtime::new().expect("a runtime").block_on(async {
        let mut requests = connect(target.address).await;
        let (mut stream, answer) = open(&mut requests, "Download").await;
        let call = Bytes::from(grpc::unary(b"1000"));
        stream.send_data(call, false).expect("a stream");
        eventually("it stops", LIMIT, || {
            let before = target.probe.sent();
            std::thread::sleep(Duration::from_millis(200));
            before > 0 && target.probe.sent() == before
        });
        assert!(target.probe.sent() < 20, "{} messages", target.probe.sent());
        target.assert_serves();
        drop((stream, answer, requests));
    });
    assert_recovers(&target);
}

#[test]
fn a_thousand_websockets_asked_for_and_given_up_leave_nothing() {
    let target = Target::in_process(Settings::default());
    Runtime::new().expect("a runtime").block_on(async {
        let mut requests = connect(target.address).await;
        for number in 0..1000 {
            let Ok(ready) = requests.clone().ready().await else {
                // The server had enough of it.
                println!("refused after {number}");
                break;
            };
            requests = ready;
            let Ok((response, mut stream)) = ask(&mut requests, "Hold") else {
                break;
            };
            if number % 2 == 0 {
                drop(response);
            }
            let _ = stream.send_data(grpc::headers().into(), false);
            stream.send_reset(Reason::CANCEL);
        }
        target.assert_serves();
    });
    assert_recovers(&target);
}

#[test]
fn broken_frames_over_http2_end_their_stream_only() {
    let target = Target::in_process(Settings::default());
    Runtime::new().expect("a runtime").block_on(async {
        let mut requests = connect(target.address).await;
        for bytes in [
            Frame::binary("unmasked").unmasked().encode(),
            Frame::new(0x3, []).encode(),
            Frame::binary([]).announcing(1 << 63).encode(),
        ] {
            let (mut stream, mut answer) = open(&mut requests, "Count").await;
            stream.send_data(bytes.into(), false).expect("a stream");
            let mut all = Vec::new();
            while let Some(Ok(data)) = timeout(LIMIT, answer.data()).await.expect("an end") {
                let _ = answer.flow_control().release_capacity(data.len());
                all.extend_from_slice(&data);
                let _ = stream.send_data(Frame::close_code(1000).encode().into(), true);
            }
            assert!(all.contains(&0x88), "a Close: {all:?}");
        }
        assert_serves(&mut requests).await;
    });
    assert_recovers(&target);
}
