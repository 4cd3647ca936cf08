//! The gateway as its users have it: a process of its own.

use std::env;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::OnceLock;

use crate::settings::Settings;

const PACKAGE: &str = "grpc-websocket-gateway";

/// A port that nobody has.
const ANYWHERE: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0));

/// A gateway process, killed when dropped.
#[derive(Debug)]
pub struct Gateway {
    child: Child,
    /// Kept open, for it may yet write there.
    _stdout: BufReader<ChildStdout>,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Gateway {
    /// Starts one in front of an upstream.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(upstream: SocketAddr, settings: Settings) -> Self {
        Self::start_at(ANYWHERE, upstream, settings)
    }

    /// Starts one that listens at an address.
    ///
    /// # Panics
    /// As [`Gateway::start`].
    #[must_use]
    pub fn start_at(listen: SocketAddr, upstream: SocketAddr, settings: Settings) -> Self {
        Self::spawn(Command::new(binary()), listen, upstream, settings, &[])
    }

    /// Starts one that listens at an address, with more arguments.
    ///
    /// # Panics
    /// As [`Gateway::start`].
    #[must_use]
    pub fn start_with(listen: SocketAddr, upstream: SocketAddr, arguments: &[&str]) -> Self {
        let settings = Settings::default();
        Self::spawn(
            Command::new(binary()),
            listen,
            upstream,
            settings,
            arguments,
        )
    }

    /// Starts one that may have so many descriptors open, with more arguments.
    ///
    /// # Panics
    /// As [`Gateway::start`].
    #[must_use]
    pub fn start_with_descriptors(
        descriptors: u32,
        upstream: SocketAddr,
        arguments: &[&str],
    ) -> Self {
        let mut shell = Command::new("sh");
        shell
            .arg("-c")
            .arg(format!("ulimit -n {descriptors} && exec \"$0\" \"$@\""))
            .arg(binary());
        Self::spawn(shell, ANYWHERE, upstream, Settings::default(), arguments)
    }

    fn spawn(
        mut command: Command,
        listen: SocketAddr,
        upstream: SocketAddr,
        settings: Settings,
        arguments: &[&str],
    ) -> Self {
        let mut child = command
            .args(["--listen", &listen.to_string(), "--log", "off"])
            .args(["--upstream", &format!("http://{upstream}")])
            .args(settings.flags())
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the gateway's binary");
        let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
        let address = (&mut stdout)
            .lines()
            .map_while(Result::ok)
            .find_map(|line| address_in(&line))
            .expect("the gateway's address");
        Self {
            child,
            _stdout: stdout,
            address,
        }
    }

    /// The memory it has resident now, in KiB.
    ///
    /// # Panics
    /// When the process is gone.
    #[must_use]
    pub fn resident_kib(&self) -> u64 {
        self.memory("VmRSS:")
    }

    /// Begins to look for the most again.
    ///
    /// # Panics
    /// When the process is gone.
    pub fn reset_peak(&self) {
        let file = format!("/proc/{}/clear_refs", self.child.id());
        fs::write(file, "5").expect("a living gateway");
    }

    /// The most it had since then, in KiB.
    ///
    /// # Panics
    /// When the process is gone.
    #[must_use]
    pub fn peak_resident_kib(&self) -> u64 {
        self.memory("VmHWM:")
    }

    /// How many descriptors it has open.
    ///
    /// # Panics
    /// When the process is gone.
    #[must_use]
    pub fn descriptors(&self) -> usize {
        let listing = fs::read_dir(format!("/proc/{}/fd", self.child.id()));
        listing.expect("a living gateway").count()
    }

    fn memory(&self, field: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("a living gateway");
        let value = status.lines().find_map(|line| line.strip_prefix(field));
        let kib = value.and_then(|value| value.trim().strip_suffix(" kB"));
        kib.and_then(|kib| kib.parse().ok())
            .expect("a number of KiB")
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address in the banner's line `ws://HOST:PORT/...`.
fn address_in(line: &str) -> Option<SocketAddr> {
    let (_, after) = line
        .split_once("ws://")
        .or_else(|| line.split_once("wss://"))?;
    after.split('/').next()?.parse().ok()
}

/// The binary: `GATEWAY_BIN`, or built once beside these tests.
fn binary() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| env::var_os("GATEWAY_BIN").map_or_else(build, PathBuf::from))
}

fn build() -> PathBuf {
    let test = env::current_exe().expect("the test's path");
    // <target>/<profile>/deps/<test>
    let directory = test.ancestors().nth(2).expect("a target directory");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--package", PACKAGE]);
    cargo
        .arg("--target-dir")
        .arg(directory.parent().expect("a target directory"));
    if directory.ends_with("release") {
        cargo.arg("--release");
    }
    cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
    assert!(
        cargo.status().expect("cargo").success(),
        "the gateway's build"
    );
    directory.join(PACKAGE)
}
