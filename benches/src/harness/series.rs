//! What grows: a contender beside itself, with more and more of one thing. Each is measured for a
//! number of messages, not for a time, so that all of them do the same.

use std::error::Error;
use std::fmt;

use futures_util::future::try_join_all;
use serde::Serialize;

use super::start::Start;
use super::statistics::Quartiles;
use super::work::Subject;
use crate::load::{self, Load, Meter, Wire};
use crate::measured::{Contender, Runtime};
use crate::peer::{Job, Kind, Protocol};

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

type BoxError = Box<dyn Error + Send + Sync>;

/// What there is more and more of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Growing {
    /// Calls that are open on one connection.
    Calls,
    /// Connections that are open.
    Connections,
    /// Bytes in each message.
    Bytes,
    /// Threads of a runtime of many; 0 is a runtime of one.
    Workers,
}

/// One contender, with more and more.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Series {
    /// What grows.
    pub(crate) growing: Growing,
    /// Whose it is.
    pub(crate) subject: Subject,
    /// From little to much.
    pub(crate) points: Vec<Point>,
}

/// So much of what grows.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Point {
    /// How much.
    pub(crate) number: usize,
    /// The CPU time of a message, in microseconds, in each round.
    samples: Vec<f64>,
}

/// What is done at a point.
struct Plan {
    start: Start,
    load: Load,
    connections: usize,
    /// Whether the connections take turns; otherwise all are at work.
    is_in_turn: bool,
    /// How many messages count, and how many come before.
    messages: usize,
    warm_up: usize,
}

impl Series {
    /// All of them, without the lengthy points or with them.
    #[must_use]
    pub(crate) fn all(is_full: bool) -> Vec<Self> {
        use Growing::{Bytes, Calls, Connections, Workers};
        let tonic = Subject::Server(Contender::Tonic, Protocol::Http2);
        let mux = Subject::Server(Contender::Routes, Protocol::Mux);
        let tcp = Subject::Server(Contender::Tcp, Protocol::Tcp);
        [
            (Calls, &[tonic, mux][..]),
            (Connections, &[tonic, mux, tcp]),
            (Bytes, &[tonic, mux, tcp]),
            (Workers, &[tonic, mux, tcp]),
        ]
        .into_iter()
        .flat_map(|(growing, subjects)| subjects.iter().map(move |it| (growing, *it)))
        .map(|(growing, subject)| Self::new(growing, subject, is_full))
        .collect()
    }

    fn new(growing: Growing, subject: Subject, is_full: bool) -> Self {
        let numbers = growing.numbers(is_full).iter();
        let points = numbers.map(|&number| Point {
            number,
            samples: Vec::new(),
        });
        Self {
            growing,
            subject,
            points: points.collect(),
        }
    }

    /// One more round.
    ///
    /// # Errors
    /// A server failed.
    pub(crate) async fn measure(&mut self, is_full: bool) -> Result<(), BoxError> {
        let Subject::Server(contender, protocol) = self.subject else {
            return Err("only servers grow".into());
        };
        for point in &mut self.points {
            let plan = self.growing.plan(point.number, protocol, is_full);
            let sample = plan.measure(contender).await;
            let place = |error| {
                format!(
                    "{}, {}, {}: {error}",
                    self.growing, self.subject, point.number
                )
            };
            point.samples.push(sample.map_err(place)?);
        }
        Ok(())
    }

    /// A point's CPU time relative to that of the first, round by round.
    #[must_use]
    pub(crate) fn ratio(&self, point: &Point) -> Option<Quartiles> {
        let per_unit = |point: &Point| self.growing.unit(point.number);
        let (own, first) = (per_unit(point), per_unit(&self.points[0]));
        let rounds = point.samples.iter().zip(&self.points[0].samples);
        Quartiles::of(rounds.map(|(it, base)| it * own / (base * first)).collect())
    }

    /// The CPU time at a point: of a message in microseconds, or of a KiB in nanoseconds.
    #[must_use]
    pub(crate) fn median(&self, point: &Point) -> f64 {
        let quartiles = Quartiles::of(point.samples.clone());
        quartiles.map_or(f64::NAN, |it| it.median * self.growing.unit(point.number))
    }
}

