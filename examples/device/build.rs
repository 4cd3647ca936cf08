//! Generates messages, clients and servers, without an allocator and without protoc.

use grpc_websocket_build::{Error, configure};

/// How many bytes a field holds.
const SIZES: [(&str, u32); 5] = [
    (".device.v1.Reading.serial", 16),
    (".device.v1.WatchRequest.serial", 16),
    (".device.v1.Command.name", 16),
    (".device.v1.Chunk.data", 1024),
    (".device.v1.Image.sha256", 32),
];

fn main() -> Result<(), Error> {
    let sizes = SIZES.iter();
    let builder = sizes.fold(configure(), |builder, (field, bytes)| {
        builder.max_bytes(field, *bytes)
    });
    builder.compile_protos(&["device/v1/device.proto"], &["proto"])
}
