//! Runs a case through a channel.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::client::Grpc;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::metadata::{AsciiMetadataKey, MetadataMap};
use tonic::{Code, Request, Response, Status};

use super::calls::{CALL_ID, Calls, End};
use super::case::{Cancel, Case, Kind};
use super::codec::RawRequests;
use super::expect::compare;
use super::outcome::Outcome;
use crate::channel::AnyChannel;
use crate::proto::conformance::UnaryResponse;
use crate::wire::raw_call;

/// The longest message that the servers under test take.
pub const LIMIT: usize = 200 * 1024;

/// No case takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a handler may go on after its call has ended: well below the delay of a case's service.
const HANDLER_PATIENCE: Duration = Duration::from_millis(1000);

/// What a case runs against.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The client under test, connected to the server under test.
    pub channel: AnyChannel,
    /// What the service notes; none of a scripted server.
    pub calls: Option<Calls>,
    /// Whether messages are compressed.
    pub gzip: bool,
    /// Whether a request says `application/grpc-web` as it does on a WebSocket.
    pub is_web: bool,
}

/// Runs a case.
///
/// # Errors
/// What was not as it should be.
pub async fn run(case: &Case, setup: &Setup) -> Result<(), String> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let attempt = Attempt {
        case,
        setup,
        messages: case.request_messages(LIMIT),
        id: NEXT.fetch_add(1, Ordering::Relaxed).to_string(),
    };
    let (sender, requests) = unbounded_channel();
    // It outlives the call: a client that cancels does not half-close.
    let mut sender = Some(sender);
    let outcome = attempt.outcome(&mut sender, requests);
    match tokio::time::timeout(PATIENCE, outcome).await {
        Ok(outcome) => compare(case, &attempt.messages, &outcome)?,
        Err(_) => return Err(format!("no end within {PATIENCE:?}")),
    }
    attempt.check_handler().await
}

type Sender = Option<UnboundedSender<Bytes>>;
type Requests = UnboundedReceiver<Bytes>;

struct Attempt<'a> {
    case: &'a Case,
    setup: &'a Setup,
    messages: Vec<Bytes>,
    /// The service notes the call's end under it.
    id: String,
}

