//! Handshakes and connections.

use core::hint::black_box;

use embassy_time::Duration;
use grpc_websocket_embassy::handshake::{self, Accept, Subprotocol, Upgrade};
use grpc_websocket_embassy::{Config, Runner};

use super::{run, transport::Transport};
use crate::Input;

pub(super) type Driver<'a> = Runner<'a, 2, 128, 256>;

/// The handshakes by themselves.
#[unsafe(no_mangle)]
pub extern "C" fn link_handshake(input: &Input) {
    let (mut reader, mut writer) = (Transport(input), Transport(input));
    let mut nonce = [0; 16];
    for (place, byte) in nonce.iter_mut().zip(input.bytes()) {
        *place = *byte;
    }
    let (flush, buffer) = (input.bool(), input.buffer());
    if input.bool() {
        with_upgrade(input, |upgrade| {
            let opening =
                handshake::connect(&mut reader, &mut writer, upgrade, nonce, flush, buffer);
            outcome(run(input, opening));
        });
    } else {
        let path = input.buffer();
        with_accept(input, |accept| {
            let opening = handshake::accept(&mut reader, &mut writer, accept, path, flush, buffer);
            outcome(run(input, opening));
        });
    }
}

fn outcome<T>(result: Option<Result<T, handshake::HandshakeError>>) {
    match result {
        Some(Err(error)) => {
            black_box((error.code(), error.blame(), error.is_about_subprotocol()));
        }
        result => {
            black_box(result.is_some());
        }
    }
}

/// One connection after the other.
pub(super) async fn drive(input: &Input, runner: &mut Driver<'_>) {
    let transport = Transport(input);
    while input.bool() {
        let result = match input.bool() {
            true => runner.connect(transport, transport, &upgrade(input)).await,
            false => runner.accept(transport, transport, &Accept::new()).await,
        };
        black_box(result.is_ok());
    }
}

pub(super) fn config(input: &Input) -> Config {
    let duration = || Duration::from_ticks(input.u64());
    Config::default()
        .with_max_incoming_calls(input.u32() as usize)
        .with_max_message_len(input.u32())
        .with_handshake_timeout(duration())
        .with_keepalive(input.option((duration(), duration())))
        .with_flush(input.bool())
}

fn upgrade(input: &Input) -> Upgrade<'_> {
    Upgrade::new(input.str(), input.str())
}

fn with_upgrade(input: &Input, work: impl FnOnce(&Upgrade<'_>)) {
    let headers = [(input.str(), input.str()), (input.str(), input.str())];
    let headers = headers.get(..input.u32() as usize).unwrap_or_default();
    work(
        &upgrade(input)
            .origin(input.str())
            .headers(headers)
            .subprotocols(subprotocols(input)),
    );
}

fn with_accept(input: &Input, work: impl FnOnce(&Accept<'_>)) {
    let origins = [input.str(), input.str()];
    let accept = Accept::new()
        .origins(&origins)
        .subprotocols(subprotocols(input));
    let accept = match input.bool() {
        true => accept.any_origin(),
        false => accept,
    };
    work(&accept);
}

fn subprotocols(input: &Input) -> &'static [Subprotocol] {
    let count = input.u32() as usize;
    Subprotocol::ALL.get(..count).unwrap_or_default()
}
