//! What calls see when something happens to their connection.

use core::time::Duration;
use grpc_websocket_core::mux::{Config, Side};
use grpc_websocket_core::{Code, Instant};
use grpc_websocket_testkit::check::{ClientEnd, ServerEnd};
use grpc_websocket_testkit::clock::after;
use grpc_websocket_testkit::link::{Fault, PipeConfig};
use grpc_websocket_testkit::plan::{Answers, CallPlan, EndPlan, Incident, When};
use grpc_websocket_testkit::{Outcome, Pair, Plan};

const LATENCY: Duration = Duration::from_millis(10);
const INTERVAL: Duration = Duration::from_secs(20);
const TIMEOUT: Duration = Duration::from_secs(10);

type Ends = (Option<ClientEnd>, Option<ServerEnd>);

/// Calls that are answered after a minute, on a link of 10 ms, and something after a second.
fn plan(calls: usize, incident: Option<Incident>) -> Plan {
    let config = Config::DEFAULT
        .with_keepalive(INTERVAL, TIMEOUT)
        .with_max_calls(4);
    let pipe = PipeConfig {
        latency: LATENCY,
        bytes_per_second: None,
        capacity: 65_536,
    };
    let call = |n| CallPlan {
        answers: Answers::After(Duration::from_secs(60)),
        ..CallPlan::new(Side::Dialer, n, &[100], &[100])
    };
    Plan {
        ends: [EndPlan::new(config, 8), EndPlan::new(config, 8)],
        pipes: [pipe, pipe],
        calls: (0..calls).map(call).collect(),
        incidents: incident.map(|what| (at(1), what)).into_iter().collect(),
        may_time_out: false,
    }
}

fn at(seconds: u64) -> Instant {
    after(Instant::EPOCH, Duration::from_secs(seconds))
}

/// Drives to the end: how each call ended, and when the last did.
fn drive(plan: Plan) -> (Vec<Ends>, Instant) {
    let count = plan.calls.len();
    let mut choices = fastrand::Rng::with_seed(3);
    let mut pair = Pair::new(plan, &mut choices);
    let mut ended = Instant::EPOCH;
    let outcome = pair.drive_until(|pair| {
        if (0..count).any(|n| !pair.calls().is_made(n) || !pair.calls().is_settled(n)) {
            ended = pair.now();
        }
        false
    });
    assert_eq!(outcome, Outcome::Done);
    ((0..count).map(|n| pair.calls().ends(n)).collect(), ended)
}

fn lost(client: Code, server: Code) -> Ends {
    (Some(ClientEnd::Lost(client)), Some(ServerEnd::Lost(server)))
}

#[test]
fn nothing_happens_to_calls_that_take_long() {
    let (ends, ended) = drive(plan(3, None));
    let expected = (
        Some(ClientEnd::Trailers(Code::Ok)),
        Some(ServerEnd::Finished(Code::Ok)),
    );
    assert_eq!(ends, [expected; 3]);
    assert!(ended >= at(60));
}

#[test]
fn a_reset_connection_makes_calls_unavailable_at_once() {
    let (ends, ended) = drive(plan(3, Some(Incident::Link(Fault::Reset))));
    assert_eq!(ends, [lost(Code::Unavailable, Code::Unavailable); 3]);
    assert!(ended <= at(1));
}

#[test]
fn a_close_says_by_its_code_what_calls_see() {
    for (close_code, code) in [
        (1000, Code::Unknown),
        (1001, Code::Unavailable),
        (1011, Code::Internal),
        (1012, Code::Unavailable),
    ] {
        let incident = Incident::Close(Side::Acceptor, close_code);
        let (ends, ended) = drive(plan(2, Some(incident)));
        assert_eq!(ends, [lost(code, code); 2], "{close_code}");
        assert!(ended <= after(at(1), LATENCY));
    }
}

#[test]
fn silence_ends_calls_after_interval_and_timeout() {
    for pipes in [[true, true], [true, false], [false, true]] {
        let incident = Incident::Link(Fault::HalfOpen { pipes });
        let (ends, ended) = drive(plan(2, Some(incident)));
        let is_unavailable = |ends: &Ends| match *ends {
            // The end that hears the other one give up learns it from GOAWAY or Close.
            (Some(ClientEnd::Lost(client)), Some(ServerEnd::Lost(server))) => {
                client == Code::Unavailable || server == Code::Unavailable
            }
            _ => false,
        };
        assert!(ends.iter().all(is_unavailable), "{ends:?}");
        let latest = after(at(1), INTERVAL + TIMEOUT + 2 * LATENCY);
        assert!(ended <= latest, "{pipes:?}: {ended:?}");
    }
}

