//! A tonic server for the example device, which calls the device back.
//!
//! `cargo run -p grpc-websocket-devices --example cloud [HOST:PORT]`

use std::time::Duration;

use grpc_websocket_devices::proto::SetRequest;
use grpc_websocket_devices::proto::thermostat_client::ThermostatClient;
use grpc_websocket_devices::{Cloud, Telemetry};
use tokio::time::sleep;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:50051");
    let address = address.parse().expect("HOST:PORT");
    let cloud = Cloud::start_at(address, Telemetry::routes());
    println!("listening on http://{address}");
    for target_millidegrees in (18_000..).step_by(500) {
        let mut thermostat = ThermostatClient::new(cloud.device("laptop").await);
        let set = SetRequest {
            target_millidegrees,
        };
        match thermostat.set(set).await {
            Ok(state) => println!("the device is set: {:?}", state.into_inner()),
            Err(status) => println!("{status}"),
        }
        sleep(Duration::from_secs(1)).await;
    }
}
