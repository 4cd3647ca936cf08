//! What a reader says of a stream, pieces joined, so that streams cut differently can be compared.

use grpc_websocket_core::Role;
use grpc_websocket_core::ws::{Error, Event, Reader};

/// One thing that a reader said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A message that is complete.
    Message {
        text: bool,
        payload: Vec<u8>,
    },
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, Vec<u8>),
    /// What came of a message that is not complete.
    Pending(Vec<u8>),
    Error(Error),
}

/// A message of bytes.
pub(crate) fn binary(payload: &[u8]) -> Entry {
    let payload = payload.to_vec();
    Entry::Message {
        text: false,
        payload,
    }
}

/// A message of text.
pub(crate) fn text(payload: &str) -> Entry {
    let payload = payload.as_bytes().to_vec();
    Entry::Message {
        text: true,
        payload,
    }
}

/// Gives a stream, whole, to the reader of that end.
pub(crate) fn read(role: Role, stream: &[u8]) -> Vec<Entry> {
    read_cut(role, stream, &[stream.len()])
}

/// Gives a stream in pieces of these lengths, and what is left of it at last.
pub(crate) fn read_cut(role: Role, stream: &[u8], lens: &[usize]) -> Vec<Entry> {
    let mut log = Log::new(role);
    let mut rest = stream;
    for &len in lens {
        let (piece, after) = rest.split_at(len.min(rest.len()));
        log.take(piece);
        rest = after;
    }
    log.take(rest);
    log.finish()
}

struct Log {
    reader: Reader,
    entries: Vec<Entry>,
    /// The message whose pieces come now.
    begun: Option<(bool, Vec<u8>)>,
}

impl Log {
    fn new(role: Role) -> Self {
        Self {
            reader: Reader::new(role),
            entries: Vec::new(),
            begun: None,
        }
    }

    fn take(&mut self, piece: &[u8]) {
        let mut piece = piece.to_vec();
        let mut input = piece.as_mut_slice();
        loop {
            match self.reader.recv(&mut input) {
                Ok(Some(event)) => self.event(event),
                Ok(None) => break assert!(input.is_empty(), "input was left over"),
                Err(error) => break self.error(error),
            }
        }
    }

    fn event(&mut self, event: Event<'_>) {
        let control = self.reader.control_payload().to_vec();
        match event {
            Event::Data { text, payload, fin } => self.data(text, payload, fin),
            Event::Ping => self.entries.push(Entry::Ping(control)),
            Event::Pong => self.entries.push(Entry::Pong(control)),
            Event::Close(code) => self.entries.push(Entry::Close(code, control)),
        }
    }

    fn data(&mut self, text: bool, piece: &[u8], fin: bool) {
        let (was_text, payload) = self.begun.get_or_insert_with(|| (text, Vec::new()));
        assert_eq!(*was_text, text, "a message changed its type");
        payload.extend_from_slice(piece);
        if fin {
            let payload = std::mem::take(payload);
            self.begun = None;
            self.entries.push(Entry::Message { text, payload });
        }
    }

    /// Takes an error, which must be the first or the same again.
    fn error(&mut self, error: Error) {
        match self.entries.last() {
            Some(Entry::Error(first)) => assert_eq!(*first, error, "errors repeat"),
            _ => self.entries.push(Entry::Error(error)),
        }
    }

    fn finish(mut self) -> Vec<Entry> {
        let pending = self.begun.map(|(_, payload)| Entry::Pending(payload));
        self.entries.extend(pending);
        self.entries
    }
}
