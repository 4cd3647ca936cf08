//! The load generator's side of each protocol, as machines without I/O: all of them are cheap, and
//! they do for each other's servers the same work.

mod http1;
mod http2;
mod mux;
mod raw;
mod single;
mod streams;
mod websocket;

use bytes::BytesMut;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// What a load generator says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Protocol {
    /// gRPC over HTTP/2, as tonic's client says it.
    Http2,
    /// gRPC-Web over HTTP/1.1, one call at a time.
    Web,
    /// `grpc-mux.v1`.
    Mux,
    /// `grpc-websockets`.
    Single,
    /// WebSocket messages of the same length.
    WebSocket,
    /// As many bytes as a message has.
    Tcp,
}

/// What is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Job {
    /// One call for each message, or many messages on a call.
    pub kind: Kind,
    /// Bytes of payload in a message.
    pub size: usize,
    /// How many calls of many messages there are on a connection; each has a message in turn.
    pub calls: u64,
}

/// A kind of call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// One message each way.
    Unary,
    /// Many messages each way, as many in a frame as there are.
    Bidi,
    /// The same, each message in a frame of its own.
    Messages,
}

impl Job {
    /// With all messages on one call, if a call has many.
    #[must_use]
    pub const fn new(kind: Kind, size: usize) -> Self {
        Self {
            kind,
            size,
            calls: 1,
        }
    }
}

impl Kind {
    /// The path of the method.
    fn path(self) -> &'static str {
        match self {
            Self::Unary => "/bench.v1.Bench/Unary",
            Self::Bidi | Self::Messages => "/bench.v1.Bench/Bidi",
        }
    }
}

/// One connection, seen from the load generator.
pub trait Peer: Send {
    /// What is sent first.
    fn open(&mut self, out: &mut Vec<u8>);

    /// Whether calls may be made.
    fn is_ready(&self) -> bool;

    /// Makes a call, or sends a message, with the next [`pump`](Self::pump).
    fn ask(&mut self);

    /// Writes what credit allows.
    fn pump(&mut self, out: &mut Vec<u8>);

    /// Takes what came, as much of it as is complete, and adds to `out` what is owed for it. How many
    /// answers were completed.
    ///
    /// # Errors
    /// What came is no answer.
    fn receive(&mut self, input: &mut BytesMut, out: &mut Vec<u8>) -> Result<u64, String>;
}

impl Protocol {
    /// A connection that speaks this.
    #[must_use]
    pub fn peer(self, job: Job) -> Box<dyn Peer> {
        match self {
            Self::Http2 => Box::new(http2::Http2::new(job)),
            Self::Web => Box::new(http1::Http1::new(job)),
            Self::Mux => Box::new(mux::Mux::new(job)),
            Self::Single => Box::new(single::Single::new(job)),
            Self::WebSocket => Box::new(raw::Raw::websocket(job)),
            Self::Tcp => Box::new(raw::Raw::tcp(job)),
        }
    }
}

/// A message of the service with so many bytes of payload, behind gRPC's prefix.
pub(crate) fn message(size: usize) -> Vec<u8> {
    let payload: Vec<u8> = (0..=u8::MAX).cycle().take(size).collect();
    let mut body = vec![0x0a];
    push_varint(&mut body, size);
    body.extend_from_slice(&payload);
    let len = u32::try_from(body.len()).expect("a message is shorter than 4 GiB");
    let mut message = vec![0];
    message.extend_from_slice(&len.to_be_bytes());
    message.append(&mut body);
    message
}

fn push_varint(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Cuts the first `len` bytes off, if they are there.
fn take(input: &mut BytesMut, len: usize) -> Option<BytesMut> {
    (input.len() >= len).then(|| input.split_to(len))
}

/// A big-endian number at a place that is there.
fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}
