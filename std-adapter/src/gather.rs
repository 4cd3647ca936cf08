//! Holds back what is not worth passing on yet: the begun part of a message, up to a bound.
//!
//! Towards a handler it keeps the announcement of a large message, which makes tonic reserve all
//! of it, from going ahead of a fair part of the message. Towards a client it keeps a message
//! whose end never comes (its server died) from being sent in part, for after a part no status can
//! follow. What is held is copied only where it is short.

use bytes::Bytes;

use crate::chunks::Chunks;

/// The most that is held, in bytes. Longer messages are passed on in parts of about this size.
const BOUND: usize = 64 * 1024;

/// See the module.
#[derive(Default)]
pub(crate) struct Gather {
    held: Chunks,
    /// What was passed on ends inside a message.
    cut: bool,
}

/// What may be passed on: slices of a stream, in their order.
#[derive(Default)]
pub(crate) struct Released {
    held: Chunks,
    slice: Bytes,
}

impl Gather {
    /// How many bytes are held.
    pub(crate) fn held_len(&self) -> usize {
        self.held.len()
    }

    /// Whether a message may begin next, so that what is whole goes by.
    pub(crate) fn is_at_boundary(&self) -> bool {
        self.held.is_empty() && !self.cut
    }

    /// Whether what was passed on ends inside a message.
    pub(crate) fn is_cut(&self) -> bool {
        self.cut
    }

    /// Takes the next slice of a stream of messages, of which the first `complete` bytes are up to
    /// the end of a message. Returns what may be passed on.
    pub(crate) fn push(&mut self, mut slice: Bytes, complete: usize) -> Released {
        let begun = slice.len() - complete;
        if self.held.is_empty() && (begun == 0 || begun >= BOUND) {
            self.cut = begun > 0;
            return Released {
                held: Chunks::default(),
                slice,
            };
        }
        let whole = slice.split_to(complete);
        let mut released = Released::default();
        if !whole.is_empty() {
            released.held = std::mem::take(&mut self.held);
            released.slice = whole;
            self.cut = false;
        }
        self.held.push(slice);
        if released.is_empty() && self.held.len() >= BOUND {
            released.held = std::mem::take(&mut self.held);
            self.cut = true;
        }
        released
    }
}

impl Released {
    pub(crate) fn is_empty(&self) -> bool {
        self.held.is_empty() && self.slice.is_empty()
    }
}

impl Iterator for Released {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        let held = self.held.pop();
        held.or_else(|| Some(std::mem::take(&mut self.slice)).filter(|slice| !slice.is_empty()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(released: Released) -> Vec<u8> {
        released.collect::<Vec<_>>().concat()
    }

    #[test]
    fn whole_messages_pass_without_a_copy() {
        let slice = Bytes::from_static(b"\0\0\0\0\x01a");
        let mut passed = Gather::default().push(slice.clone(), slice.len());
        assert_eq!(passed.next().unwrap().as_ptr(), slice.as_ptr());
        assert!(passed.is_empty() && passed.next().is_none());
    }

    #[test]
    fn a_begun_message_waits_for_its_end() {
        let mut gather = Gather::default();
        let mut push = |slice, complete| joined(gather.push(Bytes::from_static(slice), complete));
        assert_eq!(push(b"whole+beg", 5), b"whole");
        assert_eq!(push(b"un", 0), b"");
        assert_eq!(push(b"!next", 1), b"+begun!");
        assert_eq!(gather.held_len(), 4);
    }

    #[test]
    fn no_more_than_the_bound_is_held() {
        let mut gather = Gather::default();
        let mut passed = 0;
        for _ in 0..1000 {
            passed += joined(gather.push(Bytes::from(vec![0; 1000]), 0)).len();
            assert!(gather.held_len() < BOUND);
        }
        assert!(passed > 1_000_000 - BOUND);
    }

    #[test]
    fn long_parts_pass_without_a_copy() {
        let long = Bytes::from(vec![0; BOUND + 5]);
        for complete in [0, 5] {
            let mut gather = Gather::default();
            let passed = gather.push(long.clone(), complete).next().unwrap();
            assert_eq!((passed.as_ptr(), passed.len()), (long.as_ptr(), long.len()));
            assert!(gather.held_len() == 0 && gather.is_cut());
        }
        let mut gather = Gather::default();
        assert!(gather.push(long.slice(..BOUND / 2), 0).is_empty());
        let passed: Vec<Bytes> = gather.push(long.slice(BOUND / 2..), BOUND / 2).collect();
        let pointers: Vec<_> = passed.iter().map(|part| part.as_ptr()).collect();
        let expected = [0, BOUND / 2].map(|at| long[at..].as_ptr());
        assert_eq!(pointers, expected);
    }

    #[test]
    fn it_knows_where_what_was_passed_on_ends() {
        let mut gather = Gather::default();
        let mut push = |len, complete| {
            let passed = gather.push(Bytes::from(vec![0; len]), complete);
            (joined(passed).len(), gather.is_cut())
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
