//! gRPC's interop service on tonic, and what the cases ask of it beyond the messages.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::Request as HttpRequest;
use axum::middleware::{self, Next};
use axum::response::Response as HttpResponse;
use futures_util::{Stream, stream};
use grpc_websocket_interop::trailing::{self, TrailingMetadata};
use tonic::codec::CompressionEncoding::Gzip;
use tonic::metadata::MetadataMap;
use tonic::service::Routes;
use tonic::{Code, Request, Response, Status, Streaming};

use super::{len, zeros};
use crate::proto::testing::test_service_server::{TestService, TestServiceServer};
use crate::proto::testing::{
    BoolValue, EchoStatus, Empty, ResponseParameters, SimpleRequest, SimpleResponse,
    StreamingInputCallRequest, StreamingInputCallResponse, StreamingOutputCallRequest,
    StreamingOutputCallResponse,
};
use crate::wire::{compress_some, map_messages};

/// Request metadata that comes back as initial metadata.
pub(super) const ECHO_INITIAL: &str = "x-grpc-test-echo-initial";
/// Request metadata that comes back as trailing metadata.
pub(super) const ECHO_TRAILING: &str = "x-grpc-test-echo-trailing-bin";

/// The service, and what its handlers do.
#[derive(Debug, Clone, Default)]
pub struct Interop(Arc<Counts>);

#[derive(Debug, Default)]
struct Counts {
    begun: AtomicUsize,
    live: AtomicUsize,
    finished: AtomicUsize,
    produced: AtomicUsize,
}

/// Whether each message of a request was compressed.
#[derive(Debug, Clone, Default)]
struct Flags(Arc<Mutex<VecDeque<bool>>>);

/// As an extension of a response: which of its messages to compress.
#[derive(Debug, Clone)]
struct Compress(Vec<bool>);

/// The service as tonic routes.
#[must_use]
pub fn routes(interop: Interop) -> Routes {
    let service = TestServiceServer::new(interop).accept_compressed(Gzip);
    Routes::new(service)
        .into_axum_router()
        .layer(middleware::from_fn(echo))
        .layer(middleware::from_fn(compress))
        .layer(middleware::from_fn(trailing::append))
        .into()
}

impl Interop {
    /// Handlers that began so far.
    #[must_use]
    pub fn begun(&self) -> usize {
        self.0.begun.load(Ordering::SeqCst)
    }

    /// Handlers at work.
    #[must_use]
    pub fn live(&self) -> usize {
        self.0.live.load(Ordering::SeqCst)
    }

    /// Handlers that answered, with whatever status.
    #[must_use]
    pub fn finished(&self) -> usize {
        self.0.finished.load(Ordering::SeqCst)
    }

    /// Bytes of responses that handlers gave away.
    #[must_use]
    pub fn produced(&self) -> usize {
        self.0.produced.load(Ordering::SeqCst)
    }

