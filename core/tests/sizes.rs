//! A call's memory is the size of its machine, so the sizes are a promise to firmware.

use core::mem::size_of;
use grpc_websocket_core::Event;
use grpc_websocket_core::single::{Client, Server};

/// On 64-bit hosts, whose alignment makes them largest.
#[test]
fn machines_stay_small() {
    assert!(size_of::<Server>() <= 176, "{}", size_of::<Server>());
    assert!(size_of::<Client>() <= 160, "{}", size_of::<Client>());
    assert!(size_of::<Event<'_>>() <= 56, "{}", size_of::<Event<'_>>());
}
