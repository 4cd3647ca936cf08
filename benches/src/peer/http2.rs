//! gRPC over HTTP/2 as a client, with the header fields of tonic's.
//!
//! Paths are not in Huffman's code, which a server reads faster; otherwise fields are as the h2
//! crate writes them: the path spelled out in each call, the others from HPACK's table.

use bytes::{Buf as _, BytesMut};

use super::streams::Streams;
use super::{Job, Peer, take, u32_at};

/// What tonic's client announces: to each stream, and to the connection.
const STREAM_WINDOW: u32 = 2 * 1024 * 1024;
const CONNECTION_WINDOW: u32 = 5 * 1024 * 1024;
/// What RFC 9113 gives both at first.
const INITIAL: u32 = 65_535;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RESET: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;

/// One connection.
pub(super) struct Http2 {
    streams: Streams,
    path: &'static str,
    /// Whether HPACK's table has the fields.
    is_warm: bool,
    unreturned: u32,
}

impl Http2 {
    pub(super) fn new(job: Job) -> Self {
        let initial = i64::from(INITIAL);
        Self {
            streams: Streams::new(job, Vec::new(), initial, initial),
            path: job.kind.path(),
            is_warm: false,
            unreturned: 0,
        }
    }

    fn frame(
        &mut self,
        kind: u8,
        flags: u8,
        id: u32,
        payload: &BytesMut,
        out: &mut Vec<u8>,
    ) -> Result<u64, String> {
        match kind {
            DATA => self.data(id, payload.len(), out),
            HEADERS if flags & END_STREAM != 0 => self.streams.end(id),
            SETTINGS if flags & ACK == 0 => {
                self.settings(payload, out);
                Ok(0)
            }
            PING if flags & ACK == 0 => {
                write_head(out, 8, PING, ACK, 0);
                out.extend_from_slice(payload);
                Ok(0)
            }
            WINDOW_UPDATE if id == 0 => {
                self.streams.connection += i64::from(u32_at(payload, 0));
                Ok(0)
            }
            WINDOW_UPDATE => {
                self.streams.give(id, u32_at(payload, 0));
                Ok(0)
            }
            RESET | GOAWAY => Err(format!("HTTP/2 frame {kind} on {id}: {payload:?}")),
            _ => Ok(0),
        }
    }

    fn settings(&mut self, payload: &[u8], out: &mut Vec<u8>) {
        for entry in payload.chunks_exact(6) {
            if entry[..2] == [0, 4] {
                self.streams.set_initial(u32_at(entry, 2));
            }
        }
        write_head(out, 0, SETTINGS, ACK, 0);
    }

    fn data(&mut self, id: u32, len: usize, out: &mut Vec<u8>) -> Result<u64, String> {
        let message_len = self.streams.message_len();
        let is_unary = self.streams.is_unary();
        self.unreturned += len as u32;
        if self.unreturned >= CONNECTION_WINDOW / 2 {
            write_window(out, 0, std::mem::take(&mut self.unreturned));
        }
        let stream = self.streams.get(id)?;
        stream.received += len as u64;
        stream.unreturned += len as u32;
        if stream.unreturned >= STREAM_WINDOW / 2 {
            write_window(out, id, std::mem::take(&mut stream.unreturned));
        }
        Ok(if is_unary {
            0
        } else {
            stream.count(message_len)
        })
    }
}

impl Peer for Http2 {
    fn open(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        write_head(out, 12, SETTINGS, 0, 0);
        // No pushes, and the window of streams.
        out.extend_from_slice(&[0, 2, 0, 0, 0, 0, 0, 4]);
        out.extend_from_slice(&STREAM_WINDOW.to_be_bytes());
        write_window(out, 0, CONNECTION_WINDOW - INITIAL);
    }

    fn is_ready(&self) -> bool {
        true
    }

    fn ask(&mut self) {
        self.streams.ask();
    }

    fn pump(&mut self, out: &mut Vec<u8>) {
        let (path, is_warm) = (self.path, &mut self.is_warm);
        self.streams.pump(|slice| {
            if slice.is_first {
                let fields = fields(path, std::mem::replace(is_warm, true));
                write_head(out, fields.len(), HEADERS, END_HEADERS, slice.id);
                out.extend_from_slice(&fields);
            }
            let end = if slice.is_last { END_STREAM } else { 0 };
            write_head(out, slice.len, DATA, end, slice.id);
            slice.copy_to(out);
        });
    }

    fn receive(&mut self, input: &mut BytesMut, out: &mut Vec<u8>) -> Result<u64, String> {
        let mut answers = 0;
        while input.len() >= 9 {
            let len = (u32_at(input, 0) >> 8) as usize;
            let (kind, flags, id) = (input[3], input[4], u32_at(input, 5));
            if input.len() < 9 + len {
                break;
            }
            input.advance(9);
            let payload = take(input, len).expect("it is there");
            answers += self.frame(kind, flags, id, &payload, out)?;
        }
        Ok(answers)
    }
}

/// The header block of a request (RFC 7541): indexed, or for the first time with what to index.
fn fields(path: &str, is_warm: bool) -> Vec<u8> {
    // :method POST, :scheme http, and a :path that is not indexed.
    let mut out = vec![0x83, 0x86, 0x04];
    push_text(&mut out, path);
    if is_warm {
        out.extend_from_slice(&[0xc1, 0xc0, 0xbf, 0xbe]);
        return out;
    }
    out.push(0x41);
    push_text(&mut out, "127.0.0.1:50051");
    out.push(0x40);
    push_text(&mut out, "te");
    push_text(&mut out, "trailers");
    out.push(0x5f);
    push_text(&mut out, "application/grpc");
    out.push(0x7a);
    push_text(&mut out, "tonic/0.14.9");
    out
}

fn push_text(out: &mut Vec<u8>, text: &str) {
    out.push(text.len() as u8);
    out.extend_from_slice(text.as_bytes());
}

fn write_head(out: &mut Vec<u8>, len: usize, kind: u8, flags: u8, id: u32) {
    out.extend_from_slice(&(len as u32).to_be_bytes()[1..]);
    out.extend_from_slice(&[kind, flags]);
    out.extend_from_slice(&id.to_be_bytes());
}

fn write_window(out: &mut Vec<u8>, id: u32, increment: u32) {
    write_head(out, 4, WINDOW_UPDATE, 0, id);
    out.extend_from_slice(&increment.to_be_bytes());
}
