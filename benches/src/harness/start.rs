//! How the processes are started: what is measured, and what it calls.

use std::error::Error;
use std::path::PathBuf;
use std::process::Command;

use crate::measured::{Client, Contender, Runtime, name};
use crate::process::Process;
use crate::tls;

type BoxError = Box<dyn Error + Send + Sync>;

/// The core of what is measured; the load is on another.
const MEASURED_CPU: &str = "0";
/// The core of the load, and of servers that are not measured.
pub(crate) const LOAD_CPU: &str = "1";

/// How a process is started.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Start {
    /// The one core that it runs on, if it has one.
    cpu: Option<&'static str>,
    runtime: Runtime,
    /// Threads of a runtime of many.
    workers: Option<usize>,
    /// Whether it counts allocations, which takes time.
    counts: bool,
    /// Whether the thresholds of the allocator are raised.
    is_large: bool,
    /// Whether a connection may have thousands of calls, and a message any length.
    is_unlimited: bool,
    is_tls: bool,
}

impl Start {
    /// Of a process that is measured.
    pub(crate) fn measured(runtime: Runtime, counts: bool, is_large: bool) -> Self {
        Self {
            cpu: (runtime == Runtime::CurrentThread).then_some(MEASURED_CPU),
            runtime,
            workers: None,
            counts,
            is_large,
            is_unlimited: false,
            is_tls: false,
        }
    }

    /// Of a server that a measured process calls.
    pub(crate) fn unmeasured(is_large: bool) -> Self {
        Self {
            cpu: Some(LOAD_CPU),
            ..Self::measured(Runtime::CurrentThread, false, is_large)
        }
    }

    /// With more calls and longer messages than there may be by default.
    pub(crate) fn unlimited(self) -> Self {
        Self {
            is_unlimited: true,
            ..self
        }
    }

    /// Of a server with TLS.
    pub(crate) fn over_tls(self) -> Self {
        Self {
            is_tls: true,
            ..self
        }
    }

    /// On all cores, with so many threads.
    pub(crate) fn on_all_cores(self, workers: Option<usize>) -> Self {
        Self {
            cpu: None,
            workers,
            ..self
        }
    }

    /// A server.
    ///
    /// # Errors
    /// It does not start.
    pub(crate) fn server(
        self,
        contender: Contender,
        upstream: Option<&str>,
    ) -> Result<Process, BoxError> {
        let mut command = self.command("serve")?;
        command.arg(name(&contender));
        if let Some(upstream) = upstream {
            command.args(["--upstream", upstream]);
        }
        if self.is_unlimited {
            command.arg("--unlimited");
        }
        if self.is_tls {
            command.args(["--identity", &tls::IDENTITY]);
        }
        Process::start(&mut command)
    }

    /// A client.
    ///
    /// # Errors
    /// It does not start.
    pub(crate) fn client(
        self,
        client: Client,
        address: &str,
        in_flight: u64,
        size: usize,
    ) -> Result<Process, BoxError> {
        let mut command = self.command("call")?;
        command.args([&name(&client), address]);
        command.args(["--in-flight", &in_flight.to_string()]);
        command.args(["--size", &size.to_string()]);
        Process::start(&mut command)
    }

    fn command(self, task: &str) -> Result<Command, BoxError> {
        let mut command = Command::new(program(self.counts)?);
        command.args([task, "--runtime", &name(&self.runtime)]);
        if let Some(cpu) = self.cpu {
            command.args(["--cpu", cpu]);
        }
        if let Some(workers) = self.workers {
            command.args(["--workers", &workers.to_string()]);
        }
        if self.is_large {
            command.env("MALLOC_MMAP_THRESHOLD_", "33554432");
            command.env("MALLOC_TRIM_THRESHOLD_", "1073741824");
            command.env("MALLOC_TOP_PAD_", "67108864");
        }
        Ok(command)
    }
}

/// This program, or the same that counts allocations.
fn program(counts: bool) -> Result<PathBuf, BoxError> {
    let name = match counts {
        false => "grpc-websocket-benches",
        true => "grpc-websocket-benches-counting",
    };
    Ok(std::env::current_exe()?.with_file_name(name))
}
