//! Transports and peers that stall, by a clock that the tests move.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod common;

use common::pair::{CALLS, OUTPUT, WINDOW};
use common::raw::{Raw, SETTINGS, Seen};
use common::{Task, join, pipe, run_timed};
use embassy_futures::select::{Either, select};
use embassy_time::Duration;
use grpc_websocket_core::mux::ConnectionError;
use grpc_websocket_core::ws::Opcode;
use grpc_websocket_embassy::codec::Raw as Bytes;
use grpc_websocket_embassy::handshake::{Accept, Subprotocol, Upgrade};
use grpc_websocket_embassy::{Code, Config, Error, Runner, State};

type Memory = State<CALLS, WINDOW, OUTPUT>;
type TestRunner<'a> = Runner<'a, CALLS, WINDOW, OUTPUT>;

/// SETTINGS by which three calls may be made, with a window of 2^20.
const WIDE: &[u8] = b"\x50\0\0\0\0\x03\0\0\0\x03\x02\0\x10\0\0";

const SECOND: Duration = Duration::from_secs(1);

/// A device that makes calls to a peer that reads only what its transport holds.
async fn with_client<O>(
    config: Config,
    subprotocol: Subprotocol,
    capacity: usize,
    calls: impl AsyncFnOnce(grpc_websocket_embassy::Client<'_, CALLS, WINDOW, OUTPUT>) -> O,
    peer: impl AsyncFnOnce(&mut Raw),
) -> (Result<(), Error>, O, Vec<Seen>) {
    let mut state = Memory::new();
    let (client, _, mut runner) = state.split(config, 1);
    let (up, at_server) = pipe(capacity);
    let (down, at_client) = pipe(usize::MAX);
    let subprotocols = [subprotocol];
    let upgrade = Upgrade::new("device", "/t.T/Call").subprotocols(&subprotocols);
    let driving = runner.connect(at_client, up, &upgrade);
    let peering = async {
        let mut raw = Raw::accept(down, at_server).await;
        peer(&mut raw).await;
        raw.watch().await
    };
    let calling = Task::new(calls(client));
    let device = join(Task::new(driving), calling);
    let ((result, output), seen) = join(device, Task::new(peering)).await;
    (result, output, seen)
}

async fn until_timeout<O>(seconds: u64, future: impl Future<Output = O>) -> Option<O> {
    embassy_time::with_timeout(Duration::from_secs(seconds), future)
        .await
        .ok()
}

/// Waits, and does nothing.
async fn rest(seconds: u64) {
    let _ = until_timeout(seconds, std::future::pending::<()>()).await;
}

#[test]
fn a_handshake_that_stalls_is_over_in_time() {
    let config = Config::DEFAULT.with_handshake_timeout(5 * SECOND);
    for capacity in [0, 20, 10_000] {
        let (result, elapsed) = run_timed(async {
            let mut state = Memory::new();
            let (_, _, mut runner) = state.split(config, 1);
            let (up, _at_server) = pipe(capacity);
            let (_down, at_client) = pipe(10);
            runner
                .connect(at_client, up, &Upgrade::new("device", "/"))
                .await
        });
        assert_eq!(result, Err(Error::Timeout));
        assert_eq!(elapsed, 5 * SECOND);
    }
    let (result, elapsed) = run_timed(async {
        let mut state = Memory::new();
        let (_, _, mut runner) = state.split(config, 1);
        let (_up, at_server) = pipe(10);
        let (down, _at_client) = pipe(10);
        runner.accept(at_server, down, &Accept::new()).await
    });
    assert_eq!(result, Err(Error::Timeout));
    assert_eq!(elapsed, 5 * SECOND);
}

#[test]
fn a_peer_without_settings_is_given_up() {
    let config = Config::DEFAULT.with_handshake_timeout(5 * SECOND);
    let nothing = with_client(config, Subprotocol::Mux, 10_000, async |_| {}, async |_| {});
    let ((result, (), seen), elapsed) = run_timed(nothing);
    assert_eq!(result, Err(Error::Mux(ConnectionError::SettingsTimeout)));
    assert_eq!(seen.last(), Some(&Seen::Close(Some(1008))));
    // And a second for the peer's Close, which does not come.
    assert_eq!(elapsed, 6 * SECOND);
}

#[test]
fn a_silent_peer_is_asked_and_given_up() {
    let config = Config::DEFAULT.with_keepalive(Some((20 * SECOND, 10 * SECOND)));
    let calls = async |client: grpc_websocket_embassy::Client<'_, CALLS, WINDOW, OUTPUT>| {
        client.ready().await;
        let mut buffer = [0; 64];
        let call = client.call::<Bytes>("/t.T/Call");
        call.unary::<_, &[u8]>(b"", &mut buffer)
            .await
            .unwrap_err()
            .code()
    };
    let settings = async |raw: &mut Raw| raw.message(SETTINGS).await;
    let silent = with_client(config, Subprotocol::Mux, 10_000, calls, settings);
    let ((result, code, seen), elapsed) = run_timed(silent);
    assert_eq!(result, Err(Error::Mux(ConnectionError::KeepaliveTimeout)));
    assert_eq!(code, Code::Unavailable);
    assert_eq!(seen.last(), Some(&Seen::Close(Some(1008))));
    // And a second for the peer's Close, which does not come.
    assert_eq!(elapsed, 31 * SECOND);
}

