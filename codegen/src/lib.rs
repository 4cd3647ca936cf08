#![doc = include_str!("../README.md")]

mod builder;
mod client;
mod codec;
mod error;
mod faults;
mod micropb;
mod names;
mod output;
mod prost;
mod server;
mod service;
mod sizes;
mod sources;
mod stubs;

pub use builder::{Backend, Builder, configure};
pub use error::Error;
pub use micropb_gen;
pub use prost_build;
