//! `grpc-mux.v1`: many calls on a WebSocket.
//!
//! Reading never stops: what a client may send ahead is bounded by its credit, which it gets back
//! when a handler takes bytes from its body. So a handler that does not read holds up its own call
//! only. A call whose answer waits for credit, or for its turn at the socket, is not asked for more,
//! so what waits is bounded too; what the core has to say waits in its state.

mod call;
mod output;
mod table;
mod woken;

use std::collections::{HashMap, VecDeque};
use std::task::{Context, Poll};

use bytes::Bytes;
use grpc_websocket_core::deframe::DeframeError;
use grpc_websocket_core::mux::{
    CallId, Connection, ConnectionError, Event, MAX_CONTROL_FRAME, Side,
};
use grpc_websocket_core::{CloseCode, Code, Fragment, Instant, SendError, call as core_call};
use http::{Request, Response};
use http_body::Body as HttpBody;
use tonic::body::Body;
use tower::{BoxError, Service};

use self::call::Call;
use self::output::Output;
use self::table::Table;
use self::woken::Woken;
use super::link::{Fault, Link};
use super::requesting::Slices;
use super::{BURST, Calls, End, Turn};
use crate::config::Config;
use crate::request::{Head, Upgrade};
use crate::socket::WebSocket;
use crate::status::CallStatus;

/// The calls of a connection.
pub(super) struct Mux<S: Service<Request<Body>>, B> {
    connection: Connection<Table>,
    calls: HashMap<CallId, Call<S, B>>,
    woken: Woken,
    /// The calls that have something to send, but for those without credit.
    sending: VecDeque<CallId>,
    service: S,
    upgrade: Upgrade,
}

impl<S, B> Mux<S, B>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone,
    S::Error: Into<BoxError>,
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    pub(super) fn new(service: S, upgrade: Upgrade, config: &Config, now: Instant) -> Self {
        let table = Table::with_room_for(config.mux.max_calls);
        let config = config.mux.with_limits(config.limits);
        Self {
            connection: Connection::new(now, Side::Acceptor, config, table),
            calls: HashMap::new(),
            woken: Woken::new(),
            sending: VecDeque::new(),
            service,
            upgrade,
        }
    }

    /// What the peer did, but for the slices of messages.
    fn take_event(&mut self, event: Event<'_>, now: Instant) {
        match event {
            Event::Opened(id) => {
                self.calls.insert(id, Call::new(self.woken.waker(id)));
            }
            Event::Call { call, event } => self.take_call_event(call, event, now),
            Event::Credit(id) => self.queue(id),
            Event::Ended { call, .. } => {
                // Its handler is stopped, so its place is free.
                self.calls.remove(&call);
                self.connection.release(call);
            }
            _ => {}
        }
    }

    fn take_call_event(&mut self, id: CallId, event: core_call::Event<'_>, now: Instant) {
        match event {
            core_call::Event::Metadata(piece) => {
                if let Some(call) = self.calls.get_mut(&id) {
                    call.block.extend_from_slice(piece.payload);
                }
            }
            core_call::Event::InitialMetadata => self.start(id, now),
            core_call::Event::DeadlineExceeded => {
                let status = CallStatus::new(Code::DeadlineExceeded, "the deadline passed");
                self.end_call(id, status);
            }
            _ => {}
        }
    }

    /// The client's metadata is complete: calls the service.
    fn start(&mut self, id: CallId, now: Instant) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        let max_len = self.connection.config().limits.max_metadata_len;
        let block = std::mem::take(&mut call.block);
        match Head::read_with_path(&self.upgrade, &block, max_len) {
            Ok(head) => {
                let deadline = head.timeout.and_then(|timeout| now.checked_add(timeout));
                // Only a call that is over has none.
                let _ = self.connection.set_deadline(id, deadline);
                call.start(self.service.clone(), head);
            }
            Err(status) => self.end_call(id, status),
        }
    }

    /// Ends a call with a status that is not the service's.
    fn end_call(&mut self, id: CallId, status: CallStatus) {
        let credit = self.connection.credit(id);
        if let Some(call) = self.calls.get_mut(&id) {
            call.end(status, credit);
            self.queue(id);
        }
    }

    /// Lets a call wait for its turn, if it has something to send.
    fn queue(&mut self, id: CallId) {
        if let Some(call) = self.calls.get_mut(&id)
            && !call.is_queued
            && !call.output.is_empty()
        {
            call.is_queued = true;
            self.sending.push_back(id);
        }
    }

    /// Looks at the next call that was woken; whether there was one.
    fn poll_woken(&mut self, cx: &mut Context<'_>) -> bool {
        let Poll::Ready(id) = self.woken.poll_next(cx) else {
            return false;
        };
        if let Some(call) = self.calls.get_mut(&id) {
            let consumed = call.poll();
            self.connection.consume(id, saturated(consumed));
            self.queue(id);
        }
        true
    }

    /// Sends a frame of the call whose turn it is; whether there was one, and room.
    fn send_next<W: WebSocket>(&mut self, link: &mut Link<W>) -> bool {
        if link.is_full() {
            return false;
        }
        let Some(id) = self.sending.pop_front() else {
            return false;
        };
        self.send(link, id);
        true
    }

    /// Sends a frame of a call.
    fn send<W: WebSocket>(&mut self, link: &mut Link<W>, id: CallId) {
        let Some(call) = self.calls.get_mut(&id) else {
            return;
        };
        call.is_queued = false;
        if let Some(status) = call.output.take_reset() {
            return self.reset(link, id, &status);
        }
        let front = call.output.front();
        match self.connection.send(id, &front.slices, front.ends) {
            Ok(None) => {}
            Ok(Some(segment)) => {
                link.queue(call.output.take(&segment));
                if call.output.is_empty() {
                    call.wake();
                }
                self.queue(id);
            }
            Err(error) => return self.reset(link, id, &misuse(error)),
        }
        if !self.connection.contains(id) {
            // That was its last one.
            self.calls.remove(&id);
        }
    }

    /// Ends a call without trailers.
    fn reset<W: WebSocket>(&mut self, link: &mut Link<W>, id: CallId, status: &CallStatus) {
        self.calls.remove(&id);
        if let Ok(segment) = self.connection.reset(id, status.code(), status.message()) {
            let mut text = Output::default();
            text.push(Bytes::copy_from_slice(status.message().as_bytes()));
            link.queue(text.take(&segment));
        }
    }

    /// Writes what the core has to say, as far as there is room.
    fn transmit<W: WebSocket>(&mut self, link: &mut Link<W>) {
        while link.has_room_for_control() && self.transmit_one(link) {}
    }

    fn transmit_one<W: WebSocket>(&mut self, link: &mut Link<W>) -> bool {
        let mut frame = [0; MAX_CONTROL_FRAME];
        let len = self.connection.poll_transmit(&mut frame);
        if let Some(len) = len {
            link.queue(Bytes::copy_from_slice(&frame[..len]));
        }
        len.is_some()
    }

    /// Ends the connection for what the peer did; the GOAWAY says what.
    fn fail<W: WebSocket>(&mut self, link: &mut Link<W>, error: ConnectionError) -> Turn {
        self.close(link, error.close_code())
    }

    fn close<W: WebSocket>(&mut self, link: &mut Link<W>, code: CloseCode) -> Turn {
        while self.transmit_one(link) {}
        Err(End::Closing(code))
    }
}

