//! The applications of one end: what each does with its call.

mod inbox;
mod outbox;
mod task;

pub use inbox::Inbox;
pub use outbox::{Offer, Outbox};
pub use task::Task;
