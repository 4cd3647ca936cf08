//! How connections and calls end: what is said last arrives, and nothing waits for long.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod common;

use common::pair::{CALLS, OUTPUT, TestClient, WINDOW};
use common::raw::{Raw, Seen};
use common::{Task, join, pipe, run_in_time};
use embassy_time::{Duration, Instant, Timer};
use embedded_io_async::ErrorKind;
use grpc_websocket_core::ws::Opcode;
use grpc_websocket_embassy::codec::Raw as Bytes;
use grpc_websocket_embassy::handshake::{Accept, Subprotocol, Upgrade};
use grpc_websocket_embassy::{Code, Config, Error, Item, State, Status};

type Memory = State<CALLS, WINDOW, OUTPUT>;
type Ended = (Result<(), Error>, Duration);

/// SETTINGS by which three calls may be made, with a window of 2^20.
const WIDE: &[u8] = b"\x50\0\0\0\0\x03\0\0\0\x03\x02\0\x10\0\0";

const SECOND: Duration = Duration::from_secs(1);
const HALF: Duration = Duration::from_millis(500);
const BROKEN: Result<(), Error> = Err(Error::Transport(ErrorKind::BrokenPipe));
/// When the peer begins to do what a test wants of it.
const START: Duration = Duration::from_millis(100);
const NORMAL: &[u8] = &[0x03, 0xe8];

