//! The processes that are measured, from outside.

use std::error::Error;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use nix::sched::{CpuSet, sched_setaffinity};
use nix::time::{ClockId, clock_getcpuclockid};
use nix::unistd::Pid;

use crate::measured::Counted;

type BoxError = Box<dyn Error + Send + Sync>;

/// A measured process. It ends when it is dropped.
pub struct Process {
    child: Child,
    /// Its end is the process's.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    /// What it said first: where it listens, if it is a server.
    pub address: String,
}

impl Process {
    /// Runs a command until it says a line.
    ///
    /// # Errors
    /// It cannot be run, or it ended.
    pub fn start(command: &mut Command) -> Result<Self, BoxError> {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().ok_or("no output")?);
        let mut process = Self {
            child,
            input,
            output,
            address: String::new(),
        };
        process.address = process.line()?;
        Ok(process)
    }

    fn line(&mut self) -> Result<String, BoxError> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        match line.trim_end() {
            "" => Err("the measured process ended".into()),
            line => Ok(line.to_owned()),
        }
    }

    /// What it counted.
    ///
    /// # Errors
    /// It ended.
    pub fn counted(&mut self) -> Result<Counted, BoxError> {
        let input = self.input.as_mut().ok_or("it has ended")?;
        input.write_all(b"\n")?;
        Ok(serde_json::from_str(&self.line()?)?)
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// The time its threads ran, in the kernel too.
    ///
    /// # Errors
    /// It ended.
    pub fn cpu_time(&self) -> Result<Duration, BoxError> {
        let clock: ClockId = clock_getcpuclockid(self.pid())?;
        Ok(clock.now()?.into())
    }

    /// The memory that it occupies, in bytes.
    ///
    /// # Errors
    /// It ended.
    pub fn resident(&self) -> Result<u64, BoxError> {
        self.memory("VmRSS:")
    }

    /// The most memory that it ever occupied, in bytes.
    ///
    /// # Errors
    /// It ended.
    pub fn peak(&self) -> Result<u64, BoxError> {
        self.memory("VmHWM:")
    }

    fn memory(&self, name: &str) -> Result<u64, BoxError> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.id()))?;
        let line = status.lines().find(|line| line.starts_with(name));
        let kib = line.and_then(|line| line.split_whitespace().nth(1));
        Ok(kib.ok_or("no figure of memory")?.parse::<u64>()? * 1024)
    }

    /// Lets it end by itself, which tools that watch it need.
    ///
    /// # Errors
    /// It did not end well.
    pub fn finish(mut self) -> Result<(), BoxError> {
        drop(self.input.take());
        self.wait()
    }

    /// Waits until it has ended by itself.
    ///
    /// # Errors
    /// It did not end well.
    pub fn wait(mut self) -> Result<(), BoxError> {
        match self.child.wait()?.success() {
            true => Ok(()),
            false => Err("the measured process failed".into()),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the calling thread, and what it starts, on one core alone, or on all there are.
pub fn pin(cpu: Option<usize>) {
    let mut set = CpuSet::new();
    let cpus = cpu.map_or(0..CpuSet::count(), |cpu| cpu..cpu + 1);
    for cpu in cpus {
        // What is no core is not set.
        let _ = set.set(cpu);
    }
    // Without it the figures are noisier, and still right.
    let _ = sched_setaffinity(Pid::from_raw(0), &set);
}
