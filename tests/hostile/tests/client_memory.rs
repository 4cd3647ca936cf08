//! What a hostile server costs our client in memory, and that floods and silence end.

use std::sync::{Mutex, PoisonError};
use std::thread::sleep;
use std::time::{Duration, Instant};

use grpc_websocket_hostile::calls::{BOTH, call, endpoint};
use grpc_websocket_hostile::grpc::prefix;
use grpc_websocket_hostile::mux::{self, OPEN, block, data, go_away, messages};
use grpc_websocket_hostile::{Accepted, Code, Frame, HostileServer};
use grpc_websocket_tokio::Subprotocols::{self, Mux};
use peak_alloc::PeakAlloc;
use tokio::runtime::Runtime;
use tokio::time::timeout;
use tonic::Status;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// One test at a time: all of them share the heap.
static ALONE: Mutex<()> = Mutex::new(());

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// How much a server writes at most, and how long.
const FLOOD: usize = 4 * MIB;
const LIMIT: Duration = Duration::from_secs(20);

/// Past the handshake, and in a call.
fn in_a_call(client: Accepted, subprotocol: Subprotocols) -> Accepted {
    let mut client = client.upgraded();
    match subprotocol {
        Mux => {
            client.send(&messages(&[mux::usual_settings()]));
            client.until(0x2, &[OPEN]);
        }
        _ => client.until(0x2, b""),
    }
    client
}

/// Writes the same again and again, for as long as the client takes it.
fn flood(mut client: Accepted, bytes: &[u8]) {
    let bytes = bytes.repeat(64 * KIB / bytes.len() + 1);
    let mut sent = 0;
    while sent < FLOOD && client.send(&bytes) {
        sent += bytes.len();
    }
    client.drain();
}

/// The end of a call whose server follows a script, and what the heap grew by meanwhile.
fn attack(
    case: &str,
    subprotocol: Subprotocols,
    script: impl Fn(Accepted) + Send + Sync + 'static,
) -> (Option<Status>, usize) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let server = HostileServer::start(move |client, _| script(client));
    let runtime = Runtime::new().expect("a runtime");
    HEAP.reset_peak_usage();
    let (before, begun) = (HEAP.current_usage(), Instant::now());
    let end = runtime.block_on(async {
        let channel = endpoint(server.address, subprotocol)
            .keepalive(Duration::from_secs(1), Duration::from_secs(1))
            .connect_lazy();
        timeout(LIMIT, end_of(&channel)).await.ok()
    });
    let grown = HEAP.peak_usage().saturating_sub(before);
    let took = begun.elapsed();
    println!(
        "{case}, {subprotocol:?}: {end:?}, {} KiB in {took:?}",
        grown / KIB
    );
    (end, grown)
}

/// How a call ends that is open for ever at this end.
async fn end_of(channel: &grpc_websocket_tokio::Channel) -> Status {
    let answer = call(channel, "Bidi", tokio_stream::pending()).await;
    let mut answer = match answer {
        Ok(answer) => answer.into_inner(),
        Err(status) => return status,
    };
    loop {
        match answer.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("a good end"),
            Err(status) => return status,
        }
    }
}

fn assert_flood_ends(case: &str, subprotocol: Subprotocols, bytes: Vec<u8>, codes: &[Code]) {
    let (end, grown) = attack(case, subprotocol, move |client| {
        flood(in_a_call(client, subprotocol), &bytes);
    });
    let status = end.expect(case);
    assert!(codes.contains(&status.code()), "{case}: {status}");
    assert!(grown < MIB, "{case}: {} KiB", grown / KIB);
}

#[test]
fn floods_of_what_brings_nothing_end_the_connection() {
    let frames = [
        ("empty messages", Frame::binary([])),
        ("pings", Frame::ping([])),
        ("long pings", Frame::ping([7; 125])),
        ("pongs", Frame::pong([])),
    ];
    for subprotocol in BOTH {
        for (case, frame) in &frames {
            // An empty message is no frame of `grpc-mux.v1`.
            let codes = [Code::ResourceExhausted, Code::Internal];
            assert_flood_ends(case, subprotocol, frame.clone().unmasked().encode(), &codes);
        }
    }
    for (case, frame) in [
        ("empty DATA", data(0, 1, b"")),
        ("PINGs", mux::frame(0x30, 0, &[0; 8])),
        ("extensions", mux::frame(0xf0, 1, b"x")),
        ("WINDOWs", mux::frame(0x10, 1, &1_u32.to_be_bytes())),
        ("RESETs for calls that are gone", mux::reset(0, 2, 1)),
        ("GOAWAYs", go_away(1, 14, &[b'x'; 119])),
    ] {
        let codes = [Code::ResourceExhausted, Code::Internal, Code::Unavailable];
        assert_flood_ends(case, Mux, messages(&[frame]), &codes);
    }
}

