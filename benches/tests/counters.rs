//! What a call costs that can be counted: allocations, reads and writes of the socket. Unlike time
//! this is the same on every machine. The load is in lock step, so a burst comes at once.

use std::env::temp_dir;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use grpc_websocket_benches::lockstep::Lockstep;
use grpc_websocket_benches::measured::Counted;
use grpc_websocket_benches::peer::{Job, Kind, Protocol};
use grpc_websocket_benches::process::Process;

const PROGRAM: &str = env!("CARGO_BIN_EXE_grpc-websocket-benches-counting");
const BURSTS: u64 = 50;

/// What a burst costs a server, on average.
#[derive(Debug)]
struct Cost {
    allocations: f64,
    reads: f64,
    writes: f64,
}

/// A burst of messages of 32 bytes at a server.
fn burst(contender: &str, protocol: Protocol, kind: Kind, messages: u64) -> Cost {
    static SOCKETS: AtomicU32 = AtomicU32::new(0);
    let number = SOCKETS.fetch_add(1, Ordering::Relaxed);
    let name = format!("benches-{}-{number}", std::process::id());
    let path = temp_dir().join(name).display().to_string();
    let listen = format!("unix:{path}");
    let command = &mut Command::new(PROGRAM);
    let mut server = Process::start(command.args(["serve", contender, "--listen", &listen]));
    let server = server.as_mut().unwrap();
    let mut load = Lockstep::new(&path, protocol, Job::new(kind, 32)).unwrap();
    for _ in 0..BURSTS {
        load.burst(messages).unwrap();
    }
    let before = server.counted().unwrap();
    for _ in 0..BURSTS {
        load.burst(messages).unwrap();
    }
    let after = server.counted().unwrap();
    std::fs::remove_file(path).unwrap();
    let each =
        |counter: fn(&Counted) -> u64| (counter(&after) - counter(&before)) as f64 / BURSTS as f64;
    Cost {
        allocations: each(|counted| counted.allocations),
        reads: each(|counted| counted.reads),
        writes: each(|counted| counted.writes),
    }
}

#[test]
fn the_answers_to_a_burst_of_calls_are_written_at_once() {
    let cost = burst("routes", Protocol::Mux, Kind::Unary, 64);
    assert!(cost.writes <= 2.0, "{cost:?}");
    assert!(cost.reads <= 2.0, "{cost:?}");
}

#[test]
fn the_answers_to_a_burst_of_messages_are_few_writes() {
    let cost = burst("routes", Protocol::Mux, Kind::Bidi, 512);
    assert!(cost.writes <= 4.0, "{cost:?}");
    assert!(cost.reads <= 5.0, "{cost:?}");
}

#[test]
fn a_call_by_itself_is_read_once_and_written_once() {
    let cost = burst("routes", Protocol::Mux, Kind::Unary, 1);
    assert!(cost.writes <= 1.1, "{cost:?}");
    assert!(cost.reads <= 1.1, "{cost:?}");
}

#[test]
fn a_unary_call_allocates_no_more_than_it_did() {
    for (contender, most) in [("routes", 35.5), ("services", 26.5), ("bytes", 15.5)] {
        let cost = burst(contender, Protocol::Mux, Kind::Unary, 64);
        let each = cost.allocations / 64.0;
        assert!(each <= most, "{contender}: {each}");
    }
}

#[test]
fn a_message_of_a_stream_allocates_next_to_nothing() {
    let cost = burst("routes", Protocol::Mux, Kind::Bidi, 512);
    assert!(cost.allocations / 512.0 <= 0.5, "{cost:?}");
}
