//! Frames of RFC 6455: as firmware uses them at one end, and all of them.

use core::hint::black_box;

use grpc_websocket_core::Role;
use grpc_websocket_core::ws::{
    Error, Event, Header, MAX_CONTROL_PAYLOAD, Mask, Opcode, Reader, encode_close,
};

use crate::Input;

/// What every firmware needs, at either end: the reader, headers and the mask.
#[unsafe(no_mangle)]
pub extern "C" fn link_ws_frames(input: &Input) {
    let mut reader = Reader::new(role(input));
    loop {
        match input.u8() {
            0 => read(&mut reader, input),
            1 => write(input),
            _ => return,
        }
    }
}

/// All that is public.
#[unsafe(no_mangle)]
pub extern "C" fn link_ws(input: &Input) {
    let mut reader = Reader::new(role(input));
    loop {
        match input.u8() {
            0 => read(&mut reader, input),
            1 => write(input),
            2 => close(input),
            3 => opcode(input),
            _ => return,
        }
    }
}

fn role(input: &Input) -> Role {
    if input.bool() {
        Role::Client
    } else {
        Role::Server
    }
}

fn read(reader: &mut Reader, input: &Input) {
    let mut bytes = input.buffer();
    match reader.recv(&mut bytes) {
        Ok(Some(event @ Event::Data { .. })) => {
            black_box(event);
        }
        Ok(event) => {
            black_box((event, reader.control_payload()));
        }
        Err(error) => fail(error),
    }
    black_box(bytes);
}

fn fail(error: Error) {
    black_box((error.blame(), error.close_code().value(), error.text()));
}

fn write(input: &Input) {
    let key = input.u32().to_le_bytes();
    let opcode = Opcode::from_value(input.u8()).unwrap_or(Opcode::Binary);
    let header = Header::new(opcode, input.bool(), input.u64());
    let header = if input.bool() {
        header.masked(key)
    } else {
        header
    };
    black_box(header.encode().as_slice());
    let mut mask = Mask::new(key);
    while input.bool() {
        mask.apply(input.buffer());
    }
}

fn close(input: &Input) {
    let mut out = [0; MAX_CONTROL_PAYLOAD];
    black_box(encode_close(input.u16(), input.str(), &mut out));
    black_box(out);
}

fn opcode(input: &Input) {
    if let Some(opcode) = Opcode::from_value(input.u8()) {
        black_box((opcode.value(), opcode.is_control()));
    }
}
