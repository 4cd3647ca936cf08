//! The connection of many calls: as a device uses it that only makes calls, and all of it.

use core::hint::black_box;

use grpc_websocket_core::Role;
use grpc_websocket_core::mux::{
    Budget, CallId, CallTable, Calls, Config, Connection, Event, Lifecycle, MAX_CONTROL_FRAME,
    Side, Slot, Step,
};
use grpc_websocket_core::wire::mux::{Header, MAX_SETTINGS_LEN, Settings};

use crate::{Input, sink};

const DEVICE_CALLS: usize = 4;

/// A device that dials and makes calls.
#[unsafe(no_mangle)]
pub extern "C" fn link_mux_client(input: &Input) {
    let calls: Calls<DEVICE_CALLS> = [const { None }; DEVICE_CALLS];
    let config = Config::DEFAULT.with_limits(input.limits());
    let mut connection = Connection::new(input.instant(), Side::Dialer, config, calls);
    let mut call = None;
    loop {
        match (input.u8(), call) {
            (0, _) => call = open(&mut connection, input).or(call),
            (1, Some(call)) => send(&mut connection, input, call),
            (2, Some(call)) => connection.consume(call, input.u32()),
            (3, Some(call)) => sink::segment(connection.reset(call, input.code(), input.str())),
            (4, _) => receive(&mut connection, input),
            (5, _) => transmit(&mut connection),
            (6, _) => sink::mux_event(connection.handle_timeout(input.instant())),
            (7, _) => connection.handle_close(input.option(input.u16())),
            (8, _) => drop(black_box((
                connection.poll_lost(),
                connection.poll_timeout(),
            ))),
            (9, Some(call)) => {
                let deadline = input.option(input.instant());
                black_box(connection.set_deadline(call, deadline).is_ok());
            }
            _ => return,
        }
    }
}

/// Every method of a connection, at either side, in any order.
#[unsafe(no_mangle)]
pub extern "C" fn link_mux(input: &Input) {
    let calls: Calls<DEVICE_CALLS> = [const { None }; DEVICE_CALLS];
    let side = side(input);
    let mut connection = Connection::new(input.instant(), side, config(input), calls);
    let mut call = None;
    loop {
        match (input.u8(), call) {
            (0, _) => call = open(&mut connection, input).or(call),
            (1, Some(call)) => send(&mut connection, input, call),
            (2, Some(call)) => connection.consume(call, input.u32()),
            (3, Some(call)) => sink::segment(connection.reset(call, input.code(), input.str())),
            (4, _) => {
                if let Some(Event::Opened(opened)) = receive_one(&mut connection, input) {
                    call = Some(opened);
                }
            }
            (5, _) => transmit(&mut connection),
            (6, _) => sink::mux_event(connection.handle_timeout(input.instant())),
            (7, _) => connection.handle_close(input.option(input.u16())),
            (8, _) => drop(black_box((
                connection.poll_lost(),
                connection.poll_timeout(),
            ))),
            (9, Some(call)) => {
                let deadline = input.option(input.instant());
                black_box(connection.set_deadline(call, deadline).is_ok());
            }
            (10, Some(call)) => sink::segment(connection.refuse(call, input.str())),
            (11, Some(call)) => connection.release(call),
            (12, _) => connection.go_away(input.code(), "going away"),
            (13, _) => sink::connection_error(connection.handle_text()),
            (14, _) => getters(&connection, input, call),
            _ => break,
        }
    }
    table(input);
    states(input);
    wire(input);
}

fn open(connection: &mut Connection<Calls<DEVICE_CALLS>>, input: &Input) -> Option<CallId> {
    let parts = [input.bytes(), input.bytes()];
    match connection.open(input.instant(), &parts, input.bool()) {
        Ok((call, segment)) => {
            sink::segment(Ok(segment));
            Some(call)
        }
        Err(error) => {
            black_box(error.blame());
            None
        }
    }
}

fn send(connection: &mut Connection<Calls<DEVICE_CALLS>>, input: &Input, call: CallId) {
    let parts = [input.bytes(), input.bytes()];
    match connection.send(call, &parts, input.bool()) {
        Ok(Some(segment)) => sink::segment(Ok(segment)),
        Ok(None) => {}
        Err(error) => sink::segment(Err(error)),
    }
}

