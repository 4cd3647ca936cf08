//! The client: a TCP socket, the opening handshake, and any bytes after it.

use std::fmt::Write as _;
use std::io::{self, ErrorKind, Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, SockRef, Socket, Type};

use crate::frame::Received;
use crate::outcome::{End, Outcome};

/// How long one read or write may take before the test is told so.
const PATIENCE: Duration = Duration::from_secs(30);

/// The request of an opening handshake, to be changed at will.
#[derive(Debug, Clone)]
pub struct Handshake {
    path: Vec<u8>,
    headers: Vec<(String, String)>,
}

impl Handshake {
    /// An honest one.
    #[must_use]
    pub fn new(path: impl Into<Vec<u8>>) -> Self {
        let headers = [
            ("Host", "localhost"),
            ("Connection", "Upgrade"),
            ("Upgrade", "websocket"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("Sec-WebSocket-Protocol", "grpc-websockets"),
        ];
        Self {
            path: path.into(),
            headers: headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec(),
        }
    }

    /// Adds a header line.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Removes a header.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| other != name);
        self
    }

    /// The bytes on the wire.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut lines = String::from(" HTTP/1.1\r\n");
        for (name, value) in &self.headers {
            let _ = write!(lines, "{name}: {value}\r\n");
        }
        lines.push_str("\r\n");
        [b"GET ", &self.path[..], lines.as_bytes()].concat()
    }
}

/// The head of an HTTP response.
#[derive(Debug, Clone)]
pub struct Head {
    /// The status code.
    pub status: u16,
    /// The header lines, in lower case.
    pub headers: String,
}

/// A connection.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    input: Vec<u8>,
    begun: Instant,
    patience: Duration,
}

