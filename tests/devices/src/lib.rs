//! Device code on the sockets of a host, and the servers and clients that it meets there.

mod calls;
mod clock;
mod cloud;
mod device;
mod telemetry;

/// `device.v1`, as tonic and prost have it.
#[allow(
    clippy::all,
    clippy::clone_on_ref_ptr,
    missing_docs,
    unreachable_pub,
    reason = "it is generated"
)]
pub mod proto {
    tonic::include_proto!("device.v1");
}

pub use calls::{call_all_kinds, upload_image};
pub use cloud::Cloud;
pub use device::{Ends, Link, accept, dial};
pub use telemetry::Telemetry;
