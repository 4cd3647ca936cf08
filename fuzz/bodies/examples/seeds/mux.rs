//! The vectors of `grpc-mux.v1`, and what peers have done to others.

use grpc_websocket_vectors::mux::{End, MuxVector, Step};
use grpc_websocket_vectors::{Input, Status};

use crate::Seed;

/// The defaults: limits and configuration.
const PLAIN: [u8; 2] = [0, 0];
/// SETTINGS do not come by themselves.
const UNGREETED: u8 = 2;

// Operations of `mux_ops`, and what follows them.
const FRAME: u8 = 0;
/// A frame whose bytes follow.
const RAW: u8 = 12;
/// A chunk whose bytes follow.
const BYTES: u8 = 14;
const TRANSMIT_ALL: [u8; 2] = [13, 0];
const CONSUME_ALL: [u8; 4] = [7, 0, 0xff, 0xff];
const RELEASE: [u8; 2] = [10, 0];
const OPEN: [u8; 4] = [5, 1, 0, 0];
const NEXT: u8 = 0;
const LAST: u8 = 1;
const OWN: u8 = 2;

/// What the vector is to the targets that take any frames.
pub(crate) fn seeds(vector: &MuxVector) -> Vec<Seed> {
    let side = u8::from(vector.receiver == End::Dialer);
    let peer = if vector.fresh { &[][..] } else { &vector.peer };
    let opens = vector
        .steps
        .iter()
        .filter(|step| matches!(step, Step::Open { .. }));
    let calls = (opens.count() as u8).min(3) << 2;

    let mut bytes = [&[side | UNGREETED | calls], &PLAIN[..], &[0]].concat();
    let inputs = vector.steps.iter().filter_map(|step| match step {
        Step::Input(Input::Binary(frame)) => Some(frame.as_slice()),
        _ => None,
    });
    for frame in [peer]
        .into_iter()
        .chain(inputs)
        .filter(|frame| frame.len() < 256)
    {
        bytes.extend(short(frame));
    }
    let mut operations = [&[side | UNGREETED], &PLAIN[..], &raw(peer), &TRANSMIT_ALL].concat();
    for step in &vector.steps {
        operations.extend(operation(step));
        operations.extend(TRANSMIT_ALL);
    }
    vec![("mux_bytes", bytes), ("mux_ops", operations)]
}

fn operation(step: &Step) -> Vec<u8> {
    match step {
        Step::Input(Input::Binary(frame)) => raw(frame),
        Step::Input(Input::Text(_)) => vec![17, 0],
        Step::Input(Input::Lost) => vec![17, 1],
        Step::Input(Input::Close(code)) => [&[17, 2], &code.to_le_bytes()[..]].concat(),
        Step::Wait(millis) => [&[12], &(*millis as u16).to_le_bytes()[..]].concat(),
        Step::Open { stream, end } => [&[5], &chunk(stream)[..], &[u8::from(*end)]].concat(),
        Step::Send { stream, end, .. } => [&[6, 0], &chunk(stream)[..], &[u8::from(*end)]].concat(),
        Step::Reset { status, .. } => vec![8, 0, code(*status)],
        Step::Refuse { .. } => vec![9, 0],
        Step::Consume { bytes, .. } => [&[7, 0], &(*bytes as u16).to_le_bytes()[..]].concat(),
        Step::Release(_) => RELEASE.to_vec(),
        Step::GoAway { status, .. } => vec![14, code(*status)],
    }
}

fn code(status: Status) -> u8 {
    (0..=16)
        .find(|code| Status::from_value(*code) == Some(status))
        .unwrap_or(2)
}

fn short(bytes: &[u8]) -> Vec<u8> {
    let bytes = &bytes[..bytes.len().min(255)];
    [&[bytes.len() as u8], bytes].concat()
}

/// One chunk of these bytes.
fn chunk(bytes: &[u8]) -> Vec<u8> {
    [&[1, BYTES], &short(bytes)[..]].concat()
}

fn raw(frame: &[u8]) -> Vec<u8> {
    [&[FRAME, RAW], &short(frame)[..]].concat()
}

fn data(flags: u8, bytes: &[u8], id: u8) -> Vec<u8> {
    [&[FRAME, flags], &chunk(bytes)[..], &[id]].concat()
}

/// The last `count` operations again, so many times.
fn repeat(count: u8, times: u16) -> Vec<u8> {
    [&[15, count - 1], &(times - 1).to_be_bytes()[..]].concat()
}

/// Each spends one of the budgets.
pub(crate) fn attacks() -> Vec<Seed> {
    let open = data(1, b"\x80\0\0\0\x0d:path: /s/m\r\n\0\0\x01\0\0", NEXT);
    let open_block = data(1, b"\x80\0\0\x10\0:path: ", NEXT);
    let reset = [FRAME, 5, 1, 1, LAST];
    let ping = [FRAME, 7, 3];
    let extension = [FRAME, 11, 0, 4];
    let window = [FRAME, 4, 0, OWN];
    let tiny = data(0, b"x", LAST);
    let empty = [FRAME, 0, 0, LAST];
    let scripts = [
        [&ping[..], &TRANSMIT_ALL, &repeat(2, 110)].concat(),
        [&open[..], &reset, &RELEASE, &repeat(3, 510)].concat(),
        [&open[..], &TRANSMIT_ALL, &repeat(2, 110)].concat(),
        [&open[..], &repeat(1, 9)].concat(),
        [&open[..], &empty, &repeat(1, 110)].concat(),
        [
            &open[..],
            &tiny,
            &CONSUME_ALL,
            &TRANSMIT_ALL,
            &repeat(3, 1_100),
        ]
        .concat(),
        [&extension[..], &repeat(1, 1_100)].concat(),
        [&OPEN[..], &window, &repeat(1, 1_100)].concat(),
        [&open_block[..], &tiny, &TRANSMIT_ALL, &repeat(2, 600)].concat(),
    ];
    let seed = |script: Vec<u8>| ("mux_ops", [&[0], &PLAIN[..], &script].concat());
    scripts.into_iter().map(seed).collect()
}
