//! Much at a time on one channel.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::try_join_all;
use tokio_stream::StreamExt as _;
use tonic::{Code, Request};

use super::server::Interop;
use super::streaming::asking_for;
use super::unary::{LARGE_RESPONSE, large_request};
use super::{Verdict, client, code, equal, len, ok, zeros};
use crate::channel::AnyChannel;
use crate::proto::testing::{ResponseParameters, SimpleRequest, StreamingOutputCallRequest};

const MANY: usize = 1000;

/// How long one end looks away.
const PAUSE: Duration = Duration::from_millis(500);

/// What may be on the way to an end that does not read: windows, and the buffers of the system.
const MOST_ON_THE_WAY: usize = 32 * 1024 * 1024;

/// Of one message in a stream that is not read.
const CHUNK: i32 = 64 * 1024;

pub(super) async fn concurrent_large_unary(channel: AnyChannel, _: Interop) -> Verdict {
    let calls = (0..MANY).map(|_| {
        let mut client = client(channel.clone());
        async move {
            let response = ok(client.unary_call(large_request()).await)?;
            let len = len(response.get_ref().payload.as_ref());
            equal("the response's length", &len, &LARGE_RESPONSE)
        }
    });
    try_join_all(calls).await.map(drop)
}

/// All are open together, more than a server takes on one connection: those that are too many wait
/// until others are over.
pub(super) async fn a_thousand_calls_at_once(channel: AnyChannel, _: Interop) -> Verdict {
    let parameters = ResponseParameters {
        size: 1,
        interval_us: 300_000,
        compressed: None,
    };
    let message = StreamingOutputCallRequest {
        response_parameters: vec![parameters],
        ..Default::default()
    };
    let calls = (0..MANY).map(|_| {
        let (mut client, message) = (client(channel.clone()), message.clone());
        async move {
            let mut responses = ok(client.streaming_output_call(message).await)?.into_inner();
            let response = ok(responses.message().await)?.ok_or("no response")?;
            equal("the response's length", &len(response.payload.as_ref()), &1)?;
            equal("the end", &ok(responses.message().await)?, &None)
        }
    });
    try_join_all(calls).await.map(drop)
}

/// All end by their deadlines, and leave a channel that is as good as before.
pub(super) async fn a_thousand_timeouts_at_once(channel: AnyChannel, interop: Interop) -> Verdict {
    let calls = (0..MANY).map(|_| {
        let mut client = client(channel.clone());
        async move {
            let requests = tokio_stream::pending::<StreamingOutputCallRequest>();
            let mut request = Request::new(requests);
            request.set_timeout(Duration::from_millis(300));
            let result = match client.full_duplex_call(request).await {
                Ok(response) => response.into_inner().message().await.map(drop),
                Err(status) => Err(status),
            };
            code(result, Code::DeadlineExceeded)
        }
    });
    try_join_all(calls).await?;
    let gone = interop.until(|interop| interop.live() == 0);
    let in_time = tokio::time::timeout(Duration::from_secs(5), gone).await;
    in_time.map_err(|_| format!("{} handlers are left", interop.live()))?;
    ok(client(channel).unary_call(SimpleRequest::default()).await).map(drop)
}

/// A client that does not read stops the server, and not the other calls of the channel.
pub(super) async fn flow_control_holds_a_server_back(
    channel: AnyChannel,
    interop: Interop,
) -> Verdict {
    let before = interop.produced();
    let message = asking_for(&[CHUNK; 4096]);
    let response = client(channel.clone()).streaming_output_call(message).await;
    let mut responses = ok(response)?.into_inner();
    tokio::time::sleep(PAUSE).await;
    is_bounded(interop.produced() - before)?;
    ok(client(channel).unary_call(SimpleRequest::default()).await)?;
    for _ in 0..1024 {
        let response = ok(responses.message().await)?.ok_or("too few responses")?;
        equal(
            "the response's length",
            &len(response.payload.as_ref()),
            &CHUNK,
        )?;
    }
    Ok(())
}

/// A server that does not read stops the client.
pub(super) async fn flow_control_holds_a_client_back(channel: AnyChannel, _: Interop) -> Verdict {
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sent);
    let sleeping = ResponseParameters {
        size: 1,
        interval_us: i32::MAX,
        compressed: None,
    };
    let first = StreamingOutputCallRequest {
        response_parameters: vec![sleeping],
        ..Default::default()
    };
    let rest = std::iter::repeat_with(|| StreamingOutputCallRequest {
        payload: zeros(CHUNK),
        ..Default::default()
    });
    let requests = tokio_stream::iter(std::iter::once(first).chain(rest));
    let requests = requests.map(move |request| {
        counted.fetch_add(
            len(request.payload.as_ref()).unsigned_abs() as usize,
            Ordering::SeqCst,
        );
        request
    });
    let response = ok(client(channel).full_duplex_call(requests).await)?;
    tokio::time::sleep(PAUSE).await;
    let so_far = sent.load(Ordering::SeqCst);
    is_bounded(so_far)?;
    drop(response);
    Ok(())
}

fn is_bounded(bytes: usize) -> Verdict {
    if bytes > 0 && bytes <= MOST_ON_THE_WAY {
        return Ok(());
    }
    Err(format!(
        "{bytes} bytes are on the way, of at most {MOST_ON_THE_WAY}"
    ))
}
