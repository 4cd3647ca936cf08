//! Messages that lie side by side and are taken at once: nothing else is different.

use grpc_websocket_core::mux::{Config, ConnectionError, Event, Side};
use grpc_websocket_core::{Code, Fragment, Limits, call};

use crate::harness::*;

const MAX_FRAME: u32 = 200;

fn acceptor() -> Endpoint {
    let limits = Limits::DEFAULT.with_max_message_len(50);
    let config = Config::DEFAULT
        .with_limits(limits)
        .with_max_frame(MAX_FRAME)
        .with_window(250)
        .with_max_calls(1);
    Endpoint::ready(Side::Acceptor, config, &[])
}

/// What an end was given: the bytes of messages, one after the other, and all other events.
#[derive(Debug, Default, PartialEq, Eq)]
struct Given {
    framed: Vec<u8>,
    others: Vec<String>,
    /// How many times.
    times: usize,
}

impl Given {
    fn take(&mut self, event: &Event<'_>) {
        self.framed.extend(framed(std::slice::from_ref(event)));
        if !is_message(event) {
            self.others.push(format!("{event:?}"));
        }
        self.times += 1;
    }
}

fn is_message(event: &Event<'_>) -> bool {
    matches!(
        event,
        Event::Call {
            event: call::Event::Message { .. },
            ..
        }
    )
}

fn take(
    end: &mut Endpoint,
    mut fragment: Fragment<'_>,
    at_once: bool,
    given: &mut Given,
) -> Result<(), ConnectionError> {
    while let Some(event) = end.mux.recv(end.now, &mut fragment)? {
        given.take(&event);
        if at_once {
            let messages = end.mux.recv_messages(&mut fragment);
            given.framed.extend(messages);
        }
    }
    Ok(())
}

/// What two ends are given, one message by message, by frames that are cut at one place.
fn check(frames: &[Vec<u8>], cut: usize) -> [Given; 2] {
    [false, true].map(|at_once| {
        let mut end = acceptor();
        let mut given = Given::default();
        let mut before = 0;
        let mut result = Ok(());
        for frame in frames {
            let (front, back) = frame.split_at(cut.saturating_sub(before).min(frame.len()));
            before += frame.len();
            result = result
                .and_then(|()| take(&mut end, Fragment::part(front), at_once, &mut given))
                .and_then(|()| take(&mut end, Fragment::message(back), at_once, &mut given));
        }
        given.others.push(format!("{result:?}"));
        given.others.push(format!("{:?}", end.mux));
        given
    })
}

fn check_all_cuts(frames: &[Vec<u8>]) {
    let len = frames.iter().map(Vec::len).sum();
    for cut in 0..=len {
        let [mut one_by_one, at_once] = check(frames, cut);
        assert!(at_once.times <= one_by_one.times);
        one_by_one.times = at_once.times;
        assert_eq!(one_by_one, at_once, "cut at {cut}");
    }
}

/// A frame with several messages.
fn many(count: usize, len: usize) -> Vec<u8> {
    message(&vec![7; len]).repeat(count)
}

#[test]
fn they_are_one_event() {
    let frames = [open(1, REQUEST), data(1, &many(20, 3))];
    let [one_by_one, at_once] = check(&frames, 0);
    assert_eq!(one_by_one.framed, at_once.framed);
    // The call, its block, and its end before them.
    assert_eq!((one_by_one.times, at_once.times), (3 + 20, 3 + 1));
}

#[test]
fn it_is_the_same_however_they_come() {
    check_all_cuts(&[
        open(1, &[REQUEST, &many(3, 0)].concat()),
        data(1, &many(9, 2)),
    ]);
    check_all_cuts(&[
        open(1, REQUEST),
        data(1, &many(3, 50)),
        data_end(1, &many(2, 1)),
    ]);
    check_all_cuts(&[open(1, REQUEST), data_end(1, &many(9, 7))]);
}

#[test]
fn what_is_compressed_comes_by_itself_and_others_follow() {
    let mut compressed = message(b"zip");
    compressed[0] = 1;
    let stream = [&many(2, 1)[..], &compressed, &compressed, &many(2, 1)].concat();
    check_all_cuts(&[open(1, REQUEST), data(1, &stream)]);
    let [_, at_once] = check(&[open(1, REQUEST), data(1, &stream)], 0);
    assert_eq!(at_once.framed, stream);
}

#[test]
fn a_fault_behind_them_is_the_same() {
    let frames = |behind: &[u8]| {
        let stream = [&many(3, 2)[..], behind, &many(3, 2)].concat();
        [open(1, REQUEST), data(1, &stream)]
    };
    check_all_cuts(&frames(&message(&[0; 51])));
    check_all_cuts(&frames(INITIAL));
    check_all_cuts(&frames(&[2]));
    check_all_cuts(&[
        open(1, REQUEST),
        data_end(1, &[&many(3, 2)[..], b"\0\0"].concat()),
    ]);
}

#[test]
fn no_frame_is_longer_and_no_window_wider_for_it() {
    let long = many(23, 5);
    assert!(u32::try_from(long.len()).unwrap() > MAX_FRAME);
    check_all_cuts(&[open(1, REQUEST), data(1, &long)]);
    check_all_cuts(&[
        open(1, REQUEST),
        data(1, &many(19, 5)),
        data(1, &many(19, 5)),
    ]);
}

#[test]
fn nothing_is_taken_before_a_message_may_come_or_after_the_end() {
    let frame = open(1, &[REQUEST, &many(4, 1)].concat());
    let mut end = acceptor();
    let mut fragment = Fragment::message(&frame);
    assert_eq!(end.mux.recv_messages(&mut fragment), b"");
    // The call, its block, and the end of that.
    for _ in 0..3 {
        assert_eq!(end.mux.recv_messages(&mut fragment), b"");
        assert!(
            matches!(end.mux.recv(end.now, &mut fragment), Ok(Some(event)) if !is_message(&event))
        );
    }
    end.mux.handle_close(None);
    assert_eq!(end.mux.recv_messages(&mut fragment), b"");
}

#[test]
fn what_is_complete_is_said_though_the_frame_goes_on() {
    let mut end = Endpoint::dialer(1);
    let call = end.opened();
    let frame = data_end(call.get(), &[INITIAL, &many(1, 3), TRAILERS].concat());
    let events = end.try_recv_part(Fragment::part(&frame)).unwrap();
    let event = call::Event::Trailers(Code::Ok);
    assert_eq!(events.last(), Some(&Event::Call { call, event }));
    assert_eq!(end.try_recv_part(Fragment::message(b"")), Ok(vec![]));
}