#[test]
fn a_stall_shorter_than_the_keepalive_ends_nothing() {
    let incident = Incident::Link(Fault::Stall {
        pipes: [true, true],
        lasts: INTERVAL,
    });
    let (ends, _) = drive(plan(3, Some(incident)));
    let expected = (
        Some(ClientEnd::Trailers(Code::Ok)),
        Some(ServerEnd::Finished(Code::Ok)),
    );
    assert_eq!(ends, [expected; 3]);
}

#[test]
fn going_away_lets_calls_end_and_refuses_those_that_cross_it() {
    let mut plan = plan(3, Some(Incident::GoAway(Side::Acceptor, Code::Unavailable)));
    // On its way when the acceptor goes away.
    plan.calls[2].start = Duration::from_millis(995);
    let (ends, _) = drive(plan);
    let ok = (
        Some(ClientEnd::Trailers(Code::Ok)),
        Some(ServerEnd::Finished(Code::Ok)),
    );
    let code = Code::Unavailable;
    let refused = (
        Some(ClientEnd::Reset {
            code,
            refused: true,
        }),
        None,
    );
    assert_eq!(ends, [ok, ok, refused]);
}

#[test]
fn deadlines_are_exact_and_cancel_the_other_end() {
    let mut plan = plan(1, None);
    plan.calls[0].client.deadline = Some(Duration::from_secs(5));
    let (ends, ended) = drive(plan);
    let cancelled = ServerEnd::Cancelled(Code::DeadlineExceeded);
    assert_eq!(ends, [(Some(ClientEnd::TimedOut), Some(cancelled))]);
    // The call was made when the SETTINGS had come, and its server is told.
    assert_eq!(ended, after(at(5), 2 * LATENCY));
}

#[test]
fn a_cancelled_call_leaves_the_others_alone() {
    let mut plan = plan(2, None);
    plan.calls[0].client.resets = Some((When::After(Duration::from_secs(2)), Code::Cancelled));
    let (ends, _) = drive(plan);
    let cancelled = ServerEnd::Cancelled(Code::Cancelled);
    let ok = (
        Some(ClientEnd::Trailers(Code::Ok)),
        Some(ServerEnd::Finished(Code::Ok)),
    );
    assert_eq!(
        ends,
        [
            (Some(ClientEnd::Cancelled(Code::Cancelled)), Some(cancelled)),
            ok
        ]
    );
}

#[test]
fn a_connection_without_calls_ends_in_time() {
    let mut plan = plan(2, None);
    let acceptor = &mut plan.ends[1];
    acceptor.config = acceptor.config.with_idle_timeout(Duration::from_secs(30));
    plan.calls[1].start = Duration::from_secs(200);
    let mut choices = fastrand::Rng::with_seed(3);
    let mut pair = Pair::new(plan, &mut choices);
    assert_eq!(pair.drive(), Outcome::Done);
    assert!(
        !pair.calls().is_made(1),
        "a call on a connection that was idle"
    );
    // SETTINGS, the call, a minute for its answer, half a minute without a call, Close.
    assert_eq!(pair.now(), after(at(60 + 30), 3 * LATENCY));
}

/// The client may not know that handlers of calls that it gave up are still at work, nor be told
/// while nothing gets through to it. Its new calls are then too many through no fault of its own.
#[test]
fn calls_over_the_limit_that_cannot_be_refused_yet_do_not_end_the_connection() {
    let mut plan = plan(24, None);
    let stall = Fault::Stall {
        pipes: [false, true],
        lasts: Duration::from_secs(2),
    };
    plan.incidents = vec![(Instant::from_micros(50_000), Incident::Link(stall))];
    plan.pipes[1].capacity = 600;
    plan.ends[0].config = plan.ends[0].config.with_max_calls(0);
    plan.ends[1].config = plan.ends[1].config.with_max_calls(8);
    for call in &mut plan.calls {
        call.answers = Answers::After(Duration::from_millis(60));
        call.client.deadline = Some(Duration::from_millis(100));
        call.lingers = Duration::from_secs(1);
    }
    let (ends, _) = drive(plan);
    let timed_out = |ends: &Ends| matches!(ends.0, Some(ClientEnd::TimedOut));
    assert!(ends.iter().all(timed_out), "{ends:?}");
}
