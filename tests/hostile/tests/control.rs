//! Pings, pongs and Closes where they hurt.

use std::time::Duration;

use grpc_websocket_hostile::grpc::{data, half_close, message};
use grpc_websocket_hostile::{Client, Code, End, Frame, Settings, Target, grpc, handshake};

const SOON: Duration = Duration::from_secs(2);

#[test]
fn a_flood_of_pings_or_pongs_is_refused() {
    for target in Target::both() {
        for (case, frame) in [
            ("pings", Frame::ping([])),
            ("full pings", Frame::ping([0; 125])),
            ("pongs", Frame::pong([])),
        ] {
            let client = target.call("Bidi");
            let times = if case == "full pings" { 100 } else { 1000 };
            let (outcome, _) = client.flood(&frame.encode().repeat(1000), times, &[]);
            outcome.assert(case, Some(Code::ResourceExhausted), Some(1008));
            assert!(outcome.pongs.len() <= 110, "{outcome}");
        }
        target.assert_recovered();
    }
}

#[test]
fn a_flood_of_pings_before_the_header_block_is_refused() {
    for target in Target::both() {
        let client = target.open("Bidi");
        let (outcome, _) = client.flood(&Frame::ping([]).encode().repeat(1000), 10, &[]);
        outcome.assert("pings first", Some(Code::ResourceExhausted), Some(1008));
        target.assert_recovered();
    }
}

#[test]
fn a_client_that_pings_without_end_and_never_reads_loses_its_call() {
    for target in Target::both_with(Settings::short()) {
        let mut client = Client::connect_narrow(target.address).upgraded(&handshake("Bidi"));
        client.send(&grpc::headers());
        client.set_patience(Duration::from_secs(10));
        let pings = Frame::ping([0; 125]).encode().repeat(1000);
        let refused = (0..10_000).any(|_| client.try_send(&pings).is_err());
        assert!(refused, "{}: 1.3 GB of pings taken", target.name);
        target.assert_recovered();
    }
}

#[test]
fn a_few_pings_are_answered_in_order() {
    for target in Target::both() {
        let pings = (0..50_u8).map(|number| Frame::ping([number]).encode());
        let frames = [pings.collect::<Vec<_>>().concat(), grpc::unary(b"hi")].concat();
        let outcome = target.attack("Unary", &frames);
        outcome.assert("pings", Some(Code::Ok), Some(1000));
        assert!(outcome.pongs.iter().map(|payload| payload[0]).eq(0..50));
    }
}

/// A call of each kind that is under way.
fn calls_under_way(target: &Target) -> Vec<(&'static str, Client)> {
    let mut half_message = target.call("Unary");
    half_message.send(&data(&message(b"half")[..6]));
    let mut counting = target.call("Count");
    counting.send(&data(&message(b"one")));
    let mut downloading = target.call("Download");
    downloading.send(&[data(&message(b"1000000")), half_close()].concat());
    let mut echoing = target.call("Bidi");
    echoing.send(&data(&message(b"one")));
    let holding = target.call("Hold");
    vec![
        ("unary", half_message),
        ("client streaming", counting),
        ("server streaming", downloading),
        ("bidirectional", echoing),
        ("not reading", holding),
    ]
}

#[test]
fn a_close_in_the_middle_cancels_every_kind_of_call() {
    for target in Target::both() {
        for (case, mut client) in calls_under_way(&target) {
            std::thread::sleep(Duration::from_millis(50));
            client.send(&Frame::close([]).encode());
            let outcome = client.outcome();
            println!("{case}: {outcome}");
            assert_eq!(outcome.status(), None, "{case}: {outcome}");
            assert_ne!(outcome.end(), Some(End::TimedOut), "{case}: {outcome}");
            assert!(outcome.took < SOON, "{case}: {outcome}");
        }
        target.assert_no_handlers(SOON);
        target.assert_recovered();
    }
}

#[test]
fn a_reset_in_the_middle_cancels_every_kind_of_call() {
    for target in Target::both() {
        let calls = calls_under_way(&target);
        std::thread::sleep(Duration::from_millis(50));
        assert!(target.probe.live() >= calls.len(), "all are under way");
        for (_, client) in calls {
            client.reset();
        }
        target.assert_no_handlers(SOON);
        target.assert_recovered();
    }
}

#[test]
fn a_close_behind_a_whole_call_leaves_no_handler() {
    for target in Target::both() {
        for _ in 0..20 {
            let mut client = target.open("Unary");
            client.send(&[grpc::unary(b"hi"), Frame::close([]).encode()].concat());
            let outcome = client.outcome();
            assert_ne!(outcome.end(), Some(End::TimedOut), "{outcome}");
        }
        target.assert_recovered();
    }
}
