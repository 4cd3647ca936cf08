//! What is counted.

use std::error::Error;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::ValueEnum;

use crate::lockstep::Lockstep;
use crate::measured::{Client, Codec, Contender, name};
use crate::peer::{Job, Kind, Protocol};
use crate::process::Process;

type BoxError = Box<dyn Error + Send + Sync>;

/// Bytes of payload in each message.
const SIZE: usize = 32;

/// One count.
#[derive(Debug, Clone, Copy)]
pub(super) enum Row {
    Codec(Codec),
    /// So many messages in a burst, at a server.
    Server(Contender, Protocol, Kind, u64),
    /// Calls at once, of a client.
    Client(Client, u64),
}

impl Row {
    /// All of them, or those of this project.
    pub(super) fn all(with_peers: bool) -> Vec<Self> {
        use Contender::{Bytes, Direct, Gateway, Routes, Tonic};
        use Kind::{Bidi, Messages, Unary};
        use Protocol::{Http2, Mux};
        let codecs = Codec::value_variants().iter().copied().map(Self::Codec);
        let mut all: Vec<_> = codecs.collect();
        all.extend([
            Self::Server(Routes, Mux, Unary, 1),
            Self::Server(Routes, Mux, Unary, 64),
            Self::Server(Direct, Mux, Unary, 64),
            Self::Server(Routes, Mux, Bidi, 1),
            Self::Server(Routes, Mux, Bidi, 512),
            Self::Server(Routes, Mux, Messages, 512),
            Self::Server(Bytes, Mux, Bidi, 512),
            Self::Server(Gateway, Mux, Unary, 1),
            Self::Server(Gateway, Mux, Unary, 64),
            Self::Client(Client::Mux, 1),
            Self::Client(Client::Mux, 64),
        ]);
        if with_peers {
            all.extend([
                Self::Server(Tonic, Http2, Unary, 1),
                Self::Server(Tonic, Http2, Unary, 64),
                Self::Server(Tonic, Http2, Bidi, 1),
                Self::Server(Tonic, Http2, Bidi, 512),
                Self::Server(Tonic, Http2, Messages, 512),
                Self::Client(Client::Tonic, 1),
                Self::Client(Client::Tonic, 64),
            ]);
        }
        all
    }

    /// Whether it is no work of this project.
    pub(super) fn is_of_peer(self) -> bool {
        matches!(
            self,
            Self::Server(Contender::Tonic, ..) | Self::Client(Client::Tonic, _)
        )
    }

    /// Instructions for each message.
    pub(super) fn count(self) -> Result<u64, BoxError> {
        let bursts = self.bursts();
        let short = self.total(bursts)?;
        let long = self.total(2 * bursts)?;
        Ok(long.saturating_sub(short) / (bursts * self.burst()))
    }

    /// How many bursts the shorter run has.
    fn bursts(self) -> u64 {
        match self {
            Self::Codec(_) => 10_000,
            _ if self.burst() == 1 => 300,
            _ if self.burst() == 512 => 30,
            _ => 16,
        }
    }

    fn burst(self) -> u64 {
        match self {
            Self::Codec(_) => 1,
            Self::Server(.., burst) | Self::Client(_, burst) => burst,
        }
    }

    /// Instructions of a whole run.
    fn total(self, bursts: u64) -> Result<u64, BoxError> {
        let folder = Folder::new()?;
        match self {
            Self::Codec(codec) => {
                let times = bursts.to_string();
                let status = folder
                    .counted()?
                    .args(["codec", &name(&codec), &times])
                    .status()?;
                success(status.success())?;
            }
            Self::Server(contender, protocol, kind, burst) => {
                folder.serve(contender, protocol, kind, burst, bursts)?;
            }
            Self::Client(client, burst) => folder.call(client, burst, bursts)?,
        }
        folder.total()
    }
}

/// The sockets and files of one run.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Self, BoxError> {
        let name = format!("grpc-websocket-benches-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    /// This program, with its instructions counted.
    fn counted(&self) -> Result<Command, BoxError> {
        let mut command = Command::new("valgrind");
        // Each byte of `rep movsb` would count.
        command.env("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-ERMS,-FSRM");
        command.args(["--tool=callgrind", "--quiet"]);
        command.arg(format!("--callgrind-out-file={}", self.path("counts")));
        command.arg(std::env::current_exe()?);
        Ok(command)
    }

    fn server(&self, command: &mut Command, contender: Contender) -> Result<Process, BoxError> {
        let listen = format!("unix:{}", self.path(&name(&contender)));
        command.args(["serve", &name(&contender), "--listen", &listen]);
        if contender == Contender::Gateway {
            let upstream = format!("unix:{}", self.path(&name(&Contender::Tonic)));
            command.args(["--upstream", &upstream]);
        }
        Process::start(command)
    }

    fn serve(
        &self,
        contender: Contender,
        protocol: Protocol,
        kind: Kind,
        burst: u64,
        bursts: u64,
    ) -> Result<(), BoxError> {
        let _upstream = match contender {
            Contender::Gateway => {
                let mut command = Command::new(std::env::current_exe()?);
                Some(self.server(&mut command, Contender::Tonic)?)
            }
            _ => None,
        };
        let server = self.server(&mut self.counted()?, contender)?;
        let job = Job::new(kind, SIZE);
        let mut load = Lockstep::new(&self.path(&name(&contender)), protocol, job)?;
        for _ in 0..bursts {
            load.burst(burst)?;
        }
        server.finish()
    }

    fn call(&self, client: Client, burst: u64, bursts: u64) -> Result<(), BoxError> {
        let contender = match client {
            Client::Mux => Contender::Routes,
            Client::Tonic | Client::Http2 => Contender::Tonic,
        };
        let mut command = Command::new(std::env::current_exe()?);
        let server = self.server(&mut command, contender)?;
        let mut command = self.counted()?;
        command.args(["call", &name(&client), &server.address]);
        command.args(["--in-flight", &burst.to_string()]);
        command.args(["--calls", &(burst * bursts).to_string()]);
        Process::start(&mut command)?.wait()
    }

    fn total(&self) -> Result<u64, BoxError> {
        let text = fs::read_to_string(Path::new(&self.path("counts")))?;
        let line = text.lines().find_map(|line| line.strip_prefix("totals: "));
        Ok(line.ok_or("callgrind counted nothing")?.trim().parse()?)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Codec(codec) => write!(f, "core, {}", name(codec)),
            Self::Server(contender, protocol, kind, burst) => {
                let kind = match kind {
                    Kind::Unary => "unary",
                    Kind::Bidi => "bidi",
                    Kind::Messages => "bidi a frame each",
                };
                write!(f, "server {}, {}", name(contender), name(protocol))?;
                write!(f, ", {kind}, {burst} at a time")
            }
            Self::Client(client, burst) => {
                write!(f, "client {}, unary, {burst} at a time", name(client))
            }
        }
    }
}

fn success(is_success: bool) -> Result<(), BoxError> {
    match is_success {
        true => Ok(()),
        false => Err("a counted process failed".into()),
    }
}
