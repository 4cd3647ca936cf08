//! The WebSocket below the calls: its messages, its bytes, its peer's liveness, its end.

pub(crate) mod closing;
mod inbox;
pub(crate) mod liveness;
pub(crate) mod metered;
pub(crate) mod socket;
