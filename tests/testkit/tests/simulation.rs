//! Seeds of the whole simulation. The program of this package runs more of them.

use grpc_websocket_testkit::choices::Input;
use grpc_websocket_testkit::{Tally, run, run_seed};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

const SEEDS: u64 = 2_000;
const THREADS: u64 = 2;

#[test]
fn two_thousand_seeds() {
    let next = AtomicU64::new(0);
    let all = thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS)
            .map(|_| scope.spawn(|| run_some(&next)))
            .collect();
        workers
            .into_iter()
            .fold(Tally::default(), |mut all, worker| {
                let part = worker
                    .join()
                    .expect("the seed whose frames are the last above fails");
                all.add_runs(&part);
                all
            })
    });
    println!("{all}");
    // What is not among these is not covered.
    for what in [
        "call: OK",
        "call: another status",
        "call: cancelled",
        "call: deadline at the client",
        "call: deadline at the server",
        "call: lost",
        "call: message too long for the peer",
        "call: refused",
        "call: reset by the server",
        "connection: idle",
        "connection: keepalive timeout",
        "connection: settings timeout",
        "flow: no credit",
        "incident: Close",
        "incident: GOAWAY",
        "incident: half-open",
        "incident: reset",
        "incident: stall",
        "kind: both streaming",
        "kind: client streaming",
        "kind: server streaming",
        "kind: unary",
    ] {
        assert!(all.times(what) > 0, "never happened: {what}");
    }
}

fn run_some(next: &AtomicU64) -> Tally {
    let mut tally = Tally::default();
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= SEEDS {
            return tally;
        }
        let hint = Hint(seed);
        tally.add_run(&run_seed(seed, false));
        drop(hint);
    }
}

/// Says which seed it was, if it fails.
struct Hint(u64);

impl Drop for Hint {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("seed {} failed; see every frame of it with", self.0);
            eprintln!(
                "  cargo run -p grpc-websocket-testkit -- --seeds 1 --start {} --trace",
                self.0
            );
        }
    }
}

#[test]
fn a_seed_is_the_same_run_every_time() {
    for seed in 0..20 {
        let once = run_seed(seed, false).to_string();
        assert_eq!(once, run_seed(seed, false).to_string(), "seed {seed}");
    }
}

#[test]
fn a_run_without_decisions_is_small_and_plain() {
    let tally = run(&mut Input::new(&[]), false);
    assert_eq!(tally.times("call: OK"), 1);
    assert!(tally.frames < 20, "{tally}");
}

#[test]
fn a_run_ends_when_decisions_run_out() {
    let mut noise = fastrand::Rng::with_seed(7);
    for len in 0..100 {
        let mut bytes = vec![0; len];
        noise.fill(&mut bytes);
        let _ = run(&mut Input::new(&bytes), false);
    }
}
