//! What an adapter feeds a machine.

/// A part of one WebSocket message: unmasked payload bytes, and whether the message ends with
/// them. A whole message is one fragment with `fin` set.
///
/// The machine takes from it: when `recv` returns `None`, it is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment<'i> {
    pub(crate) bytes: &'i [u8],
    pub(crate) fin: bool,
    /// No machine has looked at it yet.
    fresh: bool,
}

impl<'i> Fragment<'i> {
    /// A whole binary message.
    #[must_use]
    pub const fn message(bytes: &'i [u8]) -> Self {
        Self {
            bytes,
            fin: true,
            fresh: true,
        }
    }

    /// A part of a binary message that does not end it.
    #[must_use]
    pub const fn part(bytes: &'i [u8]) -> Self {
        Self {
            bytes,
            fin: false,
            fresh: true,
        }
    }

    /// The bytes not taken yet.
    #[must_use]
    pub const fn rest(&self) -> &'i [u8] {
        self.bytes
    }

    /// Whether nothing is left of it.
    pub(crate) const fn is_used_up(&self) -> bool {
        self.bytes.is_empty() && !self.fin
    }

    /// Whether nothing is left of it, and a machine has seen that.
    pub(crate) const fn is_done(&self) -> bool {
        self.is_used_up() && !self.fresh
    }

    /// Takes up to `len` bytes; how many.
    pub(crate) fn advance(&mut self, len: usize) -> u32 {
        let (taken, rest) = self
            .bytes
            .split_at_checked(len)
            .unwrap_or((self.bytes, &[]));
        self.bytes = rest;
        u32::try_from(taken.len()).unwrap_or(u32::MAX)
    }

    /// Whether it came with nothing at all; true once.
    pub(crate) fn take_emptiness(&mut self) -> bool {
        core::mem::take(&mut self.fresh) && self.is_used_up()
    }

    /// Takes the end of the message, once all its bytes are taken.
    pub(crate) fn take_fin(&mut self) -> bool {
        self.bytes.is_empty() && core::mem::take(&mut self.fin)
    }
}
