//! What is measured: kinds of work, and who does them.

use std::fmt;

use serde::Serialize;

use super::start::Start;
use crate::load::Load;
use crate::measured::{Client, Contender, Runtime};
use crate::peer::{Job, Kind, Protocol};

/// From here on the thresholds of the allocator are raised, for all alike.
const LARGE: usize = 64 * 1024;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// A kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Work {
    /// How messages go.
    pub(crate) shape: Shape,
    /// Bytes of payload in each message.
    pub(crate) size: usize,
    /// How many are in flight.
    pub(crate) in_flight: u64,
    /// Whether connections have TLS.
    pub(crate) is_tls: bool,
}

/// How messages go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Shape {
    /// Unary calls on one connection, measured at the server.
    Unary,
    /// Messages on one call, measured at the server.
    Bidi,
    /// The same, each in a frame of its own.
    Messages,
    /// Unary calls, each on a connection of its own.
    Connections,
    /// Unary calls that a generated client makes, measured at the client.
    Client,
    /// Unary calls through the gateway, measured there; its base is a client.
    Gateway,
}

/// Who does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Subject {
    /// A server, and what is said to it.
    Server(Contender, Protocol),
    /// A client.
    Client(Client),
}

impl Work {
    const fn new(shape: Shape, size: usize, in_flight: u64) -> Self {
        Self {
            shape,
            size,
            in_flight,
            is_tls: false,
        }
    }

    const fn over_tls(self) -> Self {
        Self {
            is_tls: true,
            ..self
        }
    }

    /// The kinds of work, without the lengthy or with them.
    #[must_use]
    pub(crate) fn all(is_full: bool) -> Vec<Self> {
        let mut all = vec![
            Self::new(Shape::Unary, 32, 1),
            Self::new(Shape::Unary, 32, 64),
            Self::new(Shape::Unary, KIB, 64),
            Self::new(Shape::Unary, 64 * KIB, 64),
            Self::new(Shape::Unary, MIB, 4),
            Self::new(Shape::Bidi, 32, 1),
            Self::new(Shape::Bidi, 32, 512),
            Self::new(Shape::Bidi, KIB, 128),
            Self::new(Shape::Messages, 32, 512),
            Self::new(Shape::Bidi, 64 * KIB, 16),
            Self::new(Shape::Bidi, MIB, 4),
            Self::new(Shape::Connections, 32, 1),
            Self::new(Shape::Unary, 32, 64).over_tls(),
            Self::new(Shape::Bidi, KIB, 128).over_tls(),
            Self::new(Shape::Connections, 32, 1).over_tls(),
            Self::new(Shape::Client, 32, 1),
            Self::new(Shape::Client, 32, 64),
            Self::new(Shape::Gateway, 32, 1),
            Self::new(Shape::Gateway, 32, 64),
        ];
        if is_full {
            let more = [KIB, 64 * KIB, MIB];
            all.extend(more.map(|size| Self::new(Shape::Unary, size, 1)));
            all.extend(more.map(|size| Self::new(Shape::Bidi, size, 1)));
            all.extend(more.map(|size| Self::new(Shape::Client, size, 4)));
            all.extend(more.map(|size| Self::new(Shape::Gateway, size, 4)));
        }
        all
    }

    /// Who does it; the first is who the others are compared with.
    #[must_use]
    pub(crate) fn subjects(&self) -> Vec<Subject> {
        use Contender::{Bytes, Gateway, Routes, Services, Tcp, Tonic, TonicWeb};
        let tonic = Subject::Server(Tonic, Protocol::Http2);
        let web = Subject::Server(TonicWeb, Protocol::Web);
        let single = Subject::Server(Routes, Protocol::Single);
        let websocket = Subject::Server(Contender::WebSocket, Protocol::WebSocket);
        let tungstenite = Subject::Server(Contender::Tungstenite, Protocol::WebSocket);
        let mux = [Routes, Services, Bytes].map(|it| Subject::Server(it, Protocol::Mux));
        let yardsticks = [websocket, tungstenite, Subject::Server(Tcp, Protocol::Tcp)];
        match self.shape {
            Shape::Unary if self.is_tls => vec![tonic, mux[0]],
            Shape::Bidi | Shape::Connections if self.is_tls => vec![tonic, mux[0], single],
            Shape::Unary if self.in_flight == 1 => [&[tonic, web], &mux[..], &yardsticks].concat(),
            Shape::Unary => [&[tonic], &mux[..], &yardsticks].concat(),
            Shape::Bidi | Shape::Messages => [&[tonic], &mux[..], &[single], &yardsticks].concat(),
            Shape::Connections => vec![tonic, web, mux[0], single, websocket, tungstenite],
            Shape::Client => [Client::Tonic, Client::Mux, Client::Http2]
                .map(Subject::Client)
                .to_vec(),
            Shape::Gateway => vec![
                Subject::Client(Client::Tonic),
                Subject::Server(Gateway, Protocol::Mux),
                Subject::Server(Gateway, Protocol::Http2),
            ],
        }
    }

