//! The gRPC service under attack, with one method for each way to behave.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio_stream::{Stream, StreamExt as _};
use tonic::body::Body;
use tonic::codec::CompressionEncoding;
use tonic::server::{Grpc, NamedService};
use tonic::service::Routes;
use tonic::{Request, Response, Status, Streaming};
use tower::{Service, service_fn};

use crate::codec::BytesCodec;

/// The service's name; its methods are `Unary`, `Count`, `Download`, `Bidi`, `Hold`, `Panic` and
/// `PanicLater`.
pub const SERVICE: &str = "hostile.v1.Hostile";

/// The length of each message of `Download`.
const DOWNLOAD_MESSAGE: usize = 64 * 1024;

type Messages = Pin<Box<dyn Stream<Item = Result<Bytes, Status>> + Send>>;
type Answer<T> = Result<Response<T>, Status>;

/// The service, as tonic's routes.
#[must_use]
pub fn routes(probe: &Probe) -> Routes {
    Routes::new(Hostile(probe.clone()))
}

/// What the service's handlers are doing.
#[derive(Debug, Clone, Default)]
pub struct Probe(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    live: AtomicUsize,
    begun: AtomicUsize,
    sent: AtomicUsize,
    clean_ends: AtomicUsize,
}

impl Probe {
    /// How many handlers there are now.
    #[must_use]
    pub fn live(&self) -> usize {
        self.0.live.load(Ordering::SeqCst)
    }

    /// How many there were ever.
    #[must_use]
    pub fn begun(&self) -> usize {
        self.0.begun.load(Ordering::SeqCst)
    }

    /// How many messages `Download` has made.
    #[must_use]
    pub fn sent(&self) -> usize {
        self.0.sent.load(Ordering::SeqCst)
    }

    /// How many handlers of `Count` saw their client half-close.
    #[must_use]
    pub fn clean_ends(&self) -> usize {
        self.0.clean_ends.load(Ordering::SeqCst)
    }

    fn enter(&self) -> Live {
        self.0.live.fetch_add(1, Ordering::SeqCst);
        self.0.begun.fetch_add(1, Ordering::SeqCst);
        Live(self.clone())
    }
}

/// A handler, for as long as it is not dropped.
struct Live(Probe);

impl Drop for Live {
    fn drop(&mut self) {
        self.0.0.live.fetch_sub(1, Ordering::SeqCst);
    }
}

#[derive(Clone)]
struct Hostile(Probe);

impl NamedService for Hostile {
    const NAME: &'static str = SERVICE;
}

impl Service<http::Request<Body>> for Hostile {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<http::Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let probe = self.0.clone();
        Box::pin(async move {
            let _live = probe.enter();
            Ok(answer(&probe, request).await)
        })
    }
}

async fn answer(probe: &Probe, request: http::Request<Body>) -> http::Response<Body> {
    let method = request.uri().path().rsplit('/').next().unwrap_or_default();
    let mut grpc = Grpc::new(BytesCodec).accept_compressed(CompressionEncoding::Gzip);
    let probe = probe.clone();
    match method {
        "Unary" => grpc.unary(service_fn(unary), request).await,
        "Count" => {
            let count = service_fn(move |request| count(probe.clone(), request));
            grpc.client_streaming(count, request).await
        }
        "Hold" => grpc.client_streaming(service_fn(hold), request).await,
        "Panic" => grpc.unary(service_fn(panic_at_once), request).await,
        "PanicLater" => {
            grpc.server_streaming(service_fn(panic_later), request)
                .await
        }
        "Download" => {
            let download = service_fn(move |request| download(probe.clone(), request));
            grpc.server_streaming(download, request).await
        }
        "Bidi" => {
            let echo = service_fn(move |request| echo(probe.clone(), request));
            grpc.streaming(echo, request).await
        }
        _ => Status::unimplemented("no such method").into_http(),
    }
}

/// Answers with the request's message.
async fn unary(request: Request<Bytes>) -> Answer<Bytes> {
    Ok(Response::new(request.into_inner()))
}

/// Answers with how many messages came, and how many bytes in them.
async fn count(probe: Probe, request: Request<Streaming<Bytes>>) -> Answer<Bytes> {
    let mut stream = request.into_inner();
    let (mut messages, mut bytes) = (0, 0);
    while let Some(message) = stream.message().await? {
        messages += 1;
        bytes += message.len();
    }
    probe.0.clean_ends.fetch_add(1, Ordering::SeqCst);
    Ok(Response::new(format!("{messages} {bytes}").into()))
}

/// Neither reads nor answers.
async fn hold(request: Request<Streaming<Bytes>>) -> Answer<Bytes> {
    std::future::pending::<()>().await;
    drop(request);
    Err(Status::internal("nothing is pending for ever"))
}

async fn panic_at_once(_: Request<Bytes>) -> Answer<Bytes> {
    panic!("the handler's panic");
}

async fn panic_later(request: Request<Bytes>) -> Answer<Messages> {
    let messages = [request.into_inner(), Bytes::new()].into_iter();
    let panicking = messages.map(|message| {
        assert!(!message.is_empty(), "the handler's late panic");
        Ok(message)
    });
    Ok(Response::new(Box::pin(tokio_stream::iter(panicking))))
}

/// Answers with as many messages as the request's says in decimal.
async fn download(probe: Probe, request: Request<Bytes>) -> Answer<Messages> {
    let text = String::from_utf8(request.into_inner().to_vec()).unwrap_or_default();
    let messages: usize = text
        .parse()
        .map_err(|_| Status::invalid_argument("a number is needed"))?;
    let live = probe.enter();
    let stream = tokio_stream::iter(0..messages).map(move |_| {
        live.0.0.sent.fetch_add(1, Ordering::SeqCst);
        Ok(Bytes::from(vec![0x55; DOWNLOAD_MESSAGE]))
    });
    Ok(Response::new(Box::pin(stream)))
}

/// Answers each message with itself.
async fn echo(probe: Probe, request: Request<Streaming<Bytes>>) -> Answer<Messages> {
    let live = probe.enter();
    let stream = request.into_inner().map(move |message| {
        let _live = &live;
        message
    });
    Ok(Response::new(Box::pin(stream)))
}
