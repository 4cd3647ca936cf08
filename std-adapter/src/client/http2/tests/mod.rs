//! Calls to servers of the tests' own.

mod frames;
mod probe;

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::{BodyExt as _, StreamBody};
use tokio::net::TcpListener;
use tonic::Code;

use http::{Request, Uri};

use super::*;
use crate::client::connect::Proxy;

fn http2(target: &str) -> Http2 {
    with(Connector::new(&Proxy::None, Duration::from_secs(5)), target)
}

fn with(connector: Connector, target: &str) -> Http2 {
    let target = Target::parse(target).unwrap();
    Http2::new(connector, Arc::new(target), Duration::from_secs(300))
}

fn nobody() -> Http2 {
    http2("http://127.0.0.1:1")
}

/// A listener, and a client of it.
async fn listen() -> (TcpListener, Http2) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, http2(&format!("http://{address}")))
}

fn request() -> Request<Body> {
    Request::post("/s/m").body(Body::empty()).unwrap()
}

async fn forward(http2: &Http2, request: Request<Body>) -> Result<Response<Body>, Unanswered> {
    let (head, body) = request.into_parts();
    http2.forward(&head, Upload::of(body).await.unwrap()).await
}

#[tokio::test]
async fn connections_are_opened_as_calls_need_them_and_let_go() {
    let http2 = nobody();
    let open = || http2.connections.lock().unwrap().len();
    let mut calls: Vec<Connection> = (0..250).map(|_| http2.connection()).collect();
    assert_eq!(open(), 3);
    calls.drain(..200);
    let call = http2.connection();
    assert_eq!(open(), 3, "the last one is in use");
    drop((call, calls));
    drop(http2.connection());
    assert_eq!(open(), 1);
}

#[tokio::test]
async fn a_call_to_nobody_is_unavailable_and_given_back() {
    let http2 = nobody();
    for _ in 0..2 {
        let unanswered = forward(&http2, request()).await.unwrap_err();
        assert_eq!(unanswered.status.code(), Code::Unavailable);
        assert!(unanswered.is_unprocessed);
        assert!(unanswered.unsent.is_some());
    }
    let connections = http2.connections.lock().unwrap();
    assert!(connections.iter().all(Connection::is_lost));
}

#[tokio::test]
async fn a_request_that_http2_cannot_have_is_an_error() {
    let mut request = request();
    *request.uri_mut() = Uri::from_static("host");
    let unanswered = forward(&nobody(), request).await.unwrap_err();
    assert_eq!(unanswered.status.code(), Code::Internal);
    assert!(!unanswered.is_unprocessed);
}

#[tokio::test]
async fn the_server_is_told_its_own_name_and_path() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let http2 = http2(&format!("http://{address}/prefix/"));
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(stream).await.unwrap();
        let (request, _) = connection.accept().await.unwrap().unwrap();
        request.into_parts().0
    });
    let mut request = request();
    for (name, value) in [("host", "other"), ("connection", "upgrade"), ("x", "y")] {
        let value = http::HeaderValue::from_static(value);
        request.headers_mut().insert(name, value);
    }
    forward(&http2, request).await.unwrap_err();
    let head = server.await.unwrap();
    assert_eq!(head.uri.to_string(), format!("http://{address}/prefix/s/m"));
    let names: Vec<&str> = head.headers.keys().map(http::HeaderName::as_str).collect();
    assert_eq!(names, ["x", "te"]);
}

/// Answers every call at once. What drops with it resets the stream, as servers do that need no
/// more of the request (RFC 9113 section 8.1).
async fn answers_early(listener: TcpListener) {
    let (stream, _) = listener.accept().await.unwrap();
    let mut connection = h2::server::handshake(stream).await.unwrap();
    while let Some(call) = connection.accept().await {
        let (_request, mut respond) = call.unwrap();
        let mut answer = respond.send_response(Response::new(()), false).unwrap();
        answer
            .send_data(Bytes::from_static(b"answer"), false)
            .unwrap();
        let mut trailers = http::HeaderMap::new();
        trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
        answer.send_trailers(trailers).unwrap();
    }
}

#[tokio::test]
async fn an_early_answer_is_read_whole_whatever_becomes_of_the_request() {
    let (listener, http2) = listen().await;
    tokio::spawn(answers_early(listener));
    for _ in 0..10 {
        for body in [Body::new(one_message_later()), Body::empty()] {
            let request = Request::post("/s/m").body(body).unwrap();
            let response = forward(&http2, request).await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
            let answer = response.into_body().collect().await.unwrap();
            assert_eq!(answer.trailers().unwrap()["grpc-status"], "0");
            assert_eq!(answer.to_bytes(), "answer");
        }
    }
}

#[tokio::test]
async fn a_panic_of_a_requests_body_is_the_end_of_its_call() {
    let (listener, http2) = listen().await;
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(stream).await.unwrap();
        let mut calls = Vec::new();
        while let Some(call) = connection.accept().await {
            calls.push(call);
        }
    });
    let frames = futures_util::stream::once(async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        panic!("a body's bug")
    });
    let frames = futures_util::StreamExt::map(frames, |()| {
        Ok::<_, Infallible>(http_body::Frame::data(Bytes::new()))
    });
    let request = Request::post("/s/m").body(Body::new(StreamBody::new(frames)));
    let call = forward(&http2, request.unwrap());
    let ended = tokio::time::timeout(Duration::from_secs(10), call).await;
    ended.expect("it ends").unwrap_err();
}

/// A request body whose message comes when its stream is closed already.
fn one_message_later() -> impl http_body::Body<Data = Bytes, Error = Infallible> {
    let later = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        Ok(http_body::Frame::data(Bytes::from_static(b"late")))
    };
    StreamBody::new(futures_util::stream::once(later))
}
