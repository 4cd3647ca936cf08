//! The one loop that owns a WebSocket and the call on it.
//!
//! ```text
//!              ┌──────────────────────── Driver ────────────────────────┐
//!   socket ──▶ │ receive ─▶ core ─▶ gather ─▶ body ─▶ request ─▶ service│
//!   socket ◀── │ flush ◀─── core ◀─ gather ◀──────── response ◀─ service│
//!              └────────────────────────────────────────────────────────┘
//! ```
//!
//! Each turn reads what is there, answers it, and flushes once. Backpressure goes both ways: a
//! handler that does not read stops the reading, a socket that does not take stops the handler.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use grpc_websocket_core::deframe::Deframer;
use grpc_websocket_core::single::{Fragment, Server};
use grpc_websocket_core::{CloseCode, Code, Event, Limits, RecvError, SendError};
use http::{HeaderMap, Request, Response};
use http_body::Body as HttpBody;
use tokio::time::{Instant, Sleep};
use tonic::body::Body;
use tower::{BoxError, Service, ServiceExt, util::Oneshot};

use crate::body::{self, BodySender};
use crate::closing::Closing;
use crate::config::Config;
use crate::gather::Gather;
use crate::liveness::{Liveness, Verdict};
use crate::metadata::BlockWriter;
use crate::request::{Head, Upgrade};
use crate::response::{Answer, missing_status, trailers_block};
use crate::socket::{Incoming, SocketError, WebSocket};
use crate::status::CallStatus;

/// How many WebSocket messages, or pieces of an answer, one turn takes before other tasks run.
const BURST: usize = 64;

/// How many bytes may wait for the socket before the answer is no longer read.
const WRITE_WINDOW: usize = 64 * 1024;

/// Serves the call on a WebSocket until it is over and the WebSocket closed.
pub(crate) async fn serve<W, S, B>(socket: W, service: S, upgrade: Upgrade, config: &Config)
where
    W: WebSocket + Unpin,
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    let mut driver = Driver::new(socket, service, upgrade, config);
    let end = std::future::poll_fn(|cx| driver.poll(cx)).await;
    tracing::debug!(?end, "call over");
    let Driver { mut socket, .. } = driver;
    if let End::Closing(code) = end {
        socket.queue_close(code);
    }
    if end != End::Lost {
        Closing::new(socket).await;
    }
}

/// How the call left the WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// To be closed from here.
    Closing(CloseCode),
    /// Closed by the peer, or by the WebSocket below: what is queued is to be written.
    Closed,
    /// Without a connection.
    Lost,
}

/// One turn's result: go on, or the end.
type Turn = Result<(), End>;

struct Driver<'c, W, S: Service<Request<Body>>, B> {
    config: &'c Config,
    socket: W,
    server: Server,
    clock: Clock,
    timer: Pin<Box<Sleep>>,
    liveness: Liveness,
    /// The client's header block, until it is complete.
    block: BytesMut,
    /// What the call is made of, once the block is complete.
    start: Option<(S, Upgrade)>,
    request: Option<BodySender>,
    request_gather: Gather,
    answering: Answering<S, B>,
    answer_gather: Gather,
    answer_frames: Deframer,
    /// All that came was read.
    drained: bool,
}

/// How far the service is.
enum Answering<S: Service<Request<Body>>, B> {
    NotCalled,
    Called(Pin<Box<Oneshot<S, Request<Body>>>>),
    Streaming(Pin<Box<B>>),
}

