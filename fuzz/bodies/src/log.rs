//! What a machine says of one call, pieces joined, so that two runs can be compared.

use grpc_websocket_core::call::Segment;
use grpc_websocket_core::call::state::{State, Step};
use grpc_websocket_core::deframe::Piece;
use grpc_websocket_core::wire::prefix::FrameKind;
use grpc_websocket_core::{Blame, Code, Event, Instant, RecvError, Role, SendError};

use crate::joiner::Joiner;

/// One thing that a machine said or did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    /// A frame that is complete, its payload.
    Frame(FrameKind, Vec<u8>),
    /// What so much as is here of the next frame amounts to: with its prefix, and without.
    Pending((usize, usize)),
    Step(Step),
    Trailers(Code),
    DeadlineExceeded,
    Error(RecvError),
    Closed(Option<Code>),
    Sent(Result<Segment, SendError>),
    /// When the machine wants to be called.
    Timeout(Option<Instant>),
}

/// The record of one call, which checks the order of what it is told.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) entries: Vec<Entry>,
    pub(crate) error: Option<RecvError>,
    /// Bytes of messages, without their prefixes.
    pub(crate) message_bytes: usize,
    joiner: Joiner,
    sender: Role,
    state: State,
}

impl Log {
    /// Of a machine that receives what `sender` sends.
    pub(crate) fn new(sender: Role) -> Self {
        Self {
            entries: Vec::new(),
            error: None,
            message_bytes: 0,
            joiner: Joiner::default(),
            sender,
            state: State::Idle,
        }
    }

    pub(crate) fn event(&mut self, event: Event<'_>) {
        assert_eq!(self.error, None, "{event:?} after an error");
        match event {
            Event::Metadata(piece) => self.piece(FrameKind::Metadata, piece),
            Event::Message { compressed, piece } => self.message(compressed, piece),
            Event::InitialMetadata => self.after_block(Entry::Step(Step::Metadata), Step::Metadata),
            Event::Trailers(code) => self.after_block(Entry::Trailers(code), Step::Trailers),
            Event::HalfClosed => self.step(Entry::Step(Step::HalfClose), Step::HalfClose),
            Event::DeadlineExceeded => self.entries.push(Entry::DeadlineExceeded),
            other => panic!("{other:?} is new here"),
        }
    }

    /// Takes an error, which must be the first or the same again.
    pub(crate) fn error(&mut self, error: RecvError) {
        assert_eq!(*self.error.get_or_insert(error), error, "errors repeat");
        assert_ne!(error.code(), Code::Ok);
        assert!(error.close_code().value() > 1000);
        let is_too_much = error.code() == Code::ResourceExhausted;
        assert_eq!(error.blame() == Blame::Resource, is_too_much);
        assert!(!error.to_string().is_empty());
        self.entries.push(Entry::Error(error));
    }

    /// Whether nothing more may come.
    pub(crate) fn is_over(&self) -> bool {
        self.state == State::Closed
    }

    /// Notes how far the frame is whose pieces come now.
    pub(crate) fn end_of_input(&mut self) {
        self.entries.push(Entry::Pending(self.joiner.pending()));
    }

    fn message(&mut self, compressed: bool, piece: Piece<'_>) {
        if piece.start.is_some() {
            self.step(Entry::Step(Step::Message), Step::Message);
        }
        self.message_bytes += piece.payload.len();
        self.piece(FrameKind::Message { compressed }, piece);
    }

    fn piece(&mut self, kind: FrameKind, piece: Piece<'_>) {
        if let Some(payload) = self.joiner.take(kind, piece) {
            self.entries.push(Entry::Frame(kind, payload));
        }
    }

    /// What a block was is said when it is complete. Other entries can be between, if they are no
    /// frames.
    fn after_block(&mut self, entry: Entry, step: Step) {
        let mut frames = self.entries.iter().rev().filter_map(|entry| match entry {
            Entry::Frame(kind, _) => Some(*kind),
            _ => None,
        });
        assert_eq!(frames.next(), Some(FrameKind::Metadata));
        self.step(entry, step);
    }

    fn step(&mut self, entry: Entry, step: Step) {
        let next = self.state.after(self.sender, step);
        self.state = next.unwrap_or_else(|| panic!("{step:?} after {:?}", self.entries));
        self.entries.push(entry);
    }
}
