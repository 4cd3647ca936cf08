//! What came of a call, as an honest client would see it.

use std::fmt;
use std::time::Duration;

use tonic::Code;

use crate::frame::{Frame, Received};

/// How the connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The server closed it.
    Eof,
    /// It was reset.
    Reset,
    /// It did not, for as long as the client waited.
    TimedOut,
}

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    /// The response's stream of gRPC-Web frames that is not taken apart yet.
    stream: Vec<u8>,
    /// The blocks of metadata: the initial, the trailers, or only the trailers.
    pub blocks: Vec<String>,
    /// The messages.
    pub messages: Vec<Vec<u8>>,
    /// The payload of the server's Close; the code is its first two bytes.
    close: Option<Vec<u8>>,
    /// The payloads of the pongs.
    pub pongs: Vec<Vec<u8>>,
    end: Option<End>,
    /// How long it took from the connect.
    pub took: Duration,
}

impl Outcome {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Takes a frame; returns the bytes of the answer that RFC 6455 wants.
    pub(crate) fn receive(&mut self, frame: Received) -> Option<Vec<u8>> {
        assert!(self.close.is_none(), "a frame after the Close: {frame:?}");
        match frame.opcode {
            0x2 => {
                self.stream.extend_from_slice(&frame.payload);
                self.take_apart();
                None
            }
            0x8 => {
                self.close = Some(frame.payload.clone());
                Some(Frame::close(frame.payload).encode())
            }
            0x9 => Some(Frame::pong(frame.payload).encode()),
            0xa => {
                self.pongs.push(frame.payload);
                None
            }
            opcode => panic!("opcode {opcode} from the server"),
        }
    }

    fn take_apart(&mut self) {
        let mut rest = &self.stream[..];
        while let Some((prefix, after)) = rest.split_first_chunk::<5>() {
            let [flags, len @ ..] = *prefix;
            let len = usize::try_from(u32::from_be_bytes(len)).expect("a length that fits");
            let Some((payload, after)) = after.split_at_checked(len) else {
                break;
            };
            assert!(self.status().is_none(), "a frame after the trailers");
            match flags {
                0 => self.messages.push(payload.to_vec()),
                0x80 => self.blocks.push(ascii(payload)),
                flags => panic!("flags {flags:#x} from the server"),
            }
            rest = after;
        }
        self.stream = rest.to_vec();
    }

    pub(crate) fn ended(&mut self, end: End, took: Duration) {
        self.end = Some(end);
        self.took = took;
    }

    /// The status in the trailers.
    #[must_use]
    pub fn status(&self) -> Option<Code> {
        let value = self.field("grpc-status")?;
        Some(Code::from_i32(value.parse().expect("a decimal status")))
    }

    /// A field of the last block.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut lines = self.blocks.last()?.split("\r\n");
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }

    /// The code of the server's Close; 1005 if it had none.
    #[must_use]
    pub fn close_code(&self) -> Option<u16> {
        let payload = self.close.as_ref()?;
        let code = payload.first_chunk::<2>().copied();
        Some(code.map_or(1005, u16::from_be_bytes))
    }

    /// How the connection ended.
    #[must_use]
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// Asserts the status in the trailers and the code of the Close after them; `None` is
    /// without. The connection must have ended, and with a FIN where a Close was sent.
    ///
    /// # Panics
    /// When it was otherwise.
    pub fn assert(&self, case: &str, status: Option<Code>, close: Option<u16>) {
        println!("{case}: {self}");
        assert_eq!(
            (self.status(), self.close_code()),
            (status, close),
            "{case}: {self}"
        );
        assert_ne!(self.end, Some(End::TimedOut), "{case}: {self}");
        if close.is_some() {
            assert_eq!(self.end, Some(End::Eof), "{case}: {self}");
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (status, close, end) = (self.status(), self.close_code(), self.end);
        let text = self.field("grpc-message").unwrap_or_default();
        let (messages, took) = (self.messages.len(), self.took);
        write!(
            f,
            "{status:?} \"{text}\", {messages} messages, close {close:?}, {end:?} in {took:?}"
        )
    }
}

fn ascii(block: &[u8]) -> String {
    assert!(block.is_ascii(), "metadata that is not ASCII");
    String::from_utf8_lossy(block).into_owned()
}
