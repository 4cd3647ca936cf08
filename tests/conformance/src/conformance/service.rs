//! The service of connectrpc/conformance on tonic: it does what each request asks for, and echoes
//! what it saw.

use std::collections::VecDeque;
use std::pin::Pin;
use std::time::Duration;

use futures_util::{Stream, stream};
use grpc_websocket_interop::trailing::TrailingMetadata;
use prost::Message;
use prost_types::Any;
use tonic::metadata::{AsciiMetadataKey, MetadataMap};
use tonic::{Code, Request, Response, Status, Streaming};

use super::calls::{Call, Calls};
use super::case::Kind;
use crate::proto::conformance::conformance_payload::RequestInfo;
use crate::proto::conformance::conformance_service_server::ConformanceService;
use crate::proto::conformance::unary_response_definition::Response as UnaryResult;
use crate::proto::conformance::{
    BidiStreamRequest, BidiStreamResponse, ClientStreamRequest, ClientStreamResponse,
    ConformancePayload, Error, Header, ServerStreamRequest, ServerStreamResponse,
    StreamResponseDefinition, UnaryRequest, UnaryResponse, UnaryResponseDefinition,
    UnimplementedRequest, UnimplementedResponse,
};

/// The type of [`RequestInfo`] in an `Any`.
pub(crate) const REQUEST_INFO: &str =
    "type.googleapis.com/connectrpc.conformance.v1.ConformancePayload.RequestInfo";

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Conformance {
    /// How its calls ended.
    pub calls: Calls,
}

type Responses<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl ConformanceService for Conformance {
    type ServerStreamStream = Responses<ServerStreamResponse>;
    type BidiStreamStream = Responses<BidiStreamResponse>;

    async fn unary(
        &self,
        request: Request<UnaryRequest>,
    ) -> Result<Response<UnaryResponse>, Status> {
        let mut call = self.calls.begin(request.metadata());
        let mut info = observed(request.metadata());
        let request = request.into_inner();
        info.requests.push(any(Kind::Unary, &request));
        let answer = answer(request.response_definition, info).await;
        call.finish();
        answer.map(|response| response.map(|payload| UnaryResponse { payload }))
    }

    async fn client_stream(
        &self,
        request: Request<Streaming<ClientStreamRequest>>,
    ) -> Result<Response<ClientStreamResponse>, Status> {
        let mut call = self.calls.begin(request.metadata());
        let mut info = observed(request.metadata());
        let (mut requests, mut definition) = (request.into_inner(), None);
        while let Some(request) = call.check(requests.message().await)? {
            info.requests.push(any(Kind::ClientStream, &request));
            definition = definition.or(Some(request.response_definition));
        }
        let answer = answer(definition.flatten(), info).await;
        call.finish();
        answer.map(|response| response.map(|payload| ClientStreamResponse { payload }))
    }

    async fn server_stream(
        &self,
        request: Request<ServerStreamRequest>,
    ) -> Result<Response<Self::ServerStreamStream>, Status> {
        let call = self.calls.begin(request.metadata());
        let mut info = observed(request.metadata());
        let request = request.into_inner();
        info.requests.push(any(Kind::ServerStream, &request));
        let plan = Plan::new(call, info, request.response_definition);
        let wrap = |payload| ServerStreamResponse { payload };
        Ok(plan.respond(|plan| plan.responses(wrap)))
    }

    async fn bidi_stream(
        &self,
        request: Request<Streaming<BidiStreamRequest>>,
    ) -> Result<Response<Self::BidiStreamStream>, Status> {
        let mut call = self.calls.begin(request.metadata());
        let mut info = observed(request.metadata());
        let mut requests = request.into_inner();
        let Some(first) = call.check(requests.message().await)? else {
            let plan = Plan::new(call, info, None);
            return Ok(
                plan.respond(|plan| plan.responses(|payload| BidiStreamResponse { payload }))
            );
        };
        info.requests.push(any(Kind::HalfDuplex, &first));
        if first.full_duplex {
            let plan = Plan::new(call, info, first.response_definition);
            return Ok(plan.respond(|plan| plan.in_turns(requests)));
        }
        while let Some(request) = call.check(requests.message().await)? {
            info.requests.push(any(Kind::HalfDuplex, &request));
        }
        let plan = Plan::new(call, info, first.response_definition);
        Ok(plan.respond(|plan| plan.responses(|payload| BidiStreamResponse { payload })))
    }

    async fn unimplemented(
        &self,
        _: Request<UnimplementedRequest>,
    ) -> Result<Response<UnimplementedResponse>, Status> {
        Err(Status::unimplemented("as its name says"))
    }
}

/// What is left to answer of a call with a stream of responses.
struct Plan {
    call: Call,
    definition: StreamResponseDefinition,
    data: VecDeque<Vec<u8>>,
    /// What the next response echoes.
    info: Option<RequestInfo>,
    is_begun: bool,
}

impl Plan {
    fn new(call: Call, info: RequestInfo, definition: Option<StreamResponseDefinition>) -> Self {
        let mut definition = definition.unwrap_or_default();
        let data = std::mem::take(&mut definition.response_data).into();
        let (info, is_begun) = (Some(info), false);
        Self {
            call,
            definition,
            data,
            info,
            is_begun,
        }
    }

    /// The response with its metadata around the stream that is made of the rest.
    fn respond<T>(self, stream: impl FnOnce(Self) -> Responses<T>) -> Response<Responses<T>> {
        let headers = metadata(&self.definition.response_headers);
        let trailers = metadata(&self.definition.response_trailers);
        let is_error = self.definition.error.is_some();
        let mut response = Response::new(stream(self));
        *response.metadata_mut() = headers;
        if !is_error {
            response.extensions_mut().insert(TrailingMetadata(trailers));
        }
        response
    }