impl Attempt<'_> {
    async fn outcome(&self, sender: &mut Sender, requests: Requests) -> Outcome {
        let mut outcome = Outcome::new();
        let result = match (&self.case.raw_request, self.case.kind) {
            (Some(_), _) => self.raw(&mut outcome).await,
            (None, Kind::Unary | Kind::ClientStream) => {
                self.single_response(&mut outcome, sender, requests).await
            }
            (None, _) => self.stream(&mut outcome, sender, requests).await,
        };
        outcome.end(result)
    }

    async fn raw(&self, outcome: &mut Outcome) -> Result<(), Status> {
        let channel = self.setup.channel.clone();
        let mut response = raw_call(channel, self.case, self.setup.is_web).await?;
        outcome.headers = response.metadata().clone();
        while let Some(message) = response.get_mut().message().await? {
            outcome.receive(message);
        }
        Ok(())
    }

    /// Unary, or with a stream of requests.
    async fn single_response(
        &self,
        outcome: &mut Outcome,
        sender: &mut Sender,
        requests: Requests,
    ) -> Result<(), Status> {
        let mut grpc = self.grpc().await?;
        let call = async {
            match self.case.kind {
                Kind::Unary => {
                    let request = self.request(self.messages.first().cloned().unwrap_or_default());
                    grpc.unary(request, self.path(), RawRequests).await
                }
                _ => {
                    let requests = self.request(UnboundedReceiverStream::new(requests));
                    grpc.client_streaming(requests, self.path(), RawRequests)
                        .await
                }
            }
        };
        self.messages
            .iter()
            .for_each(|message| send(sender.as_ref(), message));
        if self.case.cancel != Some(Cancel::BeforeCloseSend) {
            *sender = None;
        }
        let response: Response<UnaryResponse> = tokio::select! {
            response = call => response?,
            () = self.time_to_cancel() => return Err(cancelled()),
        };
        outcome.headers = response.metadata().clone();
        outcome.receive(response.into_inner());
        Ok(())
    }

    /// With a stream of responses.
    async fn stream(
        &self,
        outcome: &mut Outcome,
        sender: &mut Sender,
        requests: Requests,
    ) -> Result<(), Status> {
        let mut grpc = self.grpc().await?;
        let mut rest = self.messages.iter();
        let at_once = if self.case.kind == Kind::FullDuplex {
            1
        } else {
            usize::MAX
        };
        rest.by_ref()
            .take(at_once)
            .for_each(|message| send(sender.as_ref(), message));
        if rest.len() == 0 && self.case.cancel != Some(Cancel::BeforeCloseSend) && at_once > 1 {
            *sender = None;
        }
        let call = self.call(&mut grpc, requests);
        let response = if self.case.kind == Kind::HalfDuplex {
            tokio::select! {
                response = call => response?,
                () = self.time_to_cancel() => return Err(cancelled()),
            }
        } else {
            call.await?
        };
        outcome.headers = response.metadata().clone();
        let mut responses = response.into_inner();
        loop {
            if let (None, Some(Cancel::AfterCloseSendMs(after))) = (&*sender, self.case.cancel) {
                tokio::time::sleep(Duration::from_millis(after)).await;
                return Err(cancelled());
            }
            if self.case.cancel == Some(Cancel::AfterResponses(outcome.payloads.len())) {
                return Err(cancelled());
            }
            let Some(message) = responses.message().await? else {
                break;
            };
            outcome.receive(message);
            match rest.next() {
                Some(request) => send(sender.as_ref(), request),
                None if self.case.cancel == Some(Cancel::BeforeCloseSend) => {
                    return Err(cancelled());
                }
                None => *sender = None,
            }
        }
        outcome.trailers = responses.trailers().await?.unwrap_or_default();
        Ok(())
    }

    async fn call(
        &self,
        grpc: &mut Grpc<AnyChannel>,
        requests: Requests,
    ) -> Result<Response<tonic::Streaming<UnaryResponse>>, Status> {
        if self.case.kind == Kind::ServerStream {
            let request = self.request(self.messages.first().cloned().unwrap_or_default());
            return grpc
                .server_streaming(request, self.path(), RawRequests)
                .await;
        }
        let requests = self.request(UnboundedReceiverStream::new(requests));
        grpc.streaming(requests, self.path(), RawRequests).await
    }

    /// Comes when a client that waits for its response is to cancel; never if it is not.
    async fn time_to_cancel(&self) {
        match (self.case.cancel, &self.setup.calls) {
            (Some(Cancel::BeforeCloseSend), Some(calls)) => calls.begun(&self.id).await,
            (Some(Cancel::AfterCloseSendMs(after)), Some(calls)) => {
                calls.begun(&self.id).await;
                tokio::time::sleep(Duration::from_millis(after)).await;
            }
            _ => std::future::pending().await,
        }
    }

    /// The handler of a call that its client gave up ends soon, and not as if all was well.
    async fn check_handler(&self) -> Result<(), String> {
        let is_given_up = self.case.cancel.is_some() || self.is_timed_out();
        let Some(calls) = self.setup.calls.as_ref().filter(|_| is_given_up) else {
            return Ok(());
        };
        match calls.end_of(&self.id, HANDLER_PATIENCE).await {
            Some(End::Failed | End::Dropped) => Ok(()),
            Some(End::Finished) => {
                Err("the handler took it for the end of the requests".to_owned())
            }
            None => Err("the handler goes on".to_owned()),
        }
    }

    fn is_timed_out(&self) -> bool {
        let expect = self.case.expect.as_ref();
        self.case.timeout_ms.is_some()
            && expect.is_some_and(|expect| expect.code == Code::DeadlineExceeded)
    }

    async fn grpc(&self) -> Result<Grpc<AnyChannel>, Status> {
        let mut grpc = Grpc::new(self.setup.channel.clone()).max_decoding_message_size(usize::MAX);
        if self.setup.gzip {
            grpc = grpc.send_compressed(Gzip).accept_compressed(Gzip);
        }
        grpc.ready().await.map_err(Status::from_error)?;
        Ok(grpc)
    }

    fn path(&self) -> PathAndQuery {
        self.case.path().parse().expect("a path")
    }

    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        *request.metadata_mut() = metadata(self.case, &self.id);
        if let Some(timeout) = self.case.timeout_ms {
            request.set_timeout(Duration::from_millis(timeout));
        }
        request
    }
}

fn send(sender: Option<&UnboundedSender<Bytes>>, message: &Bytes) {
    if let Some(sender) = sender {
        // The call may be over.
        let _ = sender.send(message.clone());
    }
}

fn cancelled() -> Status {
    Status::cancelled("by this test")
}

fn metadata(case: &Case, id: &str) -> MetadataMap {
    let mut metadata = MetadataMap::new();
    metadata.insert(CALL_ID, id.parse().expect("a number"));
    for (name, value) in &case.headers {
        let name = AsciiMetadataKey::from_bytes(name.as_bytes()).expect("a name of metadata");
        metadata.append(name, value.parse().expect("a value of metadata"));
    }
    metadata
}
