//! What holds for every input, cut and order.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]
#![allow(clippy::arithmetic_side_effects)]

#[path = "properties/back_to_back.rs"]
mod back_to_back;
#[path = "support/cases.rs"]
mod cases;
#[path = "properties/hostile.rs"]
mod hostile;
#[path = "properties/operations.rs"]
mod operations;
#[path = "support/peer.rs"]
mod peer;
#[path = "support/recorder.rs"]
mod recorder;
#[path = "properties/round_trips.rs"]
mod round_trips;
#[path = "properties/slicing.rs"]
mod slicing;

pub(crate) use cases::cases;
