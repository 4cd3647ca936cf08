//! The TOML form of a file of vectors.

use crate::notation::{parse_event, parse_input};
use crate::{Failure, Limits, LoadError, NotationError, Receiver, Vector};

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    vector: Vec<Entry>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    receiver: Receiver,
    note: String,
    #[serde(default)]
    limits: Limits,
    messages: Vec<String>,
    #[serde(default)]
    events: Vec<String>,
    error: Option<Failure>,
}

/// Reads one file.
pub(crate) fn parse(topic: &'static str, text: &str) -> Result<Vec<Vector>, LoadError> {
    let file: File = toml::from_str(text).map_err(|error| LoadError::File { topic, error })?;
    file.vector
        .into_iter()
        .map(|entry| entry.read(topic))
        .collect()
}

impl Entry {
    fn read(self, topic: &'static str) -> Result<Vector, LoadError> {
        let inputs = lines(topic, &self.name, &self.messages, parse_input)?;
        let events = lines(topic, &self.name, &self.events, parse_event)?;
        Ok(Vector {
            topic,
            name: self.name,
            receiver: self.receiver,
            note: self.note,
            limits: self.limits,
            inputs: inputs.into_iter().flatten().collect(),
            events,
            error: self.error,
        })
    }
}

/// Reads the lines of a vector, all by the same rules.
pub(crate) fn lines<T>(
    topic: &'static str,
    name: &str,
    lines: &[String],
    parse: fn(&str) -> Result<T, NotationError>,
) -> Result<Vec<T>, LoadError> {
    let read = |line: &String| {
        parse(line).map_err(|error| LoadError::Line {
            topic,
            name: name.into(),
            line: line.clone(),
            error,
        })
    };
    lines.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error_of(text: &str) -> String {
        parse("topic", text)
            .expect_err("a malformed file")
            .to_string()
    }

    #[test]
    fn errors_name_the_file_the_vector_and_the_line() {
        let text = "[[vector]]\nname = 'v'\nreceiver = 'client'\nnote = ''\nmessages = ['8']";
        assert_eq!(
            error_of(text),
            "topic.toml: vector \"v\": in `8`: `8` is not pairs of hexadecimal digits"
        );
    }

    #[test]
    fn unknown_keys_are_refused_with_their_line() {
        let error = error_of("[[vector]]\nname = 'v'\nmesages = []");
        assert!(
            error.starts_with("topic.toml: TOML parse error at line 3"),
            "{error}"
        );
    }
}
