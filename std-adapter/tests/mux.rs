//! Many calls on one WebSocket, over a real socket.

mod common;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::dialer::framed;
use common::mux::MuxClient;
use common::{BLOCK, CHECK, EMPTY_MESSAGE, SERVING, bind, connect_by, routes, unary};
use futures_util::StreamExt as _;
use grpc_websocket_core::Code;
use grpc_websocket_core::mux::CallId;
use grpc_websocket_tokio::{Server, WebSocketLayer};
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body::{Body as _, Frame};
use http_body_util::{BodyExt as _, StreamBody};
use tokio::net::TcpListener;
use tonic::body::Body;
use tower::service_fn;

/// What the service under test knows of itself.
#[derive(Default)]
struct Seen {
    live: AtomicUsize,
    most_live: AtomicUsize,
    /// How many KiB of `/s/Endless` were made.
    made: AtomicUsize,
}

/// Counts a handler for as long as it or its answer lives.
struct Live(Arc<Seen>);

impl Live {
    fn new(seen: &Arc<Seen>) -> Self {
        let live = seen.live.fetch_add(1, Ordering::SeqCst) + 1;
        seen.most_live.fetch_max(live, Ordering::SeqCst);
        Self(Arc::clone(seen))
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.0.live.fetch_sub(1, Ordering::SeqCst);
    }
}

type Frames = Pin<Box<dyn futures_util::Stream<Item = Result<Frame<Bytes>, Infallible>> + Send>>;

/// Answers with frames as they come, then OK and the trailer `x-t`.
fn respond(live: Live, metadata: &HeaderMap, frames: Frames) -> Response<Body> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    trailers.insert("x-t", HeaderValue::from_static("last"));
    let end = futures_util::stream::once(async move {
        drop(live);
        Ok(Frame::trailers(trailers))
    });
    let mut response = Response::new(Body::new(StreamBody::new(frames.chain(end))));
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("application/grpc"));
    for (name, value) in metadata {
        if name.as_str().starts_with("x-") {
            headers.append(HeaderName::clone(name), value.clone());
        }
    }
    response
}

fn once(message: &[u8]) -> Frames {
    let data = Ok(Frame::data(framed(message).into()));
    Box::pin(futures_util::stream::iter([data]))
}

async fn answer(seen: Arc<Seen>, request: Request<Body>) -> Response<Body> {
    let live = Live::new(&seen);
    let (head, mut body) = request.into_parts();
    let frames: Frames = match head.uri.path() {
        // As many bytes as came.
        "/s/Count" => {
            let request = body.collect().await.unwrap().to_bytes();
            once(request.len().to_string().as_bytes())
        }
        "/s/Echo" => Box::pin(
            body.into_data_stream()
                .map(|data| Ok(Frame::data(data.unwrap()))),
        ),
        "/s/Three" => {
            let messages =
                [&b"1"[..], b"2", b"3"].map(|message| Ok(Frame::data(framed(message).into())));
            Box::pin(futures_util::stream::iter(messages))
        }
        "/s/TenMiB" => {
            let message = Bytes::from(framed(&[7; 64 * 1024 - 5]));
            let messages = (0..160).map(move |_| Ok(Frame::data(message.clone())));
            Box::pin(futures_util::stream::iter(messages))
        }
        "/s/Endless" => {
            let seen = Arc::clone(&seen);
            Box::pin(futures_util::stream::repeat_with(move || {
                seen.made.fetch_add(1, Ordering::SeqCst);
                Ok(Frame::data(framed(&[7; 1019]).into()))
            }))
        }
        // Takes the first bytes and no more.
        _ => {
            let _first = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await;
            std::future::pending().await
        }
    };
    respond(live, &head.headers, frames)
}

async fn start(layer: WebSocketLayer) -> (SocketAddr, Arc<Seen>) {
    let (listener, address): (TcpListener, _) = bind().await;
    let seen = Arc::new(Seen::default());
    let service = service_fn({
        let seen = Arc::clone(&seen);
        move |request| {
            let answer = answer(Arc::clone(&seen), request);
            async move { Ok::<_, Infallible>(answer.await) }
        }
    });
    tokio::spawn(Server::new().layer(layer).serve(listener, service));
    (address, seen)
}

async fn client() -> (MuxClient, Arc<Seen>) {
    let (address, seen) = start(WebSocketLayer::new()).await;
    (MuxClient::connect(address).await, seen)
}

