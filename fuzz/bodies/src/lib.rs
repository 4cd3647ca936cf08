//! What the fuzz targets run and check: each target is a function of bytes that panics when a
//! promise of the core is broken.
//!
//! Most inputs are lists of operations. They are read from the front, byte by byte, so that a small
//! change of an input is a small change of what it does.

mod at_once;
mod cuts;
pub mod deframe_split;
mod joiner;
mod limits;
mod log;
pub mod metadata;
mod mux;
pub mod mux_bytes;
pub mod mux_ops;
pub mod pair_chaos;
mod single;
pub mod single_client;
pub mod single_server;
pub mod status_timeout;
pub mod ws;

/// What a target runs.
pub type Body = fn(&[u8]);

/// All targets, by the name that their corpus has.
pub const TARGETS: &[(&str, Body)] = &[
    ("deframe_split", deframe_split::run),
    ("metadata", metadata::run),
    ("mux_bytes", mux_bytes::run),
    ("mux_ops", mux_ops::run),
    ("pair_chaos", pair_chaos::run),
    ("single_client", single_client::run),
    ("single_server", single_server::run),
    ("status_timeout", status_timeout::run),
    ("ws", ws::run),
];
