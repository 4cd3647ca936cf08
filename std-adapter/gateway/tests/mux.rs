//! Many calls on one WebSocket, through the gateway to an HTTP/2 server.

#[path = "../../tests/common/mod.rs"]
mod common;
mod process;

use std::future::poll_fn;
use std::time::{Duration, Instant};

use bytes::Bytes;
use common::bind;
use common::dialer::framed;
use common::mux::MuxClient;
use grpc_websocket_core::Code;
use grpc_websocket_core::mux::CallId;
use h2::server::SendResponse;
use h2::{Reason, RecvStream};
use http::{HeaderMap, HeaderValue, Request, Response};
use process::Gateway;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

/// What the upstream sees of calls to `/s/Wait`.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Begun,
    Reset(Reason),
}

/// Answers `/s/Echo`, and waits in all other calls.
async fn upstream(listener: TcpListener, seen: UnboundedSender<Seen>) {
    while let Ok((stream, _)) = listener.accept().await {
        tokio::spawn(serve(stream, seen.clone()));
    }
}

async fn serve(stream: TcpStream, seen: UnboundedSender<Seen>) {
    let mut connection = h2::server::handshake(stream).await.unwrap();
    while let Some(accepted) = connection.accept().await {
        let (request, respond) = accepted.unwrap();
        if request.uri().path() == "/s/Echo" {
            tokio::spawn(echo(request, respond));
        } else {
            tokio::spawn(wait(request, respond, seen.clone()));
        }
    }
}

async fn echo(request: Request<RecvStream>, mut respond: SendResponse<Bytes>) {
    let mut response = Response::new(());
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static("application/grpc"));
    let mut answer = respond.send_response(response, false).unwrap();
    let mut body = request.into_body();
    while let Some(data) = body.data().await {
        let data = data.unwrap();
        body.flow_control().release_capacity(data.len()).unwrap();
        // Many empty frames are taken for an attack.
        if !data.is_empty() {
            answer.send_data(data, false).unwrap();
        }
    }
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("0"));
    answer.send_trailers(trailers).unwrap();
}

async fn wait(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    seen: UnboundedSender<Seen>,
) {
    let mut body = request.into_body();
    let first = body.data().await.unwrap().unwrap();
    assert!(!first.is_empty());
    seen.send(Seen::Begun).unwrap();
    let reason = poll_fn(|cx| respond.poll_reset(cx)).await.unwrap();
    let _ = seen.send(Seen::Reset(reason));
}

async fn start() -> (Gateway, MuxClient, UnboundedReceiver<Seen>) {
    let (listener, address) = bind().await;
    let (sender, seen) = unbounded_channel();
    tokio::spawn(upstream(listener, sender));
    let gateway = Gateway::before(address);
    let client = MuxClient::connect(gateway.address).await;
    (gateway, client, seen)
}

#[tokio::test]
async fn calls_of_one_websocket_reach_the_upstream() {
    let (_gateway, mut client, _) = start().await;
    let calls: Vec<CallId> = (0..200_u8)
        .map(|n| client.dialer.call("/s/Echo", "", &framed(&[n; 1000]), true))
        .collect();
    for (n, &call) in calls.iter().enumerate() {
        let answer = client.answer(call).await;
        assert_eq!(answer.status, Some(Code::Ok), "{}", answer.trailers);
        assert_eq!(answer.messages, framed(&[n.try_into().unwrap(); 1000]));
    }
}

#[tokio::test]
async fn a_cancelled_call_is_reset_at_the_upstream_at_once() {
    let (_gateway, mut client, mut seen) = start().await;
    let talk = client.dialer.call("/s/Echo", "", &framed(b"1"), false);
    client
        .until(|dialer| dialer.answer(talk).messages == framed(b"1"))
        .await;
    let call = client.dialer.call("/s/Wait", "", &framed(b"half"), false);
    client.flush().await;
    let mut next = async || {
        let seen = timeout(Duration::from_secs(10), seen.recv()).await;
        seen.expect("the upstream sees nothing").unwrap()
    };
    assert_eq!(next().await, Seen::Begun);
    let begun = Instant::now();
    client.dialer.cancel(call);
    client.flush().await;
    // CANCEL would be taken for the end of the client's messages.
    assert_eq!(next().await, Seen::Reset(Reason::INTERNAL_ERROR));
    let elapsed = begun.elapsed();
    println!("a cancellation took {elapsed:?} to the upstream");
    assert!(elapsed < Duration::from_secs(1), "{elapsed:?}");
    client.dialer.send(talk, &framed(b"2"), true);
    assert_eq!(client.status(talk).await, Code::Ok);
}
