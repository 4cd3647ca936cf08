//! The client role of `grpc-websockets`: however its input is cut and whatever the application does
//! between, it says the same, ends once, and sends what a server can read.

use grpc_websocket_core::single::{Client, Fragment, MAX_WEBSOCKET_MESSAGE, Server};
use grpc_websocket_core::{Code, Event, Instant, Limits, Role};

use crate::single::{self, Machine, Recv, Send, Sent};

/// Input: limits, a cutting plan, and operations.
pub fn run(data: &[u8]) {
    single::run::<Client>(data);
}

impl Machine for Client {
    const SENDER: Role = Role::Server;
    const MAX_WEBSOCKET_MESSAGE: usize = MAX_WEBSOCKET_MESSAGE as usize;
    const ERROR_ENDS: bool = true;
    type Peer = Server;

    fn new(limits: Limits) -> Self {
        Self::new(limits)
    }

    fn recv<'i>(&mut self, fragment: &mut Fragment<'i>) -> Recv<Option<Event<'i>>> {
        self.recv(fragment)
    }

    fn handle_text(&mut self) -> Recv<()> {
        self.handle_text()
    }

    fn handle_close(&mut self, close_code: Option<u16>) -> Option<Code> {
        self.handle_close(close_code)
    }

    fn handle_timeout(&mut self, now: Instant) -> Recv<Option<Event<'static>>> {
        Ok(self.handle_timeout(now))
    }

    fn poll_timeout(&self) -> Option<Instant> {
        self.poll_timeout()
    }

    fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.set_deadline(deadline);
    }

    fn send(&mut self, send: Send<'_>) -> Option<Sent> {
        Some(match send {
            Send::Metadata(len) => self.send_metadata(len),
            Send::Message(compressed, len) => self.send_message(compressed, len),
            Send::Resume => return self.resume().map(Ok),
            Send::Forward(framed) => self.forward(framed),
            Send::End => self.half_close(),
        })
    }

    fn is_ended(&self) -> bool {
        self.is_ended()
    }
}
