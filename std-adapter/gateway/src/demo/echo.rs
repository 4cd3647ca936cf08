//! `demo.v1.Echo`: one method for each of the four kinds of RPC.

use std::time::Duration;

use tokio::time::sleep;
use tokio_stream::StreamExt as _;
use tonic::{Request, Response, Status, Streaming};

use super::ResponseStream;
use super::limits::check_text;
use super::pb::echo_server::Echo;
use super::pb::{ClientStreamResponse, EchoRequest, EchoResponse, ServerStreamRequest};

/// How many responses a caller may ask of one server-streaming call.
const MAX_COUNT: u32 = 1_000;

/// The longest pause between two of them.
const MAX_INTERVAL_MS: u32 = 10_000;

/// How many texts a client-streaming call collects.
const MAX_COLLECTED: usize = 100;

/// Sends back what it is sent.
#[derive(Debug)]
pub(super) struct EchoService;

#[tonic::async_trait]
impl Echo for EchoService {
    type ServerStreamStream = ResponseStream<EchoResponse>;
    type BidiStream = ResponseStream<EchoResponse>;

    async fn unary(&self, request: Request<EchoRequest>) -> Result<Response<EchoResponse>, Status> {
        echo(request.into_inner(), 1).map(Response::new)
    }

    async fn server_stream(
        &self,
        request: Request<ServerStreamRequest>,
    ) -> Result<Response<Self::ServerStreamStream>, Status> {
        let ServerStreamRequest {
            text,
            count,
            interval_ms,
        } = request.into_inner();
        check_text(&text)?;
        check_at_most("count", count, MAX_COUNT)?;
        check_at_most("interval_ms", interval_ms, MAX_INTERVAL_MS)?;
        let pause = Duration::from_millis(interval_ms.into());
        let responses = tokio_stream::iter(1..=count).then(move |sequence| {
            let response = EchoResponse {
                text: text.clone(),
                sequence,
            };
            async move {
                // Only between two responses: neither the first nor the status has to wait.
                if sequence > 1 && !pause.is_zero() {
                    sleep(pause).await;
                }
                Ok(response)
            }
        });
        Ok(Response::new(Box::pin(responses)))
    }

    async fn client_stream(
        &self,
        request: Request<Streaming<EchoRequest>>,
    ) -> Result<Response<ClientStreamResponse>, Status> {
        let mut requests = request.into_inner();
        let mut texts = Vec::new();
        while let Some(EchoRequest { text }) = requests.message().await? {
            check_text(&text)?;
            if texts.len() == MAX_COLLECTED {
                return Err(Status::resource_exhausted(format!(
                    "a call collects at most {MAX_COLLECTED} texts"
                )));
            }
            texts.push(text);
        }
        Ok(Response::new(ClientStreamResponse { texts }))
    }

    async fn bidi(
        &self,
        request: Request<Streaming<EchoRequest>>,
    ) -> Result<Response<Self::BidiStream>, Status> {
        let mut sequence = 0;
        let responses = request.into_inner().map(move |request| {
            sequence += 1;
            echo(request?, sequence)
        });
        Ok(Response::new(Box::pin(responses)))
    }
}

fn echo(EchoRequest { text }: EchoRequest, sequence: u32) -> Result<EchoResponse, Status> {
    check_text(&text)?;
    Ok(EchoResponse { text, sequence })
}

fn check_at_most(field: &str, value: u32, max: u32) -> Result<(), Status> {
    if value <= max {
        return Ok(());
    }
    Err(Status::invalid_argument(format!(
        "{field} is {value}, at most {max} is accepted"
    )))
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;
    use tokio::time::Instant;
    use tokio_stream::wrappers::ReceiverStream;
    use tonic::Code;

    use super::*;
    use crate::demo::limits::MAX_TEXT_CHARS;
    use crate::demo::pb::echo_client::EchoClient;
    use crate::demo::pb::echo_server::EchoServer;

    fn client() -> EchoClient<EchoServer<EchoService>> {
        EchoClient::new(EchoServer::new(EchoService))
    }

    fn request(text: impl Into<String>) -> EchoRequest {
        EchoRequest { text: text.into() }
    }

    fn too_long() -> EchoRequest {
        request("x".repeat(MAX_TEXT_CHARS + 1))
    }

    #[tokio::test]
    async fn unary_answers_once() {
        let response = client().unary(request("hello")).await.unwrap().into_inner();
        assert_eq!(
            response,
            EchoResponse {
                text: "hello".into(),
                sequence: 1
            }
        );
        let status = client().unary(too_long()).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
    }

    #[tokio::test(start_paused = true)]
    async fn server_stream_counts_and_pauses() {
        let request = ServerStreamRequest {
            text: "tick".into(),
            count: 3,
            interval_ms: 500,
        };
        let start = Instant::now();
        let responses = client().server_stream(request).await.unwrap().into_inner();
        let sequences: Vec<u32> = responses
            .map(|response| response.unwrap().sequence)
            .collect()
            .await;
        assert_eq!(sequences, [1, 2, 3]);
        assert!((1_000..1_100).contains(&start.elapsed().as_millis()));
    }

    #[tokio::test]
    async fn server_stream_refuses_what_never_ends() {
        for (count, interval_ms) in [(MAX_COUNT + 1, 0), (1, MAX_INTERVAL_MS + 1)] {
            let request = ServerStreamRequest {
                text: String::new(),
                count,
                interval_ms,
            };
            let status = client().server_stream(request).await.unwrap_err();
            assert_eq!(status.code(), Code::InvalidArgument);
        }
        let nothing = ServerStreamRequest::default();
        let mut responses = client().server_stream(nothing).await.unwrap().into_inner();
        assert_eq!(responses.message().await.unwrap(), None);
    }

    #[tokio::test]
    async fn client_stream_collects_in_order() {
        let requests = tokio_stream::iter(["one", "two", "three"].map(request));
        let response = client().client_stream(requests).await.unwrap().into_inner();
        assert_eq!(response.texts, ["one", "two", "three"]);
    }

    #[tokio::test]
    async fn client_stream_does_not_collect_for_ever() {
        let requests = tokio_stream::iter(vec![request(""); MAX_COLLECTED + 1]);
        let status = client().client_stream(requests).await.unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(status.message(), "a call collects at most 100 texts");
    }

    #[tokio::test]
    async fn bidi_answers_while_the_caller_still_speaks() {
        let (speaker, requests) = mpsc::channel(1);
        let requests = ReceiverStream::new(requests);
        let mut responses = client().bidi(requests).await.unwrap().into_inner();
        for (sequence, text) in [(1, "one"), (2, "two")] {
            speaker.send(request(text)).await.unwrap();
            let response = responses.message().await.unwrap().unwrap();
            assert_eq!(
                response,
                EchoResponse {
                    text: text.into(),
                    sequence
                }
            );
        }
        drop(speaker);
        assert_eq!(responses.message().await.unwrap(), None);
    }

    #[tokio::test]
    async fn bidi_ends_with_the_first_error() {
        let requests = tokio_stream::iter([request("fine"), too_long(), request("late")]);
        let mut responses = client().bidi(requests).await.unwrap().into_inner();
        assert_eq!(responses.message().await.unwrap().unwrap().text, "fine");
        assert_eq!(
            responses.message().await.unwrap_err().code(),
            Code::InvalidArgument
        );
    }
}