fn saturated(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// The status of a call whose answer the core does not take.
fn misuse(error: SendError) -> CallStatus {
    let code = match error {
        SendError::Frame(
            DeframeError::MessageTooLong { .. } | DeframeError::MetadataTooLong { .. },
        ) => Code::ResourceExhausted,
        _ => Code::Internal,
    };
    CallStatus::new(code, error.to_string())
}

impl<W, S, B> Calls<W> for Mux<S, B>
where
    W: WebSocket,
    S: Service<Request<Body>, Response = Response<B>> + Clone,
    S::Error: Into<BoxError>,
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    fn poll_room(&mut self, _: &mut Context<'_>) -> Poll<()> {
        Poll::Ready(())
    }

    fn receive(&mut self, link: &mut Link<W>, message: &Bytes) -> Turn {
        let mut fragment = Fragment::message(message);
        let mut slices = Slices::default();
        let mut call = None;
        let now = link.now();
        loop {
            match self.connection.recv(now, &mut fragment) {
                Ok(None) => break,
                Ok(Some(Event::Call { call: id, event })) if slices.take(&event) => call = Some(id),
                Ok(Some(event)) => self.take_event(event, now),
                Err(error) => return self.fail(link, error),
            }
        }
        if let Some(id) = call
            && let Some(call) = self.calls.get_mut(&id)
        {
            let consumed = call.receive(&slices, message);
            self.connection.consume(id, saturated(consumed));
        }
        Ok(())
    }

    fn receive_text(&mut self, link: &mut Link<W>) -> Turn {
        self.connection
            .handle_text()
            .or_else(|error| self.fail(link, error))
    }

    fn refuse(&mut self, link: &mut Link<W>, fault: Fault) -> Turn {
        self.connection.go_away(fault.code(), fault.text());
        self.close(link, fault.close_code())
    }

    fn answer(&mut self, link: &mut Link<W>, cx: &mut Context<'_>) -> Turn {
        self.transmit(link);
        for _ in 0..BURST {
            let polled = self.poll_woken(cx);
            let sent = self.send_next(link);
            if !polled && !sent {
                self.transmit(link);
                return Ok(());
            }
        }
        self.transmit(link);
        cx.waker().wake_by_ref();
        Ok(())
    }

    fn check_time(&mut self, link: &mut Link<W>, cx: &mut Context<'_>) -> Turn {
        let now = link.now();
        loop {
            match self.connection.handle_timeout(now) {
                Ok(None) => return Ok(()),
                Ok(Some(event)) => {
                    self.take_event(event, now);
                    cx.waker().wake_by_ref();
                }
                Err(error) => return self.fail(link, error),
            }
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.connection.poll_timeout()
    }
}
