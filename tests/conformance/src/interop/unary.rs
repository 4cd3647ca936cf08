//! Calls with one request and one response.

use tonic::Code;
use tonic::metadata::{MetadataMap, MetadataValue};

use super::server::{ECHO_INITIAL, ECHO_TRAILING, Interop};
use super::{Verdict, client, code, equal, len, ok, request, zeros};
use crate::channel::AnyChannel;
use crate::proto::testing::unimplemented_service_client::UnimplementedServiceClient;
use crate::proto::testing::{
    EchoStatus, Empty, ResponseParameters, SimpleRequest, StreamingOutputCallRequest,
};

/// Of a large unary call.
pub(super) const LARGE_REQUEST: i32 = 271_828;
pub(super) const LARGE_RESPONSE: i32 = 314_159;

pub(super) fn large_request() -> SimpleRequest {
    SimpleRequest {
        response_size: LARGE_RESPONSE,
        payload: zeros(LARGE_REQUEST),
        ..SimpleRequest::default()
    }
}

pub(super) async fn empty_unary(channel: AnyChannel, _: Interop) -> Verdict {
    let response = ok(client(channel).empty_call(Empty {}).await)?;
    equal("the response", response.get_ref(), &Empty {})
}

pub(super) async fn large_unary(channel: AnyChannel, _: Interop) -> Verdict {
    let response = ok(client(channel).unary_call(large_request()).await)?;
    equal(
        "the response's length",
        &len(response.get_ref().payload.as_ref()),
        &LARGE_RESPONSE,
    )
}

pub(super) async fn custom_metadata(channel: AnyChannel, _: Interop) -> Verdict {
    let mut metadata = MetadataMap::new();
    metadata.insert(
        ECHO_INITIAL,
        "test_initial_metadata_value".parse().expect("ASCII"),
    );
    metadata.insert_bin(
        ECHO_TRAILING,
        MetadataValue::from_bytes(&[0xab, 0xab, 0xab]),
    );
    let unary = request(large_request(), metadata.clone());
    let response = ok(client(channel.clone()).unary_call(unary).await)?;
    echoes(response.metadata(), response.metadata())?;

    let parameters = ResponseParameters {
        size: LARGE_RESPONSE,
        ..Default::default()
    };
    let message = StreamingOutputCallRequest {
        response_parameters: vec![parameters],
        payload: zeros(LARGE_REQUEST),
        ..Default::default()
    };
    let stream = request(tokio_stream::once(message), metadata);
    let response = ok(client(channel).full_duplex_call(stream).await)?;
    let (headers, mut responses, _) = response.into_parts();
    while ok(responses.message().await)?.is_some() {}
    let trailers = ok(responses.trailers().await)?.unwrap_or_default();
    echoes(&headers, &trailers)
}

fn echoes(headers: &MetadataMap, trailers: &MetadataMap) -> Verdict {
    let initial = headers.get(ECHO_INITIAL).map(MetadataValue::as_bytes);
    equal(
        "the initial metadata",
        &initial,
        &Some(b"test_initial_metadata_value"),
    )?;
    let trailing = trailers
        .get_bin(ECHO_TRAILING)
        .and_then(|value| value.to_bytes().ok());
    equal(
        "the trailing metadata",
        &trailing.as_deref(),
        &Some(&[0xab, 0xab, 0xab]),
    )
}

pub(super) async fn status_code_and_message(channel: AnyChannel, _: Interop) -> Verdict {
    echo_status(channel, "test status message").await
}

pub(super) async fn special_status_message(channel: AnyChannel, _: Interop) -> Verdict {
    let message = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n";
    echo_status(channel, message).await
}

async fn echo_status(channel: AnyChannel, message: &str) -> Verdict {
    let echo = EchoStatus {
        code: 2,
        message: message.to_owned(),
    };
    let unary = SimpleRequest {
        response_status: Some(echo.clone()),
        ..Default::default()
    };
    let status = code(
        client(channel.clone()).unary_call(unary).await,
        Code::Unknown,
    )?;
    equal("the message", &status.message(), &message)?;

    let duplex = StreamingOutputCallRequest {
        response_status: Some(echo),
        ..Default::default()
    };
    let result = client(channel)
        .full_duplex_call(tokio_stream::once(duplex))
        .await;
    let result = match result {
        Ok(response) => response.into_inner().message().await.map(|_| ()),
        Err(status) => Err(status),
    };
    let status = code(result, Code::Unknown)?;
    equal("the message in a stream", &status.message(), &message)
}

pub(super) async fn unimplemented_method(channel: AnyChannel, _: Interop) -> Verdict {
    let result = client(channel).unimplemented_call(Empty {}).await;
    code(result, Code::Unimplemented).map(drop)
}

pub(super) async fn unimplemented_service(channel: AnyChannel, _: Interop) -> Verdict {
    let mut client = UnimplementedServiceClient::new(channel);
    code(
        client.unimplemented_call(Empty {}).await,
        Code::Unimplemented,
    )
    .map(drop)
}

/// Metadata of 63 KiB each way.
pub(super) async fn large_header(channel: AnyChannel, _: Interop) -> Verdict {
    let value = "x".repeat(63 * 1024);
    let mut metadata = MetadataMap::new();
    metadata.insert(ECHO_INITIAL, value.parse().expect("ASCII"));
    let response = ok(client(channel)
        .unary_call(request(SimpleRequest::default(), metadata))
        .await)?;
    let echo = response
        .metadata()
        .get(ECHO_INITIAL)
        .map(|value| value.as_bytes().len());
    equal("the echo's length", &echo, &Some(value.len()))
}
