//! The gateway as its users have it: a process of its own.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::sleep;

/// How long a test waits for what has to come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A gateway, stopped when it goes out of scope.
pub(crate) struct Gateway {
    child: Child,
    stdout: BufReader<ChildStdout>,
    pub(crate) address: SocketAddr,
}

impl Gateway {
    /// One in front of a single server.
    pub(crate) fn before(upstream: SocketAddr) -> Self {
        Self::start(&["--upstream", &format!("http://{upstream}")])
    }

    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = command()
            .args(["--listen", "127.0.0.1:0"])
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let address = address_after("://", &mut stdout);
        Self {
            child,
            stdout,
            address,
        }
    }

    /// Where it answers its operators, which it says last.
    pub(crate) fn admin(&mut self) -> SocketAddr {
        address_after("Operators             http://", &mut self.stdout)
    }

    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status();
        assert!(status.unwrap().success());
    }

    /// How it ended by itself, and what it logged.
    pub(crate) async fn end(mut self) -> (ExitStatus, String) {
        for _ in 0..PATIENCE.as_millis() / 10 {
            if let Some(status) = self.child.try_wait().unwrap() {
                let mut log = String::new();
                let stderr = self.child.stderr.as_mut().unwrap();
                stderr.read_to_string(&mut log).unwrap();
                return (status, log);
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("the gateway does not end");
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The program, told nothing by the environment.
fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_grpc-websocket-gateway"));
    command.env_clear();
    command
}

/// What the program answers at once.
pub(crate) fn run(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = command();
    command.args(arguments).envs(environment.iter().copied());
    command.output().unwrap()
}

fn address_after(what: &str, stdout: &mut BufReader<ChildStdout>) -> SocketAddr {
    stdout
        .lines()
        .map(Result::unwrap)
        // The upstreams' addresses come in the first line.
        .filter(|line| line.starts_with("  "))
        .find_map(|line| line.split_once(what)?.1.split('/').next()?.parse().ok())
        .unwrap()
}

/// The head and the body of a GET's answer.
pub(crate) async fn get(address: SocketAddr, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

/// Asks until the answer begins so, and returns its body.
pub(crate) async fn until(address: SocketAddr, path: &str, status: &str) -> String {
    for _ in 0..PATIENCE.as_millis() / 50 {
        let (head, body) = get(address, path).await;
        if head.starts_with(&format!("HTTP/1.1 {status} ")) {
            return body;
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("{path} never answers {status}");
}
