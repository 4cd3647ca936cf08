//! One call on a connection to the upstream.
//!
//! Its request is pumped by a task of its own. Who drops the answer before its end cancels the
//! call, whatever the task waits for.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::{Reason, RecvStream, SendStream};
use http::header::{HeaderValue, TE};
use http::request::Parts;
use http::uri::{Authority, Scheme};
use http::{Request, Response, Uri, Version};
use http_body::{Body as HttpBody, Frame};
use http_body_util::BodyExt as _;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tonic::Status;
use tonic::body::Body;
use tower::BoxError;

use super::connection::{Connection, WeakConnection};
use super::failure;

/// How long the upstream may take nothing of a request before its connection gets no more calls.
const STALL: Duration = Duration::from_secs(1);

/// A call whose head is on its way.
pub(super) struct Opened {
    answer: ResponseFuture,
    stream: SendStream<Bytes>,
    connection: Connection,
}

/// Sends a request's head. After an error nothing was sent.
pub(super) async fn open(
    connection: Connection,
    head: Request<()>,
    is_end_stream: bool,
) -> Result<Opened, BoxError> {
    let requests = connection.requests().await?;
    let sent = match requests.ready().await {
        Ok(mut requests) => requests.send_request(head, is_end_stream),
        Err(error) => Err(error),
    };
    if sent.is_err() {
        // It says nothing of the upstream: one that shuts down takes no more on this connection.
        connection.lose();
    }
    let (answer, stream) = sent?;
    Ok(Opened {
        answer,
        stream,
        connection,
    })
}

/// Sends the body, and returns the answer when its head is there.
pub(super) async fn forward(opened: Opened, body: Body) -> Result<Response<Body>, BoxError> {
    let mut call = Call::start(opened.connection, body, opened.stream);
    let response = opened.answer.await?;
    let ended = response.body().is_end_stream();
    if ended {
        call.answered();
    }
    Ok(response.map(|stream| {
        Body::new(Answer {
            stream,
            call,
            ended,
        })
    }))
}

/// The head as HTTP/2 has it (RFC 9113 section 8.2.2), with the upstream's own name in `:authority`
/// instead of `host`.
pub(super) fn prepare(server: &Authority, head: Parts) -> Result<Request<()>, BoxError> {
    let mut uri = head.uri.into_parts();
    uri.scheme = Some(Scheme::HTTP);
    uri.authority = Some(server.clone());
    let mut request = Request::new(());
    *request.method_mut() = head.method;
    *request.version_mut() = Version::HTTP_2;
    *request.uri_mut() = Uri::from_parts(uri)?;
    *request.headers_mut() = head.headers;
    for name in OF_CONNECTIONS {
        request.headers_mut().remove(name);
    }
    request
        .headers_mut()
        .insert(TE, HeaderValue::from_static("trailers"));
    Ok(request)
}

/// The headers that HTTP/2 forbids, and `host`.
const OF_CONNECTIONS: [&str; 6] = [
    "connection",
    "host",
    "keep-alive",
    "proxy-connection",
    "transfer-encoding",
    "upgrade",
];

/// A call under way. Its drop ends it.
struct Call {
    /// A user of the connection for as long as the call lives.
    _connection: Connection,
    cancel: Option<oneshot::Sender<Reason>>,
    reason: Reason,
}

impl Call {
    fn start(connection: Connection, body: Body, stream: SendStream<Bytes>) -> Self {
        let (cancel, cancelled) = oneshot::channel();
        tokio::spawn(pump(body, stream, cancelled, connection.downgrade()));
        Self {
            _connection: connection,
            cancel: Some(cancel),
            // Some gRPC servers, tonic among them, take CANCEL for the end of the client's
            // messages, and would take a part of an upload for the whole.
            reason: Reason::INTERNAL_ERROR,
        }
    }

    /// The answer is complete: what is left of the request is of no use (RFC 9113 section 8.1).
    fn answered(&mut self) {
        self.reason = Reason::NO_ERROR;
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if let Some(cancel) = self.cancel.take() {
            let _ = cancel.send(self.reason);
        }
    }
}

/// Sends the request's messages until they end, fail, or the call is over. If the upstream takes no
/// more, the answer, which may be there already, is left to be read.
async fn pump(
    mut body: Body,
    mut stream: SendStream<Bytes>,
    cancelled: oneshot::Receiver<Reason>,
    connection: WeakConnection,
) {
    let reason = tokio::select! {
        sent = send(&mut body, &mut stream, &connection) => match sent {
            Ok(()) | Err(Unsent::NotTaken) => return,
            Err(Unsent::ClientFailed) => Reason::INTERNAL_ERROR,
        },
        reason = cancelled => reason.unwrap_or(Reason::CANCEL),
    };
    stream.send_reset(reason);
}

/// Why a request is not sent to its end.
enum Unsent {
    /// The client left in the middle of it.
    ClientFailed,
    /// The upstream closed the stream, or the connection is gone.
    NotTaken,
}

async fn send(
    body: &mut Body,
    stream: &mut SendStream<Bytes>,
    connection: &WeakConnection,
) -> Result<(), Unsent> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Unsent::ClientFailed)?;
        if let Ok(mut data) = frame.into_data() {
            while !data.is_empty() {
                let room = room(stream, data.len(), connection).await?;
                let part = data.split_to(room.min(data.len()));
                send_data(stream, part, false)?;
            }
        }
    }
    send_data(stream, Bytes::new(), true)
}

fn send_data(stream: &mut SendStream<Bytes>, data: Bytes, is_end: bool) -> Result<(), Unsent> {
    stream.send_data(data, is_end).map_err(|_| Unsent::NotTaken)
}

/// Waits for the upstream to take more. A call that waits long may have used up what the server
/// takes on the whole connection, so new calls go elsewhere.
async fn room(
    stream: &mut SendStream<Bytes>,
    wanted: usize,
    connection: &WeakConnection,
) -> Result<usize, Unsent> {
    stream.reserve_capacity(wanted);
    let mut capacity = pin!(poll_fn(|cx| stream.poll_capacity(cx)));
    let room = match timeout(STALL, &mut capacity).await {
        Ok(room) => room,
        Err(_) => {
            connection.lose();
            capacity.await
        }
    };
    room.and_then(Result::ok).ok_or(Unsent::NotTaken)
}

/// The body of an answer.
struct Answer {
    stream: RecvStream,
    call: Call,
    ended: bool,
}

impl Answer {
    fn poll_trailers(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let trailers =
            ready!(self.stream.poll_trailers(cx)).map_err(|error| failure::status(&error))?;
        self.ended = true;
        self.call.answered();
        Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))))
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        match ready!(self.stream.poll_data(cx)) {
            None => self.poll_trailers(cx),
            Some(Err(error)) => Poll::Ready(Some(Err(failure::status(&error)))),
            Some(Ok(data)) => {
                // Whoever takes the data holds it within bounds of its own. A stream that ended
                // meanwhile needs no more room.
                let _ = self.stream.flow_control().release_capacity(data.len());
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }
}
