//! Joins the pieces that a machine gives, and checks what holds for pieces however they are cut.

use grpc_websocket_core::deframe::Piece;
use grpc_websocket_core::wire::prefix::{FrameKind, Prefix};
use grpc_websocket_core::{Code, Event, RecvError};
use grpc_websocket_vectors as vectors;

/// What a machine said, pieces joined.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) events: Vec<vectors::Event>,
    pub(crate) error: Option<RecvError>,
}

#[derive(Debug, Default)]
pub(crate) struct Recorder {
    record: Record,
    /// The frame whose pieces come now: its prefix once complete, its bytes, its payload.
    prefix: Option<Prefix>,
    framed: Vec<u8>,
    payload: Vec<u8>,
    /// The last complete block, until the event that says which it is.
    block: Option<Vec<u8>>,
}

impl Recorder {
    pub(crate) fn event(&mut self, event: Event<'_>) {
        assert!(self.record.error.is_none(), "an event after an error");
        match event {
            Event::Metadata(piece) => {
                if self.piece(piece, FrameKind::Metadata) {
                    self.block = Some(self.end_of_frame());
                }
            }
            Event::Message { compressed, piece } => {
                if self.piece(piece, FrameKind::Message { compressed }) {
                    let payload = self.end_of_frame();
                    self.push(vectors::Event::Message {
                        compressed,
                        payload,
                    });
                }
            }
            Event::InitialMetadata => {
                let block = self.block.take().expect("a block before its event");
                self.push(vectors::Event::InitialMetadata(block));
            }
            Event::Trailers(code) => {
                let block = self.block.take().expect("a block before its event");
                let status = status(code);
                self.push(vectors::Event::Trailers { status, block });
            }
            Event::HalfClosed => self.push(vectors::Event::HalfClosed),
            other => panic!("{other:?} without a clock"),
        }
    }

    pub(crate) fn error(&mut self, error: RecvError) {
        self.end_of_part();
        self.record.error = Some(error);
    }

    pub(crate) fn closed(&mut self, code: Code) {
        self.end_of_part();
        self.push(vectors::Event::Closed(status(code)));
    }

    pub(crate) fn finish(mut self) -> Record {
        self.end_of_part();
        self.record
    }

    fn push(&mut self, event: vectors::Event) {
        self.record.events.push(event);
    }

    /// Takes a piece; whether it ends its frame.
    fn piece(&mut self, piece: Piece<'_>, kind: FrameKind) -> bool {
        if let Some(prefix) = piece.start {
            assert_eq!(self.prefix.replace(prefix), None, "a frame in a frame");
            assert_eq!(prefix.kind, kind);
        }
        // The bare block of a client has no prefix, and so no framed bytes.
        let is_bare = piece.framed.is_empty();
        assert!(is_bare || piece.framed.ends_with(piece.payload));
        assert!(is_bare || self.prefix.is_some() || piece.payload.is_empty());
        self.framed.extend_from_slice(piece.framed);
        self.payload.extend_from_slice(piece.payload);
        piece.end
    }

    fn end_of_frame(&mut self) -> Vec<u8> {
        let payload = std::mem::take(&mut self.payload);
        let framed = std::mem::take(&mut self.framed);
        if let Some(prefix) = self.prefix.take() {
            assert_eq!(u32::try_from(payload.len()), Ok(prefix.len));
            assert_eq!(framed, [&prefix.encode()[..], &payload].concat());
        }
        payload
    }

    /// Nothing more comes of a frame that may be open. How much of a block was read before an
    /// error depends on the cuts; of a message it does not.
    fn end_of_part(&mut self) {
        let payload = std::mem::take(&mut self.payload);
        if let Some(Prefix {
            kind: FrameKind::Message { .. },
            ..
        }) = self.prefix.take()
        {
            self.push(vectors::Event::PartOfMessage(payload));
        }
    }
}

pub(crate) fn status(code: Code) -> vectors::Status {
    vectors::Status::from_value(code.value()).expect("a code of gRPC")
}
