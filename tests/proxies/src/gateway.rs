//! The gateway's program.

use std::env::current_exe;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::sleep;

use crate::process::Process;

/// What all gateways are told. They ping more often than the proxies' patience.
const ARGUMENTS: [&str; 6] = [
    "--keepalive-interval",
    "2",
    "--grace",
    "10",
    "--log",
    "grpc_websocket_tokio=debug,warn",
];

/// A gateway, at addresses that stay when it is started again.
pub(crate) struct Gateway {
    name: &'static str,
    upstream: SocketAddr,
    logs: PathBuf,
    pub(crate) address: SocketAddr,
    pub(crate) admin: SocketAddr,
    process: Process,
}

impl Gateway {
    pub(crate) fn start(name: &'static str, upstream: SocketAddr, logs: &Path) -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let (process, address, admin) = spawn(name, upstream, any, any, logs);
        Self {
            name,
            upstream,
            logs: logs.to_owned(),
            address,
            admin,
            process,
        }
    }

    pub(crate) fn terminate(&self) {
        self.process.terminate();
    }

    /// Waits until it ended as it should, and starts it again.
    pub(crate) async fn start_again(&mut self) {
        let status = self.process.ended().await;
        assert!(status.success(), "gateway {}: {status}", self.name);
        let Self { address, admin, .. } = *self;
        self.process = spawn(self.name, self.upstream, address, admin, &self.logs).0;
        self.ready().await;
    }

    /// Waits until it says that it is ready.
    pub(crate) async fn ready(&self) {
        while !get(self.admin, "/readyz").await.starts_with("HTTP/1.1 200") {
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// How many calls it answered that came by a transport, told by its metrics.
    pub(crate) async fn handled(&self, transport: &str) -> u64 {
        let metrics = get(self.admin, "/metrics").await;
        let lines = metrics.lines();
        let handled = lines.filter(|line| line.starts_with("grpc_server_handled_total"));
        let handled = handled.filter(|line| line.contains(&format!("\"{transport}\"")));
        let counts = handled.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok());
        counts.sum()
    }
}

fn spawn(
    name: &str,
    upstream: SocketAddr,
    address: SocketAddr,
    admin: SocketAddr,
    logs: &Path,
) -> (Process, SocketAddr, SocketAddr) {
    // Cargo builds the workspace's programs into one folder.
    let program = current_exe()
        .unwrap()
        .with_file_name("grpc-websocket-gateway");
    let mut command = Command::new(program);
    command
        .env_clear()
        .args(ARGUMENTS)
        .args(["--listen", &address.to_string()])
        .args(["--admin", &admin.to_string()])
        .args(["--upstream", &format!("http://{upstream}")]);
    let mut process = Process::start(&format!("gateway-{name}"), &mut command, logs);
    let mut lines = process.lines();
    let mut said = |what: &str| {
        let address = lines.find_map(|line| address_after(&line, what));
        address.unwrap_or_else(|| panic!("gateway {name} does not say where it listens"))
    };
    let address = said("WebSocket   ws://");
    let admin = said("Operators             http://");
    (process, address, admin)
}

fn address_after(line: &str, what: &str) -> Option<SocketAddr> {
    line.split_once(what)?.1.split('/').next()?.parse().ok()
}

async fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