impl<'c, W, S, B> Driver<'c, W, S, B>
where
    W: WebSocket,
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    fn new(socket: W, service: S, upgrade: Upgrade, config: &'c Config) -> Self {
        let clock = Clock(Instant::now());
        Self {
            config,
            socket,
            server: Server::new(clock.now(), config.limits),
            clock,
            timer: Box::pin(tokio::time::sleep(Duration::ZERO)),
            liveness: Liveness::new(config.keepalive, config.max_websocket_message(), clock.0),
            block: BytesMut::new(),
            start: Some((service, upgrade)),
            request: None,
            request_gather: Gather::default(),
            answering: Answering::NotCalled,
            answer_gather: Gather::default(),
            // How long an answer may be is the client's to say.
            answer_frames: Deframer::new(Limits::DEFAULT.with_max_message_len(u32::MAX)),
            drained: false,
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        match self.turn(cx) {
            Ok(()) => Poll::Pending,
            Err(end) => {
                // Handlers learn of it by the drop of their future and the failure of their body.
                self.answering = Answering::NotCalled;
                self.request = None;
                Poll::Ready(end)
            }
        }
    }

    fn turn(&mut self, cx: &mut Context<'_>) -> Turn {
        self.receive(cx)?;
        // Before the answer: a service that keeps the same deadline, as tonic's channel does, may
        // answer it with another status.
        self.check_deadline()?;
        self.answer(cx)?;
        self.flush(cx)?;
        self.keep_time(cx)
    }

    /// Reads what is there, as far as there is room for it.
    fn receive(&mut self, cx: &mut Context<'_>) -> Turn {
        self.drained = false;
        for _ in 0..BURST {
            if !self.has_room(cx) {
                return Ok(());
            }
            let Poll::Ready(incoming) = self.socket.poll_recv(cx) else {
                self.drained = true;
                return Ok(());
            };
            match incoming {
                Some(Ok(Incoming::Binary(message))) => {
                    self.liveness.message_came(self.socket.traffic());
                    self.receive_message(&message)?;
                }
                Some(Ok(Incoming::Control)) => self.receive_control()?,
                Some(Ok(Incoming::Text)) => {
                    self.server
                        .handle_text()
                        .or_else(|error| self.refuse(error))?;
                }
                Some(Err(SocketError::TooLong)) => return self.refuse_too_long(),
                Some(Ok(Incoming::Close) | Err(SocketError::Protocol)) => {
                    return self.peer_left(End::Closed);
                }
                Some(Err(SocketError::Lost)) | None => return self.peer_left(End::Lost),
            }
        }
        cx.waker().wake_by_ref();
        Ok(())
    }

    /// Whether the handler has room for more. After the half-close nothing more comes for it, and a
    /// Close is to be seen whatever it does.
    fn has_room(&self, cx: &mut Context<'_>) -> bool {
        match &self.request {
            Some(body) if !self.server.is_half_closed() => body.poll_ready(cx).is_ready(),
            _ => true,
        }
    }

    fn receive_message(&mut self, message: &Bytes) -> Turn {
        let mut fragment = Fragment::message(message);
        // Slices of gRPC messages, all at the end of the WebSocket message.
        let (mut framed, mut complete) = (0, 0);
        let mut half_closed = false;
        loop {
            match self.server.recv(&mut fragment) {
                Ok(None) => break,
                Ok(Some(Event::Metadata(piece))) => self.block.extend_from_slice(piece.payload),
                Ok(Some(Event::InitialMetadata)) => self.call()?,
                Ok(Some(Event::Message { piece, .. })) => {
                    framed += piece.framed.len();
                    if piece.end {
                        complete = framed;
                    }
                }
                Ok(Some(Event::HalfClosed)) => half_closed = true,
                Ok(Some(_)) => {}
                Err(error) => return self.refuse(error),
            }
        }
        let slice = message.slice(message.len() - framed..);
        self.pass_on(slice, complete, half_closed);
        Ok(())
    }

    fn pass_on(&mut self, slice: Bytes, complete: usize, half_closed: bool) {
        let Some(body) = &self.request else { return };
        if !slice.is_empty()
            && let Some(ready) = self.request_gather.push(slice, complete)
        {
            body.send(ready);
        }
        if half_closed {
            body.finish();
        }
    }

    fn receive_control(&mut self) -> Turn {
        let traffic = self.socket.traffic();
        if self.liveness.control_came(Instant::now(), traffic) {
            return Ok(());
        }
        let status = CallStatus::new(Code::ResourceExhausted, "too many WebSocket pings");
        self.end_call(&status, CloseCode::Policy)
    }

    /// The client's metadata is complete: calls the service.
    fn call(&mut self) -> Turn {
        let Some((service, upgrade)) = self.start.take() else {
            return Ok(());
        };
        let head = match Head::read(upgrade, &self.block, self.config.limits.max_metadata_len) {
            Ok(head) => head,
            Err(status) => return self.end_call(&status, CloseCode::Normal),
        };
        self.block = BytesMut::new();
        self.socket
            .set_max_message_len(self.config.max_websocket_message());
        let deadline = head
            .timeout
            .and_then(|timeout| self.clock.now().checked_add(timeout));
        self.server.set_deadline(deadline);
        let (sender, body) = body::channel();
        self.request = Some(sender);
        self.answering = Answering::Called(Box::pin(service.oneshot(head.with_body(body))));
        Ok(())
    }

    /// Takes what the service has, as far as the socket takes it.
    fn answer(&mut self, cx: &mut Context<'_>) -> Turn {
        for _ in 0..BURST {
            match &mut self.answering {
                Answering::NotCalled => return Ok(()),
                Answering::Called(future) => match poll_guarded(|| future.as_mut().poll(cx)) {
                    Poll::Pending => return Ok(()),
                    Poll::Ready(Ok(Ok(response))) => self.begin_answer(response)?,
                    Poll::Ready(Ok(Err(error))) => return self.fail(error.into()),
                    Poll::Ready(Err(status)) => return self.end_call(&status, CloseCode::Internal),
                },
                Answering::Streaming(body) => {
                    if self.socket.backlog() >= WRITE_WINDOW {
                        return Ok(());
                    }
                    match poll_guarded(|| body.as_mut().poll_frame(cx)) {
                        Poll::Pending => return Ok(()),
                        Poll::Ready(Ok(frame)) => self.answer_frame(frame)?,
                        Poll::Ready(Err(status)) => {
                            return self.end_call(&status, CloseCode::Internal);
                        }
                    }
                }
            }
        }
        cx.waker().wake_by_ref();
        Ok(())
    }

    fn begin_answer(&mut self, response: Response<B>) -> Turn {
        let (head, body) = response.into_parts();
        match Answer::read(&head) {
            Answer::Metadata(block) => {
                match self.server.send_metadata(block.len()) {
                    Ok(segment) => self.socket.queue(block.finish(&segment)),
                    Err(error) => return self.misused(error),
                }
                self.answering = Answering::Streaming(Box::pin(body));
                Ok(())
            }
            Answer::TrailersOnly(block) => self.send_trailers(block, CloseCode::Normal),
            Answer::NotGrpc(status) => self.end_call(&status, CloseCode::Normal),
        }
    }

    fn answer_frame(&mut self, frame: Option<Result<http_body::Frame<Bytes>, B::Error>>) -> Turn {
        match frame {
            None => self.end_call(&missing_status(), CloseCode::Normal),
            Some(Err(error)) => self.fail(error.into()),
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => self.answer_data(data),
                Err(frame) => self.answer_trailers(&frame.into_trailers().unwrap_or_default()),
            },
        }
    }

    fn answer_data(&mut self, data: Bytes) -> Turn {
        let complete = match complete_len(&mut self.answer_frames, &data) {
            Ok(complete) => complete,
            Err(error) => return self.misused(error),
        };
        let Some(ready) = self.answer_gather.push(data, complete) else {
            return Ok(());
        };
        match self.server.forward(&ready) {
            Ok(_) => self.socket.queue(ready),
            Err(error) => return self.misused(error),
        }
        Ok(())
    }

    fn answer_trailers(&mut self, trailers: &HeaderMap) -> Turn {
        let is_ok = trailers
            .get("grpc-status")
            .is_some_and(|status| status == "0");
        if is_ok && !self.answer_frames.is_at_boundary() {
            return self.refuse_answer("the service ended inside a message");
        }
        self.send_trailers(trailers_block(trailers), CloseCode::Normal)
    }

    /// Ends the call for what the client did.
    fn refuse(&mut self, error: RecvError) -> Turn {
        self.end_call(&error.into(), error.close_code())
    }

    /// A WebSocket message is too long for any gRPC message in it to be within its limit.
    fn refuse_too_long(&mut self) -> Turn {
        let message = "a message is longer than the limit";
        let status = CallStatus::new(Code::ResourceExhausted, message);
        self.end_call(&status, CloseCode::TooBig)
    }

    /// Ends the call for what the service did.
    fn refuse_answer(&mut self, message: &str) -> Turn {
        self.end_call(
            &CallStatus::new(Code::Internal, message),
            CloseCode::Internal,
        )
    }

    fn misused(&mut self, error: SendError) -> Turn {
        self.refuse_answer(&format!("the service's answer is not gRPC: {error}"))
    }

    /// Ends the call with the service's failure: a tonic status among its causes, with its details,
    /// or the gRPC counterpart of an HTTP/2 error.
    fn fail(&mut self, error: BoxError) -> Turn {
        let response = tonic::Status::from_error(error).into_http::<()>();
        let mut block = BlockWriter::new();
        block.headers(response.headers());
        self.send_trailers(block, CloseCode::Normal)
    }

    fn end_call(&mut self, status: &CallStatus, close_code: CloseCode) -> Turn {
        let mut block = BlockWriter::new();
        if self.server.is_unanswered() {
            block.field("content-type", b"application/grpc-web+proto");
        }
        block.status(status);
        self.send_trailers(block, close_code)
    }

    /// Sends the trailers, the last thing that is sent.
    fn send_trailers(&mut self, block: BlockWriter, close_code: CloseCode) -> Turn {
        match self.server.send_trailers(block.len()) {
            Ok(segment) => {
                self.socket.queue(block.finish(&segment));
                Err(End::Closing(close_code))
            }
            // After a part of a message nothing can be told from the message but a Close.
            Err(_) => Err(End::Closing(CloseCode::Internal)),
        }
    }

    fn peer_left(&mut self, end: End) -> Turn {
        self.server.handle_close();
        Err(end)
    }

    fn flush(&mut self, cx: &mut Context<'_>) -> Turn {
        let was_full = self.socket.backlog() >= WRITE_WINDOW;
        match self.socket.poll_flush(cx) {
            Poll::Ready(Ok(())) if was_full => cx.waker().wake_by_ref(),
            Poll::Ready(Ok(())) | Poll::Pending => {}
            Poll::Ready(Err(_)) => return self.peer_left(End::Lost),
        }
        Ok(())
    }

    /// Ends the call if its time, or the time for its metadata, is over.
    fn check_deadline(&mut self) -> Turn {
        match self.server.handle_timeout(self.clock.now()) {
            Ok(Some(Event::DeadlineExceeded)) => {
                let status = CallStatus::new(Code::DeadlineExceeded, "the deadline passed");
                self.end_call(&status, CloseCode::Normal)
            }
            Ok(_) => Ok(()),
            Err(error) => self.refuse(error),
        }
    }

    /// Looks after deadlines and the peer's liveness, and sets the timer for the next look.
    fn keep_time(&mut self, cx: &mut Context<'_>) -> Turn {
        loop {
            self.check_deadline()?;
            self.judge_peer(Instant::now(), cx)?;
            let check = self.liveness.next_check(self.socket.traffic());
            let timeout = self.server.poll_timeout().map(|at| self.clock.instant(at));
            self.timer
                .as_mut()
                .reset(timeout.map_or(check, |timeout| timeout.min(check)));
            if self.timer.as_mut().poll(cx).is_pending() {
                return Ok(());
            }
        }
    }

    fn judge_peer(&mut self, now: Instant, cx: &mut Context<'_>) -> Turn {
        let writing = self.socket.backlog() > 0;
        match self
            .liveness
            .judge(now, self.socket.traffic(), self.drained, writing)
        {
            Verdict::Fine => Ok(()),
            Verdict::Ping => {
                self.socket.queue_ping();
                self.flush(cx)
            }
            Verdict::Dead => self.peer_left(End::Lost),
            Verdict::TooSlow => {
                let status = CallStatus::new(Code::DeadlineExceeded, "a message came too slowly");
                self.end_call(&status, CloseCode::Policy)
            }
            Verdict::Wasteful => {
                let message = "too many WebSocket fragments for one message";
                let status = CallStatus::new(Code::ResourceExhausted, message);
                self.end_call(&status, CloseCode::Policy)
            }
        }
    }
}

