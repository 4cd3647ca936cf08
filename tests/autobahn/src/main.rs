//! What the Autobahn testsuite talks to: an echo server, and an echo client that runs the cases of
//! its server. The WebSocket is the core's `ws` on a socket of the standard library.

mod opening;
mod websocket;

use std::error::Error;
use std::io;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use grpc_websocket_core::Role;

use crate::websocket::WebSocket;

/// How long the testsuite's server may be silent.
const TIMEOUT: Duration = Duration::from_secs(10);

const USAGE: &str = "usage: grpc-websocket-autobahn server | client ADDRESS";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["server"] => serve()?,
        ["client", address] => run_cases(address)?,
        _ => return Err(USAGE.into()),
    }
    Ok(())
}

/// Echoes on a free port, which it prints, until it is stopped.
fn serve() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?);
    for stream in listener.incoming() {
        let stream = stream?;
        // What goes wrong on one connection is in Autobahn's report.
        thread::spawn(move || accept(stream).and_then(echo));
    }
    Ok(())
}

fn accept(mut stream: TcpStream) -> io::Result<WebSocket> {
    stream.set_nodelay(true)?;
    let ahead = opening::accept(&mut stream)?;
    Ok(WebSocket::new(stream, Role::Server, ahead))
}

/// Runs all cases of the server, one after the other.
fn run_cases(address: &str) -> Result<(), Box<dyn Error>> {
    let mut socket = connect(address, "/getCaseCount")?;
    let count = socket
        .receive()?
        .ok_or("the server does not say how many cases it has")?;
    let count: u32 = String::from_utf8(count.payload)?.parse()?;
    for case in 1..=count {
        // As above.
        let _ = echo(connect(
            address,
            &format!("/runCase?case={case}&agent=client"),
        )?);
    }
    echo(connect(address, "/updateReports?agent=client")?)?;
    Ok(())
}

fn connect(address: &str, path: &str) -> io::Result<WebSocket> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    let ahead = opening::connect(&mut stream, address, path)?;
    Ok(WebSocket::new(stream, Role::Client, ahead))
}

fn echo(mut socket: WebSocket) -> io::Result<()> {
    while let Some(message) = socket.receive()? {
        socket.send(message.opcode(), &message.payload)?;
    }
    Ok(())
}
