//! The channel against the server, over both subprotocols.

mod common;
#[path = "common/bytes.rs"]
mod messages;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use common::bind;
use futures_util::{StreamExt as _, stream};
use grpc_websocket_tokio::{
    Backoff, Channel, Endpoint, Server, Subprotocols, Transport, WebSocketLayer,
};
use messages::{Seen, all, call, call_with, unary, until};
use tokio::io::{AsyncWriteExt as _, copy_bidirectional};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;

const BOTH: [Subprotocols; 2] = [Subprotocols::Mux, Subprotocols::Single];

/// A server, and what it sees.
async fn serve(layer: WebSocketLayer) -> (SocketAddr, Arc<Seen>) {
    let (listener, address) = bind().await;
    let seen = Arc::new(Seen::default());
    let service = messages::service(&seen);
    tokio::spawn(async move { Server::new().layer(layer).serve(listener, service).await });
    (address, seen)
}

fn endpoint(address: SocketAddr, subprotocols: Subprotocols) -> Endpoint {
    Endpoint::new(format!("ws://{address}"))
        .unwrap()
        .subprotocols(subprotocols)
        .backoff(Backoff::new(
            Duration::from_millis(50),
            Duration::from_millis(200),
        ))
}

async fn both() -> [(Channel, Arc<Seen>); 2] {
    let mut channels = Vec::new();
    for subprotocols in BOTH {
        let (address, seen) = serve(WebSocketLayer::new()).await;
        let channel = endpoint(address, subprotocols).connect().await.unwrap();
        channels.push((channel, seen));
    }
    channels.try_into().unwrap_or_else(|_| panic!("two"))
}

#[tokio::test]
async fn all_kinds_of_calls_are_made() {
    for (channel, _) in both().await {
        assert_eq!(
            unary(channel.clone(), "/s/Echo", b"hi").await.unwrap(),
            "hi"
        );
        assert_eq!(
            unary(channel.clone(), "/s/Split", b"many").await.unwrap(),
            "many"
        );
        let parts = stream::iter((0..100).map(|n| Bytes::from(vec![n; 1000])));
        let joined = all(call(channel.clone(), "/s/Join", parts).await.unwrap()).await;
        assert_eq!(joined.unwrap().len(), 100_000);
        assert_eq!(channel.transport(), Some(Transport::WebSocket));
    }
}

#[tokio::test]
async fn a_conversation_goes_back_and_forth() {
    for (channel, _) in both().await {
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        let response = call(channel, "/s/Echo", ReceiverStream::new(receiver)).await;
        let mut answers = response.unwrap().into_inner();
        for n in 0..50_u8 {
            sender.send(Bytes::from(vec![n; 10])).await.unwrap();
            let answer = answers.message().await.unwrap().unwrap();
            assert_eq!(answer, vec![n; 10]);
        }
        drop(sender);
        assert_eq!(answers.message().await.unwrap(), None);
    }
}

#[tokio::test]
async fn messages_longer_than_any_window_pass_both_ways() {
    for (channel, _) in both().await {
        let long = Bytes::from(vec![7; 3 * 1024 * 1024]);
        let response = call(channel, "/s/Echo", stream::iter([long.clone()]))
            .await
            .unwrap();
        assert!(all(response).await.unwrap() == long);
    }
}

#[tokio::test]
async fn metadata_and_statuses_travel() {
    for (channel, _) in both().await {
        let mut request = tonic::Request::new(stream::iter([Bytes::from_static(b"first")]));
        request
            .metadata_mut()
            .insert("x-echo", "a, b".parse().unwrap());
        let response = call_with(channel.clone(), "/s/Echo", request)
            .await
            .unwrap();
        assert_eq!(response.metadata().get("x-echo").unwrap(), "a, b");
        let transport = response.extensions().get::<Transport>();
        assert_eq!(transport, Some(&Transport::WebSocket));

        let messages = stream::iter([Bytes::from_static(b"first")]);
        let mut answer = call(channel.clone(), "/s/Fail", messages)
            .await
            .unwrap()
            .into_inner();
        assert_eq!(answer.message().await.unwrap().unwrap(), "first");
        let status = answer.message().await.unwrap_err();
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert_eq!(status.message(), "naïve: 100%");
        assert_eq!(status.details(), b"\0\xff");

        let status = unary(channel, "/s/Nothing", b"").await.unwrap_err();
        assert_eq!(
            (status.code(), status.message()),
            (Code::Unimplemented, "/s/Nothing")
        );
    }
}

#[tokio::test]
async fn deadlines_end_calls_at_both_ends() {
    for (channel, seen) in both().await {
        let mut request = tonic::Request::new(stream::pending());
        request.set_timeout(Duration::from_millis(100));
        let begun = Instant::now();
        let status = call_with(channel, "/s/Never", request).await.unwrap_err();
        assert_eq!(status.code(), Code::DeadlineExceeded);
        assert!((100..1000).contains(&begun.elapsed().as_millis()));
        until(|| seen.stopped.load(Ordering::SeqCst) == 1).await;
    }
}

