//! Boots images of `examples/firmware-mps2` under QEMU, each as a process of its own, for tests
//! that stand at the other end of the network.
//!
//! ```no_run
//! # async fn test() {
//! use grpc_websocket_firmware_tests::Device;
//!
//! let mut device = Device::image("echo").setting("connections", 1).forward(7).boot().await;
//! // ... connect to device.address() ...
//! device.line("echoed").await;
//! assert!(device.end().await.success);
//! # }
//! ```
//!
//! A device that is dropped is gone, and one that is not lives for two minutes: then it is killed,
//! and with it its connections. What may wait for a device that does not connect at all goes into
//! `Device::during`.

mod device;
mod holder;
mod image;
mod setup;

pub use device::{Device, End};
pub use holder::{GATEWAY, Holder};
pub use image::{Build, build};
pub use setup::Setup;

/// Says in a plain `cargo test` what it leaves out.
#[cfg(all(test, not(feature = "qemu")))]
#[test]
#[ignore = "the tests of firmware need QEMU: tests/firmware/run runs them"]
fn firmware_under_qemu() {}
