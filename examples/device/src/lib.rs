//! What an example device says and answers: the same source in firmware and on a laptop.
//!
//! [`sensor()`] calls `device.v1.Telemetry` of a server; [`serve`] answers `device.v1.Thermostat` and
//! `device.v1.Ota`. Neither knows how the device is connected. Messages are micropb's, and nothing
//! here allocates.

#![no_std]

mod generated;
mod ota;
pub mod sensor;
mod serve;
mod thermostat;

pub use generated::{
    Chunk, Command, GetRequest, Image, Outcome, Reading, Receipt, SetRequest, Settings, State,
    WatchRequest,
};
pub use ota::{Flash, FlashError};
pub use sensor::sensor;
pub use serve::{Device, serve};
pub use thermostat::Thermostat;
