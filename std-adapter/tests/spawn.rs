//! Calls in tasks of their own.

mod common;
#[path = "common/bytes.rs"]
mod messages;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use common::bind;
use futures_util::{StreamExt as _, stream};
use grpc_websocket_tokio::{Channel, Endpoint, Server, SpawnLayer, Subprotocols, Transports};
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use messages::{Seen, all, call, unary, until};
use tokio::time::{Instant, timeout};
use tonic::Code;
use tonic::body::Body;
use tower::{Layer as _, Service, ServiceExt as _, service_fn};

/// A channel to a server of this service, each of whose calls is a task.
async fn channel<S>(service: S) -> Channel
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
{
    let (listener, address) = bind().await;
    let service = SpawnLayer::new().layer(service);
    tokio::spawn(async move { Server::new().serve(listener, service).await });
    let endpoint = Endpoint::new(format!("ws://{address}")).unwrap();
    let endpoint = endpoint.transports(Transports::WebSocket);
    endpoint
        .subprotocols(Subprotocols::Mux)
        .connect()
        .await
        .unwrap()
}

#[tokio::test]
async fn all_kinds_of_calls_are_answered() {
    let seen = Arc::new(Seen::default());
    let channel = channel(messages::service(&seen)).await;
    for method in ["/s/Echo", "/s/Split", "/s/Join"] {
        assert_eq!(unary(channel.clone(), method, b"hi").await.unwrap(), "hi");
    }
    let parts = stream::iter((0..100).map(|n| Bytes::from(vec![n; 10_000])));
    let echoed = all(call(channel.clone(), "/s/Echo", parts).await.unwrap()).await;
    assert_eq!(echoed.unwrap().len(), 1_000_000);
    let failure = unary(channel.clone(), "/s/Fail", b"x").await.unwrap_err();
    assert_eq!(failure.code(), Code::FailedPrecondition);
    let unknown = unary(channel, "/s/Unknown", b"").await.unwrap_err();
    assert_eq!(unknown.code(), Code::Unimplemented);
}

#[tokio::test]
async fn a_call_that_is_dropped_ends_its_task() {
    let seen = Arc::new(Seen::default());
    let channel = channel(messages::service(&seen)).await;
    let waiting = call(channel.clone(), "/s/Never", stream::pending());
    assert!(timeout(Duration::from_millis(100), waiting).await.is_err());
    until(|| seen.stopped.load(Ordering::SeqCst) == 1).await;

    let messages = stream::iter([Bytes::new()]).chain(stream::pending());
    let answer = call(channel, "/s/Echo", messages).await.unwrap();
    drop(answer);
    until(|| seen.stopped.load(Ordering::SeqCst) == 2).await;
}

/// Holds its thread until two are there, or for 10 s; whether they were.
fn meet(there: &AtomicUsize) -> bool {
    there.fetch_add(1, Ordering::SeqCst);
    let since = Instant::now();
    while there.load(Ordering::SeqCst) < 2 && since.elapsed() < Duration::from_secs(10) {
        std::thread::yield_now();
    }
    there.load(Ordering::SeqCst) == 2
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_calls_of_a_websocket_are_answered_at_the_same_time() {
    let there = Arc::new(AtomicUsize::new(0));
    let channel = channel(service_fn(move |_| {
        let there = Arc::clone(&there);
        async move {
            let status = if meet(&there) {
                Code::Ok
            } else {
                Code::Aborted
            };
            let status = tonic::Status::new(status, "");
            Ok::<_, Infallible>(status.into_http())
        }
    }))
    .await;
    let [one, other] = [(); 2].map(|()| unary(channel.clone(), "/s/m", b""));
    let (one, other) = tokio::join!(one, other);
    assert_eq!((one.unwrap(), other.unwrap()), (Bytes::new(), Bytes::new()));
}

#[tokio::test]
async fn a_panic_is_the_end_of_its_call_only() {
    let channel = channel(service_fn(|request: Request<Body>| async move {
        assert_ne!(request.uri().path(), "/s/Panic", "a handler's bug");
        let frames = stream::iter([0, 1]).map(|n| {
            assert_eq!(n, 0, "a body's bug");
            Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"\0\0\0\0\x01a")))
        });
        let mut response = Response::new(Body::new(StreamBody::new(frames)));
        let name = http::HeaderValue::from_static("application/grpc");
        response.headers_mut().insert("content-type", name);
        Ok::<_, Infallible>(response)
    }))
    .await;
    for method in ["/s/Panic", "/s/Body"] {
        let failure = unary(channel.clone(), method, b"").await.unwrap_err();
        assert_eq!(failure.code(), Code::Internal, "{method}");
        assert!(failure.message().contains("panicked"), "{failure}");
    }
}

#[tokio::test(start_paused = true)]
async fn no_more_is_made_than_is_taken() {
    let made = Arc::new(AtomicUsize::new(0));
    let service = SpawnLayer::new().layer(service_fn({
        let made = Arc::clone(&made);
        move |_: Request<()>| {
            let made = Arc::clone(&made);
            let frames = stream::repeat_with(move || {
                made.fetch_add(1, Ordering::SeqCst);
                Ok::<_, Infallible>(Frame::data(Bytes::from_static(b"x")))
            });
            async { Ok::<_, Infallible>(Response::new(StreamBody::new(frames))) }
        }
    }));
    let response = service.oneshot(Request::new(())).await.unwrap();
    let mut body = response.into_body();
    for taken in 0..5 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(made.load(Ordering::SeqCst), taken + 2);
        assert!(body.frame().await.unwrap().unwrap().is_data());
    }
    drop(body);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(made.load(Ordering::SeqCst) <= 8);
    assert_eq!(Arc::strong_count(&made), 1, "the task is over");
}
