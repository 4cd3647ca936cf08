//! The example device on a laptop: dials a server, calls it, and is called.
//!
//! `cargo run --manifest-path examples/laptop/Cargo.toml [HOST:PORT]`

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hasher as _};
use std::time::Duration;

use embassy_time::Instant;
use embedded_io_adapters::tokio_1::FromTokio;
use grpc_websocket_device_example::{Device, Flash, FlashError, Reading, sensor, serve};
use grpc_websocket_embassy::handshake::Upgrade;
use grpc_websocket_embassy::{Config, Runner, State};
use tokio::net::TcpStream;
use tokio::time::sleep;

/// How many calls there may be at once: three of the sensor, and as many that come.
const CALLS: usize = 6;
const WINDOW: usize = 512;
const OUTPUT: usize = 512;

const SERIAL: &str = "laptop";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:50051");
    let config = Config::DEFAULT.with_max_incoming_calls(3);
    let mut state = State::<CALLS, WINDOW, OUTPUT>::new();
    let seed = RandomState::new().build_hasher().finish();
    let (client, server, runner) = state.split(config, seed);
    let device = Device::new(Printed);
    tokio::join!(
        connect(address, runner),
        sensor(client, measure, |line| println!("{line}")),
        serve(server, &device),
        serve(server, &device),
        serve(server, &device),
    );
}

/// Connects again and again.
async fn connect(address: &str, mut runner: Runner<'_, CALLS, WINDOW, OUTPUT>) {
    let headers = [("x-serial", SERIAL)];
    let upgrade = Upgrade::new(address, "/").headers(&headers);
    loop {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                println!("connected to {address}");
                let (reader, writer) = stream.into_split();
                let (reader, writer) = (FromTokio::new(reader), FromTokio::new(writer));
                let end = runner.connect(reader, writer, &upgrade).await;
                println!("the connection ended: {end:?}");
            }
            Err(error) => println!("{address}: {error}"),
        }
        sleep(Duration::from_secs(1)).await;
    }
}

fn measure() -> Reading {
    let at = u32::try_from(Instant::now().as_millis()).unwrap_or(u32::MAX);
    Reading {
        serial: SERIAL.try_into().unwrap_or_default(),
        at,
        // A warm afternoon.
        millidegrees: 21_000 + i32::try_from(at % 1_000).unwrap_or_default(),
    }
}

/// A flash that says what is written to it.
struct Printed;

impl Flash for Printed {
    async fn write(&mut self, at: u32, bytes: &[u8]) -> Result<(), FlashError> {
        println!("flash: {} bytes at {at}", bytes.len());
        Ok(())
    }
}
