//! Calls with streams.

use tokio::sync::mpsc::unbounded_channel;
use tokio_stream::wrappers::UnboundedReceiverStream;

use super::server::Interop;
use super::{Verdict, client, code, equal, len, ok, zeros};
use crate::channel::AnyChannel;
use crate::proto::testing::{
    EchoStatus, ResponseParameters, StreamingInputCallRequest, StreamingOutputCallRequest,
};

pub(super) const REQUESTS: [i32; 4] = [27_182, 8, 1828, 45_904];
pub(super) const RESPONSES: [i32; 4] = [31_415, 9, 2653, 58_979];

pub(super) fn asking_for(sizes: &[i32]) -> StreamingOutputCallRequest {
    let parameters = |&size| ResponseParameters {
        size,
        ..Default::default()
    };
    StreamingOutputCallRequest {
        response_parameters: sizes.iter().map(parameters).collect(),
        ..Default::default()
    }
}

pub(super) async fn client_streaming(channel: AnyChannel, _: Interop) -> Verdict {
    let message = |size| StreamingInputCallRequest {
        payload: zeros(size),
        ..Default::default()
    };
    let requests = tokio_stream::iter(REQUESTS.map(message));
    let response = ok(client(channel).streaming_input_call(requests).await)?;
    equal(
        "the sum",
        &response.get_ref().aggregated_payload_size,
        &74_922,
    )
}

pub(super) async fn server_streaming(channel: AnyChannel, _: Interop) -> Verdict {
    let response = client(channel)
        .streaming_output_call(asking_for(&RESPONSES))
        .await;
    let mut responses = ok(response)?.into_inner();
    let mut sizes = Vec::new();
    while let Some(response) = ok(responses.message().await)? {
        sizes.push(len(response.payload.as_ref()));
    }
    equal("the responses' lengths", &sizes, &RESPONSES.to_vec())
}

/// Each request only after the response to the one before.
pub(super) async fn ping_pong(channel: AnyChannel, _: Interop) -> Verdict {
    let (sender, requests) = unbounded_channel();
    let send = |index: usize| {
        let payload = zeros(REQUESTS[index]);
        let message = StreamingOutputCallRequest {
            payload,
            ..asking_for(&RESPONSES[index..=index])
        };
        sender
            .send(message)
            .map_err(|_| "nobody takes requests".to_owned())
    };
    send(0)?;
    let requests = UnboundedReceiverStream::new(requests);
    let mut responses = ok(client(channel).full_duplex_call(requests).await)?.into_inner();
    for (index, size) in RESPONSES.iter().enumerate() {
        let response = ok(responses.message().await)?.ok_or("too few responses")?;
        equal(
            "the response's length",
            &len(response.payload.as_ref()),
            size,
        )?;
        if index + 1 < RESPONSES.len() {
            send(index + 1)?;
        }
    }
    drop(sender);
    equal("the end", &ok(responses.message().await)?, &None)
}

pub(super) async fn empty_stream(channel: AnyChannel, _: Interop) -> Verdict {
    let requests = tokio_stream::empty::<StreamingOutputCallRequest>();
    let mut responses = ok(client(channel).full_duplex_call(requests).await)?.into_inner();
    equal("the responses", &ok(responses.message().await)?, &None)
}

/// The status comes while the client could still send.
pub(super) async fn server_answers_before_the_request_ends(
    channel: AnyChannel,
    _: Interop,
) -> Verdict {
    let (sender, requests) = unbounded_channel();
    let status = EchoStatus {
        code: 9,
        message: "early".to_owned(),
    };
    let message = StreamingOutputCallRequest {
        response_status: Some(status),
        ..Default::default()
    };
    sender.send(message).map_err(|_| "nobody takes requests")?;
    let requests = UnboundedReceiverStream::new(requests);
    let result = match client(channel).full_duplex_call(requests).await {
        Ok(response) => response.into_inner().message().await.map(drop),
        Err(status) => Err(status),
    };
    code(result, tonic::Code::FailedPrecondition)?;
    drop(sender);
    Ok(())
}
