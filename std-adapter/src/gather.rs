//! Holds back what is not worth passing on yet: the begun part of a message, up to a bound.
//!
//! Towards a handler it keeps the announcement of a large message, which makes tonic reserve all
//! of it, from going ahead of a fair part of the message. Towards a client it keeps a message
//! whose end never comes (its server died) from being sent in part, for after a part no status can
//! follow. Whole messages pass without a copy.

use bytes::{Bytes, BytesMut};

/// The most that is held, in bytes. Longer messages are passed on in parts of about this size.
const BOUND: usize = 64 * 1024;

/// See the module.
#[derive(Default)]
pub(crate) struct Gather {
    held: BytesMut,
    /// What was passed on ends inside a message.
    cut: bool,
}

impl Gather {
    /// How many bytes are held.
    pub(crate) fn held_len(&self) -> usize {
        self.held.len()
    }

    /// Whether what was passed on ends inside a message.
    pub(crate) fn is_cut(&self) -> bool {
        self.cut
    }

    /// Takes the next slice of a stream of messages, of which the first `complete` bytes are up to
    /// the end of a message. Returns what may be passed on.
    pub(crate) fn push(&mut self, mut slice: Bytes, complete: usize) -> Option<Bytes> {
        let begun = slice.len() - complete;
        if self.held.is_empty() && (begun == 0 || begun >= BOUND) {
            self.cut = begun > 0;
            return Some(slice);
        }
        let whole = slice.split_to(complete);
        let ready = self.after_held(whole);
        self.held.extend_from_slice(&slice);
        if !ready.is_empty() {
            self.cut = false;
            return Some(ready);
        }
        (self.held.len() >= BOUND).then(|| {
            self.cut = true;
            self.held.split().freeze()
        })
    }

    /// `whole` with what was held before it.
    fn after_held(&mut self, whole: Bytes) -> Bytes {
        if self.held.is_empty() || whole.is_empty() {
            return whole;
        }
        self.held.extend_from_slice(&whole);
        self.held.split().freeze()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_messages_pass_without_a_copy() {
        let slice = Bytes::from_static(b"\0\0\0\0\x01a");
        let passed = Gather::default().push(slice.clone(), slice.len()).unwrap();
        assert_eq!(passed.as_ptr(), slice.as_ptr());
    }

    #[test]
    fn a_begun_message_waits_for_its_end() {
        let mut gather = Gather::default();
        assert_eq!(
            gather.push(Bytes::from_static(b"whole+beg"), 5).as_deref(),
            Some(&b"whole"[..])
        );
        assert_eq!(gather.push(Bytes::from_static(b"un"), 0), None);
        assert_eq!(gather.held.len(), 6);
        assert_eq!(
            gather.push(Bytes::from_static(b"!next"), 1).as_deref(),
            Some(&b"+begun!"[..])
        );
    }

    #[test]
    fn no_more_than_the_bound_is_held() {
        let mut gather = Gather::default();
        let mut passed = 0;
        for _ in 0..1000 {
            passed += gather
                .push(Bytes::from(vec![0; 1000]), 0)
                .map_or(0, |slice| slice.len());
            assert!(gather.held.len() < BOUND);
        }
        assert!(passed > 1_000_000 - BOUND);
    }

    #[test]
    fn a_long_part_passes_without_a_copy() {
        let long = Bytes::from(vec![0; BOUND + 5]);
        for complete in [0, 5] {
            let mut gather = Gather::default();
            let passed = gather.push(long.clone(), complete).unwrap();
            assert_eq!((passed.as_ptr(), passed.len()), (long.as_ptr(), long.len()));
            assert!(gather.held.is_empty() && gather.is_cut());
        }
    }

    #[test]
    fn it_knows_where_what_was_passed_on_ends() {
        let mut gather = Gather::default();
        let mut push = |len, complete| {
            let passed = gather.push(Bytes::from(vec![0; len]), complete);
            (passed.map_or(0, |slice| slice.len()), gather.is_cut())
        };
        assert_eq!(push(5, 5), (5, false));
        assert_eq!(push(1, 0), (0, false));
        assert_eq!(push(BOUND - 1, 0), (BOUND, true));
        assert_eq!(push(1, 0), (0, true));
        assert_eq!(push(1, 1), (2, false));
        assert_eq!(push(BOUND + 2, 2), (BOUND + 2, true));
        assert_eq!(push(3, 3), (3, false));
    }
}
