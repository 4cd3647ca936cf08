//! A thermostat: it listens on port 80, and whoever dials it calls it: browsers with a WebSocket for each
//! call, a hub with one for all.
#![no_std]
#![no_main]

use embassy_executor::Spawner;
use embassy_net::tcp::TcpSocket;
use embassy_net::{Stack, StackResources};
use embassy_time::Duration;
use firmware_mps2::{Board, SlowFlash, log};
use grpc_websocket_device_example::{Device, serve};
use grpc_websocket_embassy::handshake::Accept;
use grpc_websocket_embassy::{Config, Server, State, net};
use static_cell::{ConstStaticCell, StaticCell};

const PORT: u16 = 80;

/// WebSockets at once.
const SOCKETS: usize = 4;
/// Calls of each at once.
const CALLS: usize = 2;

/// After so much silence a peer is asked whether it is there, and after as much again it is not.
const SILENCE: Duration = Duration::from_secs(10);

static RESOURCES: ConstStaticCell<StackResources<{ SOCKETS + 1 }>> =
    ConstStaticCell::new(StackResources::new());
static MEMORY: ConstStaticCell<[Memory; SOCKETS]> =
    ConstStaticCell::new([const { Memory::new() }; SOCKETS]);
static DEVICE: StaticCell<Device<SlowFlash>> = StaticCell::new();

/// What a connection takes.
struct Memory {
    received: [u8; 1024],
    sent: [u8; 1024],
    state: State<CALLS>,
}

impl Memory {
    const fn new() -> Self {
        Self {
            received: [0; 1024],
            sent: [0; 1024],
            state: State::new(),
        }
    }
}

#[embassy_executor::main(executor = "firmware_mps2::Executor", entry = "cortex_m_rt::entry")]
async fn main(spawner: Spawner) {
    let board = Board::new();
    let stack = board.network(spawner, RESOURCES.take()).await;
    log!("up");

    let device = DEVICE.init(Device::new(SlowFlash));
    for memory in MEMORY.take() {
        spawner.spawn(listen(spawner, stack, memory, device).expect("there are as many"));
    }
}

/// Drives one connection after the other.
#[embassy_executor::task(pool_size = SOCKETS)]
async fn listen(
    spawner: Spawner,
    stack: Stack<'static>,
    memory: &'static mut Memory,
    device: &'static Device<SlowFlash>,
) {
    let mut socket = TcpSocket::new(stack, &mut memory.received, &mut memory.sent);
    socket.set_keep_alive(Some(SILENCE));
    socket.set_timeout(Some(SILENCE * 2));
    let config = Config::DEFAULT.with_max_incoming_calls(CALLS);
    // A server masks nothing, so the seed is of no use.
    let (_, server, mut runner) = memory.state.split(config, 0);
    for _ in 0..CALLS {
        spawner.spawn(work(server, device).expect("there are as many"));
    }
    // Pages may come from anywhere: there is no login here that they could misuse.
    let accept = Accept::new().any_origin();
    loop {
        if let Err(error) = net::accept(&mut runner, &mut socket, PORT, &accept).await {
            log!("connection: {error:?}");
        }
    }
}

/// Answers one call after the other.
#[embassy_executor::task(pool_size = SOCKETS * CALLS)]
async fn work(server: Server<'static, CALLS, 512, 512>, device: &'static Device<SlowFlash>) -> ! {
    serve(server, device).await
}
