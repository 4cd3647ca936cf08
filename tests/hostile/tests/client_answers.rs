//! Our client, and servers that answer its calls wrong: each call ends once, with the status of the
//! fault and never with OK, and the channel's next call finds a good server.

use std::time::{Duration, Instant};

use grpc_websocket_hostile::calls::{call, endpoint, unary};
use grpc_websocket_hostile::grpc::{message, prefix};
use grpc_websocket_hostile::mux::{self, END, OPEN, answer, block, data, go_away, messages};
use grpc_websocket_hostile::{Accepted, Code, Frame, HostileServer, Settings, Target};
use grpc_websocket_tokio::Subprotocols::{self, Mux, Single};
use tonic::Status;

/// No fault takes longer to be found.
const LIMIT: Duration = Duration::from_secs(5);

/// Sends the same bytes to every call: of `grpc-mux.v1` behind good SETTINGS and once the call came.
fn answer_with(mut client: Accepted, subprotocol: Subprotocols, bytes: &[u8]) -> Accepted {
    client = client.upgraded();
    if subprotocol == Mux {
        client.send(&messages(&[mux::usual_settings()]));
        // DATA with OPEN, and with END or without.
        while let Some((_, frame)) = client.frame()
            && frame.first().is_none_or(|first| first & 0xf1 != OPEN)
        {}
    } else {
        client.until(0x2, b"\x01");
    }
    client.send(bytes);
    client
}

/// Answers what else is called.
fn answer_the_rest(mut client: Accepted) {
    while let Some((_, frame)) = client.frame() {
        if let [first, id @ ..] = &frame[..]
            && first & 0xf1 == OPEN
            && let Some(id) = id.first_chunk()
        {
            let next = data(END, u32::from_be_bytes(*id), &answer(b"next"));
            client.send(&messages(&[next]));
        }
    }
}

/// The status of a call whose server follows a script; the next call is to be good.
fn status_of(
    good: &Target,
    case: &str,
    subprotocol: Subprotocols,
    script: impl Fn(Accepted) + Send + Sync + 'static,
) -> Result<Vec<u8>, Status> {
    let server = HostileServer::once(good.address, script);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let begun = Instant::now();
    let answer = runtime.block_on(async {
        let channel = endpoint(server.address, subprotocol).connect_lazy();
        let answer = tokio::time::timeout(LIMIT, unary(&channel, "Unary", b"hi")).await;
        let answer = answer.unwrap_or_else(|_| panic!("{case}: no end"));
        let next = tokio::time::timeout(LIMIT, unary(&channel, "Unary", b"next")).await;
        let next = next.unwrap_or_else(|_| panic!("{case}: the next call has no end"));
        assert_eq!(next.expect(case), "next", "{case}");
        answer.map(|message| message.to_vec())
    });
    let name = format!("{subprotocol:?}, {case}");
    println!("{name}: {answer:?} in {:?}", begun.elapsed());
    answer
}

