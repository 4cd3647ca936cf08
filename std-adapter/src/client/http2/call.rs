//! One call on a connection to a server.
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
use http::{Request, Response, Uri, Version};
use http_body::{Body as HttpBody, Frame};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;
use tonic::Status;
use tonic::body::Body;

use super::connection::{Connection, WeakConnection};
use super::failure::{self, Failure, Unanswered};
use crate::client::connect::Target;
use crate::client::upload::Upload;
use crate::driver::guard::poll_guarded;

/// How long a server may take nothing of a request before its connection gets no more calls.
const STALL: Duration = Duration::from_secs(1);

/// A call whose head is on its way.
pub(super) struct Opened {
    answer: ResponseFuture,
    stream: SendStream<Bytes>,
    connection: Connection,
}

/// Why a request's head was not sent.
pub(super) enum Unopened {
    /// It cannot be one of HTTP/2.
    Invalid(http::Error),
    /// There is no connection.
    Failed(Failure),
    /// The connection takes no more calls.
    Refused(h2::Error),
}

/// Sends a request's head. After an error nothing was sent.
pub(super) async fn open(
    connection: Connection,
    head: Request<()>,
    is_end_stream: bool,
) -> Result<Opened, Unopened> {
    let requests = connection.requests().await.map_err(Unopened::Failed)?;
    let sent = match requests.ready().await {
        Ok(mut requests) => requests.send_request(head, is_end_stream),
        Err(error) => Err(error),
    };
    if sent.is_err() {
        // It says nothing of the server: one that shuts down takes no more on this connection.
        connection.lose();
    }
    let (answer, stream) = sent.map_err(Unopened::Refused)?;
    Ok(Opened {
        answer,
        stream,
        connection,
    })
}

/// Sends the messages, and returns the answer when its head is there.
pub(super) async fn forward(opened: Opened, upload: Upload) -> Result<Response<Body>, Unanswered> {
    let connection = opened.connection.downgrade();
    let mut call = Call::start(opened.connection, upload, opened.stream);
    let response = opened.answer.await.map_err(|error| {
        let failure = connection.failure();
        Unanswered::failed(&error, failure.as_ref())
    })?;
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

/// The head as HTTP/2 has it (RFC 9113 section 8.2.2), with the server's own name in `:authority`
/// instead of `host`, and its path before the method's.
pub(super) fn prepare(target: &Target, head: &Parts) -> Result<Request<()>, http::Error> {
    let mut uri = head.uri.clone().into_parts();
    uri.scheme = Some(target.http_scheme());
    uri.authority = Some(target.authority().clone());
    if let Some(path) = &uri.path_and_query {
        uri.path_and_query = Some(target.path_under(path)?);
    }
    let mut request = Request::new(());
    request.method_mut().clone_from(&head.method);
    *request.version_mut() = Version::HTTP_2;
    *request.uri_mut() = Uri::from_parts(uri)?;
    request.headers_mut().clone_from(&head.headers);
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
    sending: Option<Sending>,
    is_answered: bool,
}

/// How a call's messages are sent. Each is a user of the connection for as long as the call lives.
enum Sending {
    /// They are: h2 has them.
    Done(SendStream<Bytes>, Connection, Handle),
    /// By a task, which is told of the end of the call.
    Pumped(oneshot::Sender<End>, Connection),
}

/// What the pump is told at the end of its call. The call uses the connection until it is reset.
struct End {
    is_answered: bool,
    connection: Connection,
}

impl Call {
    fn start(connection: Connection, upload: Upload, mut stream: SendStream<Bytes>) -> Self {
        let sending = match send_at_once(upload, &mut stream) {
            None => Sending::Done(stream, connection, Handle::current()),
            Some(body) => {
                let (end, ended) = oneshot::channel();
                tokio::spawn(pump(body, stream, ended, connection.downgrade()));
                Sending::Pumped(end, connection)
            }
        };
        Self {
            sending: Some(sending),
            is_answered: false,
        }
    }

    fn answered(&mut self) {
        self.is_answered = true;
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let is_answered = self.is_answered;
        match self.sending.take() {
            Some(Sending::Pumped(end, connection)) => {
                let _ = end.send(End {
                    is_answered,
                    connection,
                });
            }
            Some(Sending::Done(mut stream, connection, runtime)) if !is_answered => {
                let reset = move || stream.send_reset(Reason::CANCEL);
                runtime.spawn(connection.pace_reset(reset));
            }
            Some(Sending::Done(..)) | None => {}
        }
    }
}

/// Sends messages that are there, if the server takes them at once. If not, they are returned.
fn send_at_once(upload: Upload, stream: &mut SendStream<Bytes>) -> Option<Body> {
    match upload {
        // The head said so.
        Upload::Whole(messages) if messages.is_empty() => None,
        Upload::Whole(messages) => {
            stream.reserve_capacity(messages.len());
            if stream.capacity() < messages.len() {
                return Some(Upload::Whole(messages).into_body());
            }
            // If the server closed the stream, the answer says why.
            let _ = send_data(stream, messages, true);
            None
        }
        Upload::Stream(body) => Some(body),
    }
}

/// Sends the request's messages until they end, fail, or the call is over. If the server takes no
/// more, the answer, which may be there already, is left to be read. Resets a stream that is not
/// at its end when the call is.
async fn pump(
    body: Body,
    mut stream: SendStream<Bytes>,
    mut ended: oneshot::Receiver<End>,
    connection: WeakConnection,
) {
    let (end, is_sent) = tokio::select! {
        // First: who cancels a call may drop its messages too, which is not their end.
        biased;
        end = &mut ended => (end.ok(), false),
        sent = send(body, &mut stream, &connection) => match sent {
            Ok(()) | Err(Unsent::NotTaken) => (ended.await.ok(), true),
            Err(Unsent::ClientFailed) => (None, false),
        },
    };
    let reason = match (is_sent, end.as_ref().is_some_and(|end| end.is_answered)) {
        (true, true) => return,
        (true, false) => Reason::CANCEL,
        // What is left of the request is of no use (RFC 9113 section 8.1).
        (false, true) => Reason::NO_ERROR,
        // Some gRPC servers, tonic among them, take CANCEL for the end of the client's messages,
        // and would take a part of an upload for the whole.
        (false, false) => Reason::INTERNAL_ERROR,
    };
    let connection = end
        .map(|end| end.connection)
        .or_else(|| connection.upgrade());
    match connection {
        Some(connection) => connection.pace_reset(|| stream.send_reset(reason)).await,
        None => stream.send_reset(reason),
    }
}

/// Why a request is not sent to its end.
enum Unsent {
    /// The client left in the middle of it.
    ClientFailed,
    /// The server closed the stream, or the connection is gone.
    NotTaken,
}

async fn send(
    mut body: Body,
    stream: &mut SendStream<Bytes>,
    connection: &WeakConnection,
) -> Result<(), Unsent> {
    loop {
        let polled = poll_fn(|cx| poll_guarded(|| Pin::new(&mut body).poll_frame(cx))).await;
        let Some(frame) = polled.map_err(|_| Unsent::ClientFailed)? else {
            break;
        };
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

/// Waits for the server to take more. A call that waits long may have used up what the server
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
