//! Clients that take their time. What each waits for is tens of seconds, so all wait at once.

use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use grpc_websocket_hostile::grpc::{BLOCK, data, headers, message, unary};
use grpc_websocket_hostile::{Client, Code, End, Frame, Settings, Target, handshake};

const SECOND: Duration = Duration::from_secs(1);

/// Between a server's limit and what a busy machine adds to it.
fn assert_took(took: Duration, secs: std::ops::Range<u64>, case: &str) {
    assert!(
        secs.contains(&took.as_secs()),
        "{case}: {took:?} is not in {secs:?} s"
    );
}

#[test]
fn a_connection_without_a_request_is_dropped_after_ten_seconds() {
    for_both_at_once(
        Settings::default(),
        &[silence, half_a_request, drips_a_request],
    );
}

#[test]
fn a_message_that_drips_ends_its_call() {
    for_both_at_once(
        Settings::default(),
        &[drips_a_message, drips_a_block_within_its_time],
    );
}

#[test]
fn a_header_block_that_does_not_come_in_time_ends_its_call() {
    let settings = Settings {
        metadata_timeout: 1,
        ..Settings::default()
    };
    for_both_at_once(
        settings,
        &[
            never_sends_a_block,
            never_ends_a_block,
            pings_in_place_of_a_block,
        ],
    );
}

#[test]
fn a_client_that_does_not_answer_pings_is_taken_for_gone() {
    for_both_at_once(
        Settings::short(),
        &[ignores_pings, ignores_pings_in_a_message],
    );
}

#[test]
fn a_client_that_only_answers_pings_is_kept() {
    for_both_at_once(Settings::short(), &[answers_pings]);
}

/// Runs each attack on each target, all at the same time.
fn for_both_at_once(settings: Settings, attacks: &[fn(&Target)]) {
    let targets = Target::both_with(settings);
    scope(|scope| {
        for target in &targets {
            for attack in attacks {
                scope.spawn(move || attack(target));
            }
            // Nobody waits for the slow ones.
            scope.spawn(move || {
                sleep(SECOND);
                target.assert_serves();
            });
        }
    });
    for target in &targets {
        target.assert_recovered();
    }
}

fn assert_dropped_after_ten_seconds(mut client: Client, begun: Instant, case: &str) {
    let head = client.head().map(|head| head.status);
    assert!(matches!(head, None | Some(408)), "{case}: {head:?}");
    assert_took(begun.elapsed(), 9..16, case);
}

fn silence(target: &Target) {
    assert_dropped_after_ten_seconds(target.connect(), Instant::now(), "silence");
}

fn half_a_request(target: &Target) {
    let mut client = target.connect();
    client.send(&handshake("Unary").encode()[..40]);
    assert_dropped_after_ten_seconds(client, Instant::now(), "half a request");
}

fn drips_a_request(target: &Target) {
    let begun = Instant::now();
    let mut client = target.connect();
    client.drip(&handshake("Unary").encode()[..24], SECOND / 2);
    assert_dropped_after_ten_seconds(client, begun, "a dripping request");
}

fn drips_a_message(target: &Target) {
    let mut client = target.call("Count");
    client.drip(&data(&message(&[7; 1000]))[..26], SECOND / 2);
    let outcome = client.outcome();
    outcome.assert(
        "a dripping message",
        Some(Code::DeadlineExceeded),
        Some(1008),
    );
    assert_took(outcome.took, 10..20, "a dripping message");
}

fn drips_a_block_within_its_time(target: &Target) {
    let mut client = target.open("Unary");
    client.drip(&headers(), SECOND / 20);
    client.send(&unary(b"hi")[headers().len()..]);
    client
        .outcome()
        .assert("a dripping block", Some(Code::Ok), Some(1000));
}

fn never_sends_a_block(target: &Target) {
    let outcome = target.attack("Unary", &[]);
    outcome.assert("no block", Some(Code::DeadlineExceeded), Some(1008));
    assert_took(outcome.took, 1..4, "no block");
}

fn never_ends_a_block(target: &Target) {
    let mut client = target.open("Unary");
    client.send(&Frame::binary(BLOCK).unfinished().encode());
    client.drip(
        &Frame::continuation("x: 1").unfinished().encode(),
        SECOND / 10,
    );
    let outcome = client.outcome();
    outcome.assert("an endless block", Some(Code::DeadlineExceeded), Some(1008));
    assert_took(outcome.took, 1..10, "an endless block");
}

fn pings_in_place_of_a_block(target: &Target) {
    let mut client = target.open("Unary");
    for _ in 0..15 {
        let _ = client.try_send(&Frame::ping([]).encode());
        sleep(SECOND / 10);
    }
    let outcome = client.outcome();
    outcome.assert("pings", Some(Code::DeadlineExceeded), Some(1008));
}

/// Reads nothing, so that no pong is sent.
fn assert_taken_for_gone(target: &Target, mut client: Client, case: &str) {
    target.assert_no_handlers(SECOND * 6);
    let first_ping = client.read_raw(2);
    assert_eq!(first_ping[0], 0x89, "{case}");
    assert!(client.is_dropped(), "{case}");
}

fn ignores_pings(target: &Target) {
    assert_taken_for_gone(target, target.call("Hold"), "ignores pings");
}

fn ignores_pings_in_a_message(target: &Target) {
    let mut client = target.call("Hold");
    client.send(&data(&[0; 100])[..50]);
    assert_taken_for_gone(target, client, "ignores pings in a message");
}

fn answers_pings(target: &Target) {
    let mut client = target.call("Hold");
    client.set_patience(SECOND * 5);
    let mut answered = 0;
    while answered < 4 {
        assert_eq!(client.read_raw(2), [0x89, 0], "a ping");
        client.send(&Frame::pong([]).encode());
        answered += 1;
    }
    assert!(target.probe.live() >= 1, "the call goes on");
    client.send(&Frame::close([]).encode());
    assert_ne!(client.outcome().end(), Some(End::TimedOut));
}
