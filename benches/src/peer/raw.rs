//! Bytes that are echoed: on TCP alone, and as WebSocket messages.

use bytes::BytesMut;

use super::websocket::{WebSocket, write_binary};
use super::{Job, Peer, message};

/// As much as `grpc-mux.v1` has before the stream.
const HEAD: usize = 5;

/// One connection.
pub(super) struct Raw {
    websocket: Option<WebSocket>,
    message: Vec<u8>,
    asked: u64,
    received: u64,
}

impl Raw {
    pub(super) fn tcp(job: Job) -> Self {
        let mut message = message(job.size);
        message.splice(0..0, [0; HEAD]);
        Self {
            websocket: None,
            message,
            asked: 0,
            received: 0,
        }
    }

    pub(super) fn websocket(job: Job) -> Self {
        let websocket = Some(WebSocket::new("/", None));
        Self {
            websocket,
            ..Self::tcp(job)
        }
    }
}

impl Peer for Raw {
    fn open(&mut self, out: &mut Vec<u8>) {
        if let Some(websocket) = &self.websocket {
            websocket.open(out);
        }
    }

    fn is_ready(&self) -> bool {
        self.websocket.as_ref().is_none_or(|it| it.is_open)
    }

    fn ask(&mut self) {
        self.asked += 1;
    }

    fn pump(&mut self, out: &mut Vec<u8>) {
        for _ in 0..std::mem::take(&mut self.asked) {
            match &self.websocket {
                Some(_) => write_binary(out, &self.message),
                None => out.extend_from_slice(&self.message),
            }
        }
    }

    fn receive(&mut self, input: &mut BytesMut, out: &mut Vec<u8>) -> Result<u64, String> {
        let before = self.received / self.message.len() as u64;
        match &mut self.websocket {
            Some(websocket) => {
                while let Some(payload) = websocket.next(input, out)? {
                    self.received += payload.len() as u64;
                }
            }
            None => {
                self.received += input.len() as u64;
                input.clear();
            }
        }
        Ok(self.received / self.message.len() as u64 - before)
    }
}
