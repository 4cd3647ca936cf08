//! The gRPC server behind the gateway, as a service: requests go to it over HTTP/2 as they came.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::BodyExt as _;
use tonic::body::Body;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};
use tower::{Service, ServiceExt as _};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// An upstream that does not answer a ping within the timeout is gone, and its calls fail.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(10);

/// How many calls share a connection. Servers allow 100 or more streams (RFC 9113 section 6.5.2
/// advises no less), and calls beyond what they allow would wait for others to end.
const CALLS_PER_CONNECTION: usize = 100;

/// Forwards requests to one gRPC server, over as many connections as its calls need. Connects when
/// a call comes, and again after a loss.
#[derive(Clone)]
pub(crate) struct Upstream {
    endpoint: Endpoint,
    connections: Arc<Mutex<Vec<Connection>>>,
}

impl Upstream {
    pub(crate) fn new(endpoint: &Endpoint) -> Self {
        let endpoint = endpoint
            .clone()
            .connect_timeout(CONNECT_TIMEOUT)
            .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
            .keep_alive_timeout(KEEPALIVE_TIMEOUT)
            .tcp_nodelay(true);
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
    type Error = Status;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Status>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        // Each call awaits the readiness of the connection it is given.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let Connection { channel, calls } = self.connection();
        Box::pin(async move {
            let response = channel.oneshot(request).await;
            let response =
                response.map_err(|error| unavailable(Status::from_error(error.into())))?;
            Ok(response.map(|body| {
                Body::new(body.map_err(move |status| {
                    // The call counts for as long as its answer's body lives.
                    let _call = &calls;
                    unavailable(status)
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
        Self {
            channel: endpoint.connect_lazy(),
            calls: Arc::new(()),
        }
    }

    fn has_room(&self) -> bool {
        Arc::strong_count(&self.calls) <= CALLS_PER_CONNECTION
    }

    fn is_idle(&self) -> bool {
        Arc::strong_count(&self.calls) == 1
    }
}

/// A connection that is refused or lost is `UNAVAILABLE`, whatever the transport calls it. A code
/// that an HTTP/2 reset stands for (gRPC PROTOCOL-HTTP2 "Errors") stays.
fn unavailable(status: Status) -> Status {
    match status.code() {
        Code::Unknown | Code::Internal => Status::unavailable(format!(
            "the upstream's connection failed: {}",
            status.message()
        )),
        _ => status,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn connections_are_opened_as_calls_need_them_and_let_go() {
        let upstream = Upstream::new(&Endpoint::from_static("http://127.0.0.1:1"));
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
}
