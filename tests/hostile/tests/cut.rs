//! Connections that are cut at every byte of a call.

use std::time::Duration;

use grpc_websocket_hostile::grpc::{data, message, unary};
use grpc_websocket_hostile::{Client, Code, End, Frame, Settings, Target, eventually, handshake};

const SOON: Duration = Duration::from_secs(5);

/// Sends the first `len` bytes of a whole unary call, of which the handshake is answered first.
fn send_prefix(target: &Target, len: usize) -> Client {
    let handshake = handshake("Unary").encode();
    let mut client = target.connect();
    client.send(&handshake[..len.min(handshake.len())]);
    if len >= handshake.len() {
        assert_eq!(client.head().expect("an answer").status, 101);
        client.send(&unary(b"hello")[..len - handshake.len()]);
    }
    client
}

fn call_len() -> usize {
    handshake("Unary").encode().len() + unary(b"hello").len()
}

fn assert_nothing_leaks(target: &Target, before: Option<usize>) {
    target.assert_no_handlers(SOON);
    if let Some(before) = before {
        let process = target.process();
        eventually("no descriptor is left", SOON, || {
            process.descriptors() <= before
        });
    }
    target.assert_recovered();
}

/// The gateway's descriptors after a call, when its upstream's connection is there.
fn descriptors(target: &Target) -> Option<usize> {
    target.assert_serves();
    std::thread::sleep(Duration::from_millis(100));
    (target.name == "gateway").then(|| target.process().descriptors())
}

#[test]
fn a_fin_at_every_byte_of_a_call_ends_it_and_is_no_half_close() {
    for target in Target::both() {
        let before = descriptors(&target);
        for len in 0..=call_len() {
            let mut client = send_prefix(&target, len);
            client.finish();
            let upgraded = len >= handshake("Unary").encode().len();
            if !upgraded {
                let head = client.head().map(|head| head.status);
                assert!(matches!(head, None | Some(400..500)), "{len}: {head:?}");
                continue;
            }
            let outcome = client.outcome();
            assert_ne!(outcome.end(), Some(End::TimedOut), "{len}: {outcome}");
            assert!(outcome.took < SOON, "{len}: {outcome}");
            let whole = len == call_len();
            assert!(
                whole || outcome.status() != Some(Code::Ok),
                "{len}: {outcome}"
            );
            assert!(whole || outcome.messages.is_empty(), "{len}: {outcome}");
        }
        assert_nothing_leaks(&target, before);
    }
}

#[test]
fn a_reset_at_every_byte_of_a_call_leaks_nothing() {
    for target in Target::both() {
        let before = descriptors(&target);
        for len in 0..=call_len() {
            send_prefix(&target, len).reset();
        }
        assert_nothing_leaks(&target, before);
    }
}

#[test]
fn a_reset_at_every_byte_of_the_answer_leaks_nothing() {
    for target in Target::both() {
        let before = descriptors(&target);
        let whole = answer_len(&target);
        for len in 0..=whole {
            let mut client = send_prefix(&target, call_len());
            client.read_raw(len);
            client.reset();
        }
        assert_nothing_leaks(&target, before);
    }
}

/// Clients that go between two messages, in every way there is to go.
fn assert_no_clean_end(target: &Target) {
    let leave: [fn(Client); 3] = [
        Client::reset,
        |client| client.finish(),
        |mut client| client.send(&Frame::close([]).encode()),
    ];
    for leave in leave {
        for _ in 0..20 {
            let mut client = target.call("Count");
            client.send(&data(&message(b"whole")));
            eventually("the call is under way", SOON, || target.probe.live() > 0);
            leave(client);
            target.assert_no_handlers(SOON);
        }
    }
    assert_eq!(target.probe.clean_ends(), 0, "{}", target.name);
}

#[test]
fn a_client_that_goes_between_messages_is_no_half_close() {
    assert_no_clean_end(&Target::in_process(Settings::default()));
}

#[test]
fn a_client_that_goes_between_messages_is_no_half_close_behind_the_gateway() {
    assert_no_clean_end(&Target::gateway(Settings::default()));
}

/// The bytes of the answer's frames, up to the end of the trailers.
fn answer_len(target: &Target) -> usize {
    let outcome = send_prefix(target, call_len()).outcome();
    let blocks: usize = outcome.blocks.iter().map(|block| 2 + 5 + block.len()).sum();
    let messages: usize = outcome
        .messages
        .iter()
        .map(|payload| 2 + 5 + payload.len())
        .sum();
    blocks + messages
}
