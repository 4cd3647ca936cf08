//! A client that makes unary calls, and nothing else: what gRPC costs.
//!
//! Settings: `port` of the server on the host; `rounds`, how many calls (10); `subprotocol`, `single` for
//! a WebSocket for each call.
#![no_std]
#![no_main]

use embassy_executor::Spawner;
use embassy_futures::select::{Either, select};
use embassy_net::StackResources;
use embassy_net::tcp::TcpSocket;
use firmware_mps2::{Board, Busy, HOST, Settings, exit, log};
use grpc_websocket_device_example::{Reading, sensor::report};
use grpc_websocket_embassy::handshake::{Subprotocol, Upgrade};
use grpc_websocket_embassy::{Client, Config, State, Status, net};
use static_cell::ConstStaticCell;

static RESOURCES: ConstStaticCell<StackResources<2>> = ConstStaticCell::new(StackResources::new());
static RECEIVED: ConstStaticCell<[u8; 4096]> = ConstStaticCell::new([0; 4096]);
static SENT: ConstStaticCell<[u8; 4096]> = ConstStaticCell::new([0; 4096]);
static STATE: ConstStaticCell<State<1>> = ConstStaticCell::new(State::new());

#[embassy_executor::main(executor = "firmware_mps2::Executor", entry = "cortex_m_rt::entry")]
async fn main(spawner: Spawner) {
    let board = Board::new();
    let (seed, settings) = (board.seed, board.settings);
    let port = settings.number("port").unwrap_or(50051);
    let rounds = settings.number("rounds").unwrap_or(10);
    let stack = board.network(spawner, RESOURCES.take()).await;
    log!("up");

    let mut socket = TcpSocket::new(stack, RECEIVED.take(), SENT.take());
    let (client, _, mut runner) = STATE.take().split(Config::DEFAULT, seed);
    let subprotocols = [subprotocol(&settings)];
    // By `grpc-websockets` the path names the method.
    let upgrade = Upgrade::new("server", "/device.v1.Telemetry/Report").subprotocols(&subprotocols);
    let connecting = async {
        loop {
            let ended = net::connect(&mut runner, &mut socket, (HOST, port), &upgrade).await;
            if let Err(error) = ended {
                break error;
            }
        }
    };
    match select(connecting, calls(client, rounds)).await {
        Either::First(error) => log!("failed: {error:?}"),
        Either::Second(Err(status)) => log!("failed: {status:?}"),
        Either::Second(Ok(least)) => {
            log!("instructions of a unary call: {least}");
            exit(true);
        }
    }
    exit(false);
}

fn subprotocol(settings: &Settings) -> Subprotocol {
    let is_single =
        cfg!(feature = "single-client") && settings.get("subprotocol") == Some("single");
    if is_single || !cfg!(feature = "mux-client") {
        Subprotocol::Single
    } else {
        Subprotocol::Mux
    }
}

/// Makes calls. Returns the instructions that the cheapest took.
async fn calls(client: Client<'_, 1, 512, 512>, rounds: u16) -> Result<u32, Status> {
    let mut least = u32::MAX;
    for _ in 0..rounds {
        client.ready().await;
        let before = Busy::now();
        report(client, &Reading::default()).await?;
        least = least.min(before.instructions());
    }
    Ok(least)
}
