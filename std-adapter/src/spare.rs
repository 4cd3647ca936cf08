//! Memory for short-lived bytes, shared by the connections of a thread: one that is idle has none, and one
//! that wakes up need not ask the allocator for it.

use std::cell::RefCell;

use bytes::BytesMut;

/// The length of a piece, in bytes. Others are not kept.
pub(crate) const LEN: usize = 1024;

/// How many a thread keeps. A connection at work needs three: to read, to write, and for an answer; one for
/// each answer more that waits for the socket.
const MAX_PIECES: usize = 8;

thread_local! {
    static PIECES: RefCell<Vec<BytesMut>> = const { RefCell::new(Vec::new()) };
}

/// Empty, with room for [`LEN`] bytes.
pub(crate) fn take() -> BytesMut {
    let piece = PIECES.try_with(|pieces| pieces.borrow_mut().pop());
    piece
        .ok()
        .flatten()
        .unwrap_or_else(|| BytesMut::with_capacity(LEN))
}

/// Keeps memory for others, if it is a piece of which nobody holds a part.
pub(crate) fn give(mut piece: BytesMut) {
    piece.clear();
    // What is left of a longer block, or of one that is shared, has another length.
    if !piece.try_reclaim(LEN) || piece.capacity() != LEN {
        return;
    }
    // Dropped where the thread ends, or has enough.
    let _ = PIECES.try_with(|pieces| {
        let mut pieces = pieces.borrow_mut();
        if pieces.len() < MAX_PIECES {
            pieces.push(piece);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_is_taken_again() {
        let mut piece = take();
        let address = piece.as_ptr();
        piece.extend_from_slice(&[7; LEN]);
        let front = piece.split_to(100).freeze();
        drop(front);
        give(piece);
        let again = take();
        assert_eq!((again.as_ptr(), again.len()), (address, 0));
        assert!(again.capacity() >= LEN);
    }

    #[test]
    fn what_somebody_holds_or_is_long_is_not_kept() {
        PIECES.take();
        let mut held = take();
        held.extend_from_slice(b"held");
        let part = held.split_to(4).freeze();
        give(held);
        let mut tail = BytesMut::with_capacity(2 * LEN);
        tail.extend_from_slice(b"held");
        let other = tail.split_to(4).freeze();
        give(tail);
        give(BytesMut::with_capacity(100 * LEN));
        give(BytesMut::new());
        assert_eq!(PIECES.with_borrow(Vec::len), 0);
        assert_eq!(part, other);
    }

    #[test]
    fn no_more_is_kept_than_is_needed() {
        PIECES.take();
        for _ in 0..100 {
            give(BytesMut::with_capacity(LEN));
        }
        assert_eq!(PIECES.with_borrow(Vec::len), MAX_PIECES);
    }
}
