//! The rules of a connection of `grpc-mux.v1` that are about time and about what the application
//! does, one test for each. What bytes mean is in the vectors.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]
#![allow(clippy::arithmetic_side_effects)]

#[path = "mux_rules/at_once.rs"]
mod at_once;
#[path = "mux_rules/credit.rs"]
mod credit;
#[path = "mux_rules/deadlines.rs"]
mod deadlines;
#[path = "mux_rules/ending.rs"]
mod ending;
#[path = "mux_rules/goaway.rs"]
mod goaway;
#[path = "mux_support/harness.rs"]
mod harness;
#[path = "mux_rules/opening.rs"]
mod opening;
#[path = "mux_rules/over.rs"]
mod over;
#[path = "mux_rules/sending.rs"]
mod sending;
#[path = "mux_rules/serving.rs"]
mod serving;
#[path = "mux_rules/silence.rs"]
mod silence;
#[path = "mux_rules/transmit.rs"]
mod transmit;