/// A device that makes calls: how its connection ended and when, and what came of them.
fn client<O>(
    subprotocol: Subprotocol,
    calls: impl AsyncFnOnce(TestClient<'_>) -> O,
    peer: impl AsyncFnOnce(Raw),
) -> (Ended, O) {
    let mut state = Memory::new();
    let (client, _, mut runner) = state.split(Config::DEFAULT, 1);
    let (up, at_server) = pipe(1000);
    let (down, at_client) = pipe(usize::MAX);
    let subprotocols = [subprotocol];
    let upgrade = Upgrade::new("device", "/t.T/Call").subprotocols(&subprotocols);
    let driving = async {
        let result = runner.connect(at_client, up, &upgrade).await;
        (result, since_start())
    };
    let peer = async {
        let mut raw = Raw::accept(down, at_server).await;
        if subprotocol == Subprotocol::Mux {
            raw.message(WIDE).await;
        }
        Timer::after(START).await;
        peer(raw).await;
    };
    let ((ended, output), ()) = run_in_time(join(
        join(Task::new(driving), Task::new(calls(client))),
        Task::new(peer),
    ));
    (ended, output)
}

/// A device that answers one call.
fn server(peer: impl AsyncFnOnce(Raw)) -> Ended {
    let mut state = Memory::new();
    let config = Config::DEFAULT.with_max_incoming_calls(CALLS);
    let (_, server, mut runner) = state.split(config, 1);
    let (up, at_server) = pipe(1000);
    let (down, at_client) = pipe(usize::MAX);
    let accept = Accept::new();
    let driving = async {
        let result = runner.accept(at_server, down, &accept).await;
        (result, since_start())
    };
    let answering = async {
        let mut buffer = [0; 256];
        let (_, call) = server.accept::<Bytes>(&mut buffer).await;
        let _ = call.finish(&Status::of(Code::Aborted)).await;
    };
    let peer = async {
        let raw = Raw::connect(up, at_client, Subprotocol::Single, "/t.T/Call").await;
        Timer::after(START).await;
        peer(raw).await;
    };
    let device = join(Task::new(driving), Task::new(answering));
    run_in_time(join(device, Task::new(peer))).0.0
}

/// For how long the peer has done what a test wants of it.
fn since_start() -> Duration {
    Instant::now() - (Instant::from_ticks(0) + START)
}

/// Uploads until that fails, and then looks for the answer; what it is, and when.
async fn upload(client: TestClient<'_>) -> (Status, Duration) {
    client.ready().await;
    let mut buffer = [0; 512];
    let call = client.call::<Bytes>("/t.T/Call");
    let mut upload = call.client_streaming().await.unwrap();
    while upload.send(&[1; 100], &mut buffer).await.is_ok() {}
    let status = upload.finish::<&[u8]>(&mut buffer).await.unwrap_err();
    (status, since_start())
}

/// Trailers of so many bytes more than they need.
fn trailers(filling: usize) -> Vec<u8> {
    let filling = "x".repeat(filling);
    let fields = format!("grpc-status: 15\r\ngrpc-message: early\r\nx: {filling}\r\n");
    let len = (fields.len() as u32).to_be_bytes();
    [&[0x80], &len[..], fields.as_bytes()].concat()
}

async fn close(raw: &mut Raw, code: &[u8]) {
    let frame = raw.frame(Opcode::Close, true, code);
    raw.send(&frame).await;
}

#[test]
fn an_answer_that_comes_after_a_write_failed_is_read() {
    let early = Status::new(Code::DataLoss, "early");
    // In the only call of a WebSocket the answer may be longer than the window.
    for (subprotocol, head, filling) in [
        (Subprotocol::Single, &b""[..], 0),
        (Subprotocol::Single, b"", 700),
        (Subprotocol::Mux, b"\x02\0\0\0\x01", 0),
    ] {
        let peer = async |mut raw: Raw| {
            raw.go_deaf();
            Timer::after(HALF).await;
            for piece in [head, &trailers(filling)].concat().chunks(200) {
                raw.message(piece).await;
            }
            Timer::after(10 * SECOND).await;
        };
        let ((result, took), (status, answered)) = client(subprotocol, upload, peer);
        assert_eq!(status, early, "{subprotocol:?} {filling}");
        assert_eq!(answered, HALF);
        // A connection for many calls has others that wait.
        let expected = match subprotocol {
            Subprotocol::Single => (Ok(()), HALF),
            Subprotocol::Mux => (BROKEN, SECOND),
        };
        assert_eq!((result, took), expected);
    }
}

#[test]
fn a_write_that_fails_ends_the_connection_in_a_second() {
    for subprotocol in [Subprotocol::Single, Subprotocol::Mux] {
        let peer = async |mut raw: Raw| {
            raw.go_deaf();
            Timer::after(10 * SECOND).await;
        };
        let (ended, (status, answered)) = client(subprotocol, upload, peer);
        assert_eq!(ended, (BROKEN, SECOND));
        assert_eq!((status.code(), answered), (Code::Unavailable, SECOND));
    }
}

#[test]
fn the_end_of_what_comes_ends_a_connection_that_cannot_be_written_at_once() {
    for subprotocol in [Subprotocol::Single, Subprotocol::Mux] {
        for code in [None, Some(1001)] {
            let peer = async |mut raw: Raw| {
                raw.go_deaf();
                Timer::after(HALF).await;
                if let Some(code) = code {
                    close(&mut raw, &u16::to_be_bytes(code)).await;
                    Timer::after(10 * SECOND).await;
                }
            };
            let (ended, (status, _)) = client(subprotocol, upload, peer);
            assert_eq!(ended, (Err(Error::Closed(code)), HALF));
            assert_eq!(status.code(), Code::Unavailable);
        }
    }
}

/// What is written to a device that has answered is read, so that its transport does not have to be
/// reset.
#[test]
fn a_server_reads_on_until_the_close_of_its_client() {
    for (closes, expected) in [(true, HALF), (false, SECOND)] {
        let peer = async |mut raw: Raw| {
            raw.message(b"a: b\r\n").await;
            // It has answered, and the transport holds 1000 bytes.
            for _ in 0..50 {
                Timer::after(Duration::from_millis(10)).await;
                raw.message(&[0, 0, 0, 0, 0, 200]).await;
                raw.message(&[0; 201]).await;
            }
            if closes {
                close(&mut raw, NORMAL).await;
            }
            let seen = raw.watch().await;
            assert_eq!(seen.last(), Some(&Seen::Close(Some(1000))));
            assert_eq!(seen.len(), 2, "{seen:?}");
        };
        assert_eq!(server(peer), (Ok(()), expected));
    }
}

#[test]
fn a_client_waits_for_its_server_to_close_the_connection() {
    for (wait, expected) in [(HALF, HALF), (10 * SECOND, SECOND)] {
        let peer = async |mut raw: Raw| {
            raw.message(&trailers(0)).await;
            close(&mut raw, NORMAL).await;
            Timer::after(wait).await;
        };
        let (ended, (status, answered)) = client(Subprotocol::Single, upload, peer);
        assert_eq!(status.code(), Code::DataLoss);
        assert_eq!(answered, Duration::from_ticks(0));
        assert_eq!(ended, (Ok(()), expected));
    }
}

#[test]
fn nothing_is_said_behind_a_close() {
    let peer = async |mut raw: Raw| {
        raw.message(&trailers(0)).await;
        Timer::after(HALF).await;
        let ping = raw.frame(Opcode::Ping, true, b"?");
        raw.send(&ping).await;
        close(&mut raw, NORMAL).await;
        let seen = raw.leave().await;
        let closes = seen.iter().filter(|seen| matches!(seen, Seen::Close(_)));
        assert_eq!(closes.count(), 1, "{seen:?}");
        assert_eq!(seen.last(), Some(&Seen::Close(Some(1000))));
    };
    let (ended, _) = client(Subprotocol::Single, upload, peer);
    assert_eq!(ended, (Ok(()), HALF));
}

#[test]
fn a_connection_that_ends_is_not_ready() {
    let calls = async |client: TestClient<'_>| {
        let (status, _) = upload(client).await;
        assert_eq!(status.code(), Code::DataLoss);
        let call = client
            .call::<Bytes>("/t.T/Call")
            .unary::<_, &[u8]>(b"", &mut []);
        assert_eq!(call.await.unwrap_err().code(), Code::Unavailable);
        let ready = embassy_time::with_timeout(20 * SECOND, client.ready());
        assert!(ready.await.is_err(), "for no call");
    };
    let peer = async |mut raw: Raw| {
        raw.message(&trailers(0)).await;
        Timer::after(10 * SECOND).await;
    };
    let (ended, ()) = client(Subprotocol::Single, calls, peer);
    assert_eq!(ended, (Ok(()), SECOND));
}

