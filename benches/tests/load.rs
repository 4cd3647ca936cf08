//! The load generator gets an answer to each message, of every contender that it is put on.

use std::process::Command;

use grpc_websocket_benches::load::{Load, Meter, Wire};
use grpc_websocket_benches::peer::{Job, Kind, Protocol};
use grpc_websocket_benches::process::Process;
use grpc_websocket_benches::tls;

const PROGRAM: &str = env!("CARGO_BIN_EXE_grpc-websocket-benches");
const MESSAGES: u64 = 100;

const GRPC: [(&str, Protocol); 4] = [
    ("tonic", Protocol::Http2),
    ("routes", Protocol::Mux),
    ("services", Protocol::Mux),
    ("bytes", Protocol::Mux),
];

/// Sends messages over one connection, four at a time; fails if an answer is missing.
async fn exchange(contender: &str, protocol: Protocol, job: Job, is_tls: bool) {
    let mut command = Command::new(PROGRAM);
    command.args(["serve", contender, "--unlimited"]);
    if is_tls {
        command.args(["--identity", &tls::IDENTITY]);
    }
    let server = Process::start(&mut command).unwrap();
    let load = Load {
        protocol,
        job,
        in_flight: 4,
        reconnects: false,
        is_tls,
    };
    let meter = Meter::default();
    let mut wire = Wire::connect(&server.address, load).await.unwrap();
    let done = wire.exchange(load, &meter, MESSAGES).await;
    assert_eq!(done, Ok(()), "{contender}, {protocol:?}, {job:?}");
}

#[tokio::test]
async fn messages_of_any_length_are_answered() {
    for (contender, protocol) in GRPC {
        for kind in [Kind::Unary, Kind::Bidi, Kind::Messages] {
            for size in [32, 20_000, 300_000] {
                exchange(contender, protocol, Job::new(kind, size), false).await;
            }
        }
    }
}

#[tokio::test]
async fn many_calls_have_messages_in_turn() {
    for (contender, protocol) in GRPC {
        let job = Job {
            calls: 30,
            ..Job::new(Kind::Messages, 32)
        };
        exchange(contender, protocol, job, false).await;
    }
}

#[tokio::test]
async fn bare_echoes_answer() {
    for (contender, protocol) in [
        ("web-socket", Protocol::WebSocket),
        ("tungstenite", Protocol::WebSocket),
        ("tcp", Protocol::Tcp),
    ] {
        for size in [32, 300_000] {
            exchange(contender, protocol, Job::new(Kind::Bidi, size), false).await;
        }
    }
}

#[tokio::test]
async fn tls_carries_the_same() {
    for (contender, protocol) in GRPC {
        for size in [32, 300_000] {
            exchange(contender, protocol, Job::new(Kind::Unary, size), true).await;
        }
    }
    let job = Job::new(Kind::Bidi, 20_000);
    exchange("routes", Protocol::Single, job, true).await;
}
