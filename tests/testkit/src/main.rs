//! Runs many simulations and says what they covered.

use grpc_websocket_testkit::{Tally, run_seed};
use std::panic::catch_unwind;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

const USAGE: &str = "usage: [--seeds N] [--start S] [--threads T] [--trace]
  Runs the seeds from S on, or one of them with every frame printed.";

struct Options {
    seeds: u64,
    start: u64,
    threads: u64,
    trace: bool,
}

/// What came of some seeds.
#[derive(Default)]
struct Report {
    tally: Tally,
    failed: Vec<u64>,
}

fn main() -> ExitCode {
    let Some(options) = parse(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::FAILURE;
    };
    let report = run_all(&options);
    println!("{}", report.tally);
    println!("{} of {} seeds failed", report.failed.len(), options.seeds);
    if report.failed.is_empty() {
        return ExitCode::SUCCESS;
    }
    for seed in &report.failed {
        println!("  again: --seeds 1 --start {seed} --trace");
    }
    ExitCode::FAILURE
}

fn parse(mut args: impl Iterator<Item = String>) -> Option<Options> {
    let mut options = Options {
        seeds: 1000,
        start: 0,
        threads: 1,
        trace: false,
    };
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--trace" => options.trace = true,
            "--seeds" => options.seeds = args.next()?.parse().ok()?,
            "--start" => options.start = args.next()?.parse().ok()?,
            "--threads" => options.threads = args.next()?.parse().ok()?,
            _ => return None,
        }
    }
    (options.threads > 0).then_some(options)
}

/// Every thread takes the next seed that is left.
fn run_all(options: &Options) -> Report {
    let next = AtomicU64::new(options.start);
    let last = options.start + options.seeds;
    let mut report = Report::default();
    thread::scope(|scope| {
        let work = || run_some(&next, last, options.trace);
        let workers: Vec<_> = (0..options.threads).map(|_| scope.spawn(work)).collect();
        for worker in workers {
            let part = worker.join().expect("a worker only runs seeds");
            report.tally.add_runs(&part.tally);
            report.failed.extend(part.failed);
        }
    });
    report.failed.sort_unstable();
    report
}

fn run_some(next: &AtomicU64, last: u64, trace: bool) -> Report {
    let mut report = Report::default();
    loop {
        let seed = next.fetch_add(1, Ordering::Relaxed);
        if seed >= last {
            return report;
        }
        match catch_unwind(|| run_seed(seed, trace)) {
            Ok(run) => report.tally.add_run(&run),
            Err(_) => {
                eprintln!("seed {seed} failed");
                report.failed.push(seed);
            }
        }
    }
}
