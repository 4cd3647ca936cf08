//! `grpc-mux.v1`: many calls on a WebSocket, in both directions.
//!
//! Reading never stops: what a peer may send ahead is bounded by its credit, which it gets back
//! when a reader takes bytes from a body. So a handler that does not read holds up its own call
//! only. A call that waits for credit, or for its turn at the socket, is not asked for more, so what
//! waits is bounded too; what the core has to say waits in its state.

mod call;
pub(crate) mod caller;
mod events;
mod ids;
mod news;
mod opening;
mod output;
mod sending;
mod table;
mod windows;
mod woken;

use std::collections::VecDeque;
use std::task::{Context, Poll};

use bytes::Bytes;
use grpc_websocket_core::mux::{CallId, Connection, Event, Side};
use grpc_websocket_core::{CloseCode, Code, Instant};
use http::{Request, Response};
use http_body::Body as HttpBody;
use tonic::Status;
use tonic::body::Body;
use tower::{BoxError, Service};

use self::call::Call;
use self::caller::{Caller, Orders};
use self::ids::ById;
use self::news::News;
use self::opening::Opening;
use self::table::Table;
use self::windows::Windows;
use self::woken::Woken;
use super::link::{Fault, Link};
use super::{BURST, Calls, End, SHUTTING_DOWN, Turn, fragment};
use crate::config::Config;
use crate::metadata::BlockWriter;
use crate::server::request::Upgrade;
use crate::status::CallStatus;
use crate::websocket::socket::WebSocket;

/// How many calls may be made on a connection at a time, if the peer takes as many.
const MAX_OWN_CALLS: u32 = 1 << 20;

/// Who is told that a peer takes calls; what it returns is dropped when the peer is gone.
pub(crate) type Welcome = Box<dyn FnOnce(Caller) -> Box<dyn Send> + Send>;

/// How calls are made here.
pub(crate) struct Calling {
    /// From those who call, if there may be any.
    pub(crate) orders: Option<Orders>,
    pub(crate) welcome: Option<(Caller, Welcome)>,
}

impl Calling {
    /// Who is welcomed may be called; else nobody calls.
    pub(crate) fn by(welcome: Option<Welcome>) -> Self {
        let Some(welcome) = welcome else {
            return Self {
                orders: None,
                welcome: None,
            };
        };
        let (caller, orders) = caller::caller();
        Self {
            orders: Some(orders),
            welcome: Some((caller, welcome)),
        }
    }
}

/// The calls of a connection.
pub(super) struct Mux<S: Service<Request<Body>>, B> {
    connection: Connection<Table>,
    // In boxes: a map has room for more than there are.
    calls: ById<Box<Call<S, B>>>,
    woken: Woken,
    /// The calls that have something to send, but for those without credit.
    sending: VecDeque<CallId>,
    /// The block of an answer that is written next.
    written: BlockWriter,
    windows: Windows,
    service: S,
    upgrade: Upgrade,
    /// While there are those who may give them.
    orders: Option<Orders>,
    /// Calls that the core has no room for yet.
    waiting: VecDeque<Opening>,
    welcome: Option<(Caller, Welcome)>,
    welcomed: Option<Box<dyn Send>>,
    /// What the peer says about the end of a call.
    text: Vec<u8>,
    /// What it says about the end of the connection.
    farewell: Vec<u8>,
    /// Why the connection ends, if that is not in the core's state.
    fault: Option<CallStatus>,
}

impl<S, B> Mux<S, B>
where
    S: Service<Request<Body>, Response = Response<B>> + Clone,
    S::Error: Into<BoxError>,
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    pub(super) fn new(
        side: Side,
        service: S,
        upgrade: Upgrade,
        config: &Config,
        calling: Calling,
        now: Instant,
    ) -> Self {
        let lent = config.lent_window_len;
        let config = config.mux.with_limits(config.limits);
        let table = Table::with_room_for(config.max_calls.saturating_add(MAX_OWN_CALLS));
        Self {
            connection: Connection::new(now, side, config, table),
            calls: ById::default(),
            woken: Woken::new(),
            sending: VecDeque::new(),
            written: BlockWriter::new(),
            windows: Windows::new(config.window, lent),
            service,
            upgrade,
            orders: calling.orders,
            waiting: VecDeque::new(),
            welcome: calling.welcome,
            welcomed: None,
            text: Vec::new(),
            farewell: Vec::new(),
            fault: None,
        }
    }

    /// From now on no call can be made here.
    fn refuse_orders(&self, why: Status) {
        if let Some(orders) = &self.orders {
            orders.refuse(why);
        }
    }

    /// Whether the last call of a connection that takes no more is over.
    fn is_done(&self) -> bool {
        self.connection.is_going_away() && self.connection.calls() == 0 && self.waiting.is_empty()
    }

    /// Takes out a call that is over.
    fn remove(&mut self, id: CallId) -> Option<Box<Call<S, B>>> {
        let call = self.calls.remove(id)?;
        self.windows.take_back(&call.window);
        Some(call)
    }

    /// Why a call ends that neither its client nor its server ended.
    fn why_over(&self, code: Code) -> Status {
        let message = match (&self.fault, self.connection.failure()) {
            (Some(fault), _) => return fault.clone().into(),
            (None, Some(error)) => format!("the connection failed: {error}"),
            (None, None) if self.farewell.is_empty() => "the connection ended".to_owned(),
            (None, None) => format!(
                "the peer ended the connection: {}",
                String::from_utf8_lossy(&self.farewell)
            ),
        };
        CallStatus::new(code, message).into()
    }
}

