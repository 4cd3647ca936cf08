//! Clients dial a device.

use std::process::{Command, Output};

use grpc_websocket_devices::call_all_kinds;
use grpc_websocket_firmware_tests::Device;
use grpc_websocket_tokio::{Endpoint, Subprotocols};
use tokio::task::spawn_blocking;

const NODE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../interop/node");

const PORT: u16 = 80;

async fn call(subprotocols: Subprotocols) {
    let device = Device::image("thermostat").forward(PORT).boot().await;
    let endpoint = Endpoint::new(format!("ws://{}", device.address())).unwrap();
    let channel = endpoint.subprotocols(subprotocols).connect_lazy();
    device.during(call_all_kinds(channel)).await;
}

#[tokio::test]
async fn a_device_is_called_in_all_kinds_over_a_websocket_each() {
    call(Subprotocols::Single).await;
}

#[tokio::test]
async fn a_device_is_called_in_all_kinds_over_one_websocket() {
    call(Subprotocols::Mux).await;
}

/// `tests/interop/run --prepare` installs them.
#[tokio::test]
async fn npm_clients_call_a_device_in_all_kinds() {
    let device = Device::image("thermostat").forward(PORT).boot().await;
    let mut npm = Command::new("npm");
    npm.args(["--prefix", NODE, "--silent", "run", "devices"])
        .env("DEVICE_URL", format!("http://{}", device.address()));
    let ended = device.during(spawn_blocking(move || npm.output())).await;
    let Output { status, stdout, .. } = ended.unwrap().unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stdout));
}
