//! Byte vectors of the wire protocols, and a reader for them.
//!
//! Each file in `data/` is one topic. Most are lists of [`Vector`]s of `grpc-websockets`, written
//! as the WebSocket messages that arrive and the events they mean; [`notation`] has the small
//! language of the messages and events. Those of `grpc-mux.v1` are [`MuxVector`]s, see [`mux`].
//!
//! ```
//! let vectors = grpc_websocket_vectors::load()?;
//! let unary = vectors.iter().find(|vector| vector.name == "unary, as the Go server sends it");
//! assert_eq!(unary.map(|vector| vector.inputs.len()), Some(7));   // six messages and the Close
//! # Ok::<(), grpc_websocket_vectors::LoadError>(())
//! ```

mod error;
mod file;
pub mod mux;
pub mod notation;
mod status;

pub use error::{LoadError, NotationError};
pub use mux::{MuxVector, load_mux};
pub use status::Status;

/// The files, by topic. They are part of the binary, so that tests need no file system.
const FILES: [(&str, &str); 7] = [
    ("call-end", include_str!("../data/call-end.toml")),
    ("control-byte", include_str!("../data/control-byte.toml")),
    ("frames", include_str!("../data/frames.toml")),
    ("request", include_str!("../data/request.toml")),
    ("response", include_str!("../data/response.toml")),
    (
        "response-metadata",
        include_str!("../data/response-metadata.toml"),
    ),
    ("status", include_str!("../data/status.toml")),
];

/// One recorded or composed exchange, as one side receives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vector {
    /// The file it is from.
    pub topic: &'static str,
    /// Says what is special about it; unique among all files.
    pub name: String,
    /// The side that receives the inputs.
    pub receiver: Receiver,
    /// Which implementation behaves so, or why it matters.
    pub note: String,
    /// Other limits than the defaults.
    pub limits: Limits,
    /// What arrives, in order.
    pub inputs: Vec<Input>,
    /// What it means, pieces joined, up to the error if there is one.
    pub events: Vec<Event>,
    /// The error that ends it.
    pub error: Option<Failure>,
}

/// The side that receives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Receiver {
    /// Made the call.
    Client,
    /// Answers it.
    Server,
}

/// Limits of the receiver; the defaults where `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The longest message in bytes.
    pub max_message_len: Option<u32>,
    /// The largest block of metadata, name + value + 32 bytes for each field.
    pub max_metadata_len: Option<u32>,
}

/// What arrives at a WebSocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A whole binary message.
    Binary(Vec<u8>),
    /// A whole text message.
    Text(String),
    /// A Close with that code.
    Close(u16),
    /// The end of the connection without a Close.
    Lost,
}

/// What arrived means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Initial metadata, its block.
    InitialMetadata(Vec<u8>),
    /// A whole message.
    Message {
        /// By its flags.
        compressed: bool,
        /// Its payload.
        payload: Vec<u8>,
    },
    /// The begin of a message whose prefix is complete and whose payload is not.
    PartOfMessage(Vec<u8>),
    /// The client sends no more.
    HalfClosed,
    /// The end of the call.
    Trailers {
        /// The status as the client reports it.
        status: Status,
        /// The block.
        block: Vec<u8>,
    },
    /// The end of the WebSocket ended the call.
    Closed(Status),
}

/// How the receiver refuses what arrived.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// The status of the call.
    pub status: Status,
    /// The code of the Close.
    pub close: u16,
    /// What was wrong, by a name that other vectors of the same kind share.
    pub reason: String,
}

/// Reads all vectors of `grpc-websockets`.
///
/// # Errors
/// A file or a vector that is not well-formed, or a name used twice; the error names both.
pub fn load() -> Result<Vec<Vector>, LoadError> {
    load_files(&FILES, file::parse, |vector| &vector.name)
}

/// Reads the vectors of several files, each of which has a name of its own.
fn load_files<V>(
    files: &[(&'static str, &str)],
    parse: fn(&'static str, &str) -> Result<Vec<V>, LoadError>,
    name: fn(&V) -> &String,
) -> Result<Vec<V>, LoadError> {
    let mut vectors: Vec<V> = Vec::new();
    for &(topic, text) in files {
        for vector in parse(topic, text)? {
            if vectors.iter().any(|other| name(other) == name(&vector)) {
                let name = name(&vector).clone();
                return Err(LoadError::DuplicateName { topic, name });
            }
            vectors.push(vector);
        }
    }
    Ok(vectors)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_well_formed() {
        let vectors = load().unwrap_or_else(|error| panic!("{error}"));
        for (topic, _) in FILES {
            assert!(
                vectors.iter().any(|vector| vector.topic == topic),
                "{topic} is empty"
            );
        }
    }

    #[test]
    fn every_mux_file_is_well_formed() {
        let vectors = load_mux().unwrap_or_else(|error| panic!("{error}"));
        for (topic, _) in mux::FILES {
            assert!(
                vectors.iter().any(|vector| vector.topic == topic),
                "{topic} is empty"
            );
        }
    }

    #[test]
    fn every_file_is_listed() {
        let data = concat!(env!("CARGO_MANIFEST_DIR"), "/data");
        let entries = std::fs::read_dir(data).expect("the data directory");
        let mut found: Vec<_> = entries
            .map(|entry| entry.expect("an entry").file_name().into_string())
            .collect::<Result<_, _>>()
            .expect("names in UTF-8");
        found.sort();
        let files = FILES.iter().chain(&mux::FILES);
        let mut listed: Vec<_> = files.map(|(topic, _)| format!("{topic}.toml")).collect();
        listed.sort();
        assert_eq!(found, listed);
    }
}
