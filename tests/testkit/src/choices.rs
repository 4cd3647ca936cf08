//! Where decisions come from: a seed, or the input of a fuzzer.

use core::time::Duration;

/// A source of decisions. A run is a function of its plan and of them.
pub trait Choices {
    /// A number below `n`, which is not 0.
    fn below(&mut self, n: u32) -> u32;

    /// True once in `n` times. False comes first: a source of zeros makes the plain choice.
    fn once_in(&mut self, n: u32) -> bool {
        self.below(n) == n - 1 && n > 1
    }

    /// A number from `low` to `high`, both possible.
    fn between(&mut self, low: u32, high: u32) -> u32 {
        low + self.below(high - low + 1)
    }

    /// A time from nothing up to `longest`, in milliseconds.
    fn up_to(&mut self, longest: Duration) -> Duration {
        let millis = u32::try_from(longest.as_millis()).unwrap_or(u32::MAX - 1);
        Duration::from_millis(u64::from(self.between(0, millis)))
    }
}

/// One of these, which are not none.
pub fn pick<T: Copy>(choices: &mut dyn Choices, of: &[T]) -> T {
    of[choices.below(u32::try_from(of.len()).unwrap()) as usize]
}

impl Choices for fastrand::Rng {
    fn below(&mut self, n: u32) -> u32 {
        self.u32(..n)
    }
}

/// Decisions read from bytes, as a fuzzer makes them; zeros when they are used up.
#[derive(Debug, Clone)]
pub struct Input<'i> {
    bytes: &'i [u8],
}

impl<'i> Input<'i> {
    /// Decisions from these bytes.
    #[must_use]
    pub const fn new(bytes: &'i [u8]) -> Self {
        Self { bytes }
    }

    fn byte(&mut self) -> u32 {
        let Some((&first, rest)) = self.bytes.split_first() else {
            return 0;
        };
        self.bytes = rest;
        u32::from(first)
    }
}

impl Choices for Input<'_> {
    fn below(&mut self, n: u32) -> u32 {
        // As few bytes as the range needs, so that a changed byte changes one decision.
        let mut value = 0;
        let mut room = n - 1;
        while room > 0 {
            value = (value << 8) | self.byte();
            room >>= 8;
        }
        value % n
    }
}
