//! The processes that are measured: each contender is one, and says where it listens on a line of
//! its output. It lives until its input ends, and answers each line with what it counted.

mod clients;
mod codecs;
mod echo;
mod listening;
mod servers;
mod service;

use std::io::{self, BufRead as _, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};

use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use stats_alloc::{INSTRUMENTED_SYSTEM, Stats};

use crate::latency::{Latencies, Latency};

pub use clients::{Calling, Client, call};
pub use codecs::{Codec, code};
pub use servers::{Contender, Serving, serve};
pub use service::pb;

/// How many calls a client made.
static CALLS: AtomicU64 = AtomicU64::new(0);

/// How long they took, if it makes one at a time.
static LATENCIES: Latencies = Latencies::new();

/// How often the sockets of a server were read, and how often they were written.
static READS: AtomicU64 = AtomicU64::new(0);
static WRITES: AtomicU64 = AtomicU64::new(0);

/// How tasks are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Runtime {
    /// All in one thread.
    CurrentThread,
    /// In a thread for each core.
    MultiThread,
}

/// What a measured process counted since it began.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Counted {
    /// Calls made, by a client.
    pub calls: u64,
    /// Allocations, reallocations among them, where the process counts them.
    pub allocations: u64,
    /// Bytes allocated.
    pub bytes: u64,
    /// Reads of sockets that brought something, by a server.
    pub reads: u64,
    /// Writes.
    pub writes: u64,
    /// The time of calls since it was asked last, of a client that makes one at a time.
    pub latency: Option<Latency>,
}

/// How a measured process runs its tasks.
#[derive(Debug, Args)]
pub struct Tasks {
    /// In one thread, or in many.
    #[arg(long, default_value = "current_thread")]
    runtime: Runtime,
    /// How many are many; as many as there are cores by default.
    #[arg(long)]
    workers: Option<usize>,
}

impl Tasks {
    fn build(&self) -> io::Result<tokio::runtime::Runtime> {
        let mut builder = match self.runtime {
            Runtime::CurrentThread => tokio::runtime::Builder::new_current_thread(),
            Runtime::MultiThread => tokio::runtime::Builder::new_multi_thread(),
        };
        if let Some(workers) = self.workers {
            builder.worker_threads(workers);
        }
        builder.enable_all().build()
    }
}

/// Answers on the standard streams, in a thread of its own, and ends the process with its input.
fn answer_parent() {
    std::thread::spawn(|| {
        let lines = io::stdin().lock().lines();
        for _ in lines.map_while(Result::ok) {
            say(&serde_json::to_string(&counted()).expect("numbers are JSON"));
        }
        std::process::exit(0);
    });
}

fn counted() -> Counted {
    let Stats {
        allocations,
        reallocations,
        bytes_allocated,
        ..
    } = INSTRUMENTED_SYSTEM.stats();
    Counted {
        calls: CALLS.load(Ordering::Relaxed),
        allocations: (allocations + reallocations) as u64,
        bytes: bytes_allocated as u64,
        reads: READS.load(Ordering::Relaxed),
        writes: WRITES.load(Ordering::Relaxed),
        latency: LATENCIES.take(),
    }
}

fn say(line: &str) {
    let mut out = io::stdout().lock();
    // Without a parent there is nobody to tell.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// What a value is on the command line.
pub(crate) fn name(value: &impl ValueEnum) -> String {
    let value = value.to_possible_value().expect("no value is hidden");
    value.get_name().to_owned()
}
