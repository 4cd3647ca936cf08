//! One call, whatever carries it: what may be sent and received when, for either role.
//!
//! A call is two streams of frames, one in each direction, that share nothing but their end. What
//! each may carry is the table in [`state`].

mod event;
mod receiver;
mod sender;
pub mod state;

pub use event::Event;
pub(crate) use receiver::Receiver;
pub use sender::Segment;
pub(crate) use sender::Sender;

/// The side of the call that one end is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Makes the call.
    Client,
    /// Answers it.
    Server,
}
