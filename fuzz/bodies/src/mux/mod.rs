//! Connections of `grpc-mux.v1` with everything checked that can be seen from outside: what the
//! `mux` targets share.

pub(crate) mod book;
pub(crate) mod end;
pub(crate) mod frames;

use std::time::Duration;

use arbitrary::{Result, Unstructured};
use grpc_websocket_core::Limits;
use grpc_websocket_core::mux::Config;

use crate::limits;

/// How many calls the table of a connection has room for.
pub(crate) const TABLE: usize = 4;

/// Windows and longest frames: the defaults, the least, what is moved into its range, and odd ones.
const BYTES: [(u32, u32); 4] = [(512, 512), (64, 64), (0, u32::MAX), (101, 70)];

/// Reads a configuration: two bytes, the defaults with calls taken if both are zero.
pub(crate) fn read_config(input: &mut Unstructured<'_>) -> Result<Config> {
    let limits = limits::read(input)?;
    let choice = input.int_in_range(0..=31_u8)?;
    Ok(config(limits, choice))
}

fn config(limits: Limits, choice: u8) -> Config {
    let (window, max_frame) = BYTES[usize::from(choice % 4)];
    let mut config = Config::DEFAULT
        .with_limits(limits)
        .with_window(window)
        .with_max_frame(max_frame)
        .with_max_calls([3, 0, 4, 1][usize::from(choice / 4 % 4)]);
    if choice >= 16 {
        config = config
            .with_keepalive(Duration::from_secs(20), Duration::from_secs(10))
            .with_ask_keepalive(Duration::from_secs(15))
            .with_idle_timeout(Duration::from_secs(30));
    }
    config
}
