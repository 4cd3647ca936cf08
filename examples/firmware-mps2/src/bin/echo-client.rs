//! A TCP client that has its messages echoed by the host: what a client costs before there is any
//! gRPC.
//!
//! Settings: `port` of the echo server on the host; `rounds`, how many messages (100).
#![no_std]
#![no_main]

use embassy_executor::Spawner;
use embassy_net::tcp::TcpSocket;
use embassy_net::{Stack, StackResources};
use embedded_io_async::{Read, Write};
use firmware_mps2::{Board, Busy, HOST, exit, log};
use static_cell::ConstStaticCell;

static RESOURCES: ConstStaticCell<StackResources<3>> = ConstStaticCell::new(StackResources::new());
static RECEIVED: ConstStaticCell<[u8; 4096]> = ConstStaticCell::new([0; 4096]);
static SENT: ConstStaticCell<[u8; 4096]> = ConstStaticCell::new([0; 4096]);

/// What can go wrong.
#[derive(Debug)]
enum Failure {
    Connect,
    Write,
    Read,
    /// It is not what was sent.
    Differs,
}

#[embassy_executor::main(executor = "firmware_mps2::Executor", entry = "cortex_m_rt::entry")]
async fn main(spawner: Spawner) {
    let board = Board::new();
    let port = board.settings.number("port").unwrap_or(7);
    let rounds = board.settings.number("rounds").unwrap_or(100);
    let stack = board.network(spawner, RESOURCES.take()).await;
    log!("up");

    let result = run(stack, port, rounds).await;
    match &result {
        Ok(least) => log!("instructions of an echo of 16 bytes: {least}"),
        Err(failure) => log!("failed: {failure:?}"),
    }
    exit(result.is_ok());
}

/// Has messages echoed. Returns the instructions that the cheapest took.
async fn run(stack: Stack<'static>, port: u16, rounds: u16) -> Result<u32, Failure> {
    let mut socket = TcpSocket::new(stack, RECEIVED.take(), SENT.take());
    let connected = socket.connect((HOST, port)).await;
    connected.map_err(|_| Failure::Connect)?;
    let mut least = u32::MAX;
    for round in 0..rounds {
        let before = Busy::now();
        echo(&mut socket, round).await?;
        least = least.min(before.instructions());
    }
    socket.close();
    Ok(least)
}

/// Has one message of 16 bytes echoed.
async fn echo(socket: &mut TcpSocket<'_>, round: u16) -> Result<(), Failure> {
    let message = [round as u8; 16];
    let written = socket.write_all(&message).await;
    written.map_err(|_| Failure::Write)?;
    let mut answer = [0; 16];
    let read = socket.read_exact(&mut answer).await;
    read.map_err(|_| Failure::Read)?;
    if answer == message {
        Ok(())
    } else {
        Err(Failure::Differs)
    }
}