/// Calls to a peer that does not read end at their deadlines, those that wait for a place too, and
/// the connection by its keepalive. What is said last takes a second at most.
#[test]
fn a_peer_that_does_not_read_stops_no_deadline() {
    let config = Config::DEFAULT.with_keepalive(Some((20 * SECOND, 10 * SECOND)));
    let calls = async |client: grpc_websocket_embassy::Client<'_, CALLS, WINDOW, OUTPUT>| {
        client.ready().await;
        let started = embassy_time::Instant::now();
        let call = async |seconds: u64| {
            let mut buffer = vec![0; 4000];
            let call = client
                .call::<Bytes>("/t.T/Call")
                .timeout(Duration::from_secs(seconds));
            let result = call.unary::<_, &[u8]>(&[1; 3000], &mut buffer).await;
            assert_eq!(result.unwrap_err().code(), Code::DeadlineExceeded);
            assert_eq!(started.elapsed(), Duration::from_secs(seconds));
        };
        let ends = join(call(4), join(call(3), call(5)));
        join(ends, join(call(1), call(2))).await;
    };
    let peer = async |raw: &mut Raw| {
        raw.message(WIDE).await;
        rest(40).await;
    };
    let stalled = with_client(config, Subprotocol::Mux, 700, calls, peer);
    let ((result, (), _), _) = run_timed(async {
        let started = embassy_time::Instant::now();
        let result = stalled.await;
        assert!(started.elapsed() <= 41 * SECOND);
        result
    });
    assert_eq!(result, Err(Error::Mux(ConnectionError::KeepaliveTimeout)));
}

#[test]
fn a_stalled_call_of_its_own_websocket_ends_at_its_deadline() {
    let calls = async |client: grpc_websocket_embassy::Client<'_, CALLS, WINDOW, OUTPUT>| {
        client.ready().await;
        let started = embassy_time::Instant::now();
        let mut buffer = vec![0; 4000];
        let call = client.call::<Bytes>("/t.T/Call").timeout(3 * SECOND);
        let result = call.unary::<_, &[u8]>(&[1; 3000], &mut buffer).await;
        assert_eq!(result.unwrap_err().code(), Code::DeadlineExceeded);
        assert_eq!(started.elapsed(), 3 * SECOND);
        // The WebSocket has had its call.
        let mut buffer = vec![0; 64];
        let again = client
            .call::<Bytes>("/t.T/Call")
            .unary::<_, &[u8]>(b"", &mut buffer)
            .await;
        assert_eq!(again.unwrap_err().code(), Code::Unavailable);
    };
    let peer = async |_: &mut Raw| rest(60).await;
    let (_, elapsed) = run_timed(async {
        let stalled = with_client(Config::DEFAULT, Subprotocol::Single, 300, calls, peer);
        let (result, (), _) = stalled.await;
        assert!(result.is_ok(), "{result:?}");
    });
    assert!(elapsed <= 61 * SECOND);
}

