//! Asks a gateway whether it is ready: what a container image without other programs needs.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

const LIMIT: Duration = Duration::from_secs(3);

/// The most that is read of an answer, in bytes.
const MAX_ANSWER: u64 = 16 * 1024;

/// Ready if the gateway whose `--admin` this is, is ready.
///
/// # Errors
/// Why it is not.
pub(crate) async fn check(admin: &str) -> Result<(), String> {
    let answer = timeout(LIMIT, ask(admin))
        .await
        .map_err(|_| format!("{admin} does not answer in {} s", LIMIT.as_secs()))?
        .map_err(|error| format!("cannot ask {admin}: {error}; --admin names the gateway's"))?;
    if answer.starts_with("HTTP/1.1 200 ") {
        return Ok(());
    }
    let reasons = answer.split_once("\r\n\r\n").map(|(_, body)| body.trim());
    Err(reasons.unwrap_or("that is no answer of HTTP").to_owned())
}

async fn ask(admin: &str) -> io::Result<String> {
    let address = lookup_host(admin).await?.next();
    let address = address.ok_or_else(|| io::Error::other("it has no address"))?;
    let mut stream = TcpStream::connect(reachable(address)).await?;
    let request = format!("GET /readyz HTTP/1.1\r\nhost: {admin}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.take(MAX_ANSWER).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Who listens everywhere listens on the loopback too.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}
