//! RFC 6455 for a client that is cheap: one key for all frames, and frames that are whole.

use bytes::{Buf as _, BytesMut};
use grpc_websocket_core::ws::{Header, Mask, Opcode};

use super::take;

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;

/// The handshake of a client, and what comes after it.
pub(super) struct WebSocket {
    path: &'static str,
    subprotocol: Option<&'static str>,
    pub(super) is_open: bool,
}

impl WebSocket {
    pub(super) fn new(path: &'static str, subprotocol: Option<&'static str>) -> Self {
        Self {
            path,
            subprotocol,
            is_open: false,
        }
    }

    /// The request of the upgrade.
    pub(super) fn open(&self, out: &mut Vec<u8>) {
        let request = format!(
            "GET {} HTTP/1.1\r\nhost: 127.0.0.1\r\nupgrade: websocket\r\nconnection: Upgrade\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            self.path
        );
        out.extend_from_slice(request.as_bytes());
        if let Some(subprotocol) = self.subprotocol {
            let header = format!("sec-websocket-protocol: {subprotocol}\r\n");
            out.extend_from_slice(header.as_bytes());
        }
        out.extend_from_slice(b"\r\n");
    }

    /// The payload of the next binary message.
    pub(super) fn next(
        &mut self,
        input: &mut BytesMut,
        out: &mut Vec<u8>,
    ) -> Result<Option<BytesMut>, String> {
        if !self.is_open && !self.take_answer(input)? {
            return Ok(None);
        }
        while let Some((opcode, payload)) = next_frame(input) {
            match opcode {
                BINARY => return Ok(Some(payload)),
                PING => write(out, Opcode::Pong, &payload),
                CLOSE => return Ok(None),
                other => return Err(format!("a WebSocket frame that begins with {other:x}")),
            }
        }
        Ok(None)
    }

    fn take_answer(&mut self, input: &mut BytesMut) -> Result<bool, String> {
        let Some(end) = input.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(false);
        };
        let answer = input.split_to(end + 4);
        if !answer.starts_with(b"HTTP/1.1 101 ") {
            return Err(format!("no upgrade: {}", String::from_utf8_lossy(&answer)));
        }
        self.is_open = true;
        Ok(true)
    }
}

/// Writes a binary message.
pub(super) fn write_binary(out: &mut Vec<u8>, payload: &[u8]) {
    write(out, Opcode::Binary, payload);
}

/// Writes a binary message of so many bytes, which `fill` appends.
pub(super) fn write_with(out: &mut Vec<u8>, len: usize, fill: impl FnOnce(&mut Vec<u8>)) {
    write_frame(out, Opcode::Binary, len, fill);
}

fn write(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
    write_frame(out, opcode, payload.len(), |out| {
        out.extend_from_slice(payload);
    });
}

fn write_frame(out: &mut Vec<u8>, opcode: Opcode, len: usize, fill: impl FnOnce(&mut Vec<u8>)) {
    let header = Header::new(opcode, true, len as u64).masked(KEY).encode();
    out.extend_from_slice(header.as_slice());
    let start = out.len();
    fill(out);
    Mask::new(KEY).apply(&mut out[start..]);
}

/// The first byte of a frame, and its payload.
fn next_frame(input: &mut BytesMut) -> Option<(u8, BytesMut)> {
    let (&first, &second) = (input.first()?, input.get(1)?);
    let (head, len) = match second {
        126 => (
            4,
            u64::from(u16::from_be_bytes(input.get(2..4)?.try_into().ok()?)),
        ),
        127 => (10, u64::from_be_bytes(input.get(2..10)?.try_into().ok()?)),
        len => (2, u64::from(len)),
    };
    let len = usize::try_from(len).ok()?;
    if input.len() < head + len {
        return None;
    }
    input.advance(head);
    Some((first, take(input, len)?))
}
