//! gRPC servers, and no gRPC servers, that misbehave behind the gateway.

use std::convert::Infallible;
use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use socket2::SockRef;
use tokio::runtime::Runtime;
use tokio_stream::{Stream, StreamExt as _};
use tonic::body::Body;
use tower::service_fn;

use crate::target::listen_at;

type Frames = Pin<Box<dyn Stream<Item = Result<Frame<Bytes>, Infallible>> + Send>>;

/// A server that is stopped, with its connections, when dropped.
#[derive(Debug)]
pub struct Upstream {
    /// Where it listens.
    pub address: SocketAddr,
    runtime: Option<Runtime>,
}

impl Upstream {
    /// A server that gives every HTTP/2 request the same answer.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn answering(answer: Answer) -> Self {
        Self::answering_at(closed_port(), answer)
    }

    /// The same at an address.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn answering_at(address: SocketAddr, answer: Answer) -> Self {
        let (listener, runtime) = listen_at(address);
        let service = service_fn(move |request| {
            let answer = answer.clone();
            async move { Ok::<_, Infallible>(answer.respond(request)) }
        });
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            grpc_websocket_tokio::serve(listener, service).await
        });
        Self {
            address,
            runtime: Some(runtime),
        }
    }

    /// Stops it at once, with its connections.
    ///
    /// # Panics
    /// When it hangs.
    pub fn kill(mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(Duration::from_secs(5));
        }
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// An HTTP answer.
#[derive(Debug, Clone)]
pub struct Answer {
    status: u16,
    headers: Vec<(&'static str, &'static str)>,
    body: Vec<Vec<u8>>,
    trailers: Option<Vec<(&'static str, &'static str)>>,
    unending: bool,
}

impl Answer {
    /// An answer with a status and a content type, and nothing more.
    #[must_use]
    pub fn new(status: u16, content_type: &'static str) -> Self {
        Self {
            status,
            headers: vec![("content-type", content_type)],
            body: Vec::new(),
            trailers: None,
            unending: false,
        }
    }

    /// The head of a good gRPC answer.
    #[must_use]
    pub fn grpc() -> Self {
        Self::new(200, "application/grpc")
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// With a further slice of the body.
    #[must_use]
    pub fn body(mut self, slice: impl Into<Vec<u8>>) -> Self {
        self.body.push(slice.into());
        self
    }

    /// With a trailer.
    #[must_use]
    pub fn trailer(mut self, name: &'static str, value: &'static str) -> Self {
        self.trailers.get_or_insert_default().push((name, value));
        self
    }

    /// Without an end.
    #[must_use]
    pub fn unending(mut self) -> Self {
        self.unending = true;
        self
    }

    /// The request's body is neither read nor dropped while the answer lasts.
    fn respond(self, request: Request<Body>) -> Response<Body> {
        let mut response = Response::new(());
        *response.status_mut() = self.status.try_into().expect("an HTTP status");
        *response.headers_mut() = header_map(&self.headers);
        let body = self.frames(request.into_body());
        response.map(|()| Body::new(StreamBody::new(body)))
    }

    fn frames(self, request: Body) -> Frames {
        let data = self.body.into_iter().map(|slice| Frame::data(slice.into()));
        let trailers = self.trailers.map(|list| Frame::trailers(header_map(&list)));
        let frames = tokio_stream::iter(data.chain(trailers)).map(move |frame| {
            let _unread = &request;
            Ok(frame)
        });
        if self.unending {
            return Box::pin(frames.chain(tokio_stream::pending()));
        }
        Box::pin(frames)
    }
}

fn header_map(list: &[(&'static str, &'static str)]) -> HeaderMap {
    list.iter()
        .map(|(name, value)| {
            let name = HeaderName::from_static(name);
            (
                name,
                HeaderValue::from_bytes(value.as_bytes()).expect("a value"),
            )
        })
        .collect()
}

/// An address that nothing listens on.
///
/// # Panics
/// When there is no free port.
#[must_use]
pub fn closed_port() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address")
}

/// A listener whose connections nobody accepts. They are established, for the system does it.
///
/// # Panics
/// When there is no free port.
#[must_use]
pub fn never_accepting() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("its address");
    (listener, address)
}

/// A server that resets every connection. It runs until the test ends.
///
/// # Panics
/// When there is no free port.
#[must_use]
pub fn resetting() -> SocketAddr {
    with_each_connection(|stream| {
        let linger = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
        linger.expect("a TCP socket");
    })
}

/// A server that says the same on every connection and closes it. It runs until the test ends.
///
/// # Panics
/// When there is no free port.
#[must_use]
pub fn saying(bytes: &'static [u8]) -> SocketAddr {
    with_each_connection(move |mut stream| {
        // The gateway may have closed.
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        std::thread::sleep(Duration::from_millis(100));
    })
}

fn with_each_connection(serve: impl Fn(TcpStream) + Send + 'static) -> SocketAddr {
    let (listener, address) = never_accepting();
    std::thread::spawn(move || listener.incoming().flatten().for_each(serve));
    address
}
