//! What a process has at a moment: memory, descriptors, threads, tasks, connections.

use std::fmt;
use std::fs;

use crate::BoxError;

/// See the module.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample {
    /// `VmRSS` in KiB.
    pub(crate) resident: i64,
    /// The part of it that is no file: `RssAnon`.
    pub(crate) anonymous: i64,
    pub(crate) descriptors: usize,
    pub(crate) threads: i64,
    /// Of the runtime, one of which answers the question.
    pub(crate) tasks: i64,
    pub(crate) connections: i64,
}

impl Sample {
    /// Of a gateway with these metrics.
    pub(crate) fn of(process: u32, metrics: &str) -> Result<Self, BoxError> {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let number = |field| {
            let value = status.lines().find_map(|line| line.strip_prefix(field));
            let number = value.and_then(|value| value.split_whitespace().next()?.parse().ok());
            number.ok_or_else(|| format!("no {field} in /proc"))
        };
        Ok(Self {
            resident: number("VmRSS:")?,
            anonymous: number("RssAnon:")?,
            descriptors: fs::read_dir(format!("/proc/{process}/fd"))?.count(),
            threads: number("Threads:")?,
            tasks: sum(metrics, "tokio_alive_tasks "),
            connections: sum(metrics, "grpc_websocket_connections_open "),
        })
    }

    /// How many KiB of memory each of so many connections costs that came since.
    pub(crate) fn kib_each(&self, before: &Self, connections: usize) -> f64 {
        let grown = self.resident.saturating_sub(before.resident);
        ratio(grown, connections)
    }

    /// How many tasks each of so many connections costs that came since.
    pub(crate) fn tasks_each(&self, before: &Self, connections: usize) -> f64 {
        ratio(self.tasks.saturating_sub(before.tasks), connections)
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            resident,
            anonymous,
            descriptors,
            threads,
            tasks,
            connections,
        } = self;
        write!(
            f,
            "{resident} KiB resident ({anonymous} anonymous), {descriptors} descriptors, \
             {threads} threads, {tasks} tasks, {connections} connections"
        )
    }
}

/// The sum of the metrics whose lines begin so.
pub(crate) fn sum(metrics: &str, name: &str) -> i64 {
    let lines = metrics.lines().filter(|line| line.starts_with(name));
    lines
        .filter_map(|line| line.rsplit_once(' ')?.1.parse::<i64>().ok())
        .sum()
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
fn ratio(value: i64, count: usize) -> f64 {
    value as f64 / count.max(1) as f64
}