fn assert_codes(subprotocol: Subprotocols, cases: Vec<(&'static str, Vec<u8>, Code)>) {
    let good = Target::in_process(Settings::default());
    for (case, bytes, code) in cases {
        let status = status_of(&good, case, subprotocol, move |client| {
            answer_the_rest(answer_with(client, subprotocol, &bytes));
        });
        let status = status.expect_err(case);
        assert_eq!(status.code(), code, "{case}: {status}");
    }
}

/// Faults of WebSocket frames, which both subprotocols find alike.
fn broken_frames() -> Vec<(&'static str, Vec<u8>, Code)> {
    let binary = |bytes: &[u8]| Frame::binary(bytes).unmasked();
    vec![
        (
            "a text",
            Frame::text("hi").unmasked().encode(),
            Code::Internal,
        ),
        ("a mask", Frame::binary([0; 10]).encode(), Code::Internal),
        (
            "reserved bits",
            binary(&[0; 10]).reserved_bits(0x40).encode(),
            Code::Internal,
        ),
        (
            "an unknown opcode",
            Frame::new(0x3, []).unmasked().encode(),
            Code::Internal,
        ),
        (
            "a continuation of nothing",
            Frame::continuation([]).unmasked().encode(),
            Code::Internal,
        ),
        (
            "a ping of two parts",
            Frame::ping([]).unfinished().unmasked().encode(),
            Code::Internal,
        ),
        (
            "a long ping",
            Frame::ping([0; 126]).unmasked().encode(),
            Code::Internal,
        ),
        (
            "4 GiB announced",
            binary(&[]).announcing(4 << 30).encode(),
            Code::ResourceExhausted,
        ),
        (
            "2^63 bytes announced",
            binary(&[]).announcing(1 << 63).encode(),
            Code::ResourceExhausted,
        ),
    ]
}

#[test]
fn broken_frames_end_the_call_with_the_status_of_the_fault() {
    assert_codes(Mux, broken_frames());
    assert_codes(Single, broken_frames());
}

/// The end of a call over metadata or messages that break gRPC, as slices of its stream.
fn broken_streams() -> Vec<(&'static str, Vec<u8>, Code)> {
    let metadata = block("");
    let after = |rest: &[u8]| [&metadata, rest].concat();
    let ok = block("grpc-status: 0\r\n");
    vec![
        (
            "4 GiB of message",
            after(&prefix(0, u32::MAX)),
            Code::ResourceExhausted,
        ),
        (
            "4 GiB of metadata",
            prefix(0x80, u32::MAX),
            Code::ResourceExhausted,
        ),
        (
            "4 GiB of trailers",
            after(&prefix(0x80, u32::MAX)),
            Code::ResourceExhausted,
        ),
        ("unknown flags", after(&prefix(2, 0)), Code::Internal),
        (
            "a message after the trailers",
            after(&[ok.clone(), message(b"hi")].concat()),
            Code::Internal,
        ),
        (
            "trailers twice",
            after(&[&ok[..], &ok].concat()),
            Code::Internal,
        ),
        ("no message", after(&ok), Code::Internal),
        (
            "compressed without an encoding",
            after(&[prefix(1, 2), b"hi".to_vec(), ok].concat()),
            Code::Internal,
        ),
        (
            "trailers without a status",
            after(&[message(b"hi"), block("a: b\r\n")].concat()),
            Code::Unknown,
        ),
        (
            "an unknown status",
            after(&[message(b"hi"), block("grpc-status: 99\r\n")].concat()),
            Code::Unknown,
        ),
        ("a block of no lines", block("no colon"), Code::Internal),
    ]
}

#[test]
fn answers_that_are_not_grpc_end_the_call_and_no_other_in_mux() {
    let in_data =
        |(case, stream, code): (_, Vec<u8>, _)| (case, messages(&[data(END, 1, &stream)]), code);
    assert_codes(Mux, broken_streams().into_iter().map(in_data).collect());
}

#[test]
fn answers_that_are_not_grpc_end_the_call_in_single() {
    let in_one = |(case, stream, code)| (case, messages(&[stream]), code);
    assert_codes(Single, broken_streams().into_iter().map(in_one).collect());
}

#[test]
fn broken_mux_frames_end_the_connection_with_the_status_of_the_fault() {
    let nothing = 0_u32.to_be_bytes();
    let over_credit = vec![
        data(
            0,
            1,
            &[&block("")[..], &prefix(0, 100_000), &[0; 16_000]].concat()
        );
        5
    ];
    let cases = [
        ("four bytes", vec![vec![0; 4]]),
        ("an unknown type", vec![mux::frame(0x60, 0, &[])]),
        ("the highest bit of an id", vec![data(0, 1 << 31, &[])]),
        ("DATA for no call", vec![data(0, 0, b"x")]),
        (
            "DATA for a call that was never made",
            vec![data(0, 99, b"x")],
        ),
        ("SETTINGS again", vec![mux::usual_settings()]),
        (
            "OPEN with a client's id",
            vec![data(OPEN, 3, &block(":path: /a/b\r\n"))],
        ),
        ("credit of nothing", vec![mux::frame(0x10, 1, &nothing)]),
        ("more than its credit", over_credit),
        ("GOAWAY with an id of its own", vec![go_away(2, 14, b"")]),
        (
            "GOAWAY with a higher id",
            vec![go_away(1, 14, b""), go_away(3, 14, b"")],
        ),
        ("PING of no length", vec![mux::frame(0x30, 0, &[])]),
        ("RESET of no code", vec![mux::frame(0x20, 1, &[])]),
    ];
    let with_code = |(case, frames): (_, Vec<_>)| (case, messages(&frames), Code::Internal);
    assert_codes(Mux, cases.into_iter().map(with_code).collect());
    let long = messages(&[data(0, 1, &[0; 16 * 1024 + 1])]);
    assert_codes(
        Mux,
        vec![("DATA over MAX_FRAME", long, Code::ResourceExhausted)],
    );
}

#[test]
fn a_call_that_ends_without_trailers_is_never_good() {
    let whole = [block(""), message(b"hi")].concat();
    let half = [block(""), prefix(0, 10), b"half".to_vec()].concat();
    let cases = [
        ("END in no stream", data(END, 1, b""), Code::Internal),
        (
            "END before the trailers",
            data(END, 1, &whole),
            Code::Internal,
        ),
        ("END inside a message", data(END, 1, &half), Code::Internal),
        ("RESET with code 0", mux::reset(0, 1, 0), Code::Unknown),
        ("RESET with code 200", mux::reset(0, 1, 200), Code::Unknown),
        ("RESET", mux::reset(0, 1, 9), Code::FailedPrecondition),
    ];
    let cases = cases.into_iter();
    assert_codes(
        Mux,
        cases
            .map(|(case, frame, code)| (case, messages(&[frame]), code))
            .collect(),
    );
}

#[test]
fn a_close_without_trailers_is_never_good() {
    let good = Target::in_process(Settings::default());
    let codes = (1000..=1016).chain([2999, 3000, 3999, 4000, 4001, 4016, 4017, 4999]);
    let payloads = codes.map(|code: u16| code.to_be_bytes().to_vec());
    for payload in payloads.chain([vec![], vec![3]]) {
        let close = Frame::close(payload.clone()).unmasked().encode();
        let part = [block(""), message(b"hi")].concat();
        for subprotocol in [Mux, Single] {
            let part = match subprotocol {
                Mux => data(0, 1, &part),
                _ => part.clone(),
            };
            for bytes in [close.clone(), [messages(&[part]), close.clone()].concat()] {
                let status = status_of(&good, "a Close", subprotocol, move |client| {
                    answer_with(client, subprotocol, &bytes).drain();
                });
                let status = status.expect_err("a Close");
                assert_ne!(status.code(), Code::Ok, "{payload:?}");
            }
        }
    }
}

#[test]
fn what_follows_an_answer_is_ignored() {
    let good = Target::in_process(Settings::default());
    let whole = answer(b"hi");
    let again = [
        data(END, 1, &whole),
        data(END, 1, &whole),
        mux::reset(0, 1, 13),
    ];
    for (subprotocol, bytes) in [
        (Mux, messages(&again)),
        (Single, messages(&[whole.clone(), whole])),
    ] {
        let answer = status_of(&good, "twice", subprotocol, move |client| {
            answer_the_rest(answer_with(client, subprotocol, &bytes));
        });
        assert_eq!(answer.expect("the first"), b"hi");
    }
}

#[test]
fn an_answer_without_initial_metadata_loses_no_message() {
    let good = Target::in_process(Settings::default());
    let bare = [message(b"hi"), block("grpc-status: 0\r\n")].concat();
    for (subprotocol, bytes) in [
        (Mux, messages(&[data(END, 1, &bare)])),
        (Single, messages(&[bare])),
    ] {
        let answer = status_of(&good, "no metadata", subprotocol, move |client| {
            answer_the_rest(answer_with(client, subprotocol, &bytes));
        });
        assert_eq!(answer.expect("a message"), b"hi");
    }
}

#[test]
fn such_an_answer_gets_credit_and_can_be_cancelled() {
    let (done, is_done) = std::sync::mpsc::channel();
    let server = HostileServer::start(move |client, _| {
        let messages_of = |count| messages(&vec![data(0, 1, &message(&[7; 1000])); count]);
        let mut client = answer_with(client, Mux, &messages_of(40));
        client.until(0x2, &[0x10, 0, 0, 0, 1]);
        client.send(&messages_of(1));
        client.until(0x2, &[0x20, 0, 0, 0, 1, 1]);
        // The test may have failed.
        let _ = done.send(());
    });
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let channel = endpoint(server.address, Mux).connect_lazy();
        let answer = call(&channel, "Bidi", tokio_stream::pending()).await;
        let mut answer = answer.expect("an answer").into_inner();
        for _ in 0..41 {
            let message = tokio::time::timeout(LIMIT, answer.message()).await;
            let message = message.expect("in time").expect("no error");
            assert_eq!(message.expect("a message").len(), 1000);
        }
        drop(answer);
        is_done.recv_timeout(LIMIT).expect("credit and a RESET");
    });
}

