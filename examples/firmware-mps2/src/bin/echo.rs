//! A TCP echo server on port 7: what a server costs before there is any gRPC.
//!
//! Settings: `connections`, after how many the program ends; without it never.
#![no_std]
#![no_main]

use embassy_executor::Spawner;
use embassy_net::StackResources;
use embassy_net::tcp::{Error, TcpSocket};
use embedded_io_async::Write;
use firmware_mps2::{Board, exit, log};
use static_cell::ConstStaticCell;

const PORT: u16 = 7;

static RESOURCES: ConstStaticCell<StackResources<3>> = ConstStaticCell::new(StackResources::new());
static RECEIVED: ConstStaticCell<[u8; 4096]> = ConstStaticCell::new([0; 4096]);
static SENT: ConstStaticCell<[u8; 4096]> = ConstStaticCell::new([0; 4096]);

#[embassy_executor::main(executor = "firmware_mps2::Executor", entry = "cortex_m_rt::entry")]
async fn main(spawner: Spawner) {
    let board = Board::new();
    let connections = board.settings.number("connections");
    let stack = board.network(spawner, RESOURCES.take()).await;
    let (received, sent) = (RECEIVED.take(), SENT.take());
    log!("up");

    let mut served = 0;
    while connections != Some(served) {
        let mut socket = TcpSocket::new(stack, received, sent);
        if socket.accept(PORT).await.is_err() {
            continue;
        }
        match echo(&mut socket).await {
            Ok(bytes) => log!("echoed {bytes} bytes"),
            Err(error) => log!("failed: {error:?}"),
        }
        served += 1;
    }
    exit(true);
}

/// Sends back what comes until the peer ends. Returns how many bytes it were.
async fn echo(socket: &mut TcpSocket<'_>) -> Result<usize, Error> {
    let mut buffer = [0; 512];
    let mut bytes = 0;
    loop {
        let length = socket.read(&mut buffer).await?;
        if length == 0 {
            break;
        }
        socket.write_all(&buffer[..length]).await?;
        bytes += length;
    }
    socket.close();
    socket.flush().await?;
    Ok(bytes)
}
