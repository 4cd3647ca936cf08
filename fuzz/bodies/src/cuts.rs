//! Where bytes are cut, as the input says.

use arbitrary::{Result, Unstructured};

/// The most lengths of a plan. Few are enough, for they are used over and over.
const MAX_LENS: u8 = 7;

/// A plan for cutting: lengths of slices. Without any, nothing is cut.
#[derive(Debug, Clone)]
pub(crate) struct Cuts<'d> {
    lens: &'d [u8],
    next: usize,
}

impl<'d> Cuts<'d> {
    /// The plan that leaves all bytes in one piece.
    pub(crate) const NONE: Cuts<'static> = Cuts { lens: &[], next: 0 };

    /// Reads a plan: how many lengths, then the lengths.
    pub(crate) fn read(input: &mut Unstructured<'d>) -> Result<Self> {
        let count = input.int_in_range(0..=MAX_LENS)?;
        let lens = input.bytes(usize::from(count))?;
        // Nothing but empty slices would never come to an end.
        let cuts = lens.iter().any(|&len| len > 0);
        Ok(Self {
            lens: if cuts { lens } else { &[] },
            next: 0,
        })
    }

    /// Cuts `bytes` and goes on in the plan. There is always a slice, and there may be empty ones.
    pub(crate) fn slices<'b>(&mut self, bytes: &'b [u8]) -> Vec<&'b [u8]> {
        let mut slices = Vec::new();
        let mut rest = bytes;
        loop {
            let len = self.len().unwrap_or(rest.len()).min(rest.len());
            let (slice, after) = rest.split_at(len);
            slices.push(slice);
            self.next += 1;
            rest = after;
            if rest.is_empty() && self.len() != Some(0) {
                return slices;
            }
        }
    }

    /// The length of the next slice, if it is cut at all.
    fn len(&self) -> Option<usize> {
        let index = self.next.checked_rem(self.lens.len())?;
        self.lens.get(index).map(|&len| usize::from(len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slices(plan: &[u8], bytes: &[u8]) -> Vec<Vec<u8>> {
        let mut cuts = Cuts::read(&mut Unstructured::new(plan)).expect("a plan");
        cuts.slices(bytes).into_iter().map(<[u8]>::to_vec).collect()
    }

    #[test]
    fn lengths_are_used_over_and_over() {
        assert_eq!(slices(&[2, 1, 2], b"abcde"), [&b"a"[..], b"bc", b"d", b"e"]);
        assert_eq!(slices(&[0], b"abc"), [b"abc"]);
    }

    #[test]
    fn empty_slices_come_where_the_plan_has_them() {
        assert_eq!(slices(&[2, 2, 0], b"ab"), [&b"ab"[..], b""]);
        assert_eq!(slices(&[2, 0, 0], b"ab"), [b"ab"]);
        assert_eq!(slices(&[1, 3], b""), [b""]);
    }
}
