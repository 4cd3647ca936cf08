//! What attacks cost in memory: heap in this process (the client's small part included), resident
//! memory of the gateway.

use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::Duration;

use grpc_websocket_hostile::grpc::{BLOCK, data, half_close, headers, message, prefix};
use grpc_websocket_hostile::{Client, Frame, Target, handshake};
use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// One test at a time: all of them share the heap.
static ALONE: Mutex<()> = Mutex::new(());

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

/// What a target's memory grows by at most while it is attacked.
fn growth(target: &Target, attack: impl FnOnce(&Target)) -> u64 {
    target.assert_serves();
    let before = memory_and_reset_peak(target);
    attack(target);
    let grown = peak(target).saturating_sub(before);
    println!("{}: {} KiB", target.name, grown / KIB);
    target.assert_serves();
    grown
}

fn memory_and_reset_peak(target: &Target) -> u64 {
    if target.name == "gateway" {
        target.process().reset_peak();
        return target.process().resident_kib() * KIB;
    }
    HEAP.reset_peak_usage();
    HEAP.current_usage() as u64
}

fn peak(target: &Target) -> u64 {
    if target.name == "gateway" {
        return target.process().peak_resident_kib() * KIB;
    }
    HEAP.peak_usage() as u64
}

/// Asserts the bound on each target, with nothing else running.
fn assert_growth(limit: u64, attack: impl Fn(&Target)) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for target in Target::both() {
        let grown = growth(&target, &attack);
        assert!(grown < limit, "{}: {} KiB", target.name, grown / KIB);
    }
}

/// So many calls of `Count` that have sent the same.
fn crowd(target: &Target, calls: usize, frames: &[u8]) -> Vec<Client> {
    let mut crowd = Vec::with_capacity(calls);
    for _ in 0..calls {
        let mut client = target.call("Count");
        client.send(frames);
        crowd.push(client);
    }
    sleep(Duration::from_millis(500));
    crowd
}

#[test]
fn a_thousand_announcements_of_4_mib_cost_no_4_mib_each() {
    let announcement = data(&[&prefix(0, 4 << 20)[..], &[0; 100]].concat());
    assert_growth(64 * MIB, |target| drop(crowd(target, 1000, &announcement)));
}

#[test]
fn a_thousand_websocket_messages_that_announce_4_mib_touch_no_4_mib_each() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let announcement = Frame::binary([0; 100]).announcing(4 << 20).encode();
    // What is reserved and not written to is not resident.
    let target = Target::gateway(grpc_websocket_hostile::Settings::default());
    let grown = growth(&target, |target| drop(crowd(target, 1000, &announcement)));
    assert!(grown < 64 * MIB, "{} KiB", grown / KIB);
}

#[test]
fn an_endless_header_block_costs_no_more_than_a_message() {
    let line = Frame::continuation("x: 1\r\n").unfinished().encode();
    assert_growth(16 * MIB, |target| {
        let mut client = target.open("Unary");
        client.send(&Frame::binary(BLOCK).unfinished().encode());
        client.flood(&line.repeat(1000), 2000, &[]);
    });
}

#[test]
fn a_message_of_one_byte_fragments_costs_no_more_than_one_in_a_piece() {
    let fragment = Frame::continuation([0]).unfinished().encode();
    assert_growth(24 * MIB, |target| {
        let mut client = target.call("Count");
        let first = [&[0], &prefix(0, 1 << 20)[..]].concat();
        client.send(&Frame::binary(first).unfinished().encode());
        let end = [Frame::continuation([]).encode(), half_close()].concat();
        client.flood(&fragment.repeat(1 << 10), 1 << 10, &end);
    });
}

#[test]
fn a_million_empty_fragments_cost_nothing() {
    let fragment = Frame::continuation([]).unfinished().encode();
    assert_growth(8 * MIB, |target| {
        let mut client = target.call("Count");
        client.send(&Frame::binary([0]).unfinished().encode());
        let end = [Frame::continuation(message(b"hi")).encode(), half_close()].concat();
        let (outcome, _) = client.flood(&fragment.repeat(1000), 1000, &end);
        assert_eq!(outcome.messages, [b"1 2"], "{outcome}");
    });
}

#[test]
fn pings_of_a_client_that_never_reads_cost_nothing() {
    let pings = Frame::ping([0; 125]).encode().repeat(1000);
    assert_growth(8 * MIB, |target| {
        let mut client = Client::connect_narrow(target.address).upgraded(&handshake("Bidi"));
        client.send(&headers());
        client.set_patience(Duration::from_secs(1));
        let _ = (0..1000).all(|_| client.try_send(&pings).is_ok());
    });
}

#[test]
fn what_a_handler_does_not_read_is_not_buffered() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    for target in Target::both() {
        let before = memory_and_reset_peak(&target);
        let mut client = target.call("Hold");
        let upload = data(&message(&[0; 60_000]));
        client.write_until_blocked(&upload, Duration::from_secs(1), 1 << 29);
        let grown = peak(&target).saturating_sub(before);
        assert!(grown < 16 * MIB, "{}: {} KiB", target.name, grown / KIB);
    }
}

#[test]
fn what_a_client_does_not_read_is_not_buffered() {
    assert_growth(16 * MIB, |target| {
        let mut client = Client::connect_narrow(target.address).upgraded(&handshake("Download"));
        client.send(&[headers(), data(&message(b"1000000")), half_close()].concat());
        sleep(Duration::from_secs(1));
    });
}
