//! The handlers. What each one does stands in `interop.proto`.

use std::future::ready;
use std::pin::Pin;
use std::time::Duration;

use futures_util::{Stream, StreamExt, stream};
use tonic::{Code, Status, Streaming};

use crate::metadata;
use crate::proto::{
    self, InspectRequest, InspectResponse, Request, Response, StatsRequest, StatsResponse,
};
use crate::stats::{Call, Stats};

type ResponseStream = Pin<Box<dyn Stream<Item = Result<Response, Status>> + Send>>;

/// The service.
#[derive(Default)]
pub(crate) struct Interop {
    stats: Stats,
}

#[tonic::async_trait]
impl proto::interop_server::Interop for Interop {
    async fn unary(
        &self,
        request: tonic::Request<Request>,
    ) -> Result<tonic::Response<Response>, Status> {
        let (request_metadata, _, request) = request.into_parts();
        let call = self.stats.start(&request.tag);
        let reply = metadata::reply(&request_metadata, &request.reply_metadata)?;
        delay(&request).await;
        call.complete();
        match request.status {
            Some(status) => Err(metadata::error(to_tonic(status), reply)),
            None => {
                let response = Response {
                    payload: request.payload,
                    index: 0,
                };
                Ok(metadata::response(response, reply))
            }
        }
    }

    type ServerStreamStream = ResponseStream;

    async fn server_stream(
        &self,
        request: tonic::Request<Request>,
    ) -> Result<tonic::Response<ResponseStream>, Status> {
        let (request_metadata, _, request) = request.into_parts();
        let call = self.stats.start(&request.tag);
        let reply = metadata::reply(&request_metadata, &request.reply_metadata)?;
        let payload = request.payload.clone();
        let responses = (0..request.response_count).map(move |index| {
            Ok(Response {
                payload: payload.clone(),
                index,
            })
        });
        let end = stream::once(end(call, request)).filter_map(|error| ready(error.map(Err)));
        Ok(metadata::response(
            stream::iter(responses).chain(end).boxed(),
            reply,
        ))
    }

    async fn client_stream(
        &self,
        request: tonic::Request<Streaming<Request>>,
    ) -> Result<tonic::Response<Response>, Status> {
        let (request_metadata, _, mut requests) = request.into_parts();
        let reply = metadata::reply(&request_metadata, &[])?;
        let mut calls = FirstTag::new(&self.stats);
        let mut response = Response::default();
        while let Some(request) = requests.message().await? {
            calls.start(&request);
            delay(&request).await;
            if let Some(status) = request.status {
                calls.complete();
                return Err(metadata::error(to_tonic(status), reply));
            }
            response.payload.extend(request.payload);
            response.index += 1;
        }
        calls.complete();
        Ok(metadata::response(response, reply))
    }

    type BidiStream = ResponseStream;

    async fn bidi(
        &self,
        request: tonic::Request<Streaming<Request>>,
    ) -> Result<tonic::Response<ResponseStream>, Status> {
        let (request_metadata, _, requests) = request.into_parts();
        let reply = metadata::reply(&request_metadata, &[])?;
        let bidi = Bidi {
            requests,
            calls: FirstTag::new(&self.stats),
            index: 0,
        };
        let responses = stream::unfold(Some(bidi), |bidi| async { bidi?.respond().await });
        Ok(metadata::response(responses.boxed(), reply))
    }

    async fn inspect(
        &self,
        request: tonic::Request<InspectRequest>,
    ) -> Result<tonic::Response<InspectResponse>, Status> {
        let metadata = metadata::entries(request.metadata())?;
        Ok(tonic::Response::new(InspectResponse { metadata }))
    }

    async fn stats(
        &self,
        request: tonic::Request<StatsRequest>,
    ) -> Result<tonic::Response<StatsResponse>, Status> {
        Ok(tonic::Response::new(
            self.stats.get(&request.into_inner().tag),
        ))
    }
}

/// The state of a Bidi call.
struct Bidi {
    requests: Streaming<Request>,
    calls: FirstTag,
    index: u32,
}

impl Bidi {
    /// Reads one request. Gives what to send, and the state if the call goes on.
    async fn respond(mut self) -> Option<(Result<Response, Status>, Option<Self>)> {
        let request = match self.requests.message().await {
            Ok(Some(request)) => request,
            Ok(None) => {
                self.calls.complete();
                return None;
            }
            Err(error) => return Some((Err(error), None)),
        };
        self.calls.start(&request);
        delay(&request).await;
        if let Some(status) = request.status {
            self.calls.complete();
            return Some((Err(to_tonic(status)), None));
        }
        let response = Response {
            payload: request.payload,
            index: self.index,
        };
        self.index += 1;
        Some((Ok(response), Some(self)))
    }
}

/// Counts a call once its first request tells the tag.
struct FirstTag {
    stats: Stats,
    call: Option<Call>,
}

impl FirstTag {
    fn new(stats: &Stats) -> Self {
        Self {
            stats: stats.clone(),
            call: None,
        }
    }

    fn start(&mut self, request: &Request) {
        self.call
            .get_or_insert_with(|| self.stats.start(&request.tag));
    }

    fn complete(&mut self) {
        if let Some(call) = self.call.take() {
            call.complete();
        }
    }
}

/// The end of a ServerStream call.
async fn end(call: Call, request: Request) -> Option<Status> {
    delay(&request).await;
    call.complete();
    request.status.map(to_tonic)
}

async fn delay(request: &Request) {
    // Even a sleep of no time would last for a tick of the timer.
    if request.delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(request.delay_ms.into())).await;
    }
}

fn to_tonic(status: proto::Status) -> Status {
    Status::with_details(
        Code::from_i32(status.code),
        status.message,
        status.details.into(),
    )
}
