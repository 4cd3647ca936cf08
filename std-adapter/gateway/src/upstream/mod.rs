//! The gRPC server behind the gateway, as a service: requests go to it over HTTP/2 as they came.

mod call;
mod connect;
mod connection;
mod failure;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::uri::Authority;
use http::{Request, Response};
use http_body::Body as _;
use tonic::body::Body;
use tower::{BoxError, Service};

use self::connection::Connection;

/// How many calls share a connection at most: what servers allow as a rule (RFC 9113 section 6.5.2
/// advises no less). Calls beyond what a server allows would wait for others to end.
const CALLS_PER_CONNECTION: u32 = 100;

/// Forwards requests to one gRPC server, over as many connections as its calls need. Connects when
/// a call comes, and again after a loss. A call that the server does not answer is answered here,
/// with its status.
#[derive(Clone)]
pub(crate) struct Upstream {
    server: Authority,
    ping_interval: Duration,
    connections: Arc<Mutex<Vec<Connection>>>,
}

impl Upstream {
    /// `ping_interval`: how often a connection with calls is pinged.
    pub(crate) fn new(server: Authority, ping_interval: Duration) -> Self {
        Self {
            server,
            ping_interval,
            connections: Arc::default(),
        }
    }

    async fn forward(&self, request: Request<Body>) -> Result<Response<Body>, BoxError> {
        let (head, body) = request.into_parts();
        let head = call::prepare(&self.server, head)?;
        let end = body.is_end_stream();
        let connection = self.connection();
        let opened = match call::open(connection.clone(), head.clone(), end).await {
            // Made, but ended since: a new one is worth a try.
            Err(_) if connection.was_made() => call::open(self.connection(), head, end).await,
            opened => opened,
        };
        drop(connection);
        call::forward(opened?, body).await
    }

    /// The first connection with room, so that those behind it fall idle and are let go.
    fn connection(&self) -> Connection {
        let mut connections = self
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        connections.retain(|connection| !connection.is_lost());
        if let Some(free) = connections.iter().position(Connection::has_room) {
            while connections.len() > free + 1
                && connections.last().is_some_and(|last| last.users() == 0)
            {
                connections.pop();
            }
            return connections[free].clone();
        }
        let connection = Connection::new(self.server.clone(), self.ping_interval);
        connections.push(connection.clone());
        connection
    }
}

impl Service<Request<Body>> for Upstream {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Each call awaits the connection it is given.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let upstream = self.clone();
        Box::pin(async move {
            let response = upstream.forward(request).await;
            Ok(response.unwrap_or_else(|error| failure::status(&*error).into_http()))
        })
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;
    use tokio::net::TcpListener;

    use super::*;

    fn nobody() -> Upstream {
        let server = Authority::from_static("127.0.0.1:1");
        Upstream::new(server, Duration::from_secs(300))
    }

    #[tokio::test]
    async fn connections_are_opened_as_calls_need_them_and_let_go() {
        let upstream = nobody();
        let open = || upstream.connections.lock().unwrap().len();
        let mut calls: Vec<Connection> = (0..250).map(|_| upstream.connection()).collect();
        assert_eq!(open(), 3);
        calls.drain(..200);
        let call = upstream.connection();
        assert_eq!(open(), 3, "the last one is in use");
        drop((call, calls));
        drop(upstream.connection());
        assert_eq!(open(), 1);
    }

    #[tokio::test]
    async fn a_call_to_nobody_is_answered_with_unavailable() {
        let mut upstream = nobody();
        for _ in 0..2 {
            let response = upstream.call(Request::new(Body::empty())).await.unwrap();
            assert_eq!(response.status(), 200);
            assert_eq!(response.headers()["grpc-status"], "14");
        }
        let connections = upstream.connections.lock().unwrap();
        assert!(connections.iter().all(Connection::is_lost));
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
                .send_data(bytes::Bytes::from_static(b"answer"), false)
                .unwrap();
            let mut trailers = http::HeaderMap::new();
            trailers.insert("grpc-status", http::HeaderValue::from_static("0"));
            answer.send_trailers(trailers).unwrap();
        }
    }

    #[tokio::test]
    async fn an_early_answer_is_read_whole_whatever_becomes_of_the_request() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = listener.local_addr().unwrap().to_string().parse().unwrap();
        tokio::spawn(answers_early(listener));
        let mut upstream = Upstream::new(server, Duration::from_secs(300));
        for _ in 0..10 {
            for body in [Body::new(one_message_later()), Body::empty()] {
                let request = Request::post("/s/m").body(body).unwrap();
                let response = upstream.call(request).await.unwrap();
                tokio::time::sleep(Duration::from_millis(20)).await;
                let answer = response.into_body().collect().await.unwrap();
                assert_eq!(answer.trailers().unwrap()["grpc-status"], "0");
                assert_eq!(answer.to_bytes(), "answer");
            }
        }
    }

    /// A request body whose message comes when its stream is closed already.
    fn one_message_later() -> impl http_body::Body<Data = bytes::Bytes, Error = Infallible> {
        let later = async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            Ok(http_body::Frame::data(bytes::Bytes::from_static(b"late")))
        };
        http_body_util::StreamBody::new(futures_util::stream::once(later))
    }
}
