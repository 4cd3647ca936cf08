//! What is counted.

use std::error::Error;
use std::fmt;

use clap::ValueEnum;

use super::folder::{Bursts, Folder, Tool};
use crate::measured::{Client, Codec, Contender, name};
use crate::peer::{Job, Kind, Protocol};

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// Bytes of payload in each message, where nothing else is said.
const SIZE: u64 = 32;

type BoxError = Box<dyn Error + Send + Sync>;

/// One count.
#[derive(Debug, Clone, Copy)]
pub(super) enum Row {
    Codec(Codec),
    /// So many messages in a burst, at a server.
    Server(Contender, Protocol, Kind, u64),
    /// As many of 1 KiB.
    Kibibytes(Contender, Protocol, u64),
    /// A unary call on a connection of its own.
    Connection(Contender, Protocol),
    /// A message at a time at a server, on each of so many open calls in turn.
    Calls(Contender, Protocol, u64),
    /// Calls at once, of a client.
    Client(Client, u64),
    /// Bytes that a server copies for 1,000 bytes of a message of so many.
    Copies(Contender, Protocol, Kind, u64),
}

impl Row {
    /// All of them, or those of this project.
    pub(super) fn all(with_peers: bool) -> Vec<Self> {
        use Contender::{Bytes, Gateway, Routes, Services, Tonic};
        use Kind::{Bidi, Messages, Unary};
        use Protocol::{Http2, Mux, Single};
        let codecs = Codec::value_variants().iter().copied().map(Self::Codec);
        let mut all: Vec<_> = codecs.collect();
        all.extend([
            Self::Server(Routes, Mux, Unary, 1),
            Self::Server(Routes, Mux, Unary, 64),
            Self::Server(Services, Mux, Unary, 64),
            Self::Server(Routes, Mux, Bidi, 1),
            Self::Server(Routes, Mux, Bidi, 512),
            Self::Server(Routes, Mux, Messages, 512),
            Self::Server(Bytes, Mux, Bidi, 512),
            Self::Kibibytes(Routes, Mux, 128),
            Self::Connection(Routes, Mux),
            Self::Connection(Routes, Single),
            Self::Server(Gateway, Mux, Unary, 1),
            Self::Server(Gateway, Mux, Unary, 64),
            Self::Client(Client::Mux, 1),
            Self::Client(Client::Mux, 64),
        ]);
        all.extend([1, 10, 100, 1_000].map(|calls| Self::Calls(Routes, Mux, calls)));
        let copies = |contender, protocol| {
            [
                (Unary, 64 * KIB),
                (Unary, MIB),
                (Bidi, 64 * KIB),
                (Bidi, MIB),
            ]
            .map(|(kind, size)| Self::Copies(contender, protocol, kind, size))
        };
        all.extend(copies(Bytes, Mux));
        all.extend(copies(Routes, Mux));
        all.extend(&copies(Routes, Single)[2..]);
        if with_peers {
            all.extend([
                Self::Server(Tonic, Http2, Unary, 1),
                Self::Server(Tonic, Http2, Unary, 64),
                Self::Server(Tonic, Http2, Bidi, 1),
                Self::Server(Tonic, Http2, Bidi, 512),
                Self::Server(Tonic, Http2, Messages, 512),
                Self::Kibibytes(Tonic, Http2, 128),
                Self::Connection(Tonic, Http2),
                Self::Client(Client::Tonic, 1),
                Self::Client(Client::Tonic, 64),
            ]);
            all.extend(copies(Tonic, Http2));
        }
        all
    }

    /// Whether it is no work of this project.
    pub(super) fn is_of_peer(self) -> bool {
        matches!(
            self,
            Self::Server(Contender::Tonic, ..)
                | Self::Kibibytes(Contender::Tonic, ..)
                | Self::Connection(Contender::Tonic, ..)
                | Self::Copies(Contender::Tonic, ..)
                | Self::Client(Client::Tonic, _)
        )
    }

    /// By how much a count differs from run to run. How much of a frame is moved depends on where a read ends
    /// in it, which is a matter of time.
    pub(super) fn slack(self) -> f64 {
        match self {
            Self::Copies(..) => 50.0,
            _ => 5.0,
        }
    }

