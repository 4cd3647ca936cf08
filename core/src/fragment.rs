//! What an adapter feeds a machine.

/// A part of one WebSocket message: unmasked payload bytes, and whether the message ends with
/// them. A whole message is one fragment with `fin` set.
///
/// The machine takes from it: when `recv` returns `None`, it is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fragment<'i> {
    pub(crate) bytes: &'i [u8],
    pub(crate) fin: bool,
}

impl<'i> Fragment<'i> {
    /// A whole binary message.
    #[must_use]
    pub const fn message(bytes: &'i [u8]) -> Self {
        Self { bytes, fin: true }
    }

    /// A part of a binary message that does not end it.
    #[must_use]
    pub const fn part(bytes: &'i [u8]) -> Self {
        Self { bytes, fin: false }
    }

    /// The bytes not taken yet.
    #[must_use]
    pub const fn rest(&self) -> &'i [u8] {
        self.bytes
    }

    /// Takes the end of the message, once all its bytes are taken.
    pub(crate) fn take_fin(&mut self) -> bool {
        self.bytes.is_empty() && core::mem::take(&mut self.fin)
    }
}
