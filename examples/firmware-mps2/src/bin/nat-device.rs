//! A device that nobody can dial: it dials its server, and is called over that WebSocket.
//!
//! Settings: `port` of the server on the host; `serial`, by which the server knows it.
#![no_std]
#![no_main]

use embassy_executor::Spawner;
use embassy_net::StackResources;
use embassy_net::tcp::TcpSocket;
use firmware_mps2::{Board, HOST, SlowFlash, dial, log};
use grpc_websocket_device_example::{Device, serve};
use grpc_websocket_embassy::handshake::{Subprotocol, Upgrade};
use grpc_websocket_embassy::{Config, Server, State};
use static_cell::{ConstStaticCell, StaticCell};

/// Calls that are answered at once.
const CALLS: usize = 4;

static RESOURCES: ConstStaticCell<StackResources<2>> = ConstStaticCell::new(StackResources::new());
static RECEIVED: ConstStaticCell<[u8; 4096]> = ConstStaticCell::new([0; 4096]);
static SENT: ConstStaticCell<[u8; 4096]> = ConstStaticCell::new([0; 4096]);
static STATE: ConstStaticCell<State<CALLS, 1024>> = ConstStaticCell::new(State::new());
static DEVICE: StaticCell<Device<SlowFlash>> = StaticCell::new();

#[embassy_executor::main(executor = "firmware_mps2::Executor", entry = "cortex_m_rt::entry")]
async fn main(spawner: Spawner) {
    let board = Board::new();
    let seed = board.seed;
    let port = board.settings.number("port").unwrap_or(50051);
    let serial = board.settings.get("serial").unwrap_or("device-1");
    let stack = board.network(spawner, RESOURCES.take()).await;
    log!("up");

    let mut socket = TcpSocket::new(stack, RECEIVED.take(), SENT.take());
    let config = Config::DEFAULT.with_max_incoming_calls(CALLS);
    let (_, server, mut runner) = STATE.take().split(config, seed);
    let headers = [("x-serial", serial)];
    let upgrade = Upgrade::new("server", "/")
        .subprotocols(&[Subprotocol::Mux])
        .headers(&headers);
    let device = DEVICE.init(Device::new(SlowFlash));
    for _ in 0..CALLS {
        spawner.spawn(work(server, device).expect("there are as many"));
    }
    dial(&mut runner, &mut socket, (HOST, port), &upgrade, seed).await;
}

/// Answers one call after the other.
#[embassy_executor::task(pool_size = CALLS)]
async fn work(server: Server<'static, CALLS, 1024, 512>, device: &'static Device<SlowFlash>) -> ! {
    serve(server, device).await
}
