//! Puts the frames together from the pieces that a machine gives.

use grpc_websocket_core::deframe::Piece;
use grpc_websocket_core::wire::prefix::{FrameKind, Prefix};

/// One frame while its pieces come. Checks what holds for pieces however they are cut.
#[derive(Debug, Default)]
pub(crate) struct Joiner {
    prefix: Option<Prefix>,
    framed: Vec<u8>,
    payload: Vec<u8>,
}

impl Joiner {
    /// Takes the next piece; the frame's payload once it is complete.
    pub(crate) fn take(&mut self, kind: FrameKind, piece: Piece<'_>) -> Option<Vec<u8>> {
        if let Some(prefix) = piece.start {
            assert_eq!(prefix.kind, kind, "the kind changed inside a frame");
            assert_eq!(self.prefix.replace(prefix), None, "a frame in a frame");
        }
        // A client's block in `grpc-websockets` has no prefix, and so no framed bytes.
        if !piece.framed.is_empty() {
            assert!(piece.framed.ends_with(piece.payload));
            assert!(self.prefix.is_some() || piece.payload.is_empty());
        }
        self.framed.extend_from_slice(piece.framed);
        self.payload.extend_from_slice(piece.payload);
        piece.end.then(|| self.end())
    }

    /// How many bytes came of the frame that is not complete: with its prefix, and without.
    pub(crate) fn pending(&self) -> (usize, usize) {
        (self.framed.len(), self.payload.len())
    }

    fn end(&mut self) -> Vec<u8> {
        let Self {
            prefix,
            framed,
            payload,
        } = std::mem::take(self);
        if let Some(prefix) = prefix {
            assert_eq!(u32::try_from(payload.len()), Ok(prefix.len));
            assert!(framed.starts_with(&prefix.encode()) && framed.ends_with(&payload));
            assert_eq!(framed.len(), prefix.encode().len() + payload.len());
        }
        payload
    }
}
