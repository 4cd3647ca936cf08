//! The TOML form of a file of vectors of `grpc-mux.v1`.

use super::notation::{parse_event, parse_step};
use super::{End, MuxSettings, MuxVector};
use crate::file::lines;
use crate::notation::parse_bytes;
use crate::{Failure, Limits, LoadError};

/// The peer's SETTINGS in a vector that does not say: nothing but defaults.
const DEFAULTS: &str = "50 00000000";

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    vector: Vec<Entry>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    receiver: End,
    note: String,
    #[serde(default)]
    fresh: bool,
    #[serde(default)]
    settings: MuxSettings,
    #[serde(default)]
    limits: Limits,
    #[serde(default)]
    peer: Option<String>,
    steps: Vec<String>,
    #[serde(default)]
    events: Vec<String>,
    #[serde(default)]
    writes: Vec<String>,
    error: Option<Failure>,
}

/// Reads one file.
pub(super) fn parse(topic: &'static str, text: &str) -> Result<Vec<MuxVector>, LoadError> {
    let file: File = toml::from_str(text).map_err(|error| LoadError::File { topic, error })?;
    file.vector
        .into_iter()
        .map(|entry| entry.read(topic))
        .collect()
}

impl Entry {
    fn read(self, topic: &'static str) -> Result<MuxVector, LoadError> {
        let name = self.name;
        let peer = self.peer.unwrap_or_else(|| DEFAULTS.into());
        let peer = lines(topic, &name, &[peer], parse_bytes)?.concat();
        let steps = lines(topic, &name, &self.steps, parse_step)?.concat();
        let events = lines(topic, &name, &self.events, parse_event)?;
        let writes = lines(topic, &name, &self.writes, parse_bytes)?;
        Ok(MuxVector {
            topic,
            name,
            receiver: self.receiver,
            note: self.note,
            fresh: self.fresh,
            settings: self.settings,
            limits: self.limits,
            peer,
            steps,
            events,
            writes,
            error: self.error,
        })
    }
}
