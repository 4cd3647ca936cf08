//! Calls that are made to be ended: rapid reset (CVE-2023-44487, RUSTSEC-2023-0034) and "made you
//! reset" (CVE-2025-8671).

use std::collections::VecDeque;

use grpc_websocket_core::mux::{
    Budget, CallId, Config, ConnectionError, Event, RESET_BUDGET, Side,
};
use grpc_websocket_core::{Code, Limits};

use crate::flood::{MANY, Reading, check, offer, release_ended};
use crate::harness::*;

const MAX_CALLS: usize = 4;

fn serving() -> Endpoint {
    Endpoint::acceptor(u32::try_from(MAX_CALLS).unwrap())
}

/// OPEN and RESET of one call after the other.
fn pair(index: u32) -> Vec<u8> {
    let id = index / 2 * 2 + 1;
    match index % 2 {
        0 => open(id, REQUEST),
        _ => reset(id, Code::Cancelled, ""),
    }
}

#[test]
fn a_million_calls_that_are_reset_at_once_spend_the_budget() {
    let most = 2 * u32::from(RESET_BUDGET) + 1;
    check(serving, pair, Budget::Resets, most);
}

#[test]
fn a_million_calls_that_must_be_reset_spend_the_budget() {
    for bad in [&b"\x02"[..], b"\x80\0\0\xff\xff", b"\x80\0\0\0\x02\xff\xff"] {
        let mut end = serving();
        let frames = (0..MANY).map(|index| open(2 * index + 1, bad));
        let outcome = offer(&mut end, Reading::Always, frames);
        assert_eq!(outcome.error, Some(ConnectionError::Flood(Budget::Resets)));
        assert_eq!(outcome.taken, u32::from(RESET_BUDGET));
        assert!(outcome.is_cheap(), "{outcome:?}");
    }
}

#[test]
fn a_peer_that_does_not_read_its_resets_has_no_more_calls_for_it() {
    let mut end = serving();
    let frames = (0..MANY).map(|index| open(2 * index + 1, b"\x02"));
    let outcome = offer(&mut end, Reading::Never, frames);
    // The RESETs that wait keep the places, so the others are refused: four of these may wait, and one
    // more for each place.
    assert_eq!(outcome.taken, 4 + 4 + 4);
    assert_eq!(outcome.error, Some(ConnectionError::Flood(Budget::Refused)));
}

/// Makes a hundred calls of which nothing comes, and lets their time pass.
fn stall(end: &mut Crowd, first_id: u32) -> Result<(), ConnectionError> {
    for index in 0..100 {
        end.recv(&open(first_id + 2 * index, b""));
    }
    let events = end.wait(millis(1_000))?;
    release_ended(end, &events);
    assert_eq!(end.control().len(), 100);
    Ok(())
}

#[test]
fn calls_whose_metadata_never_comes_spend_the_budget() {
    let limits = Limits::DEFAULT.with_metadata_timeout(millis(1_000));
    let config = Config::DEFAULT.with_limits(limits).with_max_calls(100);
    let mut end = Crowd::ready(Side::Acceptor, config, &[]);
    let rounds = (0..100).take_while(|round| stall(&mut end, 200 * round + 1).is_ok());
    // 500, and while they come 60 more in a second.
    assert_eq!(rounds.count(), 11);
    let error = ConnectionError::Flood(Budget::Resets);
    assert_eq!(end.mux.failure(), Some(error));
}

/// Handlers that take a while to go away after their call is reset.
struct Handlers {
    running: VecDeque<CallId>,
    ended: VecDeque<CallId>,
    most: usize,
}

impl Handlers {
    fn take(&mut self, events: &[Event<'_>]) {
        for event in events {
            match event {
                Event::Opened(call) => self.running.push_back(*call),
                Event::Ended { call, .. } => self.ended.push_back(*call),
                _ => {}
            }
        }
        self.most = self.most.max(self.running.len());
    }

    fn let_one_go(&mut self, end: &mut Endpoint) {
        if let Some(call) = self.ended.pop_front() {
            self.running.retain(|running| *running != call);
            end.mux.release(call);
        }
    }
}

#[test]
fn at_any_rate_no_more_handlers_run_than_calls_are_allowed() {
    let mut end = serving();
    let mut handlers = Handlers {
        running: VecDeque::new(),
        ended: VecDeque::new(),
        most: 0,
    };
    let mut refused = 0;
    for index in 0..MANY / 4 {
        // A rate that the budgets bear, of a peer that does not wait for the handlers.
        end.pass(millis(50));
        let frame = pair(index);
        let events = end.recv(&frame);
        handlers.take(&events);
        assert!(handlers.running.len() <= MAX_CALLS);
        assert_eq!(handlers.running.len(), end.mux.calls());
        refused += end.control().len();
        if index % 3 == 0 {
            handlers.let_one_go(&mut end);
        }
    }
    assert_eq!(handlers.most, MAX_CALLS);
    assert!(refused > 0, "what did not fit was refused");
}
