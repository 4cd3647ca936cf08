//! A WebSocket for messages that fit in memory, over the core's frames.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use grpc_websocket_core::ws::{
    Event, Header, MAX_CONTROL_PAYLOAD, Mask, Opcode, Reader, encode_close,
};
use grpc_websocket_core::{CloseCode, Role};

/// How long the other end has for its part of the end.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

pub(crate) struct WebSocket {
    stream: TcpStream,
    role: Role,
    reader: Reader,
    /// What was read from the socket, of which so much was looked at.
    input: Vec<u8>,
    taken: usize,
    /// The message that comes.
    message: Message,
    /// How much of it is known to be UTF-8, if it has to be.
    valid: usize,
}

/// A message, or the beginning of one.
#[derive(Default)]
pub(crate) struct Message {
    text: bool,
    pub(crate) payload: Vec<u8>,
}

/// What to do after an event.
enum Next {
    Read,
    Message,
    Pong(Vec<u8>),
    /// The end, with the Close that is sent: its code and its reason.
    Close(Option<u16>, &'static str),
    Nothing,
}

impl WebSocket {
    /// After the opening handshake, with what came behind it.
    pub(crate) fn new(stream: TcpStream, role: Role, ahead: Vec<u8>) -> Self {
        Self {
            stream,
            role,
            reader: Reader::new(role),
            input: ahead,
            taken: 0,
            message: Message::default(),
            valid: 0,
        }
    }

    /// The next message, or `None` after a Close or what is against the protocol. Pings are answered.
    pub(crate) fn receive(&mut self) -> io::Result<Option<Message>> {
        loop {
            match self.next() {
                Next::Nothing => {}
                Next::Read => self.read()?,
                Next::Pong(payload) => self.send(Opcode::Pong, &payload)?,
                Next::Close(code, reason) => return self.close(code, reason).map(|()| None),
                Next::Message => {
                    self.valid = 0;
                    return Ok(Some(std::mem::take(&mut self.message)));
                }
            }
        }
    }

    /// Sends a frame that is a whole message or a control frame.
    pub(crate) fn send(&mut self, opcode: Opcode, payload: &[u8]) -> io::Result<()> {
        let header = Header::new(opcode, true, payload.len() as u64);
        let mut payload = payload.to_vec();
        let header = match self.role {
            Role::Server => header,
            Role::Client => {
                let key = fastrand::u32(..).to_le_bytes();
                Mask::new(key).apply(&mut payload);
                header.masked(key)
            }
        };
        let frame = [header.encode().as_slice(), &payload].concat();
        self.stream.write_all(&frame)
    }

    fn next(&mut self) -> Next {
        let mut rest = &mut self.input[self.taken..];
        let before = rest.len();
        let event = self.reader.recv(&mut rest);
        self.taken += before - rest.len();
        let (text, payload, fin) = match event {
            Ok(None) => return Next::Read,
            Ok(Some(Event::Data { text, payload, fin })) => (text, payload, fin),
            Ok(Some(Event::Ping)) => return Next::Pong(self.reader.control_payload().to_vec()),
            Ok(Some(Event::Pong)) => return Next::Nothing,
            Ok(Some(Event::Close(code))) => return Next::Close(code, ""),
            Err(error) => return Next::Close(Some(error.close_code().value()), error.text()),
        };
        self.message.text = text;
        self.message.payload.extend_from_slice(payload);
        if text && !self.is_utf8_so_far(fin) {
            return Next::Close(Some(CloseCode::InvalidData.value()), "text is not UTF-8");
        }
        if fin { Next::Message } else { Next::Nothing }
    }

    /// Section 8.1. Each character is looked at once, unless it is cut.
    fn is_utf8_so_far(&mut self, fin: bool) -> bool {
        let unknown = &self.message.payload[self.valid..];
        match std::str::from_utf8(unknown) {
            Ok(text) => self.valid += text.len(),
            Err(error) if error.error_len().is_some() || fin => return false,
            Err(error) => self.valid += error.valid_up_to(),
        }
        true
    }

    fn read(&mut self) -> io::Result<()> {
        self.taken = 0;
        self.input.resize(4096, 0);
        let len = self.stream.read(&mut self.input)?;
        self.input.truncate(len);
        if len == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(())
    }

    /// Sends a Close and ends the connection, the server first (section 7.1.1). What still comes is
    /// read, for the kernel would reset the connection.
    fn close(&mut self, code: Option<u16>, reason: &str) -> io::Result<()> {
        let mut payload = [0; MAX_CONTROL_PAYLOAD];
        let len = code.map_or(0, |code| encode_close(code, reason, &mut payload));
        self.send(Opcode::Close, &payload[..len])?;
        if self.role == Role::Server {
            self.stream.shutdown(Shutdown::Write)?;
        }
        self.stream.set_read_timeout(Some(CLOSE_TIMEOUT))?;
        while self.read().is_ok() {}
        Ok(())
    }
}

impl Message {
    pub(crate) fn opcode(&self) -> Opcode {
        if self.text {
            Opcode::Text
        } else {
            Opcode::Binary
        }
    }
}
