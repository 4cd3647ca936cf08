//! Every byte vector of `grpc-mux.v1` means what it says, whole and under every cut of its messages
//! into fragments.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)]
#![allow(clippy::arithmetic_side_effects)]

#[path = "mux_support/recorder.rs"]
mod mux_recorder;
#[path = "mux_support/peer.rs"]
mod peer;
#[path = "mux_support/reason.rs"]
mod reason;
#[path = "support/recorder.rs"]
mod recorder;
#[path = "support/terms.rs"]
mod terms;

use grpc_websocket_vectors::mux::{MuxVector, Step};
use grpc_websocket_vectors::{Input, load_mux};

use peer::{MuxPeer, MuxRecord};

/// A place to cut: the index of the step, and how many bytes of its message come before the cut.
type Cut = (usize, usize);

fn vectors() -> Vec<MuxVector> {
    load_mux().unwrap_or_else(|error| panic!("{error}"))
}

fn run(vector: &MuxVector, cuts: &[Cut]) -> MuxRecord {
    let mut places = vec![Vec::new(); vector.steps.len()];
    for &(index, place) in cuts {
        places[index].push(place);
    }
    MuxPeer::new(vector).run(&vector.steps, |index| &places[index])
}

/// Whole messages give what the vector says; what they give.
fn check_whole(vector: &MuxVector) -> MuxRecord {
    let MuxVector { topic, name, .. } = vector;
    let record = run(vector, &[]);
    assert_eq!(record.events, vector.events, "{topic}.toml: \"{name}\"");
    assert_eq!(record.writes, vector.writes, "{topic}.toml: \"{name}\"");
    let error = record.error.map(reason::of_connection);
    assert_eq!(error, vector.error, "{topic}.toml: \"{name}\"");
    record
}

/// Fragments give what the whole messages do.
fn check_cut(vector: &MuxVector, cuts: &[Cut], whole: &MuxRecord) {
    let MuxVector { topic, name, .. } = vector;
    // The list of cuts can be long; its first ones tell enough.
    let shown = &cuts[..cuts.len().min(4)];
    let record = run(vector, cuts);
    assert_eq!(&record, whole, "{topic}.toml: \"{name}\", cut at {shown:?}");
}

/// Every place to cut, those that leave an empty fragment included.
fn all_cuts(vector: &MuxVector) -> Vec<Cut> {
    let places = |(index, step): (usize, &Step)| match step {
        Step::Input(Input::Binary(bytes)) => {
            (0..=bytes.len()).map(|place| (index, place)).collect()
        }
        _ => Vec::new(),
    };
    vector.steps.iter().enumerate().flat_map(places).collect()
}

#[test]
fn whole_messages_give_the_events_and_the_writes() {
    for vector in vectors() {
        check_whole(&vector);
    }
}

#[test]
fn bytes_one_by_one_give_the_same() {
    for vector in vectors() {
        let whole = check_whole(&vector);
        check_cut(&vector, &all_cuts(&vector), &whole);
    }
}

#[test]
fn every_single_cut_gives_the_same() {
    for vector in vectors() {
        let whole = check_whole(&vector);
        for cut in all_cuts(&vector) {
            check_cut(&vector, &[cut], &whole);
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "hundreds of thousands of runs")]
fn every_pair_of_cuts_gives_the_same() {
    for vector in vectors() {
        let whole = check_whole(&vector);
        let cuts = all_cuts(&vector);
        for (first, &a) in cuts.iter().enumerate() {
            for &b in &cuts[first..] {
                check_cut(&vector, &[a, b], &whole);
            }
        }
    }
}
