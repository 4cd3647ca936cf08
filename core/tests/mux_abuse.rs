//! What a peer that means harm can do to a connection of `grpc-mux.v1`, one test for each attack
//! that others have had; and that honest traffic of the same look passes.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]
#![allow(clippy::arithmetic_side_effects)]

#[path = "support/cases.rs"]
mod cases;
#[path = "mux_abuse/cost.rs"]
mod cost;
#[path = "mux_abuse/flood.rs"]
mod flood;
#[path = "mux_abuse/floods.rs"]
mod floods;
#[path = "mux_support/harness.rs"]
mod harness;
#[path = "mux_abuse/honest.rs"]
mod honest;
#[path = "mux_abuse/isolation.rs"]
mod isolation;
#[path = "mux_abuse/limits.rs"]
mod limits;
#[path = "mux_abuse/metadata.rs"]
mod metadata;
#[path = "mux_abuse/poison.rs"]
mod poison;
#[path = "mux_abuse/rapid_reset.rs"]
mod rapid_reset;

pub(crate) use cases::cases;
