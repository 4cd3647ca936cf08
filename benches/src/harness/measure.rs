//! One run: a fresh server, a warm-up, and what it took to answer for a while.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::task::JoinHandle;

use super::start::Start;
use super::work::{Subject, Work};
use crate::latency::Latency;
use crate::load::{self, Meter};
use crate::measured::{Client, Contender, Counted, Runtime};
use crate::process::Process;

type BoxError = Box<dyn Error + Send + Sync>;

/// How long a run takes, and on which runtime.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// Before anything counts.
    pub(crate) warm_up: Duration,
    /// What counts.
    pub(crate) window: Duration,
    /// That of the measured process.
    pub(crate) runtime: Runtime,
    /// Whether it counts allocations, which takes time.
    pub(crate) counts: bool,
}

/// What a message took.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct Sample {
    /// Messages in a second.
    pub(crate) rate: f64,
    /// Time of the measured process, in microseconds.
    pub(crate) cpu: f64,
    /// The time to an answer, with one message in flight.
    pub(crate) latency: Option<Latency>,
    /// Bytes sent.
    pub(crate) up: f64,
    /// Bytes received.
    pub(crate) down: f64,
    /// Allocations of the measured process.
    pub(crate) allocations: f64,
    /// Bytes of these.
    pub(crate) allocated: f64,
    /// Reads and writes of sockets, by a server.
    pub(crate) system_calls: f64,
    /// The most memory that the measured process had, in bytes.
    pub(crate) peak: f64,
}

/// Where all counters stand.
struct Reading {
    at: Instant,
    cpu: Duration,
    counted: Counted,
    messages: u64,
    up: u64,
    down: u64,
}

/// A measured process, and what keeps it at work.
struct Running {
    measured: Process,
    /// A server that it calls.
    _upstream: Option<Process>,
    meter: Arc<Meter>,
    load: Option<JoinHandle<Result<(), String>>>,
}

/// One run.
///
/// # Errors
/// A process failed, or gave a wrong answer.
pub(crate) async fn measure(
    work: &Work,
    subject: Subject,
    settings: Settings,
) -> Result<Sample, BoxError> {
    let mut running = Running::start(work, subject, settings)?;
    tokio::time::sleep(settings.warm_up).await;
    let first = running.read()?;
    let _ = running.meter.latencies.take();
    tokio::time::sleep(settings.window).await;
    let last = running.read()?;
    let latency = running.meter.latencies.take();
    let peak = running.measured.peak()? as f64;
    running.end().await?;
    let sample = first.until(&last)?;
    Ok(Sample {
        latency: latency.or(sample.latency),
        peak,
        ..sample
    })
}

impl Sample {
    /// The median time to an answer; not a number where it was not measured.
    pub(crate) fn p50(&self) -> f64 {
        self.latency.map_or(f64::NAN, |latency| latency.p50)
    }

    /// The time that 99 of 100 answers keep.
    pub(crate) fn p99(&self) -> f64 {
        self.latency.map_or(f64::NAN, |latency| latency.p99)
    }
}

impl Running {
    fn start(work: &Work, subject: Subject, settings: Settings) -> Result<Self, BoxError> {
        let start = work.start(settings.runtime, settings.counts);
        let unmeasured = Start::unmeasured(work.is_large());
        let (measured, upstream) = match subject {
            Subject::Client(client) => {
                let answers = match client {
                    Client::Mux => Contender::Routes,
                    Client::Tonic | Client::Http2 => Contender::Tonic,
                };
                let upstream = unmeasured.server(answers, None)?;
                let (in_flight, size) = (work.in_flight, work.size);
                let client = start.client(client, &upstream.address, in_flight, size)?;
                (client, Some(upstream))
            }
            Subject::Server(Contender::Gateway, _) => {
                let upstream = unmeasured.server(Contender::Tonic, None)?;
                let uri = format!("http://{}", upstream.address);
                let gateway = start.server(Contender::Gateway, Some(&uri))?;
                (gateway, Some(upstream))
            }
            Subject::Server(contender, _) => (start.server(contender, None)?, None),
        };
        let meter = Arc::new(Meter::default());
        let load = match subject {
            Subject::Client(_) => None,
            Subject::Server(_, protocol) => Some(tokio::spawn(load::run(
                measured.address.clone(),
                work.load(protocol),
                Arc::clone(&meter),
            ))),
        };
        Ok(Self {
            measured,
            _upstream: upstream,
            meter,
            load,
        })
    }

    fn read(&mut self) -> Result<Reading, BoxError> {
        let counted = self.measured.counted()?;
        let answers = self.meter.answers.load(Ordering::Relaxed);
        Ok(Reading {
            at: Instant::now(),
            cpu: self.measured.cpu_time()?,
            counted,
            messages: answers + counted.calls,
            up: self.meter.up.load(Ordering::Relaxed),
            down: self.meter.down.load(Ordering::Relaxed),
        })
    }

    async fn end(self) -> Result<(), BoxError> {
        self.meter.stop.store(true, Ordering::Relaxed);
        let Some(load) = self.load else {
            return Ok(());
        };
        // A failure of the load came before; else it may wait for what does not come any more.
        match load.is_finished() {
            true => Ok(load.await??),
            false => {
                load.abort();
                Ok(())
            }
        }
    }
}

impl Reading {
    fn until(&self, last: &Self) -> Result<Sample, BoxError> {
        let messages = last.messages - self.messages;
        if messages == 0 {
            return Err("nothing was answered".into());
        }
        let each = |first: u64, last: u64| (last - first) as f64 / messages as f64;
        let seconds = (last.at - self.at).as_secs_f64();
        Ok(Sample {
            rate: messages as f64 / seconds,
            cpu: (last.cpu - self.cpu).as_secs_f64() * 1e6 / messages as f64,
            latency: last.counted.latency,
            up: each(self.up, last.up),
            down: each(self.down, last.down),
            allocations: each(self.counted.allocations, last.counted.allocations),
            allocated: each(self.counted.bytes, last.counted.bytes),
            system_calls: each(
                self.counted.reads + self.counted.writes,
                last.counted.reads + last.counted.writes,
            ),
            peak: 0.0,
        })
    }
}
