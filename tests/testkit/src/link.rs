//! The network between two ends: a WebSocket on TCP, as far as the ends can tell.
//!
//! Nothing is lost or reordered while the connection lives, but a message may arrive in parts cut
//! at any byte, late, in bursts, or never; and a writer waits while the pipe is full.

use crate::clock::after;
use core::time::Duration;
use grpc_websocket_core::Instant;
use std::collections::VecDeque;

/// What one direction is like.
#[derive(Debug, Clone, Copy)]
pub struct PipeConfig {
    /// From the write of a byte to its arrival.
    pub latency: Duration,
    /// Bytes that can be sent each second.
    pub bytes_per_second: Option<u32>,
    /// Bytes that may be on the way or wait to be read.
    pub capacity: usize,
}

/// What a reader finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// So many bytes of a WebSocket message, and whether it ends with them.
    Bytes {
        /// How many bytes of the reader's buffer were filled. May be 0, with `fin` set.
        len: usize,
        /// The message ends here.
        fin: bool,
    },
    /// The WebSocket's Close with this code.
    Close(u16),
}

#[derive(Debug)]
struct Chunk {
    arrives: Instant,
    bytes: Vec<u8>,
    taken: usize,
    last: Last,
}

/// What comes after the bytes of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    More,
    Fin,
    Close(u16),
}

/// One direction.
#[derive(Debug)]
pub struct Pipe {
    config: PipeConfig,
    chunks: VecDeque<Chunk>,
    /// Bytes in `chunks`, and those that vanished.
    used: usize,
    /// When the last byte written has left the sender.
    sent: Instant,
    /// Nothing arrives before.
    stalled_until: Instant,
    /// What is written from now on goes nowhere.
    vanishing: bool,
}

impl Pipe {
    /// An empty pipe.
    #[must_use]
    pub const fn new(config: PipeConfig) -> Self {
        Self {
            config,
            chunks: VecDeque::new(),
            used: 0,
            sent: Instant::EPOCH,
            stalled_until: Instant::EPOCH,
            vanishing: false,
        }
    }

    /// Takes as many bytes of a WebSocket message as there is room for, or none if there is only
    /// little (as TCP avoids silly windows). `fin` says that the message ends with the last of them.
    pub fn write(&mut self, now: Instant, bytes: &[u8], fin: bool) -> usize {
        let room = self.config.capacity.saturating_sub(self.used);
        if room < bytes.len().min(self.config.capacity / 4) {
            return 0;
        }
        let len = bytes.len().min(room);
        let last = if fin && len == bytes.len() {
            Last::Fin
        } else {
            Last::More
        };
        if len > 0 || last == Last::Fin {
            self.push(now, &bytes[..len], last);
        }
        len
    }

    /// Writes a Close frame. It takes no room, so that it can always be written.
    pub fn close(&mut self, now: Instant, code: u16) {
        self.push(now, &[], Last::Close(code));
    }

    /// What has arrived of one message: at most `buffer.len()` bytes of it.
    pub fn read(&mut self, now: Instant, buffer: &mut [u8]) -> Option<Arrival> {
        if now < self.stalled_until {
            return None;
        }
        let chunk = self
            .chunks
            .front_mut()
            .filter(|chunk| chunk.arrives <= now)?;
        let len = buffer.len().min(chunk.bytes.len() - chunk.taken);
        buffer[..len].copy_from_slice(&chunk.bytes[chunk.taken..chunk.taken + len]);
        chunk.taken += len;
        self.used -= len;
        let (empty, last) = (chunk.taken == chunk.bytes.len(), chunk.last);
        if empty {
            self.chunks.pop_front();
        }
        Some(match last {
            Last::Close(code) => Arrival::Close(code),
            last => Arrival::Bytes {
                len,
                fin: empty && last == Last::Fin,
            },
        })
    }

    /// When there will be something to read, if nothing more is written.
    #[must_use]
    pub fn next_arrival(&self) -> Option<Instant> {
        let chunk = self.chunks.front()?;
        Some(chunk.arrives.max(self.stalled_until))
    }

    /// Whether all that was written was read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// From now on everything is lost, also what is under way.
    fn vanish(&mut self) {
        self.vanishing = true;
        self.chunks.clear();
    }

    fn push(&mut self, now: Instant, bytes: &[u8], last: Last) {
        self.used += bytes.len();
        if self.vanishing {
            return;
        }
        self.sent = after(self.sent.max(now), self.time_to_send(bytes.len()));
        self.chunks.push_back(Chunk {
            arrives: after(self.sent, self.config.latency),
            bytes: bytes.to_vec(),
            taken: 0,
            last,
        });
    }

    fn time_to_send(&self, len: usize) -> Duration {
        self.config.bytes_per_second.map_or(Duration::ZERO, |rate| {
            Duration::from_micros(len as u64 * 1_000_000 / u64::from(rate))
        })
    }
}

/// What happens to a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// For a while nothing arrives in these directions (from the dialer, from the acceptor).
    Stall {
        /// Which directions.
        pipes: [bool; 2],
        /// How long.
        lasts: Duration,
    },
    /// From now on what is sent goes nowhere, and neither does what is under way. Nobody is told.
    HalfOpen {
        /// Which directions.
        pipes: [bool; 2],
    },
    /// The connection is gone, and both ends are told at once.
    Reset,
}

/// Both directions: from the dialer, from the acceptor.
#[derive(Debug)]
pub struct Link {
    /// The two pipes.
    pub pipes: [Pipe; 2],
}

impl Link {
    /// A link with nothing on it.
    #[must_use]
    pub fn new(configs: [PipeConfig; 2]) -> Self {
        Self {
            pipes: configs.map(Pipe::new),
        }
    }

    /// Makes something happen.
    pub fn apply(&mut self, now: Instant, fault: Fault) {
        match fault {
            Fault::Stall { pipes, lasts } => self.each(pipes, |pipe| {
                pipe.stalled_until = pipe.stalled_until.max(after(now, lasts));
            }),
            Fault::HalfOpen { pipes } => self.each(pipes, Pipe::vanish),
            Fault::Reset => self.each([true; 2], Pipe::vanish),
        }
    }

    fn each(&mut self, which: [bool; 2], act: impl Fn(&mut Pipe)) {
        let pipes = self.pipes.iter_mut().zip(which);
        pipes
            .filter(|(_, hit)| *hit)
            .for_each(|(pipe, _)| act(pipe));
    }
}
