//! Bytes that wait, in their order.

use std::collections::VecDeque;

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Shorter slices are copied together. By itself each would cost more than its bytes, and keep the
/// block alive that it was read in.
const COPIED_LEN: usize = 4 * 1024;

/// A queue of slices. It costs little more than its bytes, however short the slices are.
#[derive(Default)]
pub(crate) struct Chunks {
    slices: VecDeque<Bytes>,
    /// The short slices after them.
    copied: BytesMut,
    len: usize,
}

impl Chunks {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a slice at the end.
    pub(crate) fn push(&mut self, slice: Bytes) {
        self.len += slice.len();
        if slice.len() < COPIED_LEN {
            self.copied.extend_from_slice(&slice);
            return;
        }
        if !self.copied.is_empty() {
            self.slices.push_back(self.copied.split().freeze());
        }
        self.slices.push_back(slice);
    }

    /// Takes a chunk off the front.
    pub(crate) fn pop(&mut self) -> Option<Bytes> {
        let copied = || (!self.copied.is_empty()).then(|| self.copied.split().freeze());
        let chunk = self.slices.pop_front().or_else(copied)?;
        self.len -= chunk.len();
        Some(chunk)
    }

    /// All chunks, from the front.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8]> {
        let slices = self.slices.iter().map(Bytes::as_ref);
        slices.chain(std::iter::once(self.copied.as_ref()))
    }

    /// Moves up to `len` bytes from the front to the end of `out`.
    pub(crate) fn move_to(&mut self, out: &mut BytesMut, len: usize) {
        let mut left = len.min(self.len);
        self.len -= left;
        while let Some(slice) = self.slices.front_mut()
            && left > 0
        {
            let part = slice.len().min(left);
            out.put(slice.take(part));
            left -= part;
            if slice.is_empty() {
                self.slices.pop_front();
            }
        }
        out.put((&mut self.copied).take(left));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTHS: [usize; 8] = [1, COPIED_LEN, 2, 3, 0, 2 * COPIED_LEN, COPIED_LEN - 1, 5];

    /// Slices of many lengths, and the bytes of all.
    fn chunks() -> (Chunks, Vec<u8>) {
        let (mut chunks, mut bytes) = (Chunks::default(), Vec::new());
        for (n, len) in (0..).zip(LENGTHS) {
            let slice = Bytes::from(vec![n; len]);
            bytes.extend_from_slice(&slice);
            chunks.push(slice);
        }
        assert_eq!(chunks.len(), bytes.len());
        (chunks, bytes)
    }

    #[test]
    fn slices_of_all_lengths_keep_their_order() {
        let (mut chunks, bytes) = chunks();
        assert_eq!(chunks.iter().collect::<Vec<_>>().concat(), bytes);
        let popped: Vec<Bytes> = std::iter::from_fn(|| chunks.pop()).collect();
        assert_eq!(popped.concat(), bytes);
        assert!(chunks.is_empty());
    }

    #[test]
    fn they_can_be_cut_anywhere() {
        for step in [1, 7, COPIED_LEN - 1, COPIED_LEN, COPIED_LEN + 1, 100_000] {
            let (mut chunks, bytes) = chunks();
            let mut out = BytesMut::new();
            while !chunks.is_empty() {
                let before = (out.len(), chunks.len());
                chunks.move_to(&mut out, step);
                let moved = out.len() - before.0;
                assert_eq!(moved, step.min(before.1));
                assert_eq!(chunks.len(), before.1 - moved);
                let rest = chunks.iter().collect::<Vec<_>>().concat();
                assert!(rest == bytes[out.len()..], "by {step}");
            }
            assert!(out == bytes, "by {step}");
        }
    }

    #[test]
    fn long_slices_pass_without_a_copy_and_short_ones_in_one_chunk() {
        let mut chunks = Chunks::default();
        let long = Bytes::from(vec![0; COPIED_LEN]);
        chunks.push(long.clone());
        for _ in 0..1000 {
            chunks.push(Bytes::from_static(b"x"));
        }
        assert_eq!(chunks.pop().unwrap().as_ptr(), long.as_ptr());
        assert_eq!(chunks.pop().unwrap().len(), 1000);
        assert_eq!(chunks.pop(), None);
    }
}
