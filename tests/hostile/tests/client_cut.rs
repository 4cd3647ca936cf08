//! Our client, and answers that are cut off: a part of an answer is never good, each call ends once,
//! and nothing of a cut is left behind.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use grpc_websocket_hostile::calls::{BOTH, call, endpoint, unary};
use grpc_websocket_hostile::grpc::{message, prefix};
use grpc_websocket_hostile::mux::{self, END, OPEN, answer, block, data, messages};
use grpc_websocket_hostile::server::switching;
use grpc_websocket_hostile::{Accepted, Code, Frame, HostileServer, Settings, Target, eventually};
use grpc_websocket_tokio::Subprotocols::{self, Mux};
use tokio::runtime::Runtime;
use tokio::time::timeout;
use tonic::Status;

const LIMIT: Duration = Duration::from_secs(5);

/// How a server ends its connection.
#[derive(Debug, Clone, Copy)]
enum Cut {
    Fin,
    Rst,
}

/// What a good server writes after the request: before the call, and after it.
fn good_bytes(subprotocol: Subprotocols) -> [Vec<u8>; 2] {
    let close = Frame::close_code(1000).unmasked().encode();
    match subprotocol {
        Mux => [
            messages(&[mux::usual_settings()]),
            messages(&[data(END, 1, &answer(b"hi"))]),
        ],
        _ => [vec![], [messages(&[answer(b"hi")]), close].concat()],
    }
}

/// Writes a good answer up to some byte, the handshake's included, and cuts. The whole length is told to
/// `len`, and where the trailers end.
fn cut_at(mut client: Accepted, subprotocol: Subprotocols, at: usize, cut: Cut, len: &AtomicUsize) {
    let request = client.request();
    let head = switching(&request, "").into_bytes();
    let [before, after] = good_bytes(subprotocol);
    let opening = [head, before].concat();
    len.store(opening.len() + after.len(), Ordering::SeqCst);
    let (now, later) = (at.min(opening.len()), at.saturating_sub(opening.len()));
    client.send(&opening[..now]);
    if later > 0 {
        match subprotocol {
            Mux => client.until(0x2, &[OPEN | END]),
            _ => client.until(0x2, b"\x01"),
        }
        client.send(&after[..later.min(after.len())]);
    }
    match cut {
        Cut::Fin => client.finish(),
        Cut::Rst => client.reset(),
    }
}

/// The ends of calls whose answers are cut at each byte.
fn cut_everywhere(subprotocol: Subprotocols, cut: Cut) {
    let at = Arc::new(AtomicUsize::new(0));
    let len = Arc::new(AtomicUsize::new(usize::MAX));
    let server = HostileServer::start({
        let (at, len) = (Arc::clone(&at), Arc::clone(&len));
        move |client, _| cut_at(client, subprotocol, at.load(Ordering::SeqCst), cut, &len)
    });
    let close_len = match subprotocol {
        Mux => 0,
        _ => Frame::close_code(1000).unmasked().encode().len(),
    };
    let runtime = Runtime::new().expect("a runtime");
    runtime.block_on(async {
        while at.load(Ordering::SeqCst) <= len.load(Ordering::SeqCst) {
            let case = format!("{subprotocol:?}, {cut:?} after {at:?} of {len:?}");
            let channel = endpoint(server.address, subprotocol).connect_lazy();
            let end = timeout(LIMIT, unary(&channel, "Unary", b"hi")).await;
            let end = end.unwrap_or_else(|_| panic!("{case}: no end"));
            let is_whole = at.load(Ordering::SeqCst) >= len.load(Ordering::SeqCst) - close_len;
            match (end, cut) {
                (Ok(message), _) if is_whole => assert_eq!(message, "hi", "{case}"),
                (Err(_), Cut::Rst) if is_whole => {}
                (Err(status), _) if !is_whole => assert_is_a_loss(&case, &status),
                (end, _) => panic!("{case}: {end:?}"),
            }
            at.fetch_add(1, Ordering::SeqCst);
        }
    });
}

fn assert_is_a_loss(case: &str, status: &Status) {
    let codes = [Code::Unavailable, Code::Internal, Code::Unknown];
    assert!(codes.contains(&status.code()), "{case}: {status}");
}

