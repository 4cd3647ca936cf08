//! A sensor: it dials its server, and calls it in all four kinds over one WebSocket.
//!
//! Settings: `port` of the server on the host.
#![no_std]
#![no_main]

use embassy_executor::Spawner;
use embassy_futures::join::join;
use embassy_net::StackResources;
use embassy_net::tcp::TcpSocket;
use embassy_time::Instant;
use firmware_mps2::{Board, HOST, dial, log, print};
use grpc_websocket_device_example::{Reading, sensor};
use grpc_websocket_embassy::handshake::{Subprotocol, Upgrade};
use grpc_websocket_embassy::{Config, State};
use static_cell::ConstStaticCell;

/// Calls at once: settings and commands stay open, and there is one more.
const CALLS: usize = 3;

static RESOURCES: ConstStaticCell<StackResources<2>> = ConstStaticCell::new(StackResources::new());
static RECEIVED: ConstStaticCell<[u8; 4096]> = ConstStaticCell::new([0; 4096]);
static SENT: ConstStaticCell<[u8; 4096]> = ConstStaticCell::new([0; 4096]);
static STATE: ConstStaticCell<State<CALLS>> = ConstStaticCell::new(State::new());

#[embassy_executor::main(executor = "firmware_mps2::Executor", entry = "cortex_m_rt::entry")]
async fn main(spawner: Spawner) {
    let board = Board::new();
    let seed = board.seed;
    let port = board.settings.number("port").unwrap_or(50051);
    let stack = board.network(spawner, RESOURCES.take()).await;
    log!("up");

    let mut socket = TcpSocket::new(stack, RECEIVED.take(), SENT.take());
    let (client, _, mut runner) = STATE.take().split(Config::DEFAULT, seed);
    let upgrade = Upgrade::new("server", "/").subprotocols(&[Subprotocol::Mux]);
    let dialling = dial(&mut runner, &mut socket, (HOST, port), &upgrade, seed);
    join(dialling, sensor(client, measure, print)).await;
}

/// On another board, from its ADC.
fn measure() -> Reading {
    Reading {
        serial: "sensor-1".try_into().unwrap_or_default(),
        at: Instant::now().as_millis() as u32,
        millidegrees: 21_500,
    }
}
