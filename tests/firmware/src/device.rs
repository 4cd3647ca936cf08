//! A device that runs.

use std::net::SocketAddr;
use std::process::ExitStatus;
use std::thread;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Child;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::Setup;

/// A device under QEMU. It is gone when this is dropped, and if a test fails then, its log is
/// shown.
#[derive(Debug)]
pub struct Device {
    image: &'static str,
    address: Option<SocketAddr>,
    patience: Duration,
    /// Waits for its end. Aborted, it kills the device.
    exit: JoinHandle<ExitStatus>,
    /// All lines so far. Closed when there will be no more.
    lines: watch::Receiver<Vec<String>>,
    /// How many of them `line` went past.
    seen: usize,
}

/// How a device ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// Whether the program said that all went well.
    pub success: bool,
    /// QEMU's exit code. None if a signal killed it.
    pub code: Option<i32>,
    /// All that the device logged, and QEMU.
    pub log: String,
}

impl Device {
    /// An image, by the name of its program.
    pub fn image(name: &'static str) -> Setup {
        Setup::new(name)
    }

    pub(crate) fn new(setup: &Setup, mut child: Child, address: Option<SocketAddr>) -> Self {
        let output = child.stdout.take().expect("it is piped");
        let errors = child.stderr.take().expect("it is piped");
        let (sender, lines) = watch::channel(Vec::new());
        tokio::spawn(read_lines(output, sender.clone()));
        tokio::spawn(read_lines(errors, sender));
        Self {
            image: setup.image,
            address,
            patience: setup.patience,
            exit: tokio::spawn(wait(child, setup.lifetime)),
            lines,
            seen: 0,
        }
    }

    /// Where its forwarded port is on this machine. Nobody may listen there on the device.
    ///
    /// # Panics
    ///
    /// If no port is forwarded.
    pub fn address(&self) -> SocketAddr {
        self.address.expect("a port is forwarded")
    }

    /// Waits for the next line that has this in it, behind the one that was waited for before.
    ///
    /// # Panics
    ///
    /// If it does not come in time, or the device ends.
    pub async fn line(&mut self, part: &str) -> String {
        let Some(line) = self.find(part).await else {
            panic!("{} ended without a line with {part:?}", self.image);
        };
        line
    }

    /// Waits for a line for each of these, in any order.
    ///
    /// # Panics
    ///
    /// As `line`.
    pub async fn lines(&mut self, parts: &[&str]) {
        let first = self.seen;
        let mut last = first;
        for part in parts {
            self.seen = first;
            self.line(part).await;
            last = last.max(self.seen);
        }
        self.seen = last;
    }

    /// As `line`, but it is no failure if the device ends.
    pub(crate) async fn find(&mut self, part: &str) -> Option<String> {
        let seen = self.seen;
        let position =
            |lines: &[String]| lines.iter().skip(seen).position(|line| line.contains(part));
        let found = self.lines.wait_for(|lines| position(lines).is_some());
        let Ok(found) = timeout(self.patience, found).await else {
            panic!("{} has no line with {part:?} in time", self.image);
        };
        let lines = found.ok()?;
        self.seen = seen + position(&lines)? + 1;
        lines.get(self.seen - 1).cloned()
    }

    /// All lines so far.
    pub fn log(&self) -> String {
        self.lines.borrow().join("\n")
    }

    /// Does something at this end of the network, while the device runs or soon after.
    ///
    /// # Panics
    ///
    /// If it is not done some time after the device ended.
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> T {
        let mut lines = self.lines.clone();
        let ended = async {
            let _ = lines.wait_for(|_| false).await;
            sleep(self.patience).await;
        };
        tokio::select! {
            value = work => value,
            () = ended => panic!("{} ended, and something still waits for it", self.image),
        }
    }

    /// Waits until it ends by itself.
    ///
    /// # Panics
    ///
    /// If it does not in time.
    pub async fn end(mut self) -> End {
        let Ok(status) = timeout(self.patience, &mut self.exit).await else {
            panic!("{} did not end in time", self.image);
        };
        let status = status.expect("nobody else aborts it");
        // What it logged last may still be on its way.
        let _ = timeout(self.patience, self.lines.wait_for(|_| false)).await;
        End {
            success: status.success(),
            code: status.code(),
            log: self.log(),
        }
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.exit.abort();
        if thread::panicking() {
            eprintln!("-- {} logged:\n{}\n--", self.image, self.log());
        }
    }
}

/// Waits for the end of a device, and ends it when it has lived for too long.
async fn wait(mut child: Child, lifetime: Duration) -> ExitStatus {
    if timeout(lifetime, child.wait()).await.is_err() {
        child.start_kill().expect("it is our child");
    }
    child.wait().await.expect("it is our child")
}

/// Takes lines as they come, so that the device never waits for the test.
async fn read_lines(output: impl AsyncRead + Unpin, lines: watch::Sender<Vec<String>>) {
    let mut output = BufReader::new(output).lines();
    while let Ok(Some(line)) = output.next_line().await {
        lines.send_modify(|lines| lines.push(line));
    }
}
