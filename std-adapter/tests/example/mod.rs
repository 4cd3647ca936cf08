//! A program of the examples.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::io::{BufRead as _, BufReader, Lines};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

/// Stopped when it goes out of scope.
pub(crate) struct Example {
    process: Child,
    pub(crate) address: SocketAddr,
    pub(crate) output: Lines<BufReader<ChildStdout>>,
}

impl Example {
    /// Starts it, until it says where it listens.
    pub(crate) fn start(name: &str) -> Self {
        let mut process = command(name)
            .arg("127.0.0.1:0")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut output = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = output.next().unwrap().unwrap();
        let address = line.strip_prefix("listening on http://").unwrap();
        Self {
            address: address.parse().unwrap(),
            process,
            output,
        }
    }
}

/// What an example prints that ends by itself.
pub(crate) async fn run(name: &str, argument: &str) -> String {
    let mut command = command(name);
    command.arg(argument);
    let ran = tokio::task::spawn_blocking(move || command.output().unwrap());
    String::from_utf8(ran.await.unwrap().stdout).unwrap()
}

/// Cargo builds a package's examples beside its tests.
fn command(name: &str) -> Command {
    let tests = std::env::current_exe().unwrap();
    let build: PathBuf = tests.ancestors().nth(2).unwrap().into();
    Command::new(build.join("examples").join(name))
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
