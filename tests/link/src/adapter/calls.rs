//! Calls made, and calls answered.

use core::hint::black_box;

use embassy_time::Duration;
use grpc_websocket_embassy::codec::Raw;
use grpc_websocket_embassy::{
    Client, Incoming, Item, Metadata, Receiver, Responder, Sender, Server, State, Status, Upload,
};

use super::connection::{config, drive};
use super::run;
use crate::Input;

const CALLS: usize = 2;
const WINDOW: usize = 128;
const OUTPUT: usize = 256;

/// A device that makes calls.
#[unsafe(no_mangle)]
pub extern "C" fn link_adapter_client(input: &Input) {
    let mut state = State::new();
    let (client, _, mut runner) = state.split(config(input), input.u64());
    run(input, async {
        both(drive(input, &mut runner), make_calls(input, client)).await;
    });
}

/// A device that answers calls.
#[unsafe(no_mangle)]
pub extern "C" fn link_adapter_server(input: &Input) {
    let mut state = State::new();
    let (_, server, mut runner) = state.split(config(input), input.u64());
    run(input, async {
        both(drive(input, &mut runner), answer_calls(input, server)).await;
    });
}

/// A device that does both.
#[unsafe(no_mangle)]
pub extern "C" fn link_adapter(input: &Input) {
    let mut state = State::default();
    let (client, server, mut runner) = state.split(config(input), input.u64());
    run(input, async {
        let calls = both(make_calls(input, client), answer_calls(input, server));
        both(drive(input, &mut runner), calls).await;
    });
}

/// Polls two futures, until either is done.
async fn both(a: impl Future<Output = ()>, b: impl Future<Output = ()>) {
    let (mut a, mut b) = (core::pin::pin!(a), core::pin::pin!(b));
    core::future::poll_fn(|context| match a.as_mut().poll(context) {
        core::task::Poll::Pending => b.as_mut().poll(context),
        ready => ready,
    })
    .await;
}

fn seen(status: &Status) {
    black_box((status.code(), status.message(), status.is_ok()));
}

fn outcome<T>(result: Result<T, Status>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(status) => {
            seen(&status);
            None
        }
    }
}

fn status(input: &Input) -> Status {
    match input.bool() {
        true => Status::new(input.code(), input.str()),
        false => Status::of(input.code()),
    }
}

fn metadata(input: &Input) -> Metadata<64> {
    let mut metadata = Metadata::new();
    black_box(metadata.insert(input.str(), input.str()).is_ok());
    let binary = metadata.insert_binary(input.str(), input.bytes());
    black_box(binary.is_ok());
    metadata
}

fn bytes(bytes: Option<&[u8]>) {
    black_box(bytes);
}

async fn make_calls(input: &Input, client: Client<'_, CALLS, WINDOW, OUTPUT>) {
    loop {
        client.ready().await;
        let metadata = metadata(input);
        let mut call = client.call::<Raw>(input.str()).metadata(&metadata);
        if input.bool() {
            call = call.timeout(Duration::from_ticks(input.u64()));
        }
        match input.u8() {
            0 => bytes(outcome(call.unary(input.bytes(), input.buffer()).await)),
            1 => {
                let answer = call.server_streaming(input.bytes(), input.buffer()).await;
                if let Some(mut receiver) = outcome(answer) {
                    receive(input, &mut receiver).await;
                }
            }
            2 => {
                if let Some(call) = outcome(call.client_streaming().await) {
                    upload(input, call).await;
                }
            }
            3 => {
                if let Some((mut sender, mut receiver)) = outcome(call.bidi().await) {
                    send(input, &mut sender).await;
                    receive(input, &mut receiver).await;
                    if input.bool() {
                        outcome(sender.half_close().await);
                    }
                }
            }
            4 => client.go_away(),
            _ => return,
        }
    }
}

async fn upload(input: &Input, mut call: Upload<'_, Raw, CALLS, WINDOW, OUTPUT>) {
    loop {
        match input.u8() {
            0 => outcome(call.send(input.bytes(), input.buffer()).await),
            1 => outcome(call.begin_message(input.u32()).await),
            2 => outcome(call.write(input.bytes()).await),
            3 => return bytes(outcome(call.finish(input.buffer()).await)),
            _ => return,
        };
    }
}

async fn send(input: &Input, sender: &mut Sender<'_, Raw, CALLS, WINDOW, OUTPUT>) {
    loop {
        match input.u8() {
            0 => outcome(sender.send(input.bytes(), input.buffer()).await),
            1 => outcome(sender.begin_message(input.u32()).await),
            2 => outcome(sender.write(input.bytes()).await),
            _ => return,
        };
    }
}

async fn receive(input: &Input, receiver: &mut Receiver<'_, Raw, CALLS, WINDOW, OUTPUT>) {
    loop {
        match input.u8() {
            0 => bytes(outcome(receiver.message(input.buffer()).await).flatten()),
            1 => item(outcome(receiver.next(input.buffer()).await)),
            2 => {
                black_box(outcome(receiver.begin_message(input.buffer()).await));
            }
            3 => {
                black_box(outcome(receiver.read(input.buffer()).await));
            }
            _ => return,
        }
    }
}

fn item(item: Option<Item<'_>>) {
    match item {
        Some(Item::Trailers(status, metadata)) => {
            seen(&status);
            bytes(Some(metadata));
        }
        Some(Item::Metadata(value) | Item::Message(value)) => bytes(Some(value)),
        Some(Item::End) | None => {}
    }
}

async fn answer_calls(input: &Input, server: Server<'_, CALLS, WINDOW, OUTPUT>) {
    loop {
        let (request, call) = server.accept(input.buffer()).await;
        black_box((request.path(), request.timeout()));
        for field in request.metadata() {
            black_box((field.name(), field.value()));
        }
        answer(input, call).await;
    }
}

async fn answer(input: &Input, mut call: Incoming<'_, Raw, CALLS, WINDOW, OUTPUT>) {
    loop {
        match input.u8() {
            0 => bytes(outcome(call.message(input.buffer()).await).flatten()),
            1 => bytes(outcome(call.only_message(input.buffer()).await)),
            2 => item(outcome(call.next(input.buffer()).await)),
            3 => {
                outcome(call.send(input.bytes(), input.buffer()).await);
            }
            4 => respond(input, call.split().1).await,
            5 => receive(input, call.split().0).await,
            6 => {
                outcome(call.respond(input.bytes(), input.buffer()).await);
                return;
            }
            7 => {
                outcome(call.finish(&status(input)).await);
                return;
            }
            8 => {
                let finished = call.finish_with(&status(input), &metadata(input)).await;
                outcome(finished);
                return;
            }
            _ => return,
        }
    }
}

async fn respond(input: &Input, responder: &mut Responder<'_, Raw, CALLS, WINDOW, OUTPUT>) {
    loop {
        match input.u8() {
            0 => outcome(responder.send_metadata(&metadata(input)).await),
            1 => outcome(responder.send(input.bytes(), input.buffer()).await),
            2 => outcome(responder.begin_message(input.u32()).await),
            3 => outcome(responder.write(input.bytes()).await),
            _ => return,
        };
    }
}
