//! One run of a counted process: its sockets, its files, and the tool that counts.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde::Deserialize;

use crate::lockstep::Lockstep;
use crate::measured::{Client, Codec, Contender, name};
use crate::peer::{Job, Protocol};
use crate::process::Process;

type BoxError = Box<dyn Error + Send + Sync>;

/// What valgrind counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Tool {
    /// Instructions in user space.
    Callgrind,
    /// Bytes that `memcpy`, `memmove` and the like copy.
    Dhat,
}

/// The load of a run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bursts {
    pub(super) count: u64,
    /// Messages of each.
    pub(super) len: u64,
    /// Each has a connection of its own.
    pub(super) reconnects: bool,
}

/// A folder for one run; it is gone with the run.
pub(super) struct Folder {
    path: PathBuf,
    tool: Tool,
}

/// What is read of DHAT's file.
#[derive(Deserialize)]
struct Profile {
    #[serde(rename = "pps")]
    points: Vec<ProgramPoint>,
}

/// A place in the program that copies.
#[derive(Deserialize)]
struct ProgramPoint {
    #[serde(rename = "tb")]
    bytes: u64,
}

impl Folder {
    pub(super) fn new(tool: Tool) -> Result<Self, BoxError> {
        let name = format!("grpc-websocket-benches-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path)?;
        Ok(Self { path, tool })
    }

    /// Runs a codec so many times.
    pub(super) fn code(&self, codec: Codec, times: u64) -> Result<(), BoxError> {
        let mut command = self.counted()?;
        let status = command.args(["codec", &name(&codec), &times.to_string()]);
        match status.status()?.success() {
            true => Ok(()),
            false => Err("a counted process failed".into()),
        }
    }

    /// Runs a server for bursts.
    pub(super) fn serve(
        &self,
        contender: Contender,
        protocol: Protocol,
        job: Job,
        bursts: Bursts,
    ) -> Result<(), BoxError> {
        let _upstream = match contender {
            Contender::Gateway => {
                let mut command = Command::new(std::env::current_exe()?);
                Some(self.server(&mut command, Contender::Tonic)?)
            }
            _ => None,
        };
        let mut command = self.counted()?;
        let server = self.server(&mut command, contender)?;
        let connect = || Lockstep::new(&self.file(&name(&contender)), protocol, job);
        let mut load = connect()?;
        for burst in 0..bursts.count {
            if bursts.reconnects && burst > 0 {
                load = connect()?;
            }
            load.burst(bursts.len)?;
        }
        server.finish()
    }

    /// Runs a client for bursts.
    pub(super) fn call(&self, client: Client, bursts: Bursts) -> Result<(), BoxError> {
        let contender = match client {
            Client::Mux => Contender::Routes,
            Client::Tonic | Client::Http2 => Contender::Tonic,
        };
        let mut command = Command::new(std::env::current_exe()?);
        let server = self.server(&mut command, contender)?;
        let mut command = self.counted()?;
        command.args(["call", &name(&client), &server.address]);
        command.args(["--in-flight", &bursts.len.to_string()]);
        command.args(["--calls", &(bursts.len * bursts.count).to_string()]);
        Process::start(&mut command)?.wait()
    }

    /// What was counted.
    pub(super) fn total(&self) -> Result<u64, BoxError> {
        let text = fs::read_to_string(self.file("counts"))?;
        if self.tool == Tool::Dhat {
            let profile: Profile = serde_json::from_str(&text)?;
            return Ok(profile.points.iter().map(|point| point.bytes).sum());
        }
        let line = text.lines().find_map(|line| line.strip_prefix("totals: "));
        Ok(line.ok_or("callgrind counted nothing")?.trim().parse()?)
    }

    fn file(&self, name: &str) -> String {
        self.path.join(name).display().to_string()
    }

    /// This program, below the tool.
    fn counted(&self) -> Result<Command, BoxError> {
        let file = self.file("counts");
        let mut command = Command::new("valgrind");
        // Each byte of `rep movsb` would count.
        command.env("GLIBC_TUNABLES", "glibc.cpu.hwcaps=-ERMS,-FSRM");
        command.arg("--quiet");
        match self.tool {
            Tool::Callgrind => command.args([
                "--tool=callgrind".to_owned(),
                format!("--callgrind-out-file={file}"),
            ]),
            Tool::Dhat => command.args([
                "--tool=dhat".to_owned(),
                "--mode=copy".to_owned(),
                format!("--dhat-out-file={file}"),
            ]),
        };
        command.arg(std::env::current_exe()?);
        Ok(command)
    }

    fn server(&self, command: &mut Command, contender: Contender) -> Result<Process, BoxError> {
        let listen = format!("unix:{}", self.file(&name(&contender)));
        command.args(["serve", &name(&contender), "--listen", &listen]);
        // Of a thousand calls on a connection; nothing else changes.
        command.arg("--unlimited");
        if contender == Contender::Gateway {
            let upstream = format!("unix:{}", self.file(&name(&Contender::Tonic)));
            command.args(["--upstream", &upstream]);
        }
        Process::start(command)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}
