//! Futures that are dropped anywhere, transports that break anywhere, peers that mean harm.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod common;

#[path = "abuse/attack.rs"]
mod attack;
#[path = "abuse/cancel.rs"]
mod cancel;
#[path = "abuse/chaos.rs"]
mod chaos;
#[path = "abuse/corpus.rs"]
mod corpus;
#[path = "abuse/ends.rs"]
mod ends;
#[path = "abuse/hostile.rs"]
mod hostile;
#[path = "abuse/restart.rs"]
mod restart;
#[path = "abuse/service.rs"]
mod service;