/// The output is full when the peer breaks the rules. When it reads again, it is told.
#[test]
fn what_is_said_last_waits_for_room() {
    let calls = async |client: grpc_websocket_embassy::Client<'_, CALLS, WINDOW, OUTPUT>| {
        client.ready().await;
        let mut buffer = vec![0; 4000];
        let call = client.call::<Bytes>("/t.T/Call");
        let result = call.unary::<_, &[u8]>(&[1; 3000], &mut buffer).await;
        assert_eq!(result.unwrap_err().code(), Code::Internal);
    };
    let peer = async |raw: &mut Raw| {
        raw.message(WIDE).await;
        rest(1).await;
        raw.message(b"\0").await;
    };
    let broken = with_client(Config::DEFAULT, Subprotocol::Mux, 700, calls, peer);
    let ((result, (), seen), _) = run_timed(broken);
    assert_eq!(result, Err(Error::Mux(ConnectionError::Malformed)));
    let [.., goaway, close] = &seen[..] else {
        panic!("{seen:?}");
    };
    assert!(
        matches!(goaway, Seen::Message(frame) if frame[0] == 0x40),
        "{goaway:?}"
    );
    assert_eq!(*close, Seen::Close(Some(1002)));
}

#[test]
fn a_call_does_not_wait_for_last_words_to_a_peer_that_does_not_read() {
    let calls = async |client: grpc_websocket_embassy::Client<'_, CALLS, WINDOW, OUTPUT>| {
        client.ready().await;
        let mut buffer = vec![0; 4000];
        let call = client.call::<Bytes>("/t.T/Call");
        let result = call.unary::<_, &[u8]>(&[1; 3000], &mut buffer).await;
        assert_eq!(result.unwrap_err().code(), Code::Internal);
        embassy_time::Instant::now()
    };
    let peer = async |raw: &mut Raw| {
        raw.message(WIDE).await;
        rest(1).await;
        raw.message(b"\0").await;
        rest(30).await;
    };
    run_timed(async {
        let started = embassy_time::Instant::now();
        let broken = with_client(Config::DEFAULT, Subprotocol::Mux, 700, calls, peer);
        let (_, ended, _) = broken.await;
        // The call does not wait for them.
        assert_eq!(ended - started, SECOND);
    });
}

/// A server whose peer does not read, and a call that is given up meanwhile at both ends.
#[test]
fn a_call_that_both_ends_give_up_leaves_no_place_taken() {
    let open = |id: u8| [&[1, 0, 0, 0, id][..], b"\x80\0\0\0\x12:path: /t.T/Echo\r\n"].concat();
    let mut state = Memory::new();
    let incoming = Config::DEFAULT.with_max_incoming_calls(CALLS);
    let (_, server, runner) = state.split(incoming, 1);
    let mut runner: TestRunner<'_> = runner;
    let (up, at_server) = pipe(usize::MAX);
    let (down, at_client) = pipe(300);
    let serving = async {
        for _ in 0..2 {
            let mut block = [0; 64];
            let (_, mut call) = server.accept::<Bytes>(&mut block).await;
            let mut buffer = [0; 256];
            // The client takes no more, and so the call is dropped in the middle.
            let sending = async { while call.send(&[1; 100], &mut buffer).await.is_ok() {} };
            assert_eq!(until_timeout(1, sending).await, None);
        }
        rest(2).await;
        let mut places = Vec::new();
        for _ in 0..CALLS {
            let mut block = [0; 64];
            places.push(server.accept::<Bytes>(&mut block).await.1);
        }
    };
    let peer = async {
        let mut raw = Raw::connect(up, at_client, Subprotocol::Mux, "/").await;
        raw.message(WIDE).await;
        raw.message(&open(1)).await;
        raw.message(&open(3)).await;
        rest(3).await;
        raw.message(&[0x20, 0, 0, 0, 1, 1]).await;
        raw.message(&[0x20, 0, 0, 0, 3, 1]).await;
        let reading = async {
            raw.watch().await;
        };
        let _ = until_timeout(1, reading).await;
        for id in [5, 7, 9] {
            raw.message(&open(id)).await;
        }
        rest(60).await;
    };
    let ((), _) = run_timed(async {
        let accept = Accept::new();
        let driving = runner.accept(at_server, down, &accept);
        let connection = join(Task::new(driving), Task::new(peer));
        let all = select(connection, Task::new(serving));
        assert!(matches!(all.await, Either::Second(())), "a place is lost");
    });
}

