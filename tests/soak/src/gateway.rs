//! The gateway as its users have it: a process of its own, with its demo.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};

use crate::BoxError;
use crate::sample::Sample;

const PACKAGE: &str = "grpc-websocket-gateway";

/// A gateway process, killed when dropped.
pub(crate) struct Gateway {
    child: Child,
    /// Kept open, for it may yet write there.
    _stdout: BufReader<ChildStdout>,
    pub(crate) address: SocketAddr,
    admin: SocketAddr,
}

impl Gateway {
    /// Builds and starts one.
    pub(crate) fn start(arguments: &[&str]) -> Result<Self, BoxError> {
        let mut child = Command::new(build()?)
            .env_clear()
            .args(["--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut stdout = BufReader::new(child.stdout.take().ok_or("no pipe")?);
        let address = address_after(" ws://", &mut stdout)?;
        let admin = address_after("Operators             http://", &mut stdout)?;
        Ok(Self {
            child,
            _stdout: stdout,
            address,
            admin,
        })
    }

    /// What it has now.
    pub(crate) async fn sample(&self) -> Result<Sample, BoxError> {
        Sample::of(self.child.id(), &self.metrics().await?)
    }

    /// What it tells Prometheus.
    pub(crate) async fn metrics(&self) -> Result<String, BoxError> {
        let mut stream = TcpStream::connect(self.admin).await?;
        let request = "GET /metrics HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n";
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }

    /// Tells it to stop.
    pub(crate) fn terminate(&self) -> Result<(), BoxError> {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", "TERM", &id]).status()?;
        status.success().then_some(()).ok_or("kill failed".into())
    }

    /// How it ends by itself within a time.
    pub(crate) async fn end(&mut self, limit: Duration) -> Result<ExitStatus, BoxError> {
        let begun = Instant::now();
        while begun.elapsed() < limit {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            sleep(Duration::from_millis(10)).await;
        }
        Err(format!("the gateway does not end within {limit:?}").into())
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn address_after(what: &str, stdout: &mut BufReader<ChildStdout>) -> Result<SocketAddr, BoxError> {
    stdout
        .lines()
        .map_while(Result::ok)
        .find_map(|line| line.split_once(what)?.1.split('/').next()?.parse().ok())
        .ok_or_else(|| "the gateway says no address".into())
}

/// Builds the gateway beside this program, in the same profile.
fn build() -> Result<PathBuf, BoxError> {
    let program = env::current_exe()?;
    let directory = program.parent().ok_or("no directory")?;
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--package", PACKAGE, "--target-dir"]);
    cargo.arg(directory.parent().ok_or("no target directory")?);
    if directory.ends_with("release") {
        cargo.arg("--release");
    }
    let built = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).status()?;
    if !built.success() {
        return Err("the gateway does not build".into());
    }
    Ok(directory.join(PACKAGE))
}
