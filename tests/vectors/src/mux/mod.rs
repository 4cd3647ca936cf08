//! Vectors of `grpc-mux.v1`.
//!
//! A vector is one end of a connection: what happens to it, the events that this means, and all
//! that it writes. It begins when the SETTINGS of both ends have passed, unless it is
//! [fresh](MuxVector::fresh). [`notation`] has the language of its lines.
//!
//! ```
//! let vectors = grpc_websocket_vectors::load_mux()?;
//! let ping = vectors.iter().find(|vector| vector.name == "a PING is answered");
//! assert_eq!(ping.map(|vector| vector.writes.len()), Some(1));
//! # Ok::<(), grpc_websocket_vectors::LoadError>(())
//! ```

mod file;
pub mod notation;

use crate::{Event, Failure, Input, Limits, LoadError, Status};

/// The files, by topic. They are part of the binary, so that tests need no file system.
pub(crate) const FILES: [(&str, &str); 7] = [
    ("mux-credit", include_str!("../../data/mux-credit.toml")),
    ("mux-end", include_str!("../../data/mux-end.toml")),
    ("mux-frames", include_str!("../../data/mux-frames.toml")),
    ("mux-ids", include_str!("../../data/mux-ids.toml")),
    ("mux-request", include_str!("../../data/mux-request.toml")),
    ("mux-response", include_str!("../../data/mux-response.toml")),
    ("mux-settings", include_str!("../../data/mux-settings.toml")),
];

/// One composed exchange, as one end of a connection sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MuxVector {
    /// The file it is from.
    pub topic: &'static str,
    /// Says what is special about it; unique among all files.
    pub name: String,
    /// The end it is about.
    pub receiver: End,
    /// The rule it shows.
    pub note: String,
    /// It begins with the connection: the SETTINGS are among its steps and its writes.
    pub fresh: bool,
    /// What the receiver takes.
    pub settings: MuxSettings,
    /// The receiver's limits for each call.
    pub limits: Limits,
    /// The peer's SETTINGS frame, which comes first unless the vector is fresh.
    pub peer: Vec<u8>,
    /// What happens, in order.
    pub steps: Vec<Step>,
    /// What it means, pieces joined.
    pub events: Vec<MuxEvent>,
    /// The mux frames that the receiver writes, each a WebSocket message, after each step all that
    /// can be. The texts in RESET and GOAWAY are this project's.
    pub writes: Vec<Vec<u8>>,
    /// The error that ends the connection.
    pub error: Option<Failure>,
}

/// An end of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum End {
    /// Opened the WebSocket.
    Dialer,
    /// Accepted it.
    Acceptor,
}

/// What the receiver takes; where `None`, what an end takes that leaves it out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MuxSettings {
    /// MAX_FRAME.
    pub max_frame: Option<u32>,
    /// INITIAL_WINDOW.
    pub window: Option<u32>,
    /// MAX_STREAMS.
    pub max_calls: Option<u32>,
    /// After so many milliseconds of silence the receiver sends a PING, and after so many more it
    /// gives up.
    pub keepalive: Option<[u32; 2]>,
}

/// What happens to the receiver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Something arrives.
    Input(Input),
    /// So many milliseconds pass.
    Wait(u32),
    /// Its application makes a call and sends these bytes of its stream.
    Open {
        /// The bytes.
        stream: Vec<u8>,
        /// They are the last.
        end: bool,
    },
    /// Its application sends more of a call's stream, as far as credit allows; the rest goes when
    /// there is more.
    Send {
        /// The call.
        call: u32,
        /// The bytes.
        stream: Vec<u8>,
        /// They are the last.
        end: bool,
    },
    /// Its application resets a call.
    Reset {
        /// The call.
        call: u32,
        /// The code.
        status: Status,
        /// The text.
        text: String,
    },
    /// Its application refuses a call.
    Refuse {
        /// The call.
        call: u32,
        /// The text.
        text: String,
    },
    /// Its application is done with bytes of a call's messages, their prefixes included.
    Consume {
        /// The call.
        call: u32,
        /// How many bytes.
        bytes: u32,
    },
    /// Its application has ended all work for a call that was reset.
    Release(u32),
    /// Its application wants no more calls.
    GoAway {
        /// The code.
        status: Status,
        /// The text.
        text: String,
    },
}

/// What happened means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MuxEvent {
    /// The peer's SETTINGS came: those that differ from the defaults, by key.
    Ready(Vec<(u8, u32)>),
    /// The peer made a call.
    Opened(u32),
    /// Something of a call's stream; [`Event::Closed`] if the connection ended it.
    Call {
        /// The call.
        call: u32,
        /// What.
        event: Event,
    },
    /// More may be sent for a call.
    Credit(u32),
    /// The peer's RESET, or a GOAWAY that leaves the call out, ended a call.
    Reset {
        /// The call.
        call: u32,
        /// It was not processed.
        refused: bool,
        /// The code.
        status: Status,
        /// The text.
        text: Vec<u8>,
    },
    /// The receiver ended a call because of what the peer did in it.
    Failed {
        /// The call.
        call: u32,
        /// The code.
        status: Status,
        /// What was wrong, by a name that other vectors of the same kind share.
        reason: String,
    },
    /// The peer takes no more calls.
    GoAway {
        /// The code.
        status: Status,
        /// The text.
        text: Vec<u8>,
    },
}

/// Reads all vectors of `grpc-mux.v1`.
///
/// # Errors
/// As [`load`](crate::load).
pub fn load_mux() -> Result<Vec<MuxVector>, LoadError> {
    crate::load_files(&FILES, file::parse, |vector| &vector.name)
}