    /// Instructions for each message, or bytes that are copied.
    pub(super) fn count(self) -> Result<u64, BoxError> {
        let Self::Copies(contender, protocol, kind, size) = self else {
            return self.each();
        };
        // What a short message takes is no payload.
        let short = Self::Copies(contender, protocol, kind, SIZE).each()?;
        let payload = self.each()?.saturating_sub(short);
        Ok((payload * 1000 + size / 2) / size)
    }

    /// For each message: the difference of two runs.
    fn each(self) -> Result<u64, BoxError> {
        let bursts = self.bursts();
        let short = self.total(bursts)?;
        let long = self.total(2 * bursts)?;
        Ok(long.saturating_sub(short) / (bursts * self.burst()))
    }

    /// How many bursts the shorter run has.
    fn bursts(self) -> u64 {
        match self {
            Self::Codec(_) => 10_000,
            // All of the calls are open when those begin that count.
            Self::Calls(..) => 1_000,
            Self::Copies(..) => 8,
            _ if self.burst() == 1 => 300,
            _ if self.burst() >= 128 => 30,
            _ => 16,
        }
    }

    fn burst(self) -> u64 {
        match self {
            Self::Codec(_) | Self::Calls(..) | Self::Copies(..) | Self::Connection(..) => 1,
            Self::Server(.., burst) | Self::Kibibytes(.., burst) | Self::Client(_, burst) => burst,
        }
    }

    /// The count of a whole run.
    fn total(self, bursts: u64) -> Result<u64, BoxError> {
        let folder = Folder::new(self.tool())?;
        let burst = self.burst();
        let bursts = Bursts {
            count: bursts,
            len: burst,
            reconnects: matches!(self, Self::Connection(..)),
        };
        let job = |kind, size| Job::new(kind, size as usize);
        match self {
            Self::Codec(codec) => folder.code(codec, bursts.count)?,
            Self::Client(client, _) => folder.call(client, bursts)?,
            Self::Server(contender, protocol, kind, _) => {
                folder.serve(contender, protocol, job(kind, SIZE), bursts)?;
            }
            Self::Kibibytes(contender, protocol, _) => {
                folder.serve(contender, protocol, job(Kind::Bidi, KIB), bursts)?;
            }
            Self::Connection(contender, protocol) => {
                folder.serve(contender, protocol, job(Kind::Unary, SIZE), bursts)?;
            }
            Self::Calls(contender, protocol, calls) => {
                let job = Job {
                    calls,
                    ..job(Kind::Messages, SIZE)
                };
                folder.serve(contender, protocol, job, bursts)?;
            }
            Self::Copies(contender, protocol, kind, size) => {
                folder.serve(contender, protocol, job(kind, size), bursts)?;
            }
        }
        folder.total()
    }

    fn tool(self) -> Tool {
        match self {
            Self::Copies(..) => Tool::Dhat,
            _ => Tool::Callgrind,
        }
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Codec(codec) => write!(f, "core, {}", name(codec)),
            Self::Server(contender, protocol, kind, burst) => {
                let kind = match kind {
                    Kind::Unary => "unary",
                    Kind::Bidi => "bidi",
                    Kind::Messages => "bidi a frame each",
                };
                write!(f, "server {}, {}", name(contender), name(protocol))?;
                write!(f, ", {kind}, {burst} at a time")
            }
            Self::Kibibytes(contender, protocol, burst) => {
                write!(f, "server {}, {}", name(contender), name(protocol))?;
                write!(f, ", bidi 1 KiB, {burst} at a time")
            }
            Self::Connection(contender, protocol) => {
                write!(f, "server {}, {}", name(contender), name(protocol))?;
                write!(f, ", unary, a connection each")
            }
            Self::Calls(contender, protocol, calls) => {
                write!(f, "server {}, {}", name(contender), name(protocol))?;
                write!(f, ", bidi, {calls} open, 1 at a time")
            }
            Self::Client(client, burst) => {
                write!(f, "client {}, unary, {burst} at a time", name(client))
            }
            Self::Copies(contender, protocol, kind, size) => {
                let kind = match kind {
                    Kind::Unary => "unary",
                    Kind::Bidi | Kind::Messages => "bidi",
                };
                let size = size / KIB;
                write!(f, "copied of 1000 bytes, server {}", name(contender))?;
                write!(f, ", {}, {kind}, {size} KiB", name(protocol))
            }
        }
    }
}