#[tokio::test]
async fn a_deadline_ends_an_answer_that_has_begun() {
    for (channel, _) in both().await {
        let mut request =
            tonic::Request::new(stream::iter([Bytes::new()]).chain(stream::pending()));
        request.set_timeout(Duration::from_millis(200));
        let mut answer = call_with(channel, "/s/Echo", request)
            .await
            .unwrap()
            .into_inner();
        assert!(answer.message().await.unwrap().is_some());
        let status = answer.message().await.unwrap_err();
        assert_eq!(status.code(), Code::DeadlineExceeded);
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_is_cancelled_at_the_server() {
    for (channel, seen) in both().await {
        let waiting = call(channel.clone(), "/s/Never", stream::pending());
        assert!(timeout(Duration::from_millis(100), waiting).await.is_err());
        until(|| seen.stopped.load(Ordering::SeqCst) == 1).await;

        let messages = stream::iter([Bytes::new()]).chain(stream::pending());
        let mut answer = call(channel.clone(), "/s/Echo", messages)
            .await
            .unwrap()
            .into_inner();
        assert!(answer.message().await.unwrap().is_some());
        drop(answer);
        until(|| seen.stopped.load(Ordering::SeqCst) == 2).await;
        assert_eq!(seen.live.load(Ordering::SeqCst), 0);
        assert_eq!(unary(channel, "/s/Echo", b"still").await.unwrap(), "still");
    }
}

#[tokio::test]
async fn more_calls_than_the_server_takes_wait_for_their_turn() {
    let (address, seen) = serve(WebSocketLayer::new().max_concurrent_calls(3)).await;
    let channel = endpoint(address, Subprotocols::Mux)
        .connect()
        .await
        .unwrap();
    let calls = (0..20).map(|_| {
        let channel = channel.clone();
        tokio::spawn(async move { unary(channel, "/s/Slow", b"").await })
    });
    for call in calls.collect::<Vec<_>>() {
        call.await.unwrap().unwrap();
    }
    assert_eq!(seen.most.load(Ordering::SeqCst), 3);
    assert_eq!(seen.calls.load(Ordering::SeqCst), 20);
}

#[tokio::test]
async fn nobody_there_is_unavailable_and_found_when_it_comes() {
    for subprotocols in BOTH {
        let (listener, address) = bind().await;
        drop(listener);
        let channel = endpoint(address, subprotocols).connect_lazy();
        let status = unary(channel.clone(), "/s/Echo", b"").await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable, "{status}");
        let patient = endpoint(address, subprotocols)
            .wait_for_ready(true)
            .connect_lazy();
        let waiting = tokio::spawn(async move { unary(patient, "/s/Echo", b"late").await });
        sleep(Duration::from_millis(100)).await;
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let service = messages::service(&Arc::default());
        tokio::spawn(grpc_websocket_tokio::serve(listener, service));
        assert_eq!(waiting.await.unwrap().unwrap(), "late");
        sleep(Duration::from_millis(300)).await;
        assert_eq!(unary(channel, "/s/Echo", b"hi").await.unwrap(), "hi");
    }
}

#[tokio::test]
async fn a_handshake_that_meets_a_server_at_its_end_is_made_again() {
    let (server, _) = serve(WebSocketLayer::new()).await;
    for subprotocols in [Subprotocols::Mux, Subprotocols::Single] {
        let (listener, address) = bind().await;
        tokio::spawn(async move {
            let (mut first, _) = listener.accept().await.unwrap();
            let refusal = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n";
            first.write_all(refusal).await.unwrap();
            let (mut second, _) = listener.accept().await.unwrap();
            let mut server = TcpStream::connect(server).await.unwrap();
            copy_bidirectional(&mut second, &mut server).await
        });
        let channel = endpoint(address, subprotocols).connect_lazy();
        unary(channel, "/s/Echo", b"x").await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_ends_gracefully_loses_no_call() {
    let (listener, address) = bind().await;
    let seen = Arc::new(Seen::default());
    let service = messages::service(&seen);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(grpc_websocket_tokio::serve_with_shutdown(
        listener,
        service,
        async {
            let _ = stopped.await;
        },
    ));
    let channels = [
        endpoint(address, Subprotocols::Mux)
            .connect()
            .await
            .unwrap(),
        endpoint(address, Subprotocols::Single)
            .connect()
            .await
            .unwrap(),
    ];
    let mut calls = Vec::new();
    for channel in &channels {
        let (sender, receiver) = tokio::sync::mpsc::channel(1);
        let messages = ReceiverStream::new(receiver);
        let answers = call(channel.clone(), "/s/Echo", messages)
            .await
            .unwrap()
            .into_inner();
        calls.push((sender, answers));
    }
    stop.send(()).unwrap();
    sleep(Duration::from_millis(100)).await;
    for channel in channels {
        let refused = unary(channel, "/s/Echo", b"").await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable, "{refused}");
    }
    assert!(!serving.is_finished());
    for (sender, mut answers) in calls {
        sender.send(Bytes::from_static(b"still")).await.unwrap();
        assert_eq!(answers.message().await.unwrap().unwrap(), "still");
        drop(sender);
        assert_eq!(answers.message().await.unwrap(), None);
    }
    let served = timeout(Duration::from_secs(5), serving).await;
    served
        .expect("it ends with its last call")
        .unwrap()
        .unwrap();
}

#[tokio::test]
async fn the_last_channel_dropped_ends_its_connection() {
    let (address, _) = serve(WebSocketLayer::new()).await;
    let channel = endpoint(address, Subprotocols::Mux)
        .connect()
        .await
        .unwrap();
    unary(channel.clone(), "/s/Echo", b"").await.unwrap();
    let tasks = tokio::runtime::Handle::current().metrics();
    let before = tasks.num_alive_tasks();
    drop(channel);
    // Both ends of the WebSocket have a task.
    until(|| tasks.num_alive_tasks() <= before - 2).await;
}