#[test]
fn a_call_to_a_client_that_serves_nothing_is_refused_and_ends_no_other() {
    let good = Target::in_process(Settings::default());
    let answer = status_of(&good, "a call by the server", Mux, |client| {
        let open = data(OPEN | END, 2, &block(":path: /a/b\r\n"));
        let mut client = answer_with(client, Mux, &messages(&[open]));
        client.until(0x2, &mux::reset(1, 2, 14)[..5]);
        client.send(&messages(&[data(END, 1, &answer(b"hi"))]));
        answer_the_rest(client);
    });
    assert_eq!(answer.expect("its own call"), b"hi");
}

#[test]
fn the_first_frame_of_a_server_is_its_settings() {
    let entry = |key, value| mux::settings(&[(key, value)]);
    let long: Vec<_> = (0..25).map(|key| (100 + key, 0)).collect();
    let cases = [
        ("none but DATA", data(0, 1, b"x")),
        ("an extension", mux::frame(0x80, 0, &[])),
        ("PING", mux::frame(0x30, 0, &[0; 8])),
        ("half an entry", mux::frame(0x50, 0, &[1, 0, 0])),
        ("a MAX_FRAME of 0", entry(1, 0)),
        ("a MAX_FRAME of 2^25", entry(1, 1 << 25)),
        ("a window of 0", entry(2, 0)),
        ("a window of 2^31", entry(2, 1 << 31)),
        ("125 bytes", mux::settings(&long)),
    ];
    let good = Target::in_process(Settings::default());
    for (case, frame) in cases {
        let status = status_of(&good, case, Mux, move |client| {
            let mut client = client.upgraded();
            client.send(&messages(std::slice::from_ref(&frame)));
            client.drain();
        });
        let status = status.expect_err(case);
        assert_eq!(status.code(), Code::Unavailable, "{case}: {status}");
    }
}

