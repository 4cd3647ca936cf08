//! Every byte vector means what it says, whole and under every cut of its messages into fragments.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(clippy::arithmetic_side_effects)]

#[path = "support/peer.rs"]
mod peer;
#[path = "support/recorder.rs"]
mod recorder;
#[path = "support/terms.rs"]
mod terms;

use grpc_websocket_core::RecvError;
use grpc_websocket_vectors::{Failure, Input, Vector, load};

use peer::Peer;
use recorder::{Record, status};
use terms::{limits, reason};

/// A place to cut: the index of the input, and how many of its bytes come before the cut.
type Cut = (usize, usize);

fn vectors() -> Vec<Vector> {
    load().unwrap_or_else(|error| panic!("{error}"))
}

fn failure(error: RecvError) -> Failure {
    Failure {
        status: status(error.code()),
        close: error.close_code().value(),
        reason: reason(error).into(),
    }
}

fn run(vector: &Vector, cuts: &[Cut]) -> Record {
    let mut places = vec![Vec::new(); vector.inputs.len()];
    for &(index, place) in cuts {
        places[index].push(place);
    }
    Peer::new(vector.receiver, limits(vector.limits)).run(&vector.inputs, |index| &places[index])
}

fn check(vector: &Vector, cuts: &[Cut]) {
    let Record { events, error } = run(vector, cuts);
    let Vector { topic, name, .. } = vector;
    // The list of cuts can be long; its first ones tell enough.
    let shown = &cuts[..cuts.len().min(4)];
    assert!(
        events == vector.events,
        "{topic}.toml: \"{name}\", cut at {shown:?}\n got {events:?}\nwant {:?}",
        vector.events
    );
    assert_eq!(
        error.map(failure),
        vector.error,
        "{topic}.toml: \"{name}\", cut at {shown:?}"
    );
}

/// Every place to cut, those that leave an empty fragment included.
fn all_cuts(vector: &Vector) -> Vec<Cut> {
    let places = |(index, input): (usize, &Input)| match input {
        Input::Binary(bytes) => (0..=bytes.len()).map(|place| (index, place)).collect(),
        _ => Vec::new(),
    };
    vector.inputs.iter().enumerate().flat_map(places).collect()
}

#[test]
fn whole_messages_give_the_events() {
    for vector in vectors() {
        check(&vector, &[]);
    }
}

#[test]
fn bytes_one_by_one_give_the_events() {
    for vector in vectors() {
        check(&vector, &all_cuts(&vector));
    }
}

#[test]
fn every_single_cut_gives_the_events() {
    for vector in vectors() {
        for cut in all_cuts(&vector) {
            check(&vector, &[cut]);
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "hundreds of thousands of runs")]
fn every_pair_of_cuts_gives_the_events() {
    for vector in vectors() {
        let cuts = all_cuts(&vector);
        for (first, &a) in cuts.iter().enumerate() {
            for &b in &cuts[first..] {
                check(&vector, &[a, b]);
            }
        }
    }
}