impl Client {
    /// Connects, and sends nothing.
    ///
    /// # Panics
    /// When there is nobody to connect to.
    #[must_use]
    pub fn connect(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).expect("a listening server"))
    }

    /// Connects with the least receive buffer that the system allows, for a client that does not
    /// read: its server notices soon.
    ///
    /// # Panics
    /// As [`Client::connect`].
    #[must_use]
    pub fn connect_narrow(address: SocketAddr) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.set_recv_buffer_size(2048).expect("a small buffer");
        socket.connect(&address.into()).expect("a listening server");
        Self::over(socket.into())
    }

    fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("a TCP socket");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        Self {
            stream,
            input: Vec::new(),
            begun: Instant::now(),
            patience: PATIENCE,
        }
    }

    /// Makes the opening handshake.
    ///
    /// # Panics
    /// When it is refused.
    #[must_use]
    pub fn upgraded(mut self, handshake: &Handshake) -> Self {
        self.send(&handshake.encode());
        let head = self.head().expect("an answer to the handshake");
        assert_eq!(head.status, 101, "{head:?}");
        self
    }

    /// Sets how long one read or write, and the reading of an outcome, may take.
    ///
    /// # Panics
    /// On zero.
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
        self.stream
            .set_read_timeout(Some(patience))
            .expect("a timeout");
        self.stream
            .set_write_timeout(Some(patience))
            .expect("a timeout");
    }

    /// Sends bytes.
    ///
    /// # Panics
    /// When the server does not take them.
    pub fn send(&mut self, bytes: &[u8]) {
        self.try_send(bytes).expect("a server that reads");
    }

    /// Sends bytes to a server that may have closed, or may take none.
    ///
    /// # Errors
    /// When it has, or does not in time.
    pub fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Sends single bytes with pauses, until all are sent or the server closed.
    pub fn drip(&mut self, bytes: &[u8], pause: Duration) {
        for byte in bytes {
            if self.stream.write_all(&[*byte]).is_err() {
                return;
            }
            std::thread::sleep(pause);
        }
    }

    /// Sends the same bytes so many times while another thread reads what comes, and returns that
    /// with the number of bytes the server took.
    ///
    /// # Panics
    /// As [`Client::outcome`].
    pub fn flood(mut self, chunk: &[u8], times: usize, after: &[u8]) -> (Outcome, usize) {
        let mut writer = self.stream.try_clone().expect("a second handle");
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| self.outcome());
            let taken = (0..times).take_while(|_| writer.write_all(chunk).is_ok());
            let taken = taken.count() * chunk.len();
            let _ = writer.write_all(after);
            (reader.join().expect("the reader"), taken)
        })
    }

    /// Writes the same bytes until the server takes no more for so long; how many it took.
    ///
    /// # Panics
    /// When the connection fails.
    pub fn write_until_blocked(&mut self, chunk: &[u8], patience: Duration, most: usize) -> usize {
        self.set_patience(patience);
        let mut taken = 0;
        while taken < most {
            // A chunk that was taken in part goes on where it stopped.
            match self.stream.write(&chunk[taken % chunk.len()..]) {
                Ok(len) => taken += len,
                Err(error) if is_timeout(&error) => break,
                Err(error) => panic!("the connection failed: {error}"),
            }
        }
        taken
    }

    /// The head of an HTTP response, or `None` if the server closed instead.
    ///
    /// # Panics
    /// When neither comes in time.
    pub fn head(&mut self) -> Option<Head> {
        loop {
            if let Some(end) = find(&self.input, b"\r\n\r\n") {
                let head = self.input.drain(..end + 4).collect::<Vec<_>>();
                let head = String::from_utf8(head).expect("an ASCII head");
                let (status_line, headers) = head.split_once("\r\n").expect("a status line");
                let status = status_line.split(' ').nth(1).and_then(|s| s.parse().ok());
                return Some(Head {
                    status: status.expect("a status code"),
                    headers: headers.to_ascii_lowercase(),
                });
            }
            match self.read_some() {
                Ok(()) => {}
                Err(End::TimedOut) => panic!("no response in time"),
                Err(_) => return None,
            }
        }
    }

    /// Reads all that the server sends until the connection ends, answering its pings and its
    /// Close as RFC 6455 wants.
    ///
    /// # Panics
    /// On what a server must not send.
    pub fn outcome(&mut self) -> Outcome {
        let mut outcome = Outcome::new();
        let deadline = Instant::now() + self.patience;
        let end = loop {
            if Instant::now() >= deadline {
                break End::TimedOut;
            }
            while let Some(frame) = Received::take(&mut self.input) {
                if let Some(answer) = outcome.receive(frame) {
                    let _ = self.stream.write_all(&answer);
                }
            }
            if let Err(end) = self.read_some() {
                break end;
            }
        };
        outcome.ended(end, self.begun.elapsed());
        outcome
    }

    /// Reads so many bytes after the handshake, as they are.
    ///
    /// # Panics
    /// When they do not come.
    pub fn read_raw(&mut self, len: usize) -> Vec<u8> {
        while self.input.len() < len {
            self.read_some().expect("more bytes");
        }
        self.input.drain(..len).collect()
    }

    /// Whether the server ends the connection before it sends anything more.
    pub fn is_dropped(&mut self) -> bool {
        matches!(self.read_some(), Err(End::Eof | End::Reset))
    }

    /// Ends the sending direction (FIN).
    pub fn finish(&self) {
        // The server may have reset the connection already.
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
    }

    /// Cuts the connection with a reset (RST).
    ///
    /// # Panics
    /// When the system refuses.
    pub fn reset(self) {
        SockRef::from(&self.stream)
            .set_linger(Some(Duration::ZERO))
            .expect("a TCP socket");
    }

    fn read_some(&mut self) -> Result<(), End> {
        let mut buffer = [0; 64 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => Err(End::Eof),
            Ok(len) => {
                self.input.extend_from_slice(&buffer[..len]);
                Ok(())
            }
            Err(error) if is_timeout(&error) => Err(End::TimedOut),
            Err(_) => Err(End::Reset),
        }
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack
        .windows(needle.len())
        .position(|window| window == needle)
}
