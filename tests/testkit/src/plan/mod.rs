//! What happens in a simulation: who is configured how, what calls there are, what goes wrong.
//!
//! A plan is data. It is drawn from [`Choices`](crate::choices::Choices), or written by a test.

mod block;
mod control;
mod draw;

pub use block::{request_block, response_block, trailers};
pub use control::control;
pub use draw::draw;

use crate::clock::after;
use crate::link::{Fault, PipeConfig};
use crate::stream::Stream;
use core::time::Duration;
use grpc_websocket_core::mux::{Config, Side};
use grpc_websocket_core::{Code, Instant};
use std::collections::VecDeque;

/// All that is decided before a simulation begins.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The dialer and the acceptor.
    pub ends: [EndPlan; 2],
    /// From the dialer, from the acceptor.
    pub pipes: [PipeConfig; 2],
    /// The calls of both sides.
    pub calls: Vec<CallPlan>,
    /// What happens when, the earliest first.
    pub incidents: Vec<(Instant, Incident)>,
    /// Times are such that an honest peer may be given up: for its silence, or its slow metadata.
    pub may_time_out: bool,
}

/// One end.
#[derive(Debug, Clone)]
pub struct EndPlan {
    /// How its core is configured.
    pub config: Config,
    /// How many calls its table has room for: 1, 2, 4 or 8.
    pub table: usize,
    /// The size of the buffer that it reads the WebSocket with.
    pub buffer: usize,
    /// Whether it reads less than it could, at random.
    pub cuts: bool,
    /// Whether its applications read calls one after the other.
    pub in_order: bool,
    /// Instead of credit: it stops reading the WebSocket while an application holds so many bytes
    /// of a call. For the control run.
    pub stops_reading_at: Option<u32>,
}

/// Something that happens at a certain time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Incident {
    /// To the link.
    Link(Fault),
    /// An end takes no more calls.
    GoAway(Side, Code),
    /// An end closes the WebSocket, whatever is under way.
    Close(Side, u16),
}

/// One call.
#[derive(Debug, Clone)]
pub struct CallPlan {
    /// Who makes it.
    pub opener: Side,
    /// When, if it can be made then.
    pub start: Duration,
    /// What the client sends.
    pub request: Stream,
    /// What the server sends, trailers included.
    pub response: Stream,
    /// The status in the trailers.
    pub status: Code,
    /// Each side sends its next message when it has the other's.
    pub in_lockstep: bool,
    /// When the server begins to answer.
    pub answers: Answers,
    /// The client's application.
    pub client: Conduct,
    /// The server's application.
    pub server: Conduct,
    /// Whether the server refuses it at once.
    pub refuse: bool,
    /// How long the server's handler lives on after the call has ended otherwise than by it.
    pub lingers: Duration,
}

/// When a server begins to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answers {
    /// So long after the call came.
    After(Duration),
    /// When it has so many blocks and messages.
    Received(usize),
    /// When the client has half-closed.
    HalfClosed,
}

/// What an application does with a call.
#[derive(Debug, Clone, Copy)]
pub struct Conduct {
    /// How it sends.
    pub writes: Writes,
    /// How it consumes what it receives.
    pub reads: Reads,
    /// When it resets the call, and with which code.
    pub resets: Option<(When, Code)>,
    /// After how long its core is to end the call, or to say that its time is over.
    pub deadline: Option<Duration>,
}

/// How an application sends.
#[derive(Debug, Clone, Copy)]
pub struct Writes {
    /// Time between two messages.
    pub pause: Duration,
    /// Offers all that it has instead of one message at a time.
    pub together: bool,
    /// The most bytes that it offers at once.
    pub chunk: usize,
    /// Ends its direction apart from the last byte.
    pub end_apart: bool,
}

/// How an application consumes.
#[derive(Debug, Clone, Copy)]
pub struct Reads {
    /// The most bytes at once.
    pub chunk: u32,
    /// Time between that.
    pub pause: Duration,
    /// Stops once at so many bytes, for so long. `None` is for ever.
    pub stop: Option<(usize, Option<Duration>)>,
}

/// When an application has enough of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// So long after its beginning.
    After(Duration),
    /// When so many bytes of the stream were received.
    Received(usize),
    /// When so many bytes of the stream were sent.
    Sent(usize),
}

impl Plan {
    /// The calls of one side, in the order they are made.
    #[must_use]
    pub fn calls_of(&self, side: Side) -> VecDeque<usize> {
        let calls = (0..self.calls.len()).filter(|n| self.calls[*n].opener == side);
        let mut calls: Vec<_> = calls.collect();
        calls.sort_by_key(|n| self.calls[*n].start);
        calls.into()
    }
}

impl Conduct {
    /// Sends and consumes as fast as it can.
    pub const PLAIN: Self = Self {
        writes: Writes {
            pause: Duration::ZERO,
            together: true,
            chunk: usize::MAX,
            end_apart: false,
        },
        reads: Reads {
            chunk: u32::MAX,
            pause: Duration::ZERO,
            stop: None,
        },
        resets: None,
        deadline: None,
    };
}

impl EndPlan {
    /// An end that reads what comes at once.
    #[must_use]
    pub const fn new(config: Config, table: usize) -> Self {
        Self {
            config,
            table,
            buffer: 4096,
            cuts: false,
            in_order: false,
            stops_reading_at: None,
        }
    }
}

impl CallPlan {
    /// A call of one side with these messages, answered with OK.
    #[must_use]
    pub fn new(opener: Side, n: usize, requests: &[usize], responses: &[usize]) -> Self {
        let request = Stream::default().with_block(&request_block(n, 0));
        let response = Stream::default().with_block(&response_block(0));
        let salt = n as u32 * 2;
        Self {
            opener,
            start: Duration::ZERO,
            request: with_messages(request, requests, salt),
            response: with_messages(response, responses, salt + 1)
                .with_block(&trailers(Code::Ok, 0)),
            status: Code::Ok,
            in_lockstep: false,
            answers: Answers::HalfClosed,
            client: Conduct::PLAIN,
            server: Conduct::PLAIN,
            refuse: false,
            lingers: Duration::ZERO,
        }
    }

    /// What it is called in a tally.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        let [requests, responses] = [&self.request, &self.response].map(|stream| {
            let messages = stream.items().iter().filter(|item| !item.is_metadata());
            messages.count()
        });
        match (requests, responses) {
            (1, 0 | 1) => "kind: unary",
            (1, _) => "kind: server streaming",
            (_, 0 | 1) => "kind: client streaming",
            _ => "kind: both streaming",
        }
    }

    /// When it is made, if it can be.
    #[must_use]
    pub fn starts_at(&self) -> Instant {
        after(Instant::EPOCH, self.start)
    }
}

fn with_messages(stream: Stream, lens: &[usize], salt: u32) -> Stream {
    let add = |stream: Stream, &len: &usize| stream.with_message(len, len % 7 == 3, salt);
    lens.iter().fold(stream, add)
}
