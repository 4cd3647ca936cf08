//! Compressed messages that are a thousand times as long: tonic decompresses them, on either side, and stops
//! at its limit.

use std::io::Write as _;
use std::sync::{Mutex, PoisonError};

use flate2::Compression;
use flate2::write::GzEncoder;
use grpc_websocket_hostile::calls::{BOTH, endpoint, unary};
use grpc_websocket_hostile::grpc::{self, prefix};
use grpc_websocket_hostile::mux::{self, END, OPEN, block, data, messages};
use grpc_websocket_hostile::{Code, Frame, HostileServer, Settings, Target};
use grpc_websocket_tokio::Subprotocols::Mux;
use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

/// One test at a time: all of them share the heap.
static ALONE: Mutex<()> = Mutex::new(());

const MIB: usize = 1024 * 1024;

/// tonic's limit of a message.
const LIMIT: usize = 4 * MIB;

/// So many zeros, compressed behind a prefix.
fn compressed(len: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..len / MIB {
        encoder.write_all(&vec![0; MIB]).expect("memory");
    }
    let bytes = encoder.finish().expect("memory");
    assert!(bytes.len() * 900 < len, "{} bytes", bytes.len());
    let len = u32::try_from(bytes.len()).expect("a short one");
    [prefix(1, len), bytes].concat()
}

fn growth<T>(attack: impl FnOnce() -> T) -> (T, usize) {
    HEAP.reset_peak_usage();
    let before = HEAP.current_usage();
    let result = attack();
    (result, HEAP.peak_usage().saturating_sub(before))
}

#[test]
fn a_server_stops_a_bomb_at_its_limit() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let target = Target::in_process(Settings::default());
    let lines = format!("{}grpc-encoding: gzip\r\n", grpc::BLOCK);
    for (len, code) in [(2 * MIB, Code::Ok), (32 * MIB, Code::ResourceExhausted)] {
        let call = [
            Frame::binary(lines.clone()).encode(),
            grpc::data(&compressed(len)),
            grpc::half_close(),
        ];
        let (outcome, grown) = growth(|| target.attack("Count", &call.concat()));
        outcome.assert("a bomb", Some(code), Some(1000));
        assert!(grown < 3 * LIMIT, "{} KiB", grown / 1024);
    }
    target.assert_recovered();
}

#[test]
fn a_client_stops_a_bomb_at_its_limit() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let bomb = compressed(32 * MIB);
    for subprotocol in BOTH {
        let (head, end) = (
            block("grpc-encoding: gzip\r\n"),
            block("grpc-status: 0\r\n"),
        );
        let stream = [&head, &bomb[..], &end].concat();
        let server = HostileServer::start(move |client, _| {
            let mut client = client.upgraded();
            if let Mux = subprotocol {
                client.send(&messages(&[mux::usual_settings()]));
                client.until(0x2, &[OPEN | END]);
                for slice in stream.chunks(16 * 1024) {
                    let end = if slice.ends_with(&end) { END } else { 0 };
                    client.send(&messages(&[data(end, 1, slice)]));
                    // The credit is for four of them at a time.
                    std::thread::sleep(std::time::Duration::from_millis(20));
                }
            } else {
                client.until(0x2, b"\x01");
                client.send(&messages(std::slice::from_ref(&stream)));
            }
            client.drain();
        });
        let (end, grown) = growth(|| {
            runtime.block_on(async {
                let channel = endpoint(server.address, subprotocol).connect_lazy();
                unary(&channel, "Unary", b"hi").await
            })
        });
        let status = end.expect_err("too long");
        assert_eq!(status.code(), Code::ResourceExhausted, "{status}");
        assert!(grown < 3 * LIMIT, "{} KiB", grown / 1024);
    }
}