/// What a WebSocket that was closed means for calls that were not made: 4000 + c refuses them with the
/// gRPC code c (SPEC.md#close-codes).
fn code_of_refusal(end: End) -> Code {
    let code = match end {
        End::Closed(Some(code)) => code.checked_sub(4000),
        End::Closed(None) | End::Closing(_) | End::Lost => None,
    };
    let code = code.and_then(|code| u8::try_from(code).ok());
    match code {
        Some(code @ 1..=16) => Code::from_value(code),
        _ => Code::Unavailable,
    }
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

    fn receive(&mut self, link: &mut Link<W>, message: &Bytes, fin: bool) -> Turn {
        let mut fragment = fragment(message, fin);
        let mut news = News::default();
        let now = link.now();
        loop {
            let event = match self.connection.recv(now, &mut fragment) {
                Ok(None) => break,
                Ok(Some(event)) => event,
                Err(error) => return self.fail(link, error),
            };
            let end = message.len() - fragment.rest().len();
            if let Event::Call { call, event } = &event
                && news.take(*call, event, end)
            {
                if news.slices.is_complete() && !fragment.rest().is_empty() {
                    let more = self.connection.recv_messages(&mut fragment);
                    news.slices.extend(more.len());
                }
                continue;
            }
            self.take_event(event);
        }
        self.deliver(link, &news, message);
        Ok(())
    }

    fn receive_text(&mut self, link: &mut Link<W>) -> Turn {
        self.connection
            .handle_text()
            .or_else(|error| self.fail(link, error))
    }

    fn refuse(&mut self, link: &mut Link<W>, fault: Fault) -> Turn {
        self.connection.go_away(fault.code(), fault.text());
        self.fault = Some(CallStatus::new(fault.code(), fault.text()));
        self.close(link, fault.close_code())
    }

    fn answer(&mut self, link: &mut Link<W>, cx: &mut Context<'_>) -> Turn {
        self.transmit(link);
        for _ in 0..BURST {
            let opened = self.open_next(link, cx);
            let polled = self.poll_woken(cx);
            let sent = self.send_next(link);
            if !opened && !polled && !sent {
                self.transmit(link);
                return self.look_for_end(link);
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
                    self.take_event(event);
                    cx.waker().wake_by_ref();
                }
                Err(error) => return self.fail(link, error),
            }
        }
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.connection.poll_timeout()
    }

    fn drain(&mut self, link: &mut Link<W>) -> Turn {
        self.refuse_orders(Status::unavailable(SHUTTING_DOWN));
        self.connection.go_away(Code::Unavailable, SHUTTING_DOWN);
        self.transmit(link);
        self.look_for_end(link)
    }

    fn abort(&mut self, link: &mut Link<W>) -> Turn {
        let status = CallStatus::new(Code::Unavailable, SHUTTING_DOWN);
        let calls: Vec<CallId> = self.calls.keys().collect();
        for id in calls {
            self.end_call(id, status.clone());
        }
        while let Some(id) = self.sending.pop_front() {
            self.send(link, id);
        }
        self.fault = Some(status);
        self.close(link, CloseCode::GoingAway)
    }

    fn end(&mut self, end: End) {
        match end {
            End::Closed(code) => self.connection.handle_close(code),
            End::Lost | End::Closing(_) => self.connection.handle_close(None),
        }
        while let Some((id, code)) = self.connection.poll_lost() {
            let why = self.why_over(code);
            if let Some(call) = self.remove(id) {
                call.fail(why, false);
            }
        }
        let why = self.why_over(code_of_refusal(end));
        for mut opening in self.waiting.drain(..) {
            opening.fail(why.clone());
        }
        if let Some(orders) = &mut self.orders {
            orders.end(&why);
        }
    }
}