#[test]
fn a_fin_or_rst_at_every_byte_of_an_answer_is_never_a_good_end() {
    for subprotocol in BOTH {
        for cut in [Cut::Fin, Cut::Rst] {
            cut_everywhere(subprotocol, cut);
        }
    }
}

/// Sends a part of a stream of answers, and waits for the client to read it before the cut.
fn cut_inside(client: Accepted, subprotocol: Subprotocols, stream: &[u8], cut: Cut) {
    let mut client = client.upgraded();
    match subprotocol {
        Mux => {
            client.send(&messages(&[mux::usual_settings()]));
            client.until(0x2, &[OPEN]);
            client.send(&messages(&[data(0, 1, stream)]));
        }
        _ => {
            client.until(0x2, b"");
            client.send(&messages(&[stream.to_vec()]));
        }
    }
    std::thread::sleep(Duration::from_millis(100));
    match cut {
        Cut::Fin => client.finish(),
        Cut::Rst => client.reset(),
    }
}

#[test]
fn a_stream_that_is_cut_gives_what_came_whole_and_then_unavailable() {
    let whole = [block(""), message(b"one"), message(b"two")].concat();
    let half = [&whole[..], &prefix(0, 10), b"half"].concat();
    let good = Target::in_process(Settings::default());
    let runtime = Runtime::new().expect("a runtime");
    for (subprotocol, cut, stream) in BOTH.into_iter().flat_map(|subprotocol| {
        let cases = [(Cut::Fin, &whole), (Cut::Rst, &whole), (Cut::Fin, &half)];
        cases.map(|(cut, stream)| (subprotocol, cut, stream.clone()))
    }) {
        let case = format!("{subprotocol:?}, {cut:?}, {} bytes", stream.len());
        let server = HostileServer::once(good.address, move |client| {
            cut_inside(client, subprotocol, &stream, cut);
        });
        runtime.block_on(async {
            let channel = endpoint(server.address, subprotocol).connect_lazy();
            let answer = call(&channel, "Bidi", tokio_stream::pending());
            let answer = timeout(LIMIT, answer).await.expect("an answer");
            let mut answer = answer.expect("a head").into_inner();
            assert_eq!(answer.message().await.expect("one").expect("one"), "one");
            assert_eq!(answer.message().await.expect("two").expect("two"), "two");
            let end = timeout(LIMIT, answer.message()).await.expect("an end");
            let status = end.expect_err(&case);
            assert_eq!(status.code(), Code::Unavailable, "{case}: {status}");
            // And recovers.
            assert_eq!(unary(&channel, "Unary", b"on").await.expect(&case), "on");
        });
    }
}

#[test]
fn a_message_that_drips_ends_its_call() {
    let runtime = Runtime::new().expect("a runtime");
    let [mux, single] = BOTH.map(|subprotocol| {
        let server = HostileServer::start(move |client, _| drip(client.upgraded()));
        runtime.spawn(async move {
            let channel = endpoint(server.address, subprotocol).connect_lazy();
            unary(&channel, "Unary", b"hi").await
        })
    });
    for call in [mux, single] {
        let end = runtime.block_on(call).expect("no panic");
        assert!(end.is_err(), "{end:?}");
    }
}

/// Announces a WebSocket message and sends its bytes one by one.
fn drip(mut client: Accepted) {
    client.send(&Frame::binary([]).announcing(10_000).unmasked().encode());
    while client.send(&[0]) {
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_thousand_lost_connections_leave_no_descriptor() {
    let runtime = Runtime::new().expect("a runtime");
    let server = HostileServer::start(|client, _| client.upgraded().reset());
    let before = descriptors();
    runtime.block_on(async {
        for subprotocol in BOTH {
            for _ in 0..500 {
                let channel = endpoint(server.address, subprotocol).connect_lazy();
                let end = unary(&channel, "Unary", b"hi").await;
                assert_eq!(end.expect_err("lost").code(), Code::Unavailable);
            }
        }
    });
    eventually("no descriptor is left", LIMIT, || {
        descriptors() <= before + 5
    });
}

/// The open descriptors of this process, tests that run at the same time included.
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}
