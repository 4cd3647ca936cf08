//! The server role of `grpc-websockets`: however its input is cut and whatever the application does
//! between, it says the same, ends once, and sends what a client can read.

use grpc_websocket_core::single::{Client, Fragment, Server};
use grpc_websocket_core::{Code, Event, Instant, Limits, Role};

use crate::single::{self, Machine, Recv, STATUS, Send, Sent};

/// Input: limits, a cutting plan, and operations.
pub fn run(data: &[u8]) {
    single::run::<Server>(data);
}

impl Machine for Server {
    const SENDER: Role = Role::Client;
    const MAX_WEBSOCKET_MESSAGE: usize = usize::MAX;
    // An error is answered by trailers.
    const ERROR_ENDS: bool = false;
    type Peer = Client;

    fn new(limits: Limits) -> Self {
        Self::new(Instant::EPOCH, limits)
    }

    fn recv<'i>(&mut self, fragment: &mut Fragment<'i>) -> Recv<Option<Event<'i>>> {
        let result = self.recv(fragment);
        let is_end = result == Ok(Some(Event::HalfClosed));
        assert!(!is_end || self.is_at_boundary(), "an end inside a message");
        result
    }

    fn handle_text(&mut self) -> Recv<()> {
        self.handle_text()
    }

    fn handle_close(&mut self, _: Option<u16>) -> Option<Code> {
        let was_half_closed = self.is_half_closed();
        let code = self.handle_close();
        assert_eq!(
            self.is_half_closed(),
            was_half_closed,
            "a close is no half-close"
        );
        code
    }

    fn handle_timeout(&mut self, now: Instant) -> Recv<Option<Event<'static>>> {
        self.handle_timeout(now)
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.poll_timeout()
    }

    fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.set_deadline(deadline);
    }

    fn send(&mut self, send: Send<'_>) -> Option<Sent> {
        let was_unanswered = self.is_unanswered();
        let sent = match send {
            Send::Metadata(len) => self.send_metadata(len),
            Send::Message(compressed, len) => self.send_message(compressed, len),
            Send::Resume => return None,
            Send::Forward(framed) => self.forward(framed),
            Send::End => self.send_trailers(STATUS.len() as u32),
        };
        assert_eq!(self.is_unanswered(), was_unanswered && sent.is_err());
        Some(sent)
    }

    fn is_ended(&self) -> bool {
        self.is_ended()
    }
}
