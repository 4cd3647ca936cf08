//! Calls that end early.

use std::time::Duration;

use tokio::sync::mpsc::unbounded_channel;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Code, Request};

use super::server::Interop;
use super::streaming::{RESPONSES, asking_for};
use super::{Verdict, client, code, equal, len, ok, zeros};
use crate::channel::AnyChannel;
use crate::proto::testing::{
    ResponseParameters, SimpleRequest, StreamingInputCallRequest, StreamingOutputCallRequest,
};

/// How long a server may take to notice.
const PATIENCE: Duration = Duration::from_secs(5);

/// No message is sent, and no half-close: the server must not answer as if there had been one.
pub(super) async fn cancel_after_begin(channel: AnyChannel, interop: Interop) -> Verdict {
    let (sender, requests) = unbounded_channel::<StreamingInputCallRequest>();
    let requests = UnboundedReceiverStream::new(requests);
    let (begun, finished) = (interop.begun(), interop.finished());
    let mut client = client(channel);
    let call = client.streaming_input_call(requests);
    tokio::select! {
        result = call => return Err(format!("it ended: {result:?}")),
        () = interop.until(|interop| interop.begun() > begun) => {}
    }
    gone(&interop).await?;
    drop(sender);
    equal(
        "calls that the server finished",
        &interop.finished(),
        &finished,
    )
}

pub(super) async fn cancel_after_first_response(channel: AnyChannel, interop: Interop) -> Verdict {
    let (sender, requests) = unbounded_channel();
    let message = StreamingOutputCallRequest {
        payload: zeros(27_182),
        ..asking_for(&RESPONSES[..1])
    };
    sender.send(message).map_err(|_| "nobody takes requests")?;
    let finished = interop.finished();
    let requests = UnboundedReceiverStream::new(requests);
    let mut responses = ok(client(channel).full_duplex_call(requests).await)?.into_inner();
    let response = ok(responses.message().await)?.ok_or("no response")?;
    equal(
        "the response's length",
        &len(response.payload.as_ref()),
        &RESPONSES[0],
    )?;
    drop(responses);
    gone(&interop).await?;
    drop(sender);
    equal(
        "calls that the server finished",
        &interop.finished(),
        &finished,
    )
}

/// A deadline of 1 ms, and a server that never answers.
pub(super) async fn timeout_on_sleeping_server(channel: AnyChannel, interop: Interop) -> Verdict {
    let (sender, requests) = unbounded_channel();
    let message = StreamingOutputCallRequest {
        payload: zeros(27_182),
        ..Default::default()
    };
    sender.send(message).map_err(|_| "nobody takes requests")?;
    let mut request = Request::new(UnboundedReceiverStream::new(requests));
    request.set_timeout(Duration::from_millis(1));
    let result = match client(channel).full_duplex_call(request).await {
        Ok(response) => response.into_inner().message().await.map(drop),
        Err(status) => Err(status),
    };
    code(result, Code::DeadlineExceeded)?;
    drop(sender);
    gone(&interop).await
}

/// The future is dropped before it was polled.
pub(super) async fn cancel_before_start(channel: AnyChannel, interop: Interop) -> Verdict {
    let begun = interop.begun();
    drop(client(channel.clone()).unary_call(SimpleRequest::default()));
    ok(client(channel).unary_call(SimpleRequest::default()).await)?;
    equal("calls that the server saw", &(interop.begun() - begun), &1)
}

/// The request is at the server, which works on it.
pub(super) async fn cancel_after_sent(channel: AnyChannel, interop: Interop) -> Verdict {
    let (begun, finished) = (interop.begun(), interop.finished());
    let mut slow = client(channel.clone());
    tokio::select! {
        result = slow.streaming_output_call(sleeping()) => {
            let mut responses = ok(result)?.into_inner();
            tokio::select! {
                message = responses.message() => return Err(format!("it came: {message:?}")),
                () = interop.until(|interop| interop.begun() > begun) => {}
            }
        }
        () = interop.until(|interop| interop.begun() > begun) => {}
    }
    gone(&interop).await?;
    equal(
        "calls that the server finished",
        &interop.finished(),
        &finished,
    )?;
    ok(client(channel).unary_call(SimpleRequest::default()).await).map(drop)
}

/// The initial metadata has come, and no message.
pub(super) async fn cancel_after_headers(channel: AnyChannel, interop: Interop) -> Verdict {
    let finished = interop.finished();
    let response = ok(client(channel.clone())
        .streaming_output_call(sleeping())
        .await)?;
    drop(response);
    gone(&interop).await?;
    equal(
        "calls that the server finished",
        &interop.finished(),
        &finished,
    )?;
    ok(client(channel).unary_call(SimpleRequest::default()).await).map(drop)
}

/// Asks for a response after half an hour.
fn sleeping() -> StreamingOutputCallRequest {
    let interval_us = i32::MAX;
    let parameters = ResponseParameters {
        size: 1,
        interval_us,
        compressed: None,
    };
    StreamingOutputCallRequest {
        response_parameters: vec![parameters],
        ..Default::default()
    }
}

/// No handler is left.
async fn gone(interop: &Interop) -> Verdict {
    let gone = interop.until(|interop| interop.live() == 0);
    let in_time = tokio::time::timeout(PATIENCE, gone).await;
    in_time.map_err(|_| format!("{} handlers are left", interop.live()))
}
