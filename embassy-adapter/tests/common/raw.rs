//! A peer that sends whatever bytes it is told to.

use grpc_websocket_core::call::Role;
use grpc_websocket_core::ws::{Event, Header, Mask, Opcode, Reader};
use grpc_websocket_embassy::handshake::{Accept, Subprotocol, Upgrade, accept, connect};

use embedded_io_async::{Read, Write};

use super::{Sink, Source};

/// SETTINGS of `grpc-mux.v1` by which the other end may make three calls.
pub const SETTINGS: &[u8] = b"\x50\0\0\0\0\x03\0\0\0\x03";

/// What the other end has sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    Message(Vec<u8>),
    Ping,
    Pong(Vec<u8>),
    Close(Option<u16>),
}

/// An open WebSocket.
pub struct Raw {
    role: Role,
    sink: Option<Sink>,
    source: Source,
    early: Vec<u8>,
}

impl Raw {
    /// Opens it as a client.
    pub async fn connect(mut sink: Sink, mut source: Source, of: Subprotocol, path: &str) -> Self {
        let subprotocols = [of];
        let upgrade = Upgrade::new("device", path).subprotocols(&subprotocols);
        let mut buffer = [0; 512];
        let opened = connect(
            &mut source,
            &mut sink,
            &upgrade,
            [7; 16],
            false,
            &mut buffer,
        )
        .await;
        let early = buffer[..opened.unwrap().len].to_vec();
        Self::new(Role::Client, sink, source, early)
    }

    /// Opens it as a server.
    pub async fn accept(mut sink: Sink, mut source: Source) -> Self {
        let (mut buffer, mut path) = ([0; 512], [0; 64]);
        let policy = Accept::new();
        let opened = accept(
            &mut source,
            &mut sink,
            &policy,
            &mut path,
            false,
            &mut buffer,
        )
        .await;
        let len = opened.unwrap().upgraded.len;
        Self::new(Role::Server, sink, source, buffer[..len].to_vec())
    }

    fn new(role: Role, sink: Sink, source: Source, early: Vec<u8>) -> Self {
        let sink = Some(sink);
        Self {
            role,
            sink,
            source,
            early,
        }
    }

    /// A frame as this end has to send it.
    pub fn frame(&self, opcode: Opcode, fin: bool, payload: &[u8]) -> Vec<u8> {
        let header = Header::new(opcode, fin, payload.len() as u64);
        let mut payload = payload.to_vec();
        let header = match self.role {
            Role::Client => {
                Mask::new([1, 2, 3, 4]).apply(&mut payload);
                header.masked([1, 2, 3, 4])
            }
            Role::Server => header,
        };
        [header.encode().as_slice(), &payload].concat()
    }

    /// Sends bytes, as far as the other end is there.
    pub async fn send(&mut self, bytes: &[u8]) {
        if let Some(sink) = &mut self.sink {
            let _ = sink.write_all(bytes).await;
        }
    }

    /// Sends a binary message.
    pub async fn message(&mut self, payload: &[u8]) {
        let frame = self.frame(Opcode::Binary, true, payload);
        self.send(&frame).await;
    }

    /// Takes no more: what the other end writes fails.
    pub fn go_deaf(&mut self) {
        self.source = Source::of(&[]);
    }

    /// Sends no more, and sees what the other end sends to its end.
    pub async fn leave(mut self) -> Vec<Seen> {
        self.sink = None;
        self.watch().await
    }

    /// Sees what the other end sends to its end.
    pub async fn watch(&mut self) -> Vec<Seen> {
        let mut bytes = std::mem::take(&mut self.early);
        let mut buffer = [0; 512];
        while let Ok(len @ 1..) = self.source.read(&mut buffer).await {
            bytes.extend_from_slice(&buffer[..len]);
        }
        self.decode(&mut bytes)
    }

    /// # Panics
    /// When the other end does not keep to RFC 6455.
    fn decode(&self, mut bytes: &mut [u8]) -> Vec<Seen> {
        let mut reader = Reader::new(self.role);
        let (mut seen, mut message) = (Vec::new(), Vec::new());
        while let Some(event) = reader.recv(&mut bytes).unwrap() {
            match event {
                Event::Data { text, payload, fin } => {
                    assert!(!text);
                    message.extend_from_slice(payload);
                    if fin {
                        seen.push(Seen::Message(std::mem::take(&mut message)));
                    }
                }
                Event::Ping => seen.push(Seen::Ping),
                Event::Pong => seen.push(Seen::Pong(reader.control_payload().to_vec())),
                Event::Close(code) => seen.push(Seen::Close(code)),
            }
        }
        seen
    }
}