    /// The load on a server.
    #[must_use]
    pub(crate) fn load(&self, protocol: Protocol) -> Load {
        let kind = match self.shape {
            Shape::Bidi => Kind::Bidi,
            Shape::Messages => Kind::Messages,
            _ => Kind::Unary,
        };
        Load {
            protocol,
            job: Job::new(kind, self.size),
            in_flight: self.in_flight,
            reconnects: self.shape == Shape::Connections,
            is_tls: self.is_tls,
        }
    }

    /// How what is measured is started.
    #[must_use]
    pub(crate) fn start(&self, runtime: Runtime, counts: bool) -> Start {
        let start = Start::measured(runtime, counts, self.is_large());
        match self.is_tls {
            true => start.over_tls(),
            false => start,
        }
    }

    /// Whether messages are such that glibc gives their memory back each time unless it is told
    /// not to.
    #[must_use]
    pub(crate) fn is_large(&self) -> bool {
        self.size >= LARGE
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_tls {
            f.write_str("TLS, ")?;
        }
        let size = match self.size {
            bytes @ ..KIB => format!("{bytes} B"),
            bytes @ ..MIB => format!("{} KiB", bytes / KIB),
            bytes => format!("{} MiB", bytes / MIB),
        };
        let flight = |f: &mut fmt::Formatter<'_>| match self.in_flight {
            1 => write!(f, ", one at a time"),
            many => write!(f, ", {many} in flight"),
        };
        match self.shape {
            Shape::Unary => write!(f, "unary {size}").and_then(|()| flight(f)),
            Shape::Bidi if self.in_flight == 1 => write!(f, "bidi ping-pong {size}"),
            Shape::Bidi => write!(f, "bidi flood {size}").and_then(|()| flight(f)),
            Shape::Messages => {
                write!(
                    f,
                    "bidi flood {size}, {} in flight, a frame each",
                    self.in_flight
                )
            }
            Shape::Connections => write!(f, "one connection for each unary call, {size}"),
            Shape::Client => write!(f, "generated client, unary {size}").and_then(|()| flight(f)),
            Shape::Gateway => write!(f, "gateway, unary {size}").and_then(|()| flight(f)),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server(Contender::Tonic, _) => "tonic, HTTP/2",
            Self::Server(Contender::TonicWeb, _) => "tonic-web, HTTP/1.1",
            Self::Server(Contender::Routes, Protocol::Single) => "this project, grpc-websockets",
            Self::Server(Contender::Routes, _) => "this project, mux, `Routes`",
            Self::Server(Contender::Services, _) => "this project, mux, `Services`",
            Self::Server(Contender::Bytes, _) => "this project, mux, bytes alone",
            Self::Server(Contender::Gateway, Protocol::Http2) => "gateway, HTTP/2 to HTTP/2",
            Self::Server(Contender::Gateway, _) => "gateway, mux to HTTP/2",
            Self::Server(Contender::WebSocket, _) => "WebSocket echo (tokio-websockets)",
            Self::Server(Contender::Tungstenite, _) => "WebSocket echo (tungstenite)",
            Self::Server(Contender::Tcp, _) => "TCP echo",
            Self::Client(Client::Tonic) => "tonic's `Channel`",
            Self::Client(Client::Mux) => "this project's `Channel`, mux",
            Self::Client(Client::Http2) => "this project's `Channel`, HTTP/2",
        })
    }
}
