//! `grpc-websockets` as a client: one call on the WebSocket.

use bytes::BytesMut;

use super::websocket::{WebSocket, write_binary, write_with};
use super::{Job, Kind, Peer, message};

const BLOCK: u8 = 0x80;

/// One connection, and its call.
pub(super) struct Single {
    websocket: WebSocket,
    kind: Kind,
    message: Vec<u8>,
    has_begun: bool,
    asked: u64,
    received: u64,
    counted: u64,
}

impl Single {
    pub(super) fn new(job: Job) -> Self {
        Self {
            websocket: WebSocket::new(job.kind.path(), Some("grpc-websockets")),
            kind: job.kind,
            message: message(job.size),
            has_begun: false,
            asked: 0,
            received: 0,
            counted: 0,
        }
    }

    fn count(&mut self) -> u64 {
        let complete = self.received / self.message.len() as u64;
        complete - std::mem::replace(&mut self.counted, complete)
    }
}

impl Peer for Single {
    fn open(&mut self, out: &mut Vec<u8>) {
        self.websocket.open(out);
    }

    fn is_ready(&self) -> bool {
        self.websocket.is_open
    }

    fn ask(&mut self) {
        self.asked += 1;
    }

    fn pump(&mut self, out: &mut Vec<u8>) {
        if self.asked > 0 && !std::mem::replace(&mut self.has_begun, true) {
            write_binary(
                out,
                b"content-type: application/grpc-web+proto\r\nx-grpc-web: 1\r\n",
            );
        }
        for _ in 0..std::mem::take(&mut self.asked) {
            write_with(out, 1 + self.message.len(), |out| {
                out.push(0);
                out.extend_from_slice(&self.message);
            });
            if self.kind == Kind::Unary {
                write_binary(out, &[1]);
            }
        }
    }

    fn receive(&mut self, input: &mut BytesMut, out: &mut Vec<u8>) -> Result<u64, String> {
        let mut answers = 0;
        while let Some(payload) = self.websocket.next(input, out)? {
            match (payload.first(), self.kind) {
                // The trailers, after the message.
                (Some(&BLOCK), Kind::Unary) if self.received > 0 => answers += 1,
                (Some(&BLOCK), _) if self.received == 0 => {}
                (Some(&BLOCK), _) => return Err(format!("the call is over: {payload:?}")),
                _ => self.received += payload.len() as u64,
            }
        }
        Ok(match self.kind {
            Kind::Unary => answers,
            Kind::Bidi | Kind::Messages => self.count(),
        })
    }
}
