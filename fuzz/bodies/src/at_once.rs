//! Messages that were taken at once, one by one.

use grpc_websocket_core::deframe::Piece;
use grpc_websocket_core::wire::prefix::{FrameKind, PREFIX_LEN, Prefix};

/// What all of them are.
pub(crate) const MESSAGE: FrameKind = FrameKind::Message { compressed: false };

/// The pieces that they would have been.
pub(crate) fn messages(mut framed: &[u8]) -> impl Iterator<Item = Piece<'_>> {
    std::iter::from_fn(move || {
        let prefix = framed.first_chunk::<PREFIX_LEN>()?;
        let prefix = Prefix::decode(*prefix).expect("a message");
        assert_eq!(prefix.kind, MESSAGE);
        let (message, rest) = framed
            .split_at_checked(PREFIX_LEN + prefix.len as usize)
            .expect("a whole message");
        framed = rest;
        Some(Piece {
            start: Some(prefix),
            framed: message,
            payload: &message[PREFIX_LEN..],
            end: true,
        })
    })
}
