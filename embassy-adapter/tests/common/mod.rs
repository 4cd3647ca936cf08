//! What the tests of this crate have in common.

#![allow(dead_code, unused_imports, reason = "each test uses a part of it")]
#![allow(unreachable_pub, reason = "it is public to the tests")]
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod clock;
pub mod net;
pub mod pair;
pub mod raw;
mod run;
mod task;
mod transport;

pub use clock::run_in_time;
pub use run::{at_most, join, poll_count, run, run_timed, until, yield_now};
pub use task::Task;
pub use transport::{Sink, Source, pipe};
