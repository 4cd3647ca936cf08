//! The server: a TCP socket that answers the opening handshake, and any bytes after it.

use std::fmt::Write as _;
use std::io::{self, Read, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use socket2::SockRef;

/// How long one read or write may take. The threads of a server end then at the latest.
const PATIENCE: Duration = Duration::from_secs(30);

/// What RFC 6455 section 1.3 adds to a key.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A server whose connections each follow a script.
#[derive(Debug)]
pub struct HostileServer {
    /// Where it listens.
    pub address: SocketAddr,
}

impl HostileServer {
    /// `script` is called with each connection and its number, in a thread of its own.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(script: impl Fn(Accepted, usize) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("its address");
        let script = Arc::new(script);
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let Ok(stream) = stream else { return };
                let script = Arc::clone(&script);
                thread::spawn(move || script(Accepted::new(stream), number));
            }
        });
        Self { address }
    }

    /// Its first connection follows `script`; the others are passed on to a good server.
    #[must_use]
    pub fn once(good: SocketAddr, script: impl Fn(Accepted) + Send + Sync + 'static) -> Self {
        Self::start(move |accepted, number| match number {
            0 => script(accepted),
            _ => accepted.pass_to(good),
        })
    }
}

/// A connection.
#[derive(Debug)]
pub struct Accepted {
    stream: TcpStream,
    input: Vec<u8>,
}

impl Accepted {
    fn new(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("a TCP socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        Self {
            stream,
            input: Vec::new(),
        }
    }

    /// Reads the head of the request; empty if the client goes before.
    pub fn request(&mut self) -> String {
        loop {
            let end = self.input.windows(4).position(|four| four == b"\r\n\r\n");
            if let Some(end) = end {
                let head: Vec<u8> = self.input.drain(..end + 4).collect();
                return String::from_utf8_lossy(&head).into_owned();
            }
            if !self.read_more() {
                return String::new();
            }
        }
    }

    /// Answers the opening handshake as a good server.
    #[must_use]
    pub fn upgraded(mut self) -> Self {
        let request = self.request();
        self.send(switching(&request, "").as_bytes());
        self
    }

    /// Writes; whether the client still takes it.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).is_ok()
    }

    /// The next WebSocket frame of the client: its opcode and its payload without the mask.
    pub fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        loop {
            if let Some(frame) = take_frame(&mut self.input) {
                return Some(frame);
            }
            if !self.read_more() {
                return None;
            }
        }
    }

    /// Reads frames until one begins with these bytes.
    pub fn until(&mut self, opcode: u8, beginning: &[u8]) {
        while let Some((its, payload)) = self.frame() {
            if its == opcode && payload.starts_with(beginning) {
                return;
            }
        }
    }

    /// Reads frames until the Close; its code. `None`: the connection ended without.
    pub fn until_close(&mut self) -> Option<u16> {
        while let Some((opcode, payload)) = self.frame() {
            if opcode == 0x8 {
                let code = payload.first_chunk::<2>().copied();
                return Some(code.map_or(1005, u16::from_be_bytes));
            }
        }
        None
    }

    /// Reads and forgets until the client closes.
    pub fn drain(&mut self) {
        while self.read_more() {
            self.input.clear();
        }
    }

    /// Ends the connection with a FIN, and waits for the client's.
    pub fn finish(mut self) {
        let _ = self.stream.shutdown(Shutdown::Write);
        self.drain();
    }

    /// Ends it with a RST.
    ///
    /// # Panics
    /// When the system does not know how.
    pub fn reset(self) {
        let socket = SockRef::from(&self.stream);
        socket.set_linger(Some(Duration::ZERO)).expect("SO_LINGER");
    }

    /// Passes on what comes to another server, and its answers back.
    pub fn pass_to(self, address: SocketAddr) {
        let Ok(server) = TcpStream::connect(address) else {
            return;
        };
        let (Ok(mut from), Ok(mut to)) = (self.stream.try_clone(), server.try_clone()) else {
            return;
        };
        // Idle connections stay.
        let _ = from.set_read_timeout(None);
        thread::spawn(move || {
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
        let (mut from, mut to) = (server, self.stream);
        let _ = io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    }

    fn read_more(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) | Err(_) => false,
            Ok(len) => {
                self.input.extend_from_slice(&buffer[..len]);
                true
            }
        }
    }
}

/// The answer of a good server to the head of a handshake, with more header lines.
#[must_use]
pub fn switching(request: &str, lines: &str) -> String {
    let accept = format!("{}{GUID}", header(request, "sec-websocket-key"));
    let accept = STANDARD.encode(sha1_smol::Sha1::from(accept).digest().bytes());
    let subprotocol = header(request, "sec-websocket-protocol");
    let mut answer = String::from("HTTP/1.1 101 Switching Protocols\r\n");
    let _ = write!(
        answer,
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\
         Sec-WebSocket-Protocol: {subprotocol}\r\n{lines}\r\n"
    );
    answer
}

/// A header of a request.
fn header<'r>(request: &'r str, name: &str) -> &'r str {
    let mut fields = request.lines().filter_map(|line| line.split_once(": "));
    let value = fields.find(|(other, _)| other.eq_ignore_ascii_case(name));
    value.map_or("", |(_, value)| value)
}

/// Takes a whole frame of a client off the front of what was received.
fn take_frame(input: &mut Vec<u8>) -> Option<(u8, Vec<u8>)> {
    let (&first, &second) = (input.first()?, input.get(1)?);
    let (len, start) = match second & 0x7f {
        126 => (number(input.get(2..4)?), 4),
        127 => (number(input.get(2..10)?), 10),
        short => (usize::from(short), 2),
    };
    let mask: [u8; 4] = input.get(start..start + 4)?.try_into().ok()?;
    let masked = input.get(start + 4..start + 4 + len)?.iter();
    let payload = masked
        .zip(mask.iter().cycle())
        .map(|(byte, mask)| byte ^ mask);
    let frame = (first & 0x0f, payload.collect());
    input.drain(..start + 4 + len);
    Some(frame)
}

fn number(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .fold(0, |sum, byte| sum << 8 | usize::from(*byte))
}
