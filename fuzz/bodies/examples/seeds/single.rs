//! The vectors of `grpc-websockets`.

use grpc_websocket_vectors::{Input, Receiver, Vector};

use crate::Seed;

/// The defaults, uncut: limits and cutting plan.
const PLAIN: [u8; 2] = [0, 0];

/// What the vector is to each target that it means something to.
pub(crate) fn seeds(vector: &Vector) -> Vec<Seed> {
    let operations = vector.inputs.iter().flat_map(operations);
    let single: Vec<u8> = PLAIN.into_iter().chain(operations).collect();
    let messages = vector.inputs.iter().filter_map(binary);
    let stream: Vec<u8> = messages.flatten().copied().collect();
    let block = stream.get(5..).unwrap_or_default();
    match vector.receiver {
        Receiver::Server => vec![("single_server", single)],
        Receiver::Client => vec![
            ("single_client", single),
            ("deframe_split", [&PLAIN, &stream[..]].concat()),
            ("metadata", [&[0], &PLAIN[..], block].concat()),
        ],
    }
}

fn binary(input: &Input) -> Option<&Vec<u8>> {
    match input {
        Input::Binary(bytes) => Some(bytes),
        _ => None,
    }
}

/// One thing that arrives, as operations.
fn operations(input: &Input) -> Vec<u8> {
    match input {
        Input::Binary(bytes) => message(bytes),
        Input::Text(_) => vec![2],
        Input::Close(code) => [&[3], &code.to_le_bytes()[..]].concat(),
        Input::Lost => vec![3, 0, 0],
    }
}

/// Fragments with a length byte each, the last of which ends the message.
fn message(bytes: &[u8]) -> Vec<u8> {
    let mut operations = Vec::new();
    let mut rest = bytes;
    while let Some((part, after)) = rest.split_at_checked(255) {
        operations.extend([1, 255]);
        operations.extend(part);
        rest = after;
    }
    operations.extend([0, rest.len() as u8]);
    operations.extend(rest);
    operations
}
