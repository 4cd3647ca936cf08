//! Several slices that stand for one.

/// The most slices: the beginning of a call has so many.
const MOST: usize = 10;

/// Up to 10 slices, one after the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts<'p>([&'p [u8]; MOST]);

impl<'p> Parts<'p> {
    /// No bytes.
    pub(crate) const NONE: Self = Self([&[]; MOST]);

    /// The slices, of which the first ten count.
    pub(crate) fn of(slices: &[&'p [u8]]) -> Self {
        let mut parts = Self::NONE;
        for (part, slice) in parts.0.iter_mut().zip(slices) {
            *part = slice;
        }
        parts
    }

    /// How many bytes they have.
    pub(crate) fn len(&self) -> usize {
        self.0
            .iter()
            .fold(0, |sum: usize, part| sum.saturating_add(part.len()))
    }

    /// Those of their bytes that are in `from..to`.
    pub(crate) fn cut(mut self, from: usize, to: usize) -> Self {
        let mut start = 0_usize;
        for part in &mut self.0 {
            let first = from.saturating_sub(start).min(part.len());
            let last = to.saturating_sub(start).min(part.len());
            start = start.saturating_add(part.len());
            *part = part.get(first..last).unwrap_or_default();
        }
        self
    }

    /// Puts a slice in the place of the first one.
    pub(crate) const fn set_first(&mut self, slice: &'p [u8]) {
        let [first, ..] = &mut self.0;
        *first = slice;
    }

    pub(crate) const fn as_slices(&self) -> &[&'p [u8]] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_cut_anywhere() {
        let parts = Parts::of(&[b"ab", b"", b"cde"]);
        for from in 0..=5 {
            for to in from..=6 {
                let cut = parts.cut(from, to);
                assert_eq!(cut.as_slices().concat(), &b"abcde"[from..to.min(5)]);
            }
        }
        assert_eq!(parts.len(), 5);
    }
}
