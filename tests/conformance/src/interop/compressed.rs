//! Messages that are compressed, and others of the same call that are not.

use std::sync::{Arc, Mutex, PoisonError};

use tonic::Code;
use tonic::codec::CompressionEncoding::Gzip;
use tower::ServiceExt as _;

use super::server::Interop;
use super::unary::{LARGE_RESPONSE, large_request};
use super::{Verdict, client, code, equal, len, ok, zeros};
use crate::channel::{AnyChannel, erase};
use crate::proto::testing::{
    BoolValue, ResponseParameters, SimpleRequest, StreamingInputCallRequest,
    StreamingOutputCallRequest,
};
use crate::wire::{compress_some, map_messages};

const YES: Option<BoolValue> = Some(BoolValue { value: true });
const NO: Option<BoolValue> = Some(BoolValue { value: false });

/// First a message that claims to be compressed and is not, then two that are what they claim.
pub(super) async fn client_compressed_unary(channel: AnyChannel, _: Interop) -> Verdict {
    let message = |expect_compressed| SimpleRequest {
        expect_compressed,
        ..large_request()
    };
    let probe = client(channel.clone()).unary_call(message(YES)).await;
    code(probe, Code::InvalidArgument)?;
    for (is_compressed, claim) in [(true, YES), (false, NO)] {
        let channel = compressing(channel.clone(), vec![is_compressed]);
        let response = ok(client(channel).unary_call(message(claim)).await)?;
        equal(
            "the response's length",
            &len(response.get_ref().payload.as_ref()),
            &LARGE_RESPONSE,
        )?;
    }
    Ok(())
}

pub(super) async fn client_compressed_streaming(channel: AnyChannel, _: Interop) -> Verdict {
    let message = |size, expect_compressed| StreamingInputCallRequest {
        payload: zeros(size),
        expect_compressed,
    };
    let probe = tokio_stream::once(message(27_182, YES));
    let probe = client(channel.clone()).streaming_input_call(probe).await;
    code(probe, Code::InvalidArgument)?;
    let channel = compressing(channel, vec![true, false]);
    let requests = tokio_stream::iter([message(27_182, YES), message(45_904, NO)]);
    let response = ok(client(channel).streaming_input_call(requests).await)?;
    equal(
        "the sum",
        &response.get_ref().aggregated_payload_size,
        &73_086,
    )
}

pub(super) async fn server_compressed_unary(channel: AnyChannel, _: Interop) -> Verdict {
    for response_compressed in [YES, NO] {
        let (channel, flags) = observing(channel.clone());
        let message = SimpleRequest {
            response_compressed,
            ..large_request()
        };
        let mut client = client(channel).accept_compressed(Gzip);
        let response = ok(client.unary_call(message).await)?;
        equal(
            "the response's length",
            &len(response.get_ref().payload.as_ref()),
            &LARGE_RESPONSE,
        )?;
        equal(
            "the flags",
            &flags.take(),
            &vec![u8::from(response_compressed == YES)],
        )?;
    }
    Ok(())
}

pub(super) async fn server_compressed_streaming(channel: AnyChannel, _: Interop) -> Verdict {
    let parameters = |size, compressed| ResponseParameters {
        size,
        interval_us: 0,
        compressed,
    };
    let message = StreamingOutputCallRequest {
        response_parameters: vec![parameters(31_415, YES), parameters(92_653, NO)],
        ..Default::default()
    };
    let (channel, flags) = observing(channel);
    let mut client = client(channel).accept_compressed(Gzip);
    let mut responses = ok(client.streaming_output_call(message).await)?.into_inner();
    let mut sizes = Vec::new();
    while let Some(response) = ok(responses.message().await)? {
        sizes.push(len(response.payload.as_ref()));
    }
    equal("the responses' lengths", &sizes, &vec![31_415, 92_653])?;
    equal("the flags", &flags.take(), &vec![1, 0])
}

/// A channel that compresses some of the messages of each request.
fn compressing(channel: AnyChannel, which: Vec<bool>) -> AnyChannel {
    erase(
        channel.map_request(move |mut request: http::Request<tonic::body::Body>| {
            let gzip = http::HeaderValue::from_static("gzip");
            request.headers_mut().insert("grpc-encoding", gzip);
            request.map(|body| compress_some(body, which.clone()))
        }),
    )
}

/// The flags of the messages that came.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<u8>>>);

impl Seen {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn observing(channel: AnyChannel) -> (AnyChannel, Seen) {
    let flags = Seen::default();
    let seen = flags.clone();
    let channel = channel.map_response(move |response: http::Response<tonic::body::Body>| {
        let seen = seen.clone();
        response.map(|body| {
            map_messages(body, move |flag, message| {
                seen.0
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(flag);
                message
            })
        })
    });
    (erase(channel), flags)
}