    /// Waits until something is so.
    pub async fn until(&self, is_so: impl Fn(&Self) -> bool) {
        while !is_so(self) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn begin(&self) -> Handler {
        self.0.begun.fetch_add(1, Ordering::SeqCst);
        self.0.live.fetch_add(1, Ordering::SeqCst);
        Handler(self.clone())
    }
}

/// A handler at work.
struct Handler(Interop);

impl Handler {
    fn finish(&self) {
        self.0.0.finished.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for Handler {
    fn drop(&mut self) {
        self.0.0.live.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Flags {
    /// Takes that of the next message, which must be as it claims.
    fn check(&self, expected: Option<BoolValue>) -> Result<(), Status> {
        let mut flags = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_compressed = flags.pop_front().unwrap_or_default();
        match expected {
            Some(expected) if expected.value != is_compressed => Err(Status::invalid_argument(
                "compressed otherwise than it claims",
            )),
            _ => Ok(()),
        }
    }
}

type Responses = Pin<Box<dyn Stream<Item = Result<StreamingOutputCallResponse, Status>> + Send>>;

#[tonic::async_trait]
impl TestService for Interop {
    type StreamingOutputCallStream = Responses;
    type FullDuplexCallStream = Responses;

    async fn empty_call(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        self.begin().finish();
        Ok(Response::new(Empty {}))
    }

    async fn unary_call(
        &self,
        request: Request<SimpleRequest>,
    ) -> Result<Response<SimpleResponse>, Status> {
        let handler = self.begin();
        let flags = flags(&request);
        let request = request.into_inner();
        handler.finish();
        flags.check(request.expect_compressed)?;
        check_status(request.response_status)?;
        let payload = zeros(request.response_size);
        let mut response = Response::new(SimpleResponse { payload });
        let compressed = vec![is_true(request.response_compressed)];
        response.extensions_mut().insert(Compress(compressed));
        Ok(response)
    }

    async fn streaming_output_call(
        &self,
        request: Request<StreamingOutputCallRequest>,
    ) -> Result<Response<Responses>, Status> {
        let request = request.into_inner();
        let parameters = request.response_parameters;
        let compressed = parameters
            .iter()
            .map(|parameters| is_true(parameters.compressed));
        let compressed = Compress(compressed.collect());
        let output = Output {
            handler: self.begin(),
            requests: None,
            pending: parameters.into(),
        };
        let mut response = Response::new(output.stream());
        response.extensions_mut().insert(compressed);
        Ok(response)
    }

    async fn streaming_input_call(
        &self,
        request: Request<Streaming<StreamingInputCallRequest>>,
    ) -> Result<Response<StreamingInputCallResponse>, Status> {
        let handler = self.begin();
        let flags = flags(&request);
        let mut requests = request.into_inner();
        let mut aggregated_payload_size = 0;
        while let Some(request) = requests.message().await? {
            flags.check(request.expect_compressed)?;
            aggregated_payload_size += len(request.payload.as_ref());
        }
        handler.finish();
        Ok(Response::new(StreamingInputCallResponse {
            aggregated_payload_size,
        }))
    }

    async fn full_duplex_call(
        &self,
        request: Request<Streaming<StreamingOutputCallRequest>>,
    ) -> Result<Response<Responses>, Status> {
        let (requests, pending) = (Some(request.into_inner()), VecDeque::new());
        let output = Output {
            handler: self.begin(),
            requests,
            pending,
        };
        Ok(Response::new(output.stream()))
    }

    async fn unimplemented_call(&self, _: Request<Empty>) -> Result<Response<Empty>, Status> {
        Err(Status::unimplemented("as its name says"))
    }
}

/// A stream of responses that goes on.
struct Output {
    handler: Handler,
    requests: Option<Streaming<StreamingOutputCallRequest>>,
    pending: VecDeque<ResponseParameters>,
}

impl Output {
    fn stream(self) -> Responses {
        Box::pin(stream::unfold(Some(self), |output| async {
            let mut output = output?;
            match output.next().await {
                Ok(Some(response)) => Some((Ok(response), Some(output))),
                Ok(None) => {
                    output.handler.finish();
                    None
                }
                Err(status) => Some((Err(status), None)),
            }
        }))
    }

    async fn next(&mut self) -> Result<Option<StreamingOutputCallResponse>, Status> {
        loop {
            if let Some(parameters) = self.pending.pop_front() {
                return Ok(Some(self.respond(&parameters).await));
            }
            let Some(requests) = &mut self.requests else {
                return Ok(None);
            };
            let Some(request) = requests.message().await? else {
                return Ok(None);
            };
            check_status(request.response_status)?;
            self.pending = request.response_parameters.into();
        }
    }

    async fn respond(&self, parameters: &ResponseParameters) -> StreamingOutputCallResponse {
        let interval = u64::try_from(parameters.interval_us).unwrap_or_default();
        if interval > 0 {
            tokio::time::sleep(Duration::from_micros(interval)).await;
        }
        let produced = usize::try_from(parameters.size).unwrap_or_default();
        self.handler
            .0
            .0
            .produced
            .fetch_add(produced, Ordering::SeqCst);
        StreamingOutputCallResponse {
            payload: zeros(parameters.size),
        }
    }
}

fn check_status(status: Option<EchoStatus>) -> Result<(), Status> {
    match status {
        Some(status) if status.code != 0 => {
            Err(Status::new(Code::from_i32(status.code), status.message))
        }
        _ => Ok(()),
    }
}

fn is_true(value: Option<BoolValue>) -> bool {
    value.is_some_and(|value| value.value)
}

fn flags<T>(request: &Request<T>) -> Flags {
    request.extensions().get().cloned().unwrap_or_default()
}

/// Middleware that sends the metadata of [`ECHO_INITIAL`] and [`ECHO_TRAILING`] back.
async fn echo(request: HttpRequest, next: Next) -> HttpResponse {
    let initial = request.headers().get(ECHO_INITIAL).cloned();
    let trailing = request.headers().get(ECHO_TRAILING).cloned();
    let mut response = next.run(request).await;
    if let Some(value) = initial {
        response.headers_mut().insert(ECHO_INITIAL, value);
    }
    if let Some(value) = trailing {
        let trailers =
            http::HeaderMap::from_iter([(ECHO_TRAILING.parse().expect("a name"), value)]);
        let trailers = TrailingMetadata(MetadataMap::from_headers(trailers));
        response.extensions_mut().insert(trailers);
    }
    response
}

/// Middleware that notes which messages of the request are compressed, and compresses those of the
/// response that the service names: tonic compresses all of a stream, or none.
async fn compress(mut request: HttpRequest, next: Next) -> HttpResponse {
    let flags = Flags::default();
    request.extensions_mut().insert(flags.clone());
    let takes_gzip = request
        .headers()
        .get("grpc-accept-encoding")
        .is_some_and(|value| {
            value
                .to_str()
                .is_ok_and(|list| list.split(',').any(|name| name.trim() == "gzip"))
        });
    let request = request.map(|body| {
        axum::body::Body::new(map_messages(body, move |flag, message| {
            let mut flags = flags.0.lock().unwrap_or_else(PoisonError::into_inner);
            flags.push_back(flag == 1);
            message
        }))
    });
    let mut response = next.run(request).await;
    match response.extensions_mut().remove() {
        Some(Compress(which)) if takes_gzip && which.contains(&true) => {
            let gzip = http::HeaderValue::from_static("gzip");
            response.headers_mut().insert("grpc-encoding", gzip);
            response.map(|body| axum::body::Body::new(compress_some(body, which)))
        }
        _ => response,
    }
}