#[test]
fn the_text_of_a_reset_is_the_message_of_the_status() {
    let panicked = Status::new(Code::Internal, "it panicked");
    // Behind the first message, and in the middle of the second.
    for rest in [&b""[..], b"\0\0\0\0\x7f1234567"] {
        let calls = async |client: TestClient<'_>| {
            client.ready().await;
            let mut buffer = [0; 256];
            let call = client.call::<Bytes>("/t.T/Call");
            let mut receiver = call.server_streaming(b"", &mut buffer).await.unwrap();
            let metadata = receiver.next(&mut buffer).await;
            assert_eq!(metadata, Ok(Item::Metadata(b"")));
            let first = receiver.next(&mut buffer).await;
            assert_eq!(first, Ok(Item::Message(b"ab")));
            Timer::after(SECOND).await;
            let next = receiver.next(&mut buffer).await;
            assert_eq!(next, Err(panicked.clone()));
            let again = receiver.message::<&[u8]>(&mut buffer).await;
            assert_eq!(again, Err(panicked.clone()));
            let again = receiver.begin_message(&mut buffer).await;
            assert_eq!(again, Err(panicked.clone()));
            client.go_away();
        };
        let peer = async |mut raw: Raw| {
            let begun = b"\x00\0\0\0\x01\x80\0\0\0\0\0\0\0\0\x02ab";
            raw.message(&[begun, rest].concat()).await;
            raw.message(b"\x20\0\0\0\x01\x0dit panicked").await;
            raw.watch().await;
        };
        let (ended, ()) = client(Subprotocol::Mux, calls, peer);
        assert_eq!(ended.0, Ok(()));
    }
}
