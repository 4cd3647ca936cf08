//! Blocks of metadata.

use grpc_websocket_core::Code;

/// Initial metadata of a client for call `n`, with about `padding` bytes more.
#[must_use]
pub fn request_block(n: usize, padding: usize) -> String {
    let mut block = format!(":path: /testkit.Simulation/Call{n}\r\n");
    pad(&mut block, padding);
    block
}

/// Initial metadata of a server.
#[must_use]
pub fn response_block(padding: usize) -> String {
    let mut block = String::from("content-type: application/grpc+proto\r\n");
    pad(&mut block, padding);
    block
}

/// Trailing metadata.
#[must_use]
pub fn trailers(status: Code, padding: usize) -> String {
    let mut block = String::new();
    pad(&mut block, padding);
    block.push_str("grpc-status: ");
    block.push_str(status.grpc_status());
    block.push_str("\r\n");
    block
}

/// The longest value of a field made here.
const VALUE: usize = 200;

fn pad(block: &mut String, padding: usize) {
    let mut left = padding;
    while left > 0 {
        let len = left.min(VALUE);
        block.push_str("x-padding: ");
        (0..len).for_each(|at| block.push(char::from(b'a' + (at % 26) as u8)));
        block.push_str("\r\n");
        left -= len;
    }
}
