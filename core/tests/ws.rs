//! RFC 6455: its rules, its examples, and what holds for every stream of frames.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used)]
#![allow(clippy::arithmetic_side_effects)]

#[path = "support/cases.rs"]
mod cases;
#[path = "ws/examples.rs"]
mod examples;
#[path = "ws/frames.rs"]
mod frames;
#[path = "ws/log.rs"]
mod log;
#[path = "ws/properties.rs"]
mod properties;
#[path = "ws/rules.rs"]
mod rules;

pub(crate) use cases::cases;
