//! Puts load on a server: connections, each with so many messages in flight, for a while.

use std::fmt::Display;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use bytes::BytesMut;

use crate::latency::Latencies;
use crate::peer::{Job, Peer, Protocol};
use crate::socket::Socket;
use crate::tls;

/// What a load is.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// What is said.
    pub protocol: Protocol,
    /// The kind of call and the size of messages.
    pub job: Job,
    /// Messages in flight on a connection.
    pub in_flight: u64,
    /// Each call has a connection of its own.
    pub reconnects: bool,
    /// Connections have TLS.
    pub is_tls: bool,
}

/// What happened, counted by all connections.
#[derive(Debug, Default)]
pub struct Meter {
    /// Messages answered.
    pub answers: AtomicU64,
    /// Bytes sent.
    pub up: AtomicU64,
    /// Bytes received.
    pub down: AtomicU64,
    /// Whether the load ends.
    pub stop: AtomicBool,
    /// How long they took, where each connection has one message in flight.
    pub latencies: Latencies,
}

/// Puts load on a server over one connection, until the meter says stop.
///
/// # Errors
/// The server failed, or answered what is no answer.
pub async fn run(address: String, load: Load, meter: Arc<Meter>) -> Result<(), String> {
    if !load.reconnects {
        return connection(&address, load, &meter, u64::MAX).await;
    }
    while !meter.stop.load(Ordering::Relaxed) {
        let start = Instant::now();
        connection(&address, load, &meter, 1).await?;
        meter.latencies.note(start);
    }
    Ok(())
}

/// Makes so many calls, or sends so many messages.
async fn connection(address: &str, load: Load, meter: &Meter, most: u64) -> Result<(), String> {
    let mut wire = Wire::connect(address, load).await?;
    wire.exchange(load, meter, most).await
}

/// Opens a connection, makes so many calls one after the other, and keeps it.
///
/// # Errors
/// As [`run`].
pub async fn hold(address: &str, load: Load, calls: u64) -> Result<Wire, String> {
    let meter = Meter::default();
    let mut wire = Wire::connect(address, load).await?;
    while !wire.peer.is_ready() {
        wire.turn(&meter).await?;
    }
    if calls == 0 {
        // What was owed for the handshake.
        wire.write(&meter).map_err(|error| error.to_string())?;
    }
    wire.exchange(load, &meter, calls).await?;
    Ok(wire)
}

/// A connection and what is under way on it.
pub struct Wire {
    socket: Socket,
    peer: Box<dyn Peer>,
    input: BytesMut,
    out: Vec<u8>,
    written: usize,
}

impl Wire {
    /// Connects to a server.
    ///
    /// # Errors
    /// The server is not there.
    pub async fn connect(address: &str, load: Load) -> Result<Self, String> {
        let text = |error: &dyn Display| error.to_string();
        let tls = match load.is_tls {
            true => Some(tls::client(load.protocol).map_err(|it| text(&it))?),
            false => None,
        };
        let socket = Socket::connect(address, tls.as_ref()).await;
        let socket = socket.map_err(|it| text(&it))?;
        let mut peer = load.protocol.peer(load.job);
        let mut out = Vec::new();
        peer.open(&mut out);
        Ok(Self {
            socket,
            peer,
            input: BytesMut::new(),
            out,
            written: 0,
        })
    }

    /// Makes so many calls, or sends so many messages, and takes their answers; fewer if the meter
    /// says stop.
    ///
    /// # Errors
    /// As [`run`].
    pub async fn exchange(&mut self, load: Load, meter: &Meter, most: u64) -> Result<(), String> {
        let (mut asked, mut answered) = (0, 0);
        let mut start = Instant::now();
        while answered < most && !meter.stop.load(Ordering::Relaxed) {
            if self.peer.is_ready() {
                while asked - answered < load.in_flight && asked < most {
                    start = Instant::now();
                    self.peer.ask();
                    asked += 1;
                }
            }
            let answers = self.turn(meter).await?;
            answered += answers;
            meter.answers.fetch_add(answers, Ordering::Relaxed);
            if load.in_flight == 1 && answers > 0 && !load.reconnects {
                meter.latencies.note(start);
            }
        }
        Ok(())
    }

    /// Writes what goes, then reads what is there; waits if neither goes on. How many answers came.
    async fn turn(&mut self, meter: &Meter) -> Result<u64, String> {
        let text = |error: io::Error| error.to_string();
        self.write(meter).map_err(text)?;
        let has_more = !self.out.is_empty();
        if !self.socket.ready(has_more).await.map_err(text)? {
            return Ok(0);
        }
        match self.socket.read(&mut self.input) {
            Ok(0) => return Err("the server closed the connection".to_owned()),
            Ok(len) => meter.down.fetch_add(len as u64, Ordering::Relaxed),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(0),
            Err(error) => return Err(text(error)),
        };
        self.peer.receive(&mut self.input, &mut self.out)
    }

    /// Writes until the socket is full.
    fn write(&mut self, meter: &Meter) -> io::Result<()> {
        self.peer.pump(&mut self.out);
        let is_full = loop {
            if self.written == self.out.len() {
                break false;
            }
            match self.socket.write(&self.out[self.written..]) {
                Ok(len) => self.written += len,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break true,
                Err(error) => return Err(error),
            }
        };
        if !is_full {
            self.out.clear();
            self.written = 0;
            self.socket.flush()?;
        }
        let written = std::mem::take(&mut self.socket.written);
        meter.up.fetch_add(written, Ordering::Relaxed);
        Ok(())
    }
}
