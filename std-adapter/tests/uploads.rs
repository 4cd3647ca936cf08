//! How the messages of a request end over HTTP/2.

mod common;

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use common::bind;
use h2::client::{self, SendRequest};
use h2::{Reason, SendStream};
use http::{HeaderMap, Method, Request, Response};
use http_body_util::BodyExt as _;
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tonic::Status;
use tonic::body::Body;
use tower::service_fn;

/// A server that says how each request's messages ended.
async fn start() -> (SocketAddr, UnboundedReceiver<Result<usize, Status>>) {
    let (listener, address) = bind().await;
    let (ended, ends) = unbounded_channel();
    let service = service_fn(move |request: Request<Body>| {
        let ended = ended.clone();
        // It goes on when the call is over, as does the way to an upstream.
        tokio::spawn(async move {
            let body = request.into_body().collect().await;
            let _ = ended.send(body.map(|body| body.to_bytes().len()));
        });
        std::future::pending::<Result<Response<Body>, Infallible>>()
    });
    tokio::spawn(grpc_websocket_tokio::serve(listener, service));
    (address, ends)
}

/// A call with the first part of its messages.
async fn upload(address: SocketAddr) -> (SendRequest<Bytes>, SendStream<Bytes>) {
    let io = TcpStream::connect(address).await.unwrap();
    let (mut requests, connection) = client::handshake(io).await.unwrap();
    tokio::spawn(connection);
    let request = Request::builder()
        .method(Method::POST)
        .uri(format!("http://{address}/a.B/C"))
        .header("content-type", "application/grpc");
    let request = request.body(()).unwrap();
    let (_, mut stream) = requests.send_request(request, false).unwrap();
    stream
        .send_data(Bytes::from_static(b"first"), false)
        .unwrap();
    (requests, stream)
}

#[tokio::test]
async fn a_client_that_resets_its_call_has_not_ended_its_messages() {
    let (address, mut ends) = start().await;
    for reason in [Reason::NO_ERROR, Reason::CANCEL, Reason::INTERNAL_ERROR] {
        let (_requests, mut stream) = upload(address).await;
        stream.send_reset(reason);
        let end = ends.recv().await.unwrap();
        assert!(end.is_err(), "{reason}: {end:?}");
    }
}

#[tokio::test]
async fn a_client_that_ends_its_messages_has_ended_them() {
    let (address, mut ends) = start().await;
    let (_requests, mut stream) = upload(address).await;
    stream.send_data(Bytes::new(), true).unwrap();
    assert_eq!(ends.recv().await.unwrap().unwrap(), 5);
    let (_requests, mut stream) = upload(address).await;
    stream.send_trailers(HeaderMap::new()).unwrap();
    assert_eq!(ends.recv().await.unwrap().unwrap(), 5);
}