#[test]
fn a_connection_goes_away_when_its_last_call_is_let_go() {
    let open = b"\x01\0\0\0\x01\x80\0\0\0\x12:path: /t.T/Echo\r\n";
    let mut state = Memory::new();
    let incoming = Config::DEFAULT
        .with_max_incoming_calls(CALLS)
        .with_keepalive(None);
    let (client, server, mut runner) = state.split(incoming, 1);
    let (up, at_server) = pipe(usize::MAX);
    let (down, at_client) = pipe(usize::MAX);
    let serving = async {
        let mut block = [0; 64];
        let (_, call) = server.accept::<Bytes>(&mut block).await;
        client.go_away();
        rest(3).await;
        drop(call);
    };
    let peer = async {
        let mut raw = Raw::connect(up, at_client, Subprotocol::Mux, "/").await;
        raw.message(SETTINGS).await;
        raw.message(open).await;
        rest(1).await;
        raw.message(b"\x20\0\0\0\x01\x01").await;
        raw.watch().await
    };
    let (((result, seen), ()), elapsed) = run_timed(async {
        let accept = Accept::new();
        let accepting = Task::new(runner.accept(at_server, down, &accept));
        join(join(accepting, Task::new(peer)), Task::new(serving)).await
    });
    assert_eq!(result, Ok(()));
    assert_eq!(seen.last(), Some(&Seen::Close(Some(1001))));
    // And a second for the peer's Close, which does not come.
    assert_eq!(elapsed, 4 * SECOND);
}

/// An answer that its client does not read is not waited for longer than a handshake.
#[test]
fn an_answer_that_nobody_reads_does_not_keep_a_websocket() {
    let mut state = Memory::new();
    let incoming = Config::DEFAULT.with_max_incoming_calls(CALLS);
    let (_, server, mut runner) = state.split(incoming, 1);
    let (up, at_server) = pipe(usize::MAX);
    let (down, at_client) = pipe(180);
    let serving = async {
        let mut block = [0; 128];
        let (_, call) = server.accept::<Bytes>(&mut block).await;
        let mut buffer = [0; 256];
        call.respond(&[7; 100], &mut buffer).await.unwrap();
    };
    let peer = async {
        let mut raw = Raw::connect(up, at_client, Subprotocol::Single, "/t.T/Call").await;
        raw.message(b"x: y\r\n").await;
        let frame = raw.frame(Opcode::Ping, true, &[0; 125]);
        raw.send(&frame).await;
        rest(60).await;
    };
    let (_, elapsed) = run_timed(async {
        let accept = Accept::new();
        let driving = async {
            let started = embassy_time::Instant::now();
            let _ = runner.accept(at_server, down, &accept).await;
            assert!(started.elapsed() <= 12 * SECOND);
        };
        let others = join(Task::new(peer), Task::new(serving));
        join(Task::new(driving), others).await
    });
    assert!(elapsed <= 60 * SECOND);
}
