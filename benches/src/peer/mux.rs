//! `grpc-mux.v1` (SPEC.md) as a client.

use bytes::{Buf as _, BytesMut};

use super::streams::Streams;
use super::websocket::{WebSocket, write_binary, write_with};
use super::{Job, Peer, u32_at};

/// What this side takes of each call, as the project's own client does.
const WINDOW: u32 = 1024 * 1024;
const MAX_FRAME: u32 = 16 * 1024;

const DATA: u8 = 0;
const WINDOW_FRAME: u8 = 1;
const PING: u8 = 3;
const SETTINGS: u8 = 5;
const OPEN: u8 = 1;
const END: u8 = 2;
const ACK: u8 = 0x31;
const BLOCK: u8 = 0x80;

/// One connection.
pub(super) struct Mux {
    websocket: WebSocket,
    streams: Streams,
    is_ready: bool,
}

impl Mux {
    pub(super) fn new(job: Job) -> Self {
        let field = format!(":path: {}\r\n", job.kind.path());
        let mut block = vec![BLOCK];
        block.extend_from_slice(&(field.len() as u32).to_be_bytes());
        block.extend_from_slice(field.as_bytes());
        Self {
            websocket: WebSocket::new("/", Some("grpc-mux.v1")),
            streams: Streams::new(job, block, 512, i64::MAX),
            is_ready: false,
        }
    }

    fn settings(&mut self, payload: &[u8], out: &mut Vec<u8>) {
        for entry in payload.chunks_exact(5) {
            if entry[0] == 2 {
                self.streams.set_initial(u32_at(entry, 1));
            }
        }
        let mut frame = vec![SETTINGS << 4, 0, 0, 0, 0];
        for (key, value) in [(1_u8, MAX_FRAME), (2, WINDOW)] {
            frame.push(key);
            frame.extend_from_slice(&value.to_be_bytes());
        }
        write_binary(out, &frame);
        self.is_ready = true;
    }

    fn data(
        &mut self,
        id: u32,
        is_end: bool,
        mut payload: BytesMut,
        out: &mut Vec<u8>,
    ) -> Result<u64, String> {
        let message_len = self.streams.message_len();
        let is_unary = self.streams.is_unary();
        let stream = self.streams.get(id)?;
        stream.unreturned += payload.len() as u32;
        if stream.received == 0 {
            skip_block(&mut payload);
        }
        stream.received += payload.len() as u64;
        if is_end {
            return self.streams.end(id);
        }
        if stream.unreturned >= WINDOW / 2 {
            let returned = std::mem::take(&mut stream.unreturned);
            let mut frame = vec![WINDOW_FRAME << 4];
            frame.extend_from_slice(&id.to_be_bytes());
            frame.extend_from_slice(&returned.to_be_bytes());
            write_binary(out, &frame);
        }
        Ok(if is_unary {
            0
        } else {
            stream.count(message_len)
        })
    }
}

/// The block of initial metadata that a server may send.
fn skip_block(payload: &mut BytesMut) {
    if payload.first() == Some(&BLOCK) && payload.len() >= 5 {
        let len = 5 + u32_at(payload, 1) as usize;
        payload.advance(len.min(payload.len()));
    }
}

impl Peer for Mux {
    fn open(&mut self, out: &mut Vec<u8>) {
        self.websocket.open(out);
    }

    fn is_ready(&self) -> bool {
        self.is_ready
    }

    fn ask(&mut self) {
        self.streams.ask();
    }

    fn pump(&mut self, out: &mut Vec<u8>) {
        self.streams.pump(|slice| {
            let open = if slice.is_first { OPEN } else { 0 };
            let end = if slice.is_last { END } else { 0 };
            write_with(out, 5 + slice.len, |out| {
                out.push(DATA << 4 | open | end);
                out.extend_from_slice(&slice.id.to_be_bytes());
                slice.copy_to(out);
            });
        });
    }

    fn receive(&mut self, input: &mut BytesMut, out: &mut Vec<u8>) -> Result<u64, String> {
        let mut answers = 0;
        while let Some(mut frame) = self.websocket.next(input, out)? {
            let (first, id) = (frame[0], u32_at(&frame, 1));
            frame.advance(5);
            match first >> 4 {
                DATA => answers += self.data(id, first & END != 0, frame, out)?,
                WINDOW_FRAME => self.streams.give(id, u32_at(&frame, 0)),
                SETTINGS => self.settings(&frame, out),
                PING if first != ACK => {
                    write_binary(out, &[&[ACK, 0, 0, 0, 0], &frame[..]].concat());
                }
                PING => {}
                _ => return Err(format!("mux frame {first:x}: {frame:?}")),
            }
        }
        Ok(answers)
    }
}
