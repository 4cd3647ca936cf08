//! The server's end of `grpc-websockets`: one call on a WebSocket.

use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use grpc_websocket_core::single::Server;
use grpc_websocket_core::{CloseCode, Code, Event, Instant, RecvError, SendError};
use http::{Request, Response};
use http_body::Body as HttpBody;
use tonic::body::Body;
use tower::{BoxError, Service};

use super::answering::{Answering, Part};
use super::link::{Fault, Link};
use super::receiving::{Receiving, Slices};
use super::{BURST, Calls, End, SHUTTING_DOWN, Turn, fragment};
use crate::config::Config;
use crate::metadata::BlockWriter;
use crate::server::handshake::Subprotocol;
use crate::server::request::{Head, Upgrade};
use crate::server::response::ContentType;
use crate::status::CallStatus;
use crate::websocket::socket::WebSocket;

/// How long a client may take to its call when the server ends: it may be on its way.
const LAST_CALL_TIMEOUT: Duration = Duration::from_secs(2);

/// The one call.
pub(super) struct SingleServer<S: Service<Request<Body>>, B> {
    max_metadata_len: u32,
    /// The longest WebSocket message once the call is known.
    max_websocket_message: usize,
    server: Server,
    /// The client's header block, until it is complete.
    block: BytesMut,
    /// What the call is made of, once the block is complete.
    start: Option<(S, Upgrade)>,
    /// When a call that has not begun is not waited for any longer.
    last_call: Option<Instant>,
    // Before the request: a handler is stopped before its body fails.
    answering: Answering<S, B>,
    request: Option<Receiving>,
    /// The block of the answer that is sent next.
    written: BlockWriter,
}

impl<S, B> SingleServer<S, B>
where
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    pub(super) fn new(service: S, upgrade: Upgrade, config: &Config, now: Instant) -> Self {
        Self {
            max_metadata_len: config.limits.max_metadata_len,
            max_websocket_message: config.max_websocket_message(Subprotocol::Single),
            server: Server::new(now, config.limits),
            block: BytesMut::new(),
            start: Some((service, upgrade)),
            last_call: None,
            answering: Answering::new(ContentType::Web),
            request: None,
            written: BlockWriter::new(),
        }
    }

    /// The client's metadata is complete: calls the service.
    fn call<W: WebSocket>(&mut self, link: &mut Link<W>) -> Turn {
        let Some((service, upgrade)) = self.start.take() else {
            return Ok(());
        };
        self.last_call = None;
        let block = std::mem::take(&mut self.block);
        let head = match Head::read(upgrade, &block, self.max_metadata_len) {
            Ok(head) => head,
            Err(status) => return self.end_call(link, &status, CloseCode::Normal),
        };
        link.set_max_message_len(self.max_websocket_message);
        let deadline = head
            .timeout
            .and_then(|timeout| link.now().checked_add(timeout));
        self.server.set_deadline(deadline);
        let (request, body) = Receiving::new();
        self.request = Some(request);
        self.answering
            .call(service, head.with_body(Body::new(body)));
        Ok(())
    }

    fn send<W: WebSocket>(&mut self, link: &mut Link<W>, part: Part) -> Turn {
        match part {
            Part::Metadata => match self.server.send_metadata(self.written.len()) {
                Ok(segment) => link.queue_copy(segment.head(), self.written.block()),
                Err(error) => return self.misused(link, error),
            },
            Part::Messages(messages) => {
                for slice in messages {
                    match self.server.forward(&slice) {
                        Ok(_) => link.queue(slice),
                        Err(error) => return self.misused(link, error),
                    }
                }
            }
            Part::Trailers(close_code) => return self.send_trailers(link, close_code),
        }
        Ok(())
    }

    /// Sends the trailers, the last thing that is sent.
    fn send_trailers<W: WebSocket>(&mut self, link: &mut Link<W>, close_code: CloseCode) -> Turn {
        match self.server.send_trailers(self.written.len()) {
            Ok(segment) => {
                link.queue_copy(segment.head(), self.written.block());
                Err(End::Closing(close_code))
            }
            // After a part of a message nothing can be told from the message but a Close.
            Err(_) => Err(End::Closing(CloseCode::Internal)),
        }
    }

    /// Ends the call for what the client did.
    fn recv_failed<W: WebSocket>(&mut self, link: &mut Link<W>, error: RecvError) -> Turn {
        self.end_call(link, &error.into(), error.close_code())
    }

    fn misused<W: WebSocket>(&mut self, link: &mut Link<W>, error: SendError) -> Turn {
        let part = self.answering.misused(error, &mut self.written);
        self.send(link, part)
    }

    fn end_call<W: WebSocket>(
        &mut self,
        link: &mut Link<W>,
        status: &CallStatus,
        close_code: CloseCode,
    ) -> Turn {
        let part = self.answering.end(status, close_code, &mut self.written);
        self.send(link, part)
    }
}