impl Growing {
    fn numbers(self, is_full: bool) -> &'static [usize] {
        match self {
            Self::Calls => &[1, 10, 100, 1_000],
            Self::Connections if is_full => &[1, 100, 1_000, 5_000],
            Self::Connections => &[1, 100, 1_000],
            Self::Bytes => &[64 * KIB, MIB, 16 * MIB],
            Self::Workers => &[1, 4, 0],
        }
    }

    /// What a time in microseconds is multiplied with.
    fn unit(self, number: usize) -> f64 {
        match self {
            Self::Bytes => 1e3 * KIB as f64 / number as f64,
            _ => 1.0,
        }
    }

    /// What a number of these is called.
    #[must_use]
    pub(crate) fn label(self, number: usize) -> String {
        match (self, number) {
            (Self::Bytes, ..MIB) => format!("{} KiB", number / KIB),
            (Self::Bytes, _) => format!("{} MiB", number / MIB),
            (Self::Workers, 0) => "current_thread".to_owned(),
            (Self::Workers, 1) => "1 worker".to_owned(),
            (Self::Workers, _) => format!("{number} workers"),
            _ => number.to_string(),
        }
    }

    fn plan(self, number: usize, protocol: Protocol, is_full: bool) -> Plan {
        let times = if is_full { 2 } else { 1 };
        let start = Start::measured(Runtime::CurrentThread, false, self == Self::Bytes);
        let load = |job, in_flight| Load {
            protocol,
            job,
            in_flight,
            reconnects: false,
            is_tls: false,
        };
        let unary = Job::new(Kind::Unary, 32);
        let plan = Plan {
            start: start.unlimited(),
            load: load(unary, 1),
            connections: 1,
            is_in_turn: false,
            messages: 4_000 * times,
            warm_up: 1_000,
        };
        match self {
            Self::Calls => {
                let calls = number as u64;
                let job = Job {
                    calls,
                    ..Job::new(Kind::Messages, 32)
                };
                let load = load(job, 1);
                Plan { load, ..plan }
            }
            Self::Connections => Plan {
                connections: number,
                is_in_turn: true,
                messages: 5_000 * times,
                warm_up: number.max(1_000),
                ..plan
            },
            Self::Bytes => Plan {
                load: load(Job::new(Kind::Unary, number), (16 * MIB / number) as u64),
                messages: 128 * MIB / number * times,
                warm_up: 32 * MIB / number,
                ..plan
            },
            Self::Workers => {
                let start = match number {
                    0 => start.on_all_cores(None),
                    _ => Start::measured(Runtime::MultiThread, false, false)
                        .on_all_cores(Some(number)),
                };
                Plan {
                    start,
                    load: load(unary, 8),
                    connections: 8,
                    messages: 40_000 * times,
                    warm_up: 4_000,
                    ..plan
                }
            }
        }
    }
}

impl Plan {
    /// The CPU time of a message, in microseconds.
    async fn measure(&self, contender: Contender) -> Result<f64, BoxError> {
        let server = self.start.server(contender, None)?;
        let mut wires = Vec::with_capacity(self.connections);
        for _ in 0..self.connections {
            // At once: a server does not wait long for the first request.
            wires.push(load::hold(&server.address, self.load, 1).await?);
        }
        self.exchange(&mut wires, self.warm_up).await?;
        let before = server.cpu_time()?;
        self.exchange(&mut wires, self.messages).await?;
        let time = server.cpu_time()? - before;
        Ok(time.as_secs_f64() * 1e6 / self.messages as f64)
    }

    async fn exchange(&self, wires: &mut [Wire], messages: usize) -> Result<(), String> {
        let meter = Meter::default();
        if self.is_in_turn {
            let connections = wires.len();
            for message in 0..messages {
                let wire = &mut wires[message % connections];
                wire.exchange(self.load, &meter, 1).await?;
            }
            return Ok(());
        }
        let each = (messages / wires.len()) as u64;
        let all = wires
            .iter_mut()
            .map(|it| it.exchange(self.load, &meter, each));
        try_join_all(all).await?;
        Ok(())
    }
}

impl fmt::Display for Growing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Calls => {
                "Growth: open calls on one connection, a message of 32 B to each in turn"
            }
            Self::Connections => "Growth: open connections, a unary call of 32 B on each in turn",
            Self::Bytes => "Growth: bytes of a message, unary, 16 MiB in flight; for each KiB",
            Self::Workers => "Threads: unary 32 B, 8 in flight on each of 8 connections",
        })
    }
}
