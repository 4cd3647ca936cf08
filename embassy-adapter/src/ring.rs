//! Bytes that wait, first in, first out.

/// A ring of `N` bytes. Writes and reads take as much as there is room for, or there.
#[derive(Debug)]
pub(crate) struct Ring<const N: usize> {
    bytes: [u8; N],
    start: usize,
    len: usize,
}

impl<const N: usize> Ring<N> {
    pub(crate) const fn new() -> Self {
        Self {
            bytes: [0; N],
            start: 0,
            len: 0,
        }
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(crate) const fn room(&self) -> usize {
        N.saturating_sub(self.len)
    }

    pub(crate) const fn clear(&mut self) {
        self.start = 0;
        self.len = 0;
    }

    /// Appends bytes; how many.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> usize {
        self.push_changed(bytes, |_| {})
    }

    /// Appends bytes, each of which `change` sees once, in order, where it can change it.
    pub(crate) fn push_changed(
        &mut self,
        bytes: &[u8],
        mut change: impl FnMut(&mut [u8]),
    ) -> usize {
        let mut pushed = 0;
        // Twice at most: up to the end of the array, and from its start.
        loop {
            let rest = bytes.get(pushed..).unwrap_or_default();
            let free = self.free();
            let count = copy(free, rest);
            if count == 0 {
                return pushed;
            }
            change(free.get_mut(..count).unwrap_or_default());
            self.len = self.len.saturating_add(count);
            pushed = pushed.saturating_add(count);
        }
    }

    /// Takes bytes from the front; how many.
    pub(crate) fn pop(&mut self, out: &mut [u8]) -> usize {
        let mut popped = 0;
        loop {
            let count = copy(out.get_mut(popped..).unwrap_or_default(), self.front());
            if count == 0 {
                return popped;
            }
            self.skip(count);
            popped = popped.saturating_add(count);
        }
    }

    /// Drops up to `count` bytes from the front.
    pub(crate) fn skip(&mut self, count: usize) {
        let count = count.min(self.len);
        self.len = self.len.saturating_sub(count);
        self.start = self.start.saturating_add(count);
        if self.start >= N {
            self.start = self.start.saturating_sub(N);
        }
        if self.len == 0 {
            self.start = 0;
        }
    }

    /// The byte that is `offset` bytes behind the front.
    pub(crate) fn peek(&self, offset: usize) -> Option<u8> {
        let position = self.position(offset).filter(|_| offset < self.len)?;
        self.bytes.get(position).copied()
    }

    /// Overwrites bytes that wait, from `offset` bytes behind the front on.
    pub(crate) fn patch(&mut self, offset: usize, bytes: &[u8]) {
        for (index, byte) in bytes.iter().enumerate() {
            let position = self.position(offset.saturating_add(index));
            if let Some(place) = position.and_then(|position| self.bytes.get_mut(position)) {
                *place = *byte;
            }
        }
    }

    fn position(&self, offset: usize) -> Option<usize> {
        let position = self.start.checked_add(offset)?;
        Some(position.checked_sub(N).unwrap_or(position))
    }

    /// The bytes that wait, up to the end of the array.
    fn front(&self) -> &[u8] {
        let end = self.start.saturating_add(self.len).min(N);
        self.bytes.get(self.start..end).unwrap_or_default()
    }

    /// The room behind them, up to the end of the array.
    fn free(&mut self) -> &mut [u8] {
        let end = self.start.saturating_add(self.len);
        let range = match end.checked_sub(N) {
            Some(end) => end..self.start,
            None => end..N,
        };
        self.bytes.get_mut(range).unwrap_or_default()
    }
}

/// Copies as much as both have; how much.
pub(crate) fn copy(to: &mut [u8], from: &[u8]) -> usize {
    // Not `copy_from_slice`: only an optimiser knows that it does not panic.
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    to.len().min(from.len())
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects)]
mod tests {
    use std::collections::VecDeque;
    use std::vec;
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_queue(steps in proptest::collection::vec((any::<bool>(), 0_usize..12), 0..200)) {
            let mut ring = Ring::<8>::new();
            let mut model = VecDeque::new();
            let mut next = 0_u8;
            for (push, count) in steps {
                if push {
                    let bytes: Vec<u8> = (0..count).map(|_| { next = next.wrapping_add(1); next }).collect();
                    let pushed = ring.push(&bytes);
                    prop_assert_eq!(pushed, count.min(8 - model.len()));
                    model.extend(&bytes[..pushed]);
                } else {
                    let mut out = vec![0; count];
                    let popped = ring.pop(&mut out);
                    prop_assert_eq!(&out[..popped], model.drain(..count.min(model.len())).collect::<Vec<_>>());
                }
                prop_assert_eq!(ring.len(), model.len());
                let peeked: Vec<u8> = (0..8).filter_map(|offset| ring.peek(offset)).collect();
                prop_assert_eq!(peeked, model.iter().copied().collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn what_waits_can_be_patched_across_the_end() {
        let mut ring = Ring::<4>::new();
        ring.push(b"abc");
        ring.skip(2);
        ring.push(b"def");
        ring.patch(1, b"XY");
        let mut out = [0; 4];
        ring.pop(&mut out);
        assert_eq!(&out, b"cXYf");
    }
}
