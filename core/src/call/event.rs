//! What arrives.

use crate::deframe::Piece;
use crate::wire::status::Code;

/// What the peer did. Borrows the input it was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event<'i> {
    /// A part of a metadata block; [`Event::InitialMetadata`] or [`Event::Trailers`] after its
    /// end says which block it was. Its text is for [`fields`](crate::wire::metadata::fields).
    Metadata(Piece<'i>),
    /// The initial metadata is complete: at a server, the call begins.
    InitialMetadata,
    /// A part of a message. The message is complete with the piece whose `end` is set.
    Message {
        /// Whether the payload is compressed, by the call's `grpc-encoding`.
        compressed: bool,
        /// The part.
        piece: Piece<'i>,
    },
    /// At a server: the client sends no more messages, and awaits the rest of the answer.
    HalfClosed,
    /// At a client: the call is over with the status of its trailers. A block without
    /// `grpc-status` counts as [`Code::Unknown`].
    Trailers(Code),
    /// The deadline passed. At a server, answer with
    /// [`Code::DeadlineExceeded`]; at a client, the call is over with that.
    DeadlineExceeded,
}
