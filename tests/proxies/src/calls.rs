//! Calls of all four kinds, to `interop.v1.Interop`.

use std::time::Duration;

use grpc_websocket_interop::proto::{Request, StatsRequest, StatsResponse};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};

use crate::way::Client;

type Response = grpc_websocket_interop::proto::Response;

/// A large message: messages may have 4 MiB by default.
pub(crate) const LARGE: usize = 3 << 20;

/// Large enough for several to be a stream of several MiB.
const PART: usize = LARGE / 4;

/// How long something may take that is to happen at once.
const PATIENCE: Duration = Duration::from_secs(10);

/// A message that no part of can be taken for another.
fn payload(len: usize) -> Vec<u8> {
    let bytes = (0_u32..).flat_map(|n| n.wrapping_mul(0x9e37_79b1).to_be_bytes());
    bytes.take(len).collect()
}

fn request(len: usize) -> Request {
    Request {
        payload: payload(len),
        ..Request::default()
    }
}

pub(crate) async fn unary(mut client: Client, len: usize) -> Result<(), Status> {
    let mut request = tonic::Request::new(request(len));
    request.set_timeout(PATIENCE);
    let answer = client.unary(request).await?.into_inner();
    assert!(answer.payload == payload(len), "another payload");
    Ok(())
}

pub(crate) async fn server_stream(mut client: Client) -> Result<(), Status> {
    const COUNT: u32 = 6;
    let request = Request {
        response_count: COUNT,
        ..request(PART)
    };
    let mut answers = client.server_stream(request).await?.into_inner();
    for index in 0..COUNT {
        let answer = answers.message().await?.expect("too few answers");
        assert!(answer.index == index && answer.payload.len() == PART);
    }
    assert_eq!(answers.message().await?, None);
    Ok(())
}

pub(crate) async fn client_stream(mut client: Client) -> Result<(), Status> {
    let requests = tokio_stream::iter((0..4).map(|_| request(PART)));
    let answer = client.client_stream(requests).await?.into_inner();
    assert_eq!(answer.index, 4);
    assert!(answer.payload == payload(PART).repeat(4), "another payload");
    Ok(())
}

/// A Bidi call, request by request.
pub(crate) struct Talk {
    // Before the requests: who drops it cancels the call, and does not end the requests first.
    answers: Streaming<Response>,
    requests: mpsc::Sender<Request>,
}

impl Talk {
    pub(crate) async fn begin(mut client: Client, tag: &str) -> Result<Self, Status> {
        let (requests, stream) = mpsc::channel(1);
        let first = Request {
            tag: tag.to_owned(),
            ..Request::default()
        };
        requests.try_send(first).expect("there is room for one");
        let answers = client.bidi(ReceiverStream::new(stream)).await?.into_inner();
        let mut talk = Self { answers, requests };
        talk.answer(0).await?;
        Ok(talk)
    }

    /// A request, and its answer.
    pub(crate) async fn say(&mut self, len: usize) -> Result<(), Status> {
        // If the call is over, the answer says why.
        let _ = self.requests.send(request(len)).await;
        self.answer(len).await
    }

    async fn answer(&mut self, len: usize) -> Result<(), Status> {
        let answer = self.answers.message().await?;
        let answer = answer.ok_or_else(|| Status::data_loss("the stream ended early"))?;
        assert!(answer.payload == payload(len), "another payload");
        Ok(())
    }

    /// Its good end.
    pub(crate) async fn end(self) -> Result<(), Status> {
        let Self {
            mut answers,
            requests,
        } = self;
        drop(requests);
        assert_eq!(answers.message().await?, None);
        Ok(())
    }
}

pub(crate) async fn bidi(client: Client) -> Result<(), Status> {
    let mut talk = Talk::begin(client, "").await?;
    for _ in 0..20 {
        talk.say(5).await?;
    }
    for _ in 0..4 {
        talk.say(PART).await?;
    }
    talk.end().await
}

/// A call that takes too long ends in time, at both ends.
pub(crate) async fn deadline(mut client: Client, upstream: Client, tag: &str) {
    let mut request = tonic::Request::new(Request {
        delay_ms: 60_000,
        tag: tag.to_owned(),
        ..Request::default()
    });
    request.set_timeout(Duration::from_millis(500));
    let begun = Instant::now();
    let status = client.unary(request).await.expect_err("it is too slow");
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
    assert!(begun.elapsed() < PATIENCE);
    assert_eq!(over(upstream, tag).await.cancelled, 1, "{tag}");
}

/// A call that is dropped ends at the upstream; whether that takes it for cancelled.
pub(crate) async fn cancel(client: Client, upstream: Client, tag: &str) -> bool {
    let talk = Talk::begin(client, tag).await.unwrap();
    assert_eq!(stats(upstream.clone(), tag).await.live, 1);
    drop(talk);
    over(upstream, tag).await.cancelled == 1
}

/// Waits for the end of a call at the upstream.
async fn over(upstream: Client, tag: &str) -> StatsResponse {
    let begun = Instant::now();
    loop {
        let stats = stats(upstream.clone(), tag).await;
        if stats.live == 0 {
            return stats;
        }
        assert!(begun.elapsed() < PATIENCE, "{tag}: {stats:?}");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn stats(mut upstream: Client, tag: &str) -> StatsResponse {
    let request = StatsRequest {
        tag: tag.to_owned(),
    };
    upstream.stats(request).await.unwrap().into_inner()
}
