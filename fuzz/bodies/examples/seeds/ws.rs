//! Frames of RFC 6455: the examples of its section 5.7, and what each rule refuses.

use grpc_websocket_core::ws::{Header, Mask, Opcode};

use crate::Seed;

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// A client reads what is not masked, in one piece; a server what is, in pieces of three bytes.
pub(crate) fn seeds() -> Vec<Seed> {
    let streams = streams();
    let client = streams.iter().map(|frames| input(&[0, 0], None, frames));
    let server = streams
        .iter()
        .map(|frames| input(&[1, 1, 3], Some(KEY), frames));
    let heads = HEADS.iter().map(|head| [&[0, 0], *head].concat());
    let inputs = client.chain(server).chain(heads);
    inputs.map(|input| ("ws", input)).collect()
}

/// An opcode, `fin`, and a payload.
type Frame = (Opcode, bool, Vec<u8>);

/// Headers that are refused, and one that is not.
const HEADS: &[&[u8]] = &[
    b"\xc2\x00",
    b"\x83\x00",
    b"\x82\x80",
    b"\x89\x7e",
    b"\x82\x7e\x00\x7d",
    b"\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff",
    b"\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00",
    b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xffx",
];

fn streams() -> Vec<Vec<Frame>> {
    let frame = |opcode, fin, payload: &[u8]| (opcode, fin, payload.to_vec());
    let text = frame(Opcode::Text, true, b"Hello");
    let parts = [
        frame(Opcode::Text, false, b"Hel"),
        frame(Opcode::Ping, true, b"Hello"),
        frame(Opcode::Continuation, false, b""),
        frame(Opcode::Continuation, true, b"lo"),
    ];
    let long = frame(Opcode::Binary, true, &[7; 256]);
    let pong = frame(Opcode::Pong, true, &[9; 125]);
    let close = |payload| vec![frame(Opcode::Close, true, payload), text.clone()];
    vec![
        vec![text.clone(), long, pong, text.clone()],
        parts.to_vec(),
        vec![parts[0].clone(), text.clone()],
        vec![parts[3].clone()],
        vec![frame(Opcode::Ping, false, b"")],
        close(b""),
        close(b"\x03"),
        close(b"\x03\xe8bye \xe2\x82\xac \xf0\x9f\x98\x80"),
        close(b"\x03\xe8\xed\xa0\x80"),
        close(b"\x03\xed"),
    ]
}

fn input(front: &[u8], key: Option<[u8; 4]>, frames: &[Frame]) -> Vec<u8> {
    let mut input = front.to_vec();
    for (opcode, fin, payload) in frames {
        let header = Header::new(*opcode, *fin, payload.len() as u64);
        let header = key.map_or(header, |key| header.masked(key));
        input.extend(header.encode().as_slice());
        let mut payload = payload.clone();
        Mask::new(key.unwrap_or_default()).apply(&mut payload);
        input.extend(payload);
    }
    input
}
