//! Frames as a peer writes them, right and wrong.

use grpc_websocket_core::Role;
use grpc_websocket_core::ws::{Header, Mask, Opcode};

/// The key of masked frames here.
pub(crate) const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A frame for the reader of that end, masked if it has to be.
pub(crate) fn frame(reader: Role, opcode: Opcode, fin: bool, payload: &[u8]) -> Vec<u8> {
    let header = Header::new(opcode, fin, u64::try_from(payload.len()).unwrap());
    let mut payload = payload.to_vec();
    let header = match reader {
        Role::Client => header,
        Role::Server => {
            Mask::new(KEY).apply(&mut payload);
            header.masked(KEY)
        }
    };
    [header.encode().as_slice(), &payload].concat()
}

/// A frame for the reader of a client.
pub(crate) fn plain(opcode: Opcode, fin: bool, payload: &[u8]) -> Vec<u8> {
    frame(Role::Client, opcode, fin, payload)
}
