//! A service and a client of messages that are bytes, for all four kinds of call.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, stream};
use http::uri::PathAndQuery;
use http::{Request, Response};
use tonic::body::Body;
use tonic::client::GrpcService;
use tonic::{Status, Streaming};
use tower::util::BoxCloneSyncService;

#[path = "../../../tests/hostile/src/codec.rs"]
mod codec;

pub(crate) use codec::BytesCodec;

type Messages = Pin<Box<dyn Stream<Item = Result<Bytes, Status>> + Send>>;

/// How many handlers are at work, and how many were stopped.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) live: AtomicUsize,
    pub(crate) most: AtomicUsize,
    pub(crate) stopped: AtomicUsize,
    pub(crate) calls: AtomicUsize,
}

struct AtWork(Arc<Seen>, bool);

impl AtWork {
    fn new(seen: &Arc<Seen>) -> Self {
        seen.calls.fetch_add(1, Ordering::SeqCst);
        let live = seen.live.fetch_add(1, Ordering::SeqCst) + 1;
        seen.most.fetch_max(live, Ordering::SeqCst);
        Self(Arc::clone(seen), false)
    }

    fn done(mut self) {
        self.1 = true;
    }
}

impl Drop for AtWork {
    fn drop(&mut self) {
        self.0.live.fetch_sub(1, Ordering::SeqCst);
        if !self.1 {
            self.0.stopped.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// The handlers: `/s/Echo` gives each message back, with the metadata `x-echo` as initial and trailing
/// metadata; `/s/Join` gives all of them in one; `/s/Split` each byte of them; `/s/Fail` ends with
/// `FAILED_PRECONDITION` after the first; `/s/Slow` takes 100 ms; `/s/Never` never ends.
pub(crate) type Service = BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>;

pub(crate) fn service(seen: &Arc<Seen>) -> Service {
    let seen = Arc::clone(seen);
    BoxCloneSyncService::new(tower::service_fn(move |request: Request<Body>| {
        let seen = Arc::clone(&seen);
        async move {
            let method = request.uri().path().to_owned();
            let mut grpc = tonic::server::Grpc::new(BytesCodec);
            let handler = tower::service_fn(move |request: tonic::Request<Streaming<Bytes>>| {
                answer(method.clone(), request, AtWork::new(&seen))
            });
            Ok(grpc.streaming(Handler(handler), request).await)
        }
    }))
}

/// `tower::Service` is what tonic wants for a handler.
#[derive(Clone)]
struct Handler<F>(F);

impl<F> tower::Service<tonic::Request<Streaming<Bytes>>> for Handler<F>
where
    F: tower::Service<
            tonic::Request<Streaming<Bytes>>,
            Response = tonic::Response<Messages>,
            Error = Status,
        >,
{
    type Response = tonic::Response<Messages>;
    type Error = Status;
    type Future = F::Future;

    fn poll_ready(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), Status>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: tonic::Request<Streaming<Bytes>>) -> F::Future {
        self.0.call(request)
    }
}

async fn answer(
    method: String,
    request: tonic::Request<Streaming<Bytes>>,
    work: AtWork,
) -> Result<tonic::Response<Messages>, Status> {
    let echoed = request.metadata().get("x-echo").cloned();
    let mut messages = request.into_inner();
    let answer: Messages = match method.as_str() {
        "/s/Echo" => messages
            .chain(stream::once(async move {
                work.done();
                Err(Status::ok(""))
            }))
            .take_while(|item| {
                let goes_on = !matches!(item, Err(status) if status.code() == tonic::Code::Ok);
                async move { goes_on }
            })
            .boxed(),
        "/s/Join" => {
            let mut all = Vec::new();
            while let Some(message) = messages.message().await? {
                all.extend_from_slice(&message);
            }
            work.done();
            stream::iter([Ok(Bytes::from(all))]).boxed()
        }
        "/s/Split" => {
            let message = messages.message().await?.unwrap_or_default();
            work.done();
            stream::iter(message)
                .map(|byte| Ok(Bytes::from(vec![byte])))
                .boxed()
        }
        "/s/Fail" => {
            let first = messages.message().await?.unwrap_or_default();
            work.done();
            let failure = Status::with_details(
                tonic::Code::FailedPrecondition,
                "naïve: 100%",
                Bytes::from_static(b"\0\xff"),
            );
            stream::iter([Ok(first), Err(failure)]).boxed()
        }
        "/s/Slow" => {
            tokio::time::sleep(Duration::from_millis(100)).await;
            work.done();
            stream::iter([Ok(Bytes::new())]).boxed()
        }
        "/s/Never" => {
            let _work = work;
            std::future::pending().await
        }
        _ => return Err(Status::unimplemented(method)),
    };
    let mut response = tonic::Response::new(answer);
    if let Some(echoed) = echoed {
        response.metadata_mut().insert("x-echo", echoed);
    }
    Ok(response)
}

/// Makes a call with these messages.
pub(crate) async fn call<T>(
    channel: T,
    method: &'static str,
    messages: impl Stream<Item = Bytes> + Send + 'static,
) -> Result<tonic::Response<Streaming<Bytes>>, Status>
where
    T: GrpcService<Body>,
    T::ResponseBody: http_body::Body<Data = Bytes> + Send + 'static,
    <T::ResponseBody as http_body::Body>::Error: Into<tower::BoxError>,
{
    call_with(channel, method, tonic::Request::new(messages)).await
}

/// As [`call`], with metadata.
pub(crate) async fn call_with<T, M>(
    channel: T,
    method: &'static str,
    request: tonic::Request<M>,
) -> Result<tonic::Response<Streaming<Bytes>>, Status>
where
    T: GrpcService<Body>,
    T::ResponseBody: http_body::Body<Data = Bytes> + Send + 'static,
    <T::ResponseBody as http_body::Body>::Error: Into<tower::BoxError>,
    M: Stream<Item = Bytes> + Send + 'static,
{
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready()
        .await
        .map_err(|error| Status::unknown(error.into().to_string()))?;
    let path = PathAndQuery::from_static(method);
    grpc.streaming(request, path, BytesCodec).await
}

/// A call of one message, and all that it gives.
pub(crate) async fn unary<T>(
    channel: T,
    method: &'static str,
    message: &'static [u8],
) -> Result<Bytes, Status>
where
    T: GrpcService<Body>,
    T::ResponseBody: http_body::Body<Data = Bytes> + Send + 'static,
    <T::ResponseBody as http_body::Body>::Error: Into<tower::BoxError>,
{
    let messages = stream::iter([Bytes::from_static(message)]);
    all(call(channel, method, messages).await?).await
}

/// All messages of an answer, joined.
pub(crate) async fn all(response: tonic::Response<Streaming<Bytes>>) -> Result<Bytes, Status> {
    let mut messages = response.into_inner();
    let mut joined = Vec::new();
    while let Some(message) = messages.message().await? {
        joined.extend_from_slice(&message);
    }
    Ok(Bytes::from(joined))
}

/// Waits until something is so, on a machine that may be busy.
pub(crate) async fn until(is_so: impl Fn() -> bool) {
    let since = tokio::time::Instant::now();
    while !is_so() {
        assert!(since.elapsed() < Duration::from_secs(60), "it never is");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
