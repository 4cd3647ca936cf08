//! Bytes that wait, in their order.

use std::collections::VecDeque;
use std::io::IoSlice;

use bytes::{Buf, Bytes, BytesMut};

use crate::spare;

/// Shorter slices are copied together. By itself each would cost more than its bytes, and keep the
/// block alive that it was read in.
pub(crate) const COPIED_LEN: usize = 4 * 1024;

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
        if slice.len() < COPIED_LEN {
            self.copy(&slice);
            return;
        }
        self.len += slice.len();
        if !self.copied.is_empty() {
            self.slices.push_back(self.copied.split().freeze());
        }
        self.slices.push_back(slice);
    }

    /// Adds a copy of bytes at the end; where it is.
    pub(crate) fn copy(&mut self, bytes: &[u8]) -> &mut [u8] {
        let start = self.copied.len();
        self.len += bytes.len();
        self.copied.extend_from_slice(bytes);
        &mut self.copied[start..]
    }

    /// Takes memory for short slices, if it has none.
    pub(crate) fn borrow(&mut self) {
        if self.copied.capacity() == 0 {
            self.copied = spare::take();
        }
    }

    /// Gives its memory back, if nothing is in it.
    pub(crate) fn give_back(&mut self) {
        if self.is_empty() && self.copied.capacity() > 0 {
            spare::give(std::mem::take(&mut self.copied));
        }
        if self.slices.is_empty() && self.slices.capacity() > 0 {
            self.slices = VecDeque::new();
        }
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

    /// Takes a long slice off the front, or up to `len` bytes of it; `None` if a short one is there, see
    /// [`Buf::chunk`].
    pub(crate) fn split_slice(&mut self, len: usize) -> Option<Bytes> {
        let front = self.slices.front_mut()?;
        let slice = front.split_to(len.min(front.len()));
        self.len -= slice.len();
        if front.is_empty() {
            self.slices.pop_front();
        }
        Some(slice)
    }
}

/// From the front.
impl Buf for Chunks {
    fn remaining(&self) -> usize {
        self.len
    }

    fn chunk(&self) -> &[u8] {
        self.slices.front().map_or(&self.copied, |slice| slice)
    }

    fn chunks_vectored<'a>(&'a self, out: &mut [IoSlice<'a>]) -> usize {
        let filled = self.iter().filter(|chunk| !chunk.is_empty()).zip(out);
        filled
            .map(|(chunk, slice)| *slice = IoSlice::new(chunk))
            .count()
    }

    fn advance(&mut self, len: usize) {
        let mut left = len;
        self.len -= left;
        while let Some(slice) = self.slices.front_mut() {
            let part = slice.len().min(left);
            slice.advance(part);
            left -= part;
            if !slice.is_empty() {
                return;
            }
            self.slices.pop_front();
        }
        self.copied.advance(left);
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
            let mut out = Vec::new();
            while !chunks.is_empty() {
                if let Some(slice) = chunks.split_slice(step) {
                    out.extend_from_slice(&slice);
                } else {
                    let len = chunks.chunk().len().min(step);
                    out.extend_from_slice(&chunks.chunk()[..len]);
                    chunks.advance(len);
                }
                assert_eq!(chunks.len(), bytes.len() - out.len());
                let rest = chunks.iter().collect::<Vec<_>>().concat();
                assert!(rest == bytes[out.len()..], "by {step}");
            }
            assert!(out == bytes, "by {step}");
        }
    }

    #[test]
    fn they_are_written_in_any_steps() {
        for step in [1, 7, COPIED_LEN, COPIED_LEN + 1, 100_000] {
            let (mut chunks, bytes) = chunks();
            let mut out = Vec::new();
            while chunks.has_remaining() {
                let mut slices = [IoSlice::new(&[]); 8];
                let count = chunks.chunks_vectored(&mut slices);
                let there: Vec<u8> = slices[..count]
                    .iter()
                    .flat_map(|slice| slice.to_vec())
                    .collect();
                let len = step.min(there.len());
                out.extend_from_slice(&there[..len]);
                chunks.advance(len);
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