/// How much of the next slice of an answer is up to the end of a message.
fn complete_len(frames: &mut Deframer, data: &[u8]) -> Result<usize, SendError> {
    let (mut input, mut complete) = (data, 0);
    while let Some((_, piece)) = frames.next(&mut input)? {
        if piece.end {
            complete = data.len() - input.len();
        }
    }
    Ok(complete)
}

/// Polls a handler; its panic is its call's failure and nobody else's.
fn poll_guarded<T>(poll: impl FnOnce() -> Poll<T>) -> Poll<Result<T, CallStatus>> {
    match catch_unwind(AssertUnwindSafe(poll)) {
        Ok(poll) => poll.map(Ok),
        Err(_) => Poll::Ready(Err(CallStatus::new(Code::Internal, "the handler panicked"))),
    }
}

/// The core's time: microseconds since the connection began.
#[derive(Clone, Copy)]
struct Clock(Instant);

impl Clock {
    fn now(self) -> grpc_websocket_core::Instant {
        let micros = u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX);
        grpc_websocket_core::Instant::from_micros(micros)
    }

    /// The runtime's time for `at`; at most a year from now, which is all that a timer needs.
    fn instant(self, at: grpc_websocket_core::Instant) -> Instant {
        const FAR: Duration = Duration::from_secs(365 * 86_400);
        let left = Duration::from_micros(at.as_micros()).saturating_sub(self.0.elapsed());
        Instant::now() + left.min(FAR)
    }
}

#[cfg(test)]
mod tests;