#[test]
fn empty_fragments_of_one_message_end_the_connection() {
    for subprotocol in BOTH {
        let (end, grown) = attack("empty fragments", subprotocol, move |client| {
            let mut client = in_a_call(client, subprotocol);
            client.send(&Frame::binary([]).unfinished().unmasked().encode());
            let more = Frame::continuation([]).unfinished().unmasked().encode();
            flood(client, &more);
        });
        let status = end.expect("an end");
        assert_ne!(status.code(), Code::Ok);
        assert!(grown < MIB, "{} KiB", grown / KIB);
    }
}

#[test]
fn metadata_without_end_stops_at_its_limit() {
    for subprotocol in BOTH {
        for piece in [1, 1000] {
            let (end, grown) = attack("endless metadata", subprotocol, move |client| {
                let mut client = in_a_call(client, subprotocol);
                let frame = |stream: &[u8]| match subprotocol {
                    Mux => messages(&[data(0, 1, stream)]),
                    _ => messages(&[stream.to_vec()]),
                };
                client.send(&frame(&prefix(0x80, 8000)));
                let line = frame(&vec![b'a'; piece]);
                for _ in 0..100_000 / piece {
                    client.send(&line);
                }
                client.drain();
            });
            let status = end.expect("an end");
            let codes = [Code::ResourceExhausted, Code::Internal];
            assert!(codes.contains(&status.code()), "{status}");
            assert!(grown < MIB, "{} KiB", grown / KIB);
        }
    }
}

#[test]
fn an_announcement_of_4_mib_reserves_none() {
    for subprotocol in BOTH {
        let (end, grown) = attack("4 MiB announced", subprotocol, move |client| {
            let mut client = in_a_call(client, subprotocol);
            let stream = [block(""), prefix(0, 4 << 20)].concat();
            client.send(&match subprotocol {
                Mux => messages(&[data(0, 1, &stream)]),
                _ => messages(&[stream]),
            });
            // And no more; pings find nobody.
            client.drain();
        });
        let status = end.expect("an end");
        assert_eq!(status.code(), Code::Unavailable, "{status}");
        assert!(grown < MIB, "{} KiB", grown / KIB);
    }
}

#[test]
fn what_nobody_reads_of_an_answer_is_not_buffered() {
    for subprotocol in BOTH {
        let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let server = HostileServer::start(move |client, _| {
            let mut client = in_a_call(client, subprotocol);
            let message = [prefix(0, 995), vec![7; 995]].concat();
            let (begin, more) = match subprotocol {
                Mux => (data(0, 1, &block("")), data(0, 1, &message)),
                _ => (block(""), message),
            };
            client.send(&messages(&[begin]));
            // Of `grpc-mux.v1` no more than the credit.
            let most = if matches!(subprotocol, Mux) {
                60
            } else {
                64 * KIB
            };
            for _ in 0..most {
                if !client.send(&messages(std::slice::from_ref(&more))) {
                    return;
                }
            }
            client.drain();
        });
        let runtime = Runtime::new().expect("a runtime");
        let before = HEAP.current_usage();
        runtime.block_on(async {
            let channel = endpoint(server.address, subprotocol).connect_lazy();
            let answer = call(&channel, "Bidi", tokio_stream::pending()).await;
            let mut answer = answer.expect("a head").into_inner();
            let first = answer.message().await.expect("a message").expect("one");
            assert_eq!(first.len(), 995);
            sleep(Duration::from_millis(300));
            let grown = HEAP.current_usage().saturating_sub(before);
            assert!(grown < MIB, "{subprotocol:?}: {} KiB", grown / KIB);
        });
    }
}

#[test]
fn a_server_that_never_answers_is_found_by_deadline_or_keepalive() {
    for subprotocol in BOTH {
        let (end, grown) = attack("silence", subprotocol, move |client| {
            in_a_call(client, subprotocol).drain();
        });
        let status = end.expect("an end");
        assert_eq!(status.code(), Code::Unavailable, "{status}");
        assert!(grown < MIB, "{} KiB", grown / KIB);
    }
}
