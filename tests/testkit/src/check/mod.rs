//! What must hold, whatever happens.

mod calls;
mod ledger;

pub use calls::{Calls, ClientEnd, ServerEnd};
pub use ledger::Ledger;
