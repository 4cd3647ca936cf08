//! The byte-level forms, the deframer and the state table.

use core::hint::black_box;

use grpc_websocket_core::call::state::{State, Step};
use grpc_websocket_core::deframe::Deframer;
use grpc_websocket_core::wire::metadata::{self, Field};
use grpc_websocket_core::wire::prefix::{FrameKind, PREFIX_LEN, Prefix};
use grpc_websocket_core::wire::{status, timeout};
use grpc_websocket_core::{Code, Role};

use crate::Input;

/// Calls all that is not a method of a role.
#[unsafe(no_mangle)]
pub extern "C" fn link_wire(input: &Input) {
    prefix(input);
    deframe(input);
    state(input);
    read_metadata(input);
    names_and_values(input);
    write_metadata(input);
    binary(input);
    codes(input);
    percent(input);
    time(input);
}

fn prefix(input: &Input) {
    let mut bytes = [0; PREFIX_LEN];
    bytes.iter_mut().for_each(|byte| *byte = input.u8());
    if let Ok(prefix) = Prefix::decode(bytes) {
        black_box((prefix, prefix.kind.flags()));
    }
    if let Ok(kind) = FrameKind::from_flags(input.u8()) {
        let len = input.u32();
        black_box(Prefix { kind, len }.encode());
    }
}

fn deframe(input: &Input) {
    let mut deframer = Deframer::new(input.limits());
    while !deframer.is_at_boundary() || input.bool() {
        black_box(deframer.next(&mut input.bytes()).is_ok());
    }
}

fn state(input: &Input) {
    let role = if input.bool() {
        Role::Client
    } else {
        Role::Server
    };
    let mut state = Some(State::Idle);
    while let Some(present) = state {
        let step = match input.u8() {
            0 => Step::Metadata,
            1 => Step::Message,
            2 => Step::HalfClose,
            _ => Step::Trailers,
        };
        state = black_box(present.after(role, step));
    }
}

fn read_metadata(input: &Input) {
    for field in metadata::fields(input.bytes()).flatten() {
        black_box((field.name(), field.value(), field.is(input.str())));
        black_box((field.is_binary(), field.is_connection_specific()));
        read_binary(field, input);
    }
}

fn read_binary(field: Field<'_>, input: &Input) {
    for text in field.binary_values() {
        black_box(metadata::decode_binary(text, input.buffer()).is_ok());
    }
}

fn names_and_values(input: &Input) {
    let bytes = input.bytes();
    black_box((
        metadata::is_valid_name(bytes),
        metadata::is_valid_value(bytes),
    ));
    black_box((
        metadata::is_binary_name(bytes),
        metadata::is_connection_specific(bytes),
    ));
}

fn write_metadata(input: &Input) {
    let (name, value) = (input.str(), input.bytes());
    black_box(metadata::field_len(name, value));
    black_box(metadata::encode_field(name, value, input.buffer()).is_ok());
}

fn binary(input: &Input) {
    black_box(metadata::binary_len(input.bytes().len()));
    black_box(metadata::encode_binary(input.bytes(), input.buffer()).is_ok());
}

fn codes(input: &Input) {
    let code = input.code();
    black_box((code.value(), code.grpc_status()));
    black_box((
        Code::from_grpc_status(input.bytes()),
        Code::from_http_status(input.u16()),
    ));
    black_box(Code::from_close_code(input.option(input.u16())));
}

fn percent(input: &Input) {
    status::percent_encode(input.bytes()).for_each(|byte| {
        black_box(byte);
    });
    status::percent_decode(input.bytes()).for_each(|byte| {
        black_box(byte);
    });
}

fn time(input: &Input) {
    black_box(timeout::parse(input.bytes()).is_ok());
    black_box(timeout::encode(input.duration()).as_bytes());
    let later = input.instant().checked_add(input.duration());
    black_box(later.map(|instant| instant.as_micros()));
}
