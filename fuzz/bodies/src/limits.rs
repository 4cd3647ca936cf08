//! Limits, as the input says.

use arbitrary::{Result, Unstructured};
use grpc_websocket_core::Limits;

const MESSAGE: [u32; 4] = [Limits::DEFAULT.max_message_len, 0, 5, 300];
const METADATA: [u32; 4] = [Limits::DEFAULT.max_metadata_len, 0, 64, 300];

/// Reads one byte: the defaults if it is zero.
pub(crate) fn read(input: &mut Unstructured<'_>) -> Result<Limits> {
    let choice = usize::from(input.int_in_range(0..=15_u8)?);
    Ok(Limits::DEFAULT
        .with_max_message_len(MESSAGE[choice % 4])
        .with_max_metadata_len(METADATA[choice / 4]))
}
