//! What happened in runs, to see what they cover.

use core::fmt;
use core::time::Duration;
use std::collections::BTreeMap;

/// Counts of one run or of many.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// How often things happened.
    counts: BTreeMap<&'static str, Count>,
    runs: u64,
    /// Steps of the runs in all.
    pub steps: u64,
    /// Mux frames that were written.
    pub frames: u64,
    /// Bytes of calls' streams that were written.
    pub bytes: u64,
    /// The longest virtual time.
    pub longest: Duration,
    /// Goes up whenever a run gets nearer to its end.
    pub(crate) progress: u64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Count {
    times: u64,
    runs: u64,
}

impl Tally {
    /// Something happened in this run.
    pub fn note(&mut self, what: &'static str) {
        let count = self.counts.entry(what).or_default();
        count.times += 1;
        count.runs = 1;
    }

    /// Adds a run.
    pub fn add_run(&mut self, run: &Self) {
        for (what, count) in &run.counts {
            let sum = self.counts.entry(what).or_default();
            sum.times += count.times;
            sum.runs += 1;
        }
        self.runs += 1;
        self.add_sums(run);
    }

    /// Adds the runs of another.
    pub fn add_runs(&mut self, runs: &Self) {
        for (what, count) in &runs.counts {
            let sum = self.counts.entry(what).or_default();
            sum.times += count.times;
            sum.runs += count.runs;
        }
        self.runs += runs.runs;
        self.add_sums(runs);
    }

    /// How often something happened.
    #[must_use]
    pub fn times(&self, what: &str) -> u64 {
        self.counts.get(what).map_or(0, |count| count.times)
    }

    fn add_sums(&mut self, other: &Self) {
        self.steps += other.steps;
        self.frames += other.frames;
        self.bytes += other.bytes;
        self.longest = self.longest.max(other.longest);
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            runs,
            steps,
            frames,
            bytes,
            ..
        } = self;
        writeln!(
            f,
            "{runs} runs, {steps} steps, {frames} frames, {bytes} bytes of calls"
        )?;
        writeln!(f, "longest virtual time {:?}", self.longest)?;
        writeln!(f, "{:>12} {:>10}  what", "times", "runs")?;
        for (what, Count { times, runs }) in &self.counts {
            writeln!(f, "{times:>12} {runs:>10}  {what}")?;
        }
        Ok(())
    }
}