impl<W, S, B> Calls<W> for SingleServer<S, B>
where
    W: WebSocket,
    S: Service<Request<Body>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    /// The handler's room. After the half-close nothing more comes for it, and a Close is to be
    /// seen whatever it does.
    fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match &self.request {
            Some(request) if !self.server.is_half_closed() => request.poll_room(cx),
            _ => Poll::Ready(()),
        }
    }

    fn receive(&mut self, link: &mut Link<W>, message: &Bytes, fin: bool) -> Turn {
        let mut fragment = fragment(message, fin);
        let mut slices = Slices::default();
        loop {
            match self.server.recv(&mut fragment) {
                Ok(None) => break,
                Ok(Some(event)) if slices.take(&event, message.len() - fragment.rest().len()) => {}
                Ok(Some(Event::Metadata(piece))) => self.block.extend_from_slice(piece.payload),
                Ok(Some(Event::InitialMetadata)) => self.call(link)?,
                Ok(Some(_)) => {}
                Err(error) => return self.recv_failed(link, error),
            }
        }
        if let Some(request) = &mut self.request {
            request.push(&slices, message);
        }
        Ok(())
    }

    fn receive_text(&mut self, link: &mut Link<W>) -> Turn {
        self.server
            .handle_text()
            .or_else(|error| self.recv_failed(link, error))
    }

    fn refuse(&mut self, link: &mut Link<W>, fault: Fault) -> Turn {
        let status = CallStatus::new(fault.code(), fault.text());
        self.end_call(link, &status, fault.close_code())
    }

    fn answer(&mut self, link: &mut Link<W>, cx: &mut Context<'_>) -> Turn {
        for _ in 0..BURST {
            if self.answering.is_streaming() && link.is_full() {
                return Ok(());
            }
            match self.answering.poll_part(cx, &mut self.written) {
                Poll::Pending => return Ok(()),
                Poll::Ready(part) => self.send(link, part)?,
            }
        }
        cx.waker().wake_by_ref();
        Ok(())
    }

    /// Ends the call if its time, or the time for its metadata, is over.
    fn check_time(&mut self, link: &mut Link<W>, _: &mut Context<'_>) -> Turn {
        let now = link.now();
        if self.last_call.is_some_and(|at| now >= at) {
            return self.abort(link);
        }
        match self.server.handle_timeout(now) {
            Ok(Some(Event::DeadlineExceeded)) => {
                let status = CallStatus::new(Code::DeadlineExceeded, "the deadline passed");
                self.end_call(link, &status, CloseCode::Normal)
            }
            Ok(_) => Ok(()),
            Err(error) => self.recv_failed(link, error),
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        let timeouts = [self.server.poll_timeout(), self.last_call];
        timeouts.into_iter().flatten().min()
    }

    /// The call goes on, and one that has not begun may: its client was let in for it.
    fn drain(&mut self, link: &mut Link<W>) -> Turn {
        if self.start.is_some() {
            self.last_call = link.now().checked_add(LAST_CALL_TIMEOUT);
        }
        Ok(())
    }

    fn abort(&mut self, link: &mut Link<W>) -> Turn {
        let status = CallStatus::new(Code::Unavailable, SHUTTING_DOWN);
        self.end_call(link, &status, CloseCode::GoingAway)
    }

    fn end(&mut self, _: End) {}
}
