//! The sensor, by TLS (`wss`): it talks to no server but the one that its authority vouches for.
//!
//! Settings: `port` of the server on the host.
#![no_std]
#![no_main]

use embassy_executor::Spawner;
use embassy_futures::join::join;
use embassy_net::StackResources;
use embassy_net::tcp::TcpSocket;
use embassy_time::Instant;
use firmware_mps2::tls::{self, Buffers, Tls};
use firmware_mps2::{Board, HOST, Random, log, print};
use grpc_websocket_device_example::{Reading, sensor};
use grpc_websocket_embassy::handshake::{Subprotocol, Upgrade};
use grpc_websocket_embassy::{Config, State};
use static_cell::ConstStaticCell;

/// Calls at once: settings and commands stay open, and there is one more.
const CALLS: usize = 3;

/// Whom the device trusts.
const AUTHORITY: &[u8] = include_bytes!("../../tls/authority.der");

/// The server's name, in its certificate.
const SERVER: &str = "gateway.example";

static RESOURCES: ConstStaticCell<StackResources<2>> = ConstStaticCell::new(StackResources::new());
static RECEIVED: ConstStaticCell<[u8; 4096]> = ConstStaticCell::new([0; 4096]);
static SENT: ConstStaticCell<[u8; 4096]> = ConstStaticCell::new([0; 4096]);
static RECORDS: ConstStaticCell<Buffers> = ConstStaticCell::new(Buffers::new());
static STATE: ConstStaticCell<State<CALLS>> = ConstStaticCell::new(State::new());

#[embassy_executor::main(executor = "firmware_mps2::Executor", entry = "cortex_m_rt::entry")]
async fn main(spawner: Spawner) {
    let board = Board::new();
    let seed = board.seed;
    let port = board.settings.number("port").unwrap_or(50051);
    let stack = board.network(spawner, RESOURCES.take()).await;
    log!("up");

    let mut socket = TcpSocket::new(stack, RECEIVED.take(), SENT.take());
    let mut tls = Tls {
        authority: AUTHORITY,
        name: SERVER,
        rng: Random::new(),
        buffers: RECORDS.take(),
    };
    // A record of TLS goes when it is flushed.
    let config = Config::DEFAULT.with_flush(true);
    let (client, _, mut runner) = STATE.take().split(config, seed);
    let upgrade = Upgrade::new(SERVER, "/").subprotocols(&[Subprotocol::Mux]);
    let server = (HOST, port);
    let dialling = tls::dial(&mut runner, &mut socket, &mut tls, server, &upgrade, seed);
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
