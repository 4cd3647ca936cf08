//! The checks of the simulation can fail.

use grpc_websocket_core::Code;
use grpc_websocket_core::deframe::Deframer;
use grpc_websocket_core::mux::Side::{Acceptor, Dialer};
use grpc_websocket_core::{Limits, mux::Side};
use grpc_websocket_testkit::check::Ledger;
use grpc_websocket_testkit::plan::{request_block, trailers};
use grpc_websocket_testkit::stream::{Follower, Stream};
use std::panic::{AssertUnwindSafe, catch_unwind};

const SETTINGS: &[u8] = b"\x50\0\0\0\0\x02\0\0\0\x40\x03\0\0\0\x01"; // a window of 64, one call
const OPEN: &[u8] = b"\x01\0\0\0\x01";

/// One end writes a message, and the other reads it.
fn pass(ledger: &mut Ledger, from: Side, message: &[u8]) {
    ledger.made(from, message);
    ledger.wrote(from, message);
    ledger.read(from.peer(), message.len());
    ledger.read_end(from.peer());
}

fn data(head: &[u8], len: usize) -> Vec<u8> {
    [head, &vec![0; len]].concat()
}

/// Whether the last of these messages breaks a rule that the ones before it keep.
fn last_is_wrong(messages: &[(Side, &[u8])]) -> bool {
    let mut ledger = Ledger::default();
    let ((last_from, last), before) = messages.split_last().expect("a message");
    for (from, message) in before {
        pass(&mut ledger, *from, message);
    }
    let last = AssertUnwindSafe(|| ledger.made(*last_from, last));
    catch_unwind(last).is_err()
}

/// SETTINGS both ways, and then these.
fn is_wrong(messages: &[(Side, &[u8])]) -> bool {
    let settings = [(Dialer, SETTINGS), (Acceptor, SETTINGS)];
    last_is_wrong(&[&settings, messages].concat())
}

#[test]
fn settings_come_first_and_once() {
    assert!(last_is_wrong(&[(Dialer, b"\x30\0\0\0\0........")]));
    assert!(is_wrong(&[(Dialer, SETTINGS)]));
    assert!(last_is_wrong(&[(Dialer, SETTINGS), (Dialer, OPEN)]));
    assert!(!is_wrong(&[(Dialer, OPEN)]));
}

#[test]
fn nobody_sends_beyond_the_credit() {
    let [fits, beyond] = [64, 65].map(|len| data(OPEN, len));
    assert!(!is_wrong(&[(Dialer, &fits)]));
    assert!(is_wrong(&[(Dialer, &beyond)]));
    let more = data(b"\0\0\0\0\x01", 32);
    assert!(is_wrong(&[(Dialer, &fits), (Dialer, &more)]));
    let window = b"\x10\0\0\0\x01\0\0\0\x20";
    assert!(!is_wrong(&[
        (Dialer, &fits),
        (Acceptor, window),
        (Dialer, &more)
    ]));
}

#[test]
fn credit_is_returned_by_half_windows_for_what_came() {
    let block = data(OPEN, 40);
    assert!(is_wrong(&[
        (Dialer, &block),
        (Acceptor, b"\x10\0\0\0\x01\0\0\0\x29")
    ]));
    assert!(is_wrong(&[
        (Dialer, &block),
        (Acceptor, b"\x10\0\0\0\x01\0\0\0\x1f")
    ]));
    assert!(!is_wrong(&[
        (Dialer, &block),
        (Acceptor, b"\x10\0\0\0\x01\0\0\0\x28")
    ]));
}

#[test]
fn calls_are_numbered_and_counted() {
    assert!(is_wrong(&[(Dialer, b"\x01\0\0\0\x02")]));
    assert!(is_wrong(&[(Dialer, OPEN), (Dialer, b"\x01\0\0\0\x03")]));
    let ended = [(Dialer, OPEN), (Acceptor, b"\x02\0\0\0\x01" as &[u8])];
    assert!(is_wrong(&[&ended[..], &[(Dialer, OPEN)]].concat()));
    assert!(!is_wrong(
        &[&ended[..], &[(Dialer, b"\x01\0\0\0\x03")]].concat()
    ));
    let going = [(Acceptor, b"\x40\0\0\0\0\0" as &[u8]), (Dialer, OPEN)];
    assert!(is_wrong(&going));
}

#[test]
fn nothing_follows_the_end_of_a_call() {
    let byte = b"\0\0\0\0\x01.";
    for end in [b"\x20\0\0\0\x01\x01" as &[u8], b"\x02\0\0\0\x01"] {
        assert!(is_wrong(&[(Dialer, OPEN), (Dialer, end), (Dialer, byte)]));
        assert!(is_wrong(&[
            (Dialer, OPEN),
            (Acceptor, end),
            (Acceptor, byte)
        ]));
        assert!(is_wrong(&[(Dialer, OPEN), (Acceptor, end), (Dialer, byte)]));
    }
    let reset = b"\x20\0\0\0\x01\x01";
    assert!(is_wrong(&[
        (Dialer, OPEN),
        (Dialer, reset),
        (Acceptor, reset)
    ]));
}

#[test]
fn an_ack_is_an_answer_and_goaway_goes_down() {
    let (ping, ack) = (b"\x30\0\0\0\0........", b"\x31\0\0\0\0........");
    assert!(is_wrong(&[(Dialer, ack)]));
    assert!(!is_wrong(&[(Dialer, ping), (Acceptor, ack)]));
    assert!(is_wrong(&[(Dialer, OPEN), (Acceptor, b"\x40\0\0\0\x03\0")]));
    let [none, one] = [b"\x40\0\0\0\0\0" as &[u8], b"\x40\0\0\0\x01\0"];
    assert!(is_wrong(&[
        (Dialer, OPEN),
        (Acceptor, none),
        (Acceptor, one)
    ]));
    assert!(!is_wrong(&[
        (Dialer, OPEN),
        (Acceptor, one),
        (Acceptor, none)
    ]));
}

/// What a follower makes of a stream that arrives otherwise than it was sent.
fn follow(sent: &Stream, arrives: &[u8]) -> bool {
    let mut deframer = Deframer::new(Limits::DEFAULT);
    let mut follower = Follower::default();
    let mut input = arrives;
    while let Ok(Some((kind, piece))) = deframer.next(&mut input) {
        match kind.flags() {
            0x80 => follower.metadata(sent, &piece),
            flags => follower.message(sent, flags == 1, &piece),
        }
    }
    follower.is_complete(sent)
}

#[test]
fn a_stream_that_changed_on_its_way_is_seen() {
    let sent = Stream::default()
        .with_block(&request_block(1, 20))
        .with_message(30, false, 1)
        .with_message(0, true, 1)
        .with_block(&trailers(Code::Ok, 0));
    let bytes = sent.bytes();
    assert!(follow(&sent, bytes));
    assert!(!follow(&sent, &bytes[..bytes.len() - 1]));
    for at in 0..bytes.len() {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1;
        let outcome = catch_unwind(|| follow(&sent, &changed));
        assert!(!outcome.unwrap_or(false), "byte {at} has changed");
    }
    let twice = [bytes, bytes].concat();
    assert!(catch_unwind(|| follow(&sent, &twice)).is_err());
}