#[test]
fn a_server_that_takes_no_calls_says_so_to_them() {
    let good = Target::in_process(Settings::default());
    let status = status_of(&good, "MAX_STREAMS of 0", Mux, |client| {
        let mut client = client.upgraded();
        client.send(&messages(&[mux::settings(&[(mux::MAX_STREAMS, 0)])]));
        client.drain();
    });
    assert_eq!(status.expect_err("no calls").code(), Code::Unimplemented);
}

#[test]
fn the_largest_settings_are_no_promise_of_memory() {
    let good = Target::in_process(Settings::default());
    let settings = [
        (1, 1 << 24),
        (2, i32::MAX.unsigned_abs()),
        (3, u32::MAX),
        (4, u32::MAX),
        (5, u32::MAX),
    ];
    let answered = status_of(&good, "all of it", Mux, move |client| {
        let mut client = client.upgraded();
        client.send(&messages(&[mux::settings(&settings)]));
        while let Some((_, frame)) = client.frame()
            && frame.first() != Some(&(OPEN | END))
        {}
        client.send(&messages(&[data(END, 1, &answer(b"hi"))]));
        answer_the_rest(client);
    });
    assert_eq!(answered.expect("a good answer"), b"hi");
}

#[test]
fn a_refusal_before_the_settings_is_the_status_of_the_calls() {
    let good = Target::in_process(Settings::default());
    for (close, code) in [
        (1013, Code::Unavailable),
        (1001, Code::Unavailable),
        (4016, Code::Unauthenticated),
        (4007, Code::PermissionDenied),
        (4000, Code::Unavailable),
        (4017, Code::Unavailable),
    ] {
        let status = status_of(&good, "refused", Mux, move |client| {
            let mut client = client.upgraded();
            client.send(&Frame::close_code(close).unmasked().encode());
            client.drain();
        });
        let status = status.expect_err("refused");
        assert_eq!(status.code(), code, "{close}: {status}");
    }
}

#[test]
fn what_a_server_says_again_and_again_is_not_kept() {
    let good = Target::in_process(Settings::default());
    let status = status_of(&good, "farewells", Mux, |client| {
        let farewells = vec![go_away(1, 14, &[b'x'; 119]); 500];
        let mut client = answer_with(client, Mux, &messages(&farewells));
        client.send(&Frame::close_code(1001).unmasked().encode());
        client.drain();
    });
    let status = status.expect_err("a farewell");
    assert_eq!(status.code(), Code::Unavailable, "{status}");
    assert!(status.message().len() < 200, "{}", status.message());
}

#[test]
fn a_call_that_was_refused_or_not_taken_is_made_again() {
    let good = Target::in_process(Settings::default());
    for (case, frames) in [
        (
            "REFUSED and gone",
            vec![mux::reset(1, 1, 14), go_away(0, 14, b"")],
        ),
        ("GOAWAY", vec![go_away(0, 14, b"")]),
        ("GOAWAY for no reason", vec![go_away(0, 0, b"")]),
    ] {
        let answer = status_of(&good, case, Mux, move |client| {
            answer_with(client, Mux, &messages(&frames)).drain();
        });
        assert_eq!(answer.expect(case), b"hi");
    }
}

#[test]
fn a_server_that_refuses_for_ever_is_asked_a_few_times() {
    let server = HostileServer::start(|client, _| {
        let mut client = answer_with(client, Mux, &messages(&[mux::reset(1, 1, 14)]));
        let mut id = 1;
        while let Some((_, frame)) = client.frame() {
            if frame.first().is_some_and(|first| first & 0xf1 == OPEN) {
                id += 2;
                client.send(&messages(&[mux::reset(1, id, 14)]));
            }
        }
    });
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let status = runtime.block_on(async {
        let channel = endpoint(server.address, Mux).connect_lazy();
        tokio::time::timeout(LIMIT, unary(&channel, "Unary", b"hi")).await
    });
    let status = status.expect("an end").expect_err("refused");
    assert_eq!(status.code(), Code::Unavailable);
}
