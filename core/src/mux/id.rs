//! Who is who: the two ends of a WebSocket, and the names of calls.

use core::fmt;
use core::num::NonZeroU32;

use crate::call::Role;

/// An end of the WebSocket. Either may call; the ids of calls say which did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// Opened the WebSocket. Its calls have odd ids.
    Dialer,
    /// Accepted it. Its calls have even ids.
    Acceptor,
}

impl Side {
    /// The other end.
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::Dialer => Self::Acceptor,
            Self::Acceptor => Self::Dialer,
        }
    }

    /// The first id of this side's calls.
    pub(crate) const fn first_id(self) -> u32 {
        match self {
            Self::Dialer => 1,
            Self::Acceptor => 2,
        }
    }
}

/// The id of a call on its WebSocket, the same at both ends (SPEC.md#ids).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(NonZeroU32);

impl CallId {
    /// `None` for 0, which no call has.
    pub(crate) fn new(id: u32) -> Option<Self> {
        NonZeroU32::new(id).map(Self)
    }

    /// The number on the wire: 1 to 2^31 - 1.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// The side that made the call.
    #[must_use]
    pub const fn opener(self) -> Side {
        if self.get() & 1 == 1 {
            Side::Dialer
        } else {
            Side::Acceptor
        }
    }

    /// The role of `side` in this call.
    #[must_use]
    pub fn role(self, side: Side) -> Role {
        if self.opener() == side {
            Role::Client
        } else {
            Role::Server
        }
    }
}

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
