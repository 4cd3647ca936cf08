//! An option whose emptiness is zeros.

/// Something or nothing. Nothing is all zeros, so that a static with it takes no flash for its first
/// value, which an `Option` of an enum would.
#[derive(Debug, Clone, Copy)]
#[repr(u8)]
pub(crate) enum Maybe<T> {
    No,
    Yes(T),
}

impl<T: Copy> Maybe<T> {
    pub(crate) const fn get(self) -> Option<T> {
        match self {
            Self::No => None,
            Self::Yes(value) => Some(value),
        }
    }

    pub(crate) const fn is_no(&self) -> bool {
        matches!(self, Self::No)
    }

    /// Sets it, unless it is something already.
    pub(crate) const fn set_first(&mut self, value: T) {
        if self.is_no() {
            *self = Self::Yes(value);
        }
    }
}