fn receive(connection: &mut Connection<Calls<DEVICE_CALLS>>, input: &Input) {
    let mut fragment = input.fragment();
    while !fragment.rest().is_empty() {
        sink::mux_event(connection.recv(input.instant(), &mut fragment));
    }
}

fn receive_one<'i>(
    connection: &mut Connection<Calls<DEVICE_CALLS>>,
    input: &'i Input,
) -> Option<Event<'i>> {
    let mut fragment = input.fragment();
    let received = connection.recv(input.instant(), &mut fragment);
    sink::mux_event(received);
    received.unwrap_or_default()
}

fn transmit(connection: &mut Connection<Calls<DEVICE_CALLS>>) {
    let mut out = [0; MAX_CONTROL_FRAME];
    while let Some(len) = connection.poll_transmit(&mut out) {
        black_box((&out, len));
    }
}

fn getters(connection: &Connection<Calls<DEVICE_CALLS>>, input: &Input, call: Option<CallId>) {
    black_box((connection.side(), connection.config()));
    black_box((connection.peer_settings(), connection.calls()));
    black_box((connection.is_going_away(), connection.is_over()));
    if let Some(error) = connection.failure() {
        sink::connection_error(Err(error));
    }
    if let Some(call) = call {
        black_box((connection.contains(call), connection.credit(call)));
        black_box((call.get(), call.opener(), call.role(side(input))));
    }
}

fn side(input: &Input) -> Side {
    if input.bool() {
        Side::Dialer
    } else {
        Side::Acceptor.peer()
    }
}

fn config(input: &Input) -> Config {
    let config = if input.bool() {
        Config::DEFAULT
    } else {
        Config::default()
    };
    let config = config
        .with_limits(input.limits())
        .with_max_frame(input.u32())
        .with_window(input.u32())
        .with_max_calls(input.u32())
        .with_keepalive(input.duration(), input.duration())
        .with_ask_keepalive(input.duration())
        .with_idle_timeout(input.duration());
    black_box(config.settings(side(input)));
    config
}

/// The table of a device, by itself.
fn table(input: &Input) {
    let mut table: Calls<1> = [None];
    let position = input.u32() as usize;
    black_box((
        table.capacity(),
        table.len(),
        table.is_empty(),
        table.positions(),
    ));
    black_box(table.get_mut(position).is_some());
    if let Some(slot) = table.get(position).cloned() {
        black_box(table.find(slot.call()));
        black_box(table.insert(slot));
    }
    table.remove(position);
}

fn states(input: &Input) {
    let step = match input.u8() {
        0 => Step::Open,
        1 => Step::HalfClose,
        2 => Step::Finish,
        3 => Step::Reset,
        4 => Step::PeerReset,
        5 => Step::Fail,
        6 => Step::ResetSent,
        _ => Step::Release,
    };
    let role = if input.bool() {
        Role::Client
    } else {
        Role::Server
    };
    if let Some(state) = Lifecycle::Idle.after(role, step) {
        black_box((state.is_live(), state.owes_reset(), state.after(role, step)));
    }
    black_box(Budget::Pings.text());
}

fn wire(input: &Input) {
    let bytes = [input.u8(), input.u8(), input.u8(), input.u8(), input.u8()];
    if let Ok(header) = Header::decode(bytes) {
        black_box(header.encode());
    }
    let mut settings = Settings::of(side(input));
    black_box(settings.apply(input.u8(), input.u32()).is_ok());
    let mut out = [0; MAX_SETTINGS_LEN];
    black_box(settings.encode(side(input), &mut out));
}

/// What a connection of that many calls is on the target; read from the symbol's size.
macro_rules! size_of_connection {
    ($name:ident, $calls:literal) => {
        /// As large as a connection of that many calls.
        #[unsafe(no_mangle)]
        pub static $name: [u8; size_of::<Connection<Calls<$calls>>>()] =
            [0; size_of::<Connection<Calls<$calls>>>()];
    };
}

size_of_connection!(size_of_mux_1, 1);
size_of_connection!(size_of_mux_4, 4);
size_of_connection!(size_of_mux_16, 16);

/// As large as a call in a table.
#[unsafe(no_mangle)]
pub static size_of_call: [u8; size_of::<Option<Slot>>()] = [0; size_of::<Option<Slot>>()];
