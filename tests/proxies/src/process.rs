//! Programs that run for a test.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::sleep;

/// How long a program may take to start or to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often is looked.
const STEP: Duration = Duration::from_millis(20);

/// A program, ended when it goes out of scope.
pub(crate) struct Process {
    name: String,
    child: Child,
}

impl Process {
    /// What it says to standard error goes to a file of its name.
    pub(crate) fn start(name: &str, command: &mut Command, logs: &Path) -> Self {
        let log = logs.join(format!("{name}.log"));
        let log = File::options().create(true).append(true).open(log).unwrap();
        let child = command.stdout(Stdio::piped()).stderr(log).spawn();
        let child = child.unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        Self {
            name: name.to_owned(),
            child,
        }
    }

    /// The lines that it says.
    pub(crate) fn lines(&mut self) -> impl Iterator<Item = String> + use<> {
        let stdout: ChildStdout = self.child.stdout.take().unwrap();
        BufReader::new(stdout).lines().map(Result::unwrap)
    }

    /// Waits until it listens.
    pub(crate) async fn listens(&mut self, address: SocketAddr) {
        for _ in 0..PATIENCE.as_millis() / STEP.as_millis() {
            if TcpStream::connect(address).await.is_ok() {
                return;
            }
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "{} ended: {ended:?}", self.name);
            sleep(STEP).await;
        }
        panic!("{} does not listen on {address}", self.name);
    }

    /// Asks it to end by SIGTERM.
    pub(crate) fn terminate(&self) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", "TERM", &id]).status();
        assert!(status.unwrap().success());
    }

    /// How it ended by itself.
    pub(crate) async fn ended(&mut self) -> ExitStatus {
        for _ in 0..PATIENCE.as_millis() / STEP.as_millis() {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            sleep(STEP).await;
        }
        panic!("{} does not end", self.name);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // nginx has workers, which a SIGKILL would leave behind.
        if matches!(self.child.try_wait(), Ok(None)) {
            self.terminate();
            let _ = self.child.wait();
        }
    }
}