/// Waits for what other tasks do.
async fn eventually(is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(
            begun.elapsed() < Duration::from_secs(10),
            "it does not happen"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn both_subprotocols_are_on_one_port_and_many_calls_are_preferred() {
    let (listener, address) = bind().await;
    tokio::spawn(grpc_websocket_tokio::serve(listener, routes()));
    for (offered, chosen) in [
        ("grpc-websockets", "grpc-websockets"),
        ("grpc-mux.v1", "grpc-mux.v1"),
        ("grpc-websockets, grpc-mux.v1", "grpc-mux.v1"),
        ("bearer.secret, grpc-mux.v1", "grpc-mux.v1"),
    ] {
        let (_, answered) = connect_by(address, CHECK, offered).await;
        assert_eq!(answered, chosen, "{offered}");
    }
    let mut client = MuxClient::connect(address).await;
    let call = client.dialer.call(CHECK, "", EMPTY_MESSAGE, true);
    let (messages, _) = unary(address, CHECK, BLOCK).await;
    assert_eq!(messages[1], SERVING);
    let answer = client.answer(call).await;
    assert_eq!(
        (&answer.messages[..], answer.status),
        (SERVING, Some(Code::Ok))
    );
}

#[tokio::test]
async fn a_tonic_service_answers_and_streams() {
    let (listener, address) = bind().await;
    tokio::spawn(grpc_websocket_tokio::serve(listener, routes()));
    let mut client = MuxClient::connect(address).await;
    let watch = client
        .dialer
        .call("/grpc.health.v1.Health/Watch", "", EMPTY_MESSAGE, true);
    client
        .until(|dialer| dialer.answer(watch).messages == SERVING)
        .await;
    let unknown = client
        .dialer
        .call("/no.Service/Method", "", EMPTY_MESSAGE, true);
    assert_eq!(client.status(unknown).await, Code::Unimplemented);
    assert!(!client.dialer.is_over(watch), "it streams on");
}

#[tokio::test]
async fn unary_and_client_streaming_calls() {
    let (mut client, _) = client().await;
    let unary = client.dialer.call("/s/Count", "", &framed(b"hello"), true);
    let stream = client.dialer.call("/s/Count", "", &framed(b"hello"), false);
    assert_eq!(client.answer(unary).await.messages, framed(b"10"));
    client.dialer.send(stream, &framed(&[7; 300_000]), false);
    client.dialer.send(stream, &framed(b""), true);
    assert_eq!(client.answer(stream).await.messages, framed(b"300020"));
}

#[tokio::test]
async fn server_streaming_and_bidirectional_calls() {
    let (mut client, _) = client().await;
    let three = client.dialer.call("/s/Three", "", b"", true);
    let expected = [framed(b"1"), framed(b"2"), framed(b"3")].concat();
    assert_eq!(client.answer(three).await.messages, expected);
    let talk = client.dialer.call("/s/Echo", "", b"", false);
    let mut said = Vec::new();
    for turn in 0..10_u8 {
        let message = framed(&[turn; 100]);
        client.dialer.send(talk, &message, false);
        said.extend_from_slice(&message);
        client
            .until(|dialer| dialer.answer(talk).messages == said)
            .await;
    }
    client.dialer.send(talk, b"", true);
    assert_eq!(client.status(talk).await, Code::Ok);
}

#[tokio::test]
async fn metadata_goes_both_ways() {
    let (mut client, _) = client().await;
    let fields = "x-a: 1\r\nX-A: 2, 3\r\nx-bin: AAEC\r\n";
    let call = client.dialer.call("/s/Three", fields, b"", true);
    let answer = client.answer(call).await;
    assert_eq!(
        answer.metadata.as_deref(),
        Some("x-a: 1\r\nx-a: 2, 3\r\nx-bin: AAEC\r\n")
    );
    assert_eq!(answer.trailers, "grpc-status: 0\r\nx-t: last\r\n");
}

#[tokio::test]
async fn a_cancelled_call_and_a_lost_client_stop_their_handlers() {
    let (mut client, seen) = client().await;
    let calls: Vec<CallId> = (0..3)
        .map(|_| client.dialer.call("/s/Wait", "", b"", false))
        .collect();
    client.flush().await;
    eventually(|| seen.live.load(Ordering::SeqCst) == 3).await;
    client.dialer.cancel(calls[1]);
    client.flush().await;
    eventually(|| seen.live.load(Ordering::SeqCst) == 2).await;
    drop(client);
    eventually(|| seen.live.load(Ordering::SeqCst) == 0).await;
}

#[tokio::test]
async fn a_deadline_ends_its_call_in_time() {
    let (mut client, seen) = client().await;
    let begun = Instant::now();
    let call = client
        .dialer
        .call("/s/Wait", "grpc-timeout: 100m\r\n", b"", false);
    assert_eq!(client.status(call).await, Code::DeadlineExceeded);
    let elapsed = begun.elapsed();
    assert!(elapsed >= Duration::from_millis(100), "{elapsed:?}");
    assert!(elapsed < Duration::from_secs(2), "{elapsed:?}");
    eventually(|| seen.live.load(Ordering::SeqCst) == 0).await;
}

#[tokio::test]
async fn five_hundred_calls_at_once_on_one_socket() {
    let (address, seen) = start(WebSocketLayer::new().max_concurrent_calls(500)).await;
    let mut client = MuxClient::connect(address).await;
    assert_eq!(client.dialer.settings().unwrap().max_streams, 500);
    let calls: Vec<CallId> = (0..500)
        .map(|_| client.dialer.call("/s/Echo", "", &framed(b"1"), false))
        .collect();
    client
        .until(|dialer| {
            calls
                .iter()
                .all(|&call| dialer.answer(call).messages == framed(b"1"))
        })
        .await;
    assert_eq!(seen.live.load(Ordering::SeqCst), 500);
    for &call in &calls {
        client.dialer.send(call, &framed(b"2"), true);
    }
    client
        .until(|dialer| calls.iter().all(|&call| dialer.is_over(call)))
        .await;
    for &call in &calls {
        let answer = client.dialer.answer(call);
        assert_eq!(answer.messages, [framed(b"1"), framed(b"2")].concat());
        assert_eq!(answer.status, Some(Code::Ok));
    }
}

#[tokio::test]
async fn a_stalled_reader_of_one_call_does_not_delay_the_others() {
    let (mut client, _) = client().await;
    let download = client.dialer.call("/s/TenMiB", "", b"", true);
    client.dialer.stall(download);
    let upload = client
        .dialer
        .call("/s/Wait", "", &framed(&[7; 4_000_000]), true);
    client
        .until(|dialer| dialer.answer(download).messages.len() >= 60_000)
        .await;
    let begun = Instant::now();
    for _ in 0..100 {
        let call = client.dialer.call("/s/Count", "", &framed(b"hello"), true);
        assert_eq!(client.answer(call).await.messages, framed(b"10"));
    }
    let elapsed = begun.elapsed();
    println!("100 calls beside stalled ones took {elapsed:?}");
    assert!(elapsed < Duration::from_secs(5), "{elapsed:?}");
    // A window was taken, which made the next one twice as wide.
    let waiting = client.dialer.waiting(upload);
    assert!(waiting > 3_700_000, "nobody took it, {waiting} are left");
    assert!(client.dialer.answer(download).messages.len() <= 64 * 1024);
    client.dialer.resume(download);
    assert_eq!(client.status(download).await, Code::Ok);
    assert_eq!(
        client.dialer.answer(download).messages.len(),
        10 * 1024 * 1024
    );
}

/// The first DATA frame of a call, made by hand.
fn open(id: u32, path: &str) -> Vec<u8> {
    let block = format!(":path: {path}\r\n");
    let len = u32::try_from(block.len()).unwrap().to_be_bytes();
    let parts = [&[1], &id.to_be_bytes()[..], &[0x80], &len, block.as_bytes()];
    parts.concat()
}

#[tokio::test]
async fn calls_over_the_limit_are_refused_and_the_others_go_on() {
    let (address, seen) = start(WebSocketLayer::new().max_concurrent_calls(2)).await;
    let mut client = MuxClient::connect(address).await;
    for id in [1, 3, 5] {
        assert!(client.write(open(id, "/s/Wait")).await);
    }
    assert_eq!(client.read().await, b"\x21\0\0\0\x05\x0etoo many calls");
    assert!(client.write(b"\x60\0\0\0\0".to_vec()).await);
    let (messages, close_code) = client.close_code().await;
    let go_away = b"\x40\0\0\0\x03\x0da frame of an unknown type";
    assert_eq!(messages, [go_away], "3 was taken, 5 was not");
    assert_eq!(close_code, Some(1002));
    assert_eq!(seen.most_live.load(Ordering::SeqCst), 2);
    eventually(|| seen.live.load(Ordering::SeqCst) == 0).await;
}

#[tokio::test]
async fn rapid_resets_end_the_connection() {
    let (address, seen) = start(WebSocketLayer::new().max_concurrent_calls(8)).await;
    let mut client = MuxClient::connect(address).await;
    for id in (1..20_001).step_by(2) {
        let cancel = [&[0x20], &u32::to_be_bytes(id)[..], &[1]].concat();
        if !client.write(open(id, "/s/Wait")).await || !client.write(cancel).await {
            break;
        }
    }
    let (_, close_code) = client.close_code().await;
    assert_eq!(close_code, Some(1008));
    assert!(seen.most_live.load(Ordering::SeqCst) <= 8);
    eventually(|| seen.live.load(Ordering::SeqCst) == 0).await;
}

#[tokio::test]
async fn answers_that_nobody_reads_are_not_made() {
    let (address, seen) = start(WebSocketLayer::new()).await;
    let mut client = MuxClient::connect(address).await;
    for id in (1..101).step_by(2) {
        assert!(client.write(open(id, "/s/Endless")).await);
        // As much credit as there can be.
        let window = [&[0x10], &u32::to_be_bytes(id)[..], b"\x7f\xfe\xff\xff"].concat();
        assert!(client.write(window).await);
    }
    client.flush().await;
    let made = || seen.made.load(Ordering::SeqCst);
    let mut before = 0;
    while made() == 0 || made() != before {
        before = made();
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    // The kernel's buffers on both sides take the most of it.
    assert!(made() < 32 * 1024, "{} KiB were made", made());
}
