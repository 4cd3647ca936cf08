//! `proto`, as tonic and prost have it, and any messages of it.

mod arbitrary;

/// Tonic's side.
#[allow(
    clippy::all,
    clippy::clone_on_ref_ptr,
    missing_docs,
    unreachable_pub,
    rustdoc::all,
    reason = "it is generated"
)]
pub mod tonic {
    include!(concat!(env!("OUT_DIR"), "/protos.rs"));
}

pub use arbitrary::item;