    /// One response after the other.
    fn responses<T: 'static>(
        self,
        wrap: impl Fn(Option<ConformancePayload>) -> T + Send + Sync + 'static,
    ) -> Responses<T> {
        let wrap = std::sync::Arc::new(wrap);
        Box::pin(stream::unfold(Some(self), move |plan| {
            let wrap = std::sync::Arc::clone(&wrap);
            async move {
                let mut plan = plan?;
                match plan.next().await {
                    Some(payload) => Some((Ok(wrap(Some(payload))), Some(plan))),
                    None => plan.end().map(|status| (Err(status), None)),
                }
            }
        }))
    }

    /// One response for each request; those that are left follow the last request.
    fn in_turns(self, requests: Streaming<BidiStreamRequest>) -> Responses<BidiStreamResponse> {
        let state = Some((self, requests, true));
        Box::pin(stream::unfold(state, |state| async {
            let (mut plan, mut requests, mut is_open) = state?;
            if is_open && plan.info.is_none() {
                match plan.call.check(requests.message().await) {
                    Ok(Some(request)) => plan.echo(&request),
                    Ok(None) => is_open = false,
                    Err(status) => return Some((Err(status), None)),
                }
            }
            match plan.next().await {
                Some(payload) => {
                    let payload = Some(payload);
                    let state = Some((plan, requests, is_open));
                    Some((Ok(BidiStreamResponse { payload }), state))
                }
                None => plan.end().map(|status| (Err(status), None)),
            }
        }))
    }

    fn echo(&mut self, request: &BidiStreamRequest) {
        let requests = vec![any(Kind::FullDuplex, request)];
        self.info = Some(RequestInfo {
            requests,
            ..RequestInfo::default()
        });
    }

    /// The next response, after the delay.
    async fn next(&mut self) -> Option<ConformancePayload> {
        let data = self.data.pop_front()?;
        delay(self.definition.response_delay_ms).await;
        self.is_begun = true;
        let request_info = self.info.take();
        Some(ConformancePayload { data, request_info })
    }

    /// The status after the responses, unless it is OK.
    fn end(mut self) -> Option<Status> {
        self.call.finish();
        let info = self.info.take().filter(|_| !self.is_begun);
        let trailers = metadata(&self.definition.response_trailers);
        let error = self.definition.error.take()?;
        Some(status(error, info, trailers))
    }
}

/// The answer of a call with one response.
async fn answer(
    definition: Option<UnaryResponseDefinition>,
    info: RequestInfo,
) -> Result<Response<Option<ConformancePayload>>, Status> {
    let definition = definition.unwrap_or_default();
    delay(definition.response_delay_ms).await;
    let mut headers = metadata(&definition.response_headers);
    let trailers = metadata(&definition.response_trailers);
    let data = match definition.response {
        Some(UnaryResult::Error(error)) => {
            headers.as_mut().extend(trailers.into_headers());
            return Err(status(error, Some(info), headers));
        }
        Some(UnaryResult::ResponseData(data)) => data,
        None => Vec::new(),
    };
    let request_info = Some(info);
    let mut response = Response::new(Some(ConformancePayload { data, request_info }));
    *response.metadata_mut() = headers;
    response.extensions_mut().insert(TrailingMetadata(trailers));
    Ok(response)
}

async fn delay(milliseconds: u32) {
    if milliseconds > 0 {
        tokio::time::sleep(Duration::from_millis(milliseconds.into())).await;
    }
}

/// The status of an error, what was seen of the call among its details.
fn status(error: Error, info: Option<RequestInfo>, metadata: MetadataMap) -> Status {
    let message = error.message.unwrap_or_default();
    let info = info.map(|info| Any {
        type_url: REQUEST_INFO.to_owned(),
        value: info.encode_to_vec(),
    });
    let details = crate::proto::rpc::Status {
        code: error.code,
        message: message.clone(),
        details: error.details.into_iter().chain(info).collect(),
    };
    let (code, details) = (Code::from_i32(error.code), details.encode_to_vec());
    Status::with_details_and_metadata(code, message, details.into(), metadata)
}

/// What can be seen before the messages.
fn observed(metadata: &MetadataMap) -> RequestInfo {
    let mut info = RequestInfo::default();
    for name in metadata.as_ref().keys() {
        let values = metadata.as_ref().get_all(name).iter();
        let text =
            |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        info.request_headers.push(Header {
            name: name.to_string(),
            value: values.map(text).collect(),
        });
    }
    let timeout = metadata
        .get("grpc-timeout")
        .and_then(|value| value.to_str().ok());
    info.timeout_ms = timeout.and_then(milliseconds);
    info
}

/// `grpc-timeout` in milliseconds.
pub(crate) fn milliseconds(timeout: &str) -> Option<i64> {
    let (digits, unit) = timeout.split_at_checked(timeout.len().checked_sub(1)?)?;
    let count: i64 = digits.parse().ok()?;
    match unit {
        "H" => Some(count * 3_600_000),
        "M" => Some(count * 60_000),
        "S" => Some(count * 1000),
        "m" => Some(count),
        "u" => Some(count / 1000),
        "n" => Some(count / 1_000_000),
        _ => None,
    }
}

fn any(kind: Kind, message: &impl Message) -> Any {
    Any {
        type_url: kind.request_type().to_owned(),
        value: message.encode_to_vec(),
    }
}

fn metadata(headers: &[Header]) -> MetadataMap {
    let mut metadata = MetadataMap::new();
    for header in headers {
        let name = AsciiMetadataKey::from_bytes(header.name.to_ascii_lowercase().as_bytes());
        let name = name.expect("a name of metadata");
        for value in &header.value {
            metadata.append(name.clone(), value.parse().expect("a value of metadata"));
        }
    }
    metadata
}
