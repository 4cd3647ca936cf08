//! One bad call on a connection of a hundred (CVE-2023-32732: bad base64 closed the connection).

use grpc_websocket_core::mux::{CallId, Config, End, Event, Side};
use grpc_websocket_core::wire::metadata::MalformedBlock;
use grpc_websocket_core::{Code, RecvError};

use crate::harness::*;

/// What one call may send wrongly after or instead of its block, and what it is told.
const WRONGS: [(&[u8], Code); 8] = [
    (b"\x80\0\0\0\x07a: b\r\nc", Code::Internal),
    (b"\x80\0\0\0\x08no colon", Code::Internal),
    (b"\x80\0\0\0\x05\xff: x\n", Code::Internal),
    (b"\x80\0\0\x7f\xff", Code::ResourceExhausted),
    (b"\x81\0\0\0\0", Code::Internal),
    (b"\x02", Code::Internal),
    (b"\0\0\0\0\0", Code::Internal),
    (b"\x80\0\0\0\x06a: b\r\n", Code::Internal),
];

/// A hundred calls, of which the one in the middle has sent nothing yet.
fn hundred() -> (Crowd, Vec<CallId>, CallId) {
    let config = Config::DEFAULT.with_max_calls(100);
    let mut end = Crowd::ready(Side::Acceptor, config, &[]);
    let mut others = Vec::new();
    let mut bad = None;
    for index in 0..100 {
        let id = 2 * index + 1;
        if index == 50 {
            bad = Some(opened(&end.recv(&open(id, b""))));
        } else {
            others.push(end.accepted(id));
        }
    }
    (end, others, bad.expect("one"))
}

/// The other calls go on: each sends, is answered, and ends well.
fn check_others(end: &mut Crowd, others: &[CallId]) {
    for call in others {
        let hello = data(call.get(), &message(b"hello"));
        assert_eq!(framed(&end.recv(&hello)), message(b"hello"));
        let answer = [INITIAL, TRAILERS].concat();
        assert!(matches!(end.send(*call, &answer, true), Ok(Some(_))));
    }
    assert_eq!(end.mux.failure(), None);
}

#[test]
fn a_bad_call_fails_and_the_99_others_go_on() {
    for (wrong, code) in WRONGS {
        let (mut end, others, bad) = hundred();
        let frame = data(bad.get(), wrong);
        let failed = match end.recv(&frame).last() {
            Some(Event::Ended {
                call,
                end: End::Failed(error),
            }) if *call == bad => error.code(),
            other => panic!("{other:?} by {}", wrong.escape_ascii()),
        };
        assert_eq!(failed, code, "{}", wrong.escape_ascii());
        let told = end.control();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0][..6], reset(bad.get(), code, "")[..]);
        check_others(&mut end, &others);
        end.mux.release(bad);
        assert_eq!(end.mux.calls(), 0);
    }
}

#[test]
fn base64_that_is_none_is_for_the_application_to_refuse() {
    let (mut end, others, bad) = hundred();
    let text = b":path: /s/M\r\na-bin: !!!\r\n";
    let len = u32::try_from(text.len()).unwrap().to_be_bytes();
    let block = [&[0x80][..], &len, text].concat();
    assert_eq!(end.recv(&data(bad.get(), &block)).len(), 2, "a good block");
    assert!(end.mux.reset(bad, Code::Internal, "a-bin").is_ok());
    check_others(&mut end, &others);
}

#[test]
fn a_bad_answer_fails_one_call_of_a_client() {
    let mut dialer = Crowd::dialer(100);
    let calls: Vec<_> = (0..100).map(|_| dialer.opened()).collect();
    let bad = calls[50];
    let wrong = data(bad.get(), b"\x80\0\0\0\x08no colon");
    let end = End::Failed(RecvError::Metadata(MalformedBlock));
    assert_eq!(
        dialer.recv(&wrong).last(),
        Some(&Event::Ended { call: bad, end })
    );
    for call in calls.iter().filter(|call| **call != bad) {
        let trailers = data_end(call.get(), TRAILERS);
        assert_eq!(dialer.recv(&trailers).len(), 2);
    }
    assert_eq!((dialer.control().len(), dialer.mux.calls()), (1, 0));
}

#[test]
fn a_call_that_uses_up_its_credit_takes_none_of_the_others() {
    let (mut end, others, bad) = hundred();
    end.recv(&data(bad.get(), &[REQUEST, &message(&[7; 480])].concat()));
    end.control();
    check_others(&mut end, &others);
}
