//! The gRPC server behind the gateway, as a service: requests go to it over HTTP/2 as they came.

mod connect;
mod failure;

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::header::HOST;
use http::{Request, Response};
use http_body_util::BodyExt as _;
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tower::{Service, ServiceExt as _, service_fn};

/// How many calls share a connection. Servers allow 100 or more streams (RFC 9113 section 6.5.2
/// advises no less), and calls beyond what they allow would wait for others to end.
const CALLS_PER_CONNECTION: u32 = 100;

/// How much of an answer may wait for a slow client, and then on its connection: room for all its
/// calls, so that no slow client stops the others.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = CALLS_PER_CONNECTION * STREAM_WINDOW;

/// How long the upstream may take to answer an HTTP/2 ping.
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// Forwards requests to one gRPC server, over as many connections as its calls need. Connects when
/// a call comes, and again after a loss. A call that the server does not answer is answered here,
/// with its status.
#[derive(Clone)]
pub(crate) struct Upstream {
    endpoint: Endpoint,
    connections: Arc<Mutex<Vec<Connection>>>,
}

impl Upstream {
    /// `ping_interval`: the silence after which a connection with calls is pinged.
    pub(crate) fn new(endpoint: &Endpoint, ping_interval: Duration) -> Self {
        let endpoint = endpoint
            .clone()
            .http2_keep_alive_interval(ping_interval)
            .keep_alive_timeout(PING_TIMEOUT)
            .initial_stream_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW);
        Self {
            endpoint,
            connections: Arc::default(),
        }
    }

    /// The first connection with room, so that those behind it fall idle and are let go.
    fn connection(&self) -> Connection {
        let mut connections = self
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(free) = connections.iter().position(Connection::has_room) {
            while connections.len() > free + 1
                && connections.last().is_some_and(Connection::is_idle)
            {
                connections.pop();
            }
            return connections[free].clone();
        }
        let connection = Connection::new(&self.endpoint);
        connections.push(connection.clone());
        connection
    }
}

impl Service<Request<Body>> for Upstream {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Each call awaits the readiness of the connection it is given.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        // HTTP/2 has the upstream's own name in `:authority`.
        request.headers_mut().remove(HOST);
        let Connection { channel, calls } = self.connection();
        Box::pin(async move {
            let response = match channel.oneshot(request).await {
                Ok(response) => response,
                Err(error) => return Ok(failure::status(error.into()).into_http()),
            };
            Ok(response.map(|body| {
                Body::new(body.map_err(move |status| {
                    // The call counts for as long as its answer's body lives.
                    let _call = &calls;
                    failure::status(status.into())
                }))
            }))
        })
    }
}

/// A connection and, by the clones of `calls`, the calls on it.
#[derive(Clone)]
struct Connection {
    channel: Channel,
    calls: Arc<()>,
}

impl Connection {
    fn new(endpoint: &Endpoint) -> Self {
        let channel = endpoint.connect_with_connector_lazy(service_fn(connect::connect));
        Self {
            channel,
            calls: Arc::new(()),
        }
    }

    fn calls(&self) -> usize {
        Arc::strong_count(&self.calls) - 1
    }

    fn has_room(&self) -> bool {
        u32::try_from(self.calls()).is_ok_and(|calls| calls < CALLS_PER_CONNECTION)
    }

    fn is_idle(&self) -> bool {
        self.calls() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn connections_are_opened_as_calls_need_them_and_let_go() {
        let nowhere = Endpoint::from_static("http://127.0.0.1:1");
        let upstream = Upstream::new(&nowhere, Duration::from_secs(300));
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
        let nowhere = Endpoint::from_static("http://127.0.0.1:1");
        let mut upstream = Upstream::new(&nowhere, Duration::from_secs(300));
        let response = upstream.call(Request::new(Body::empty())).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["grpc-status"], "14");
    }
}
