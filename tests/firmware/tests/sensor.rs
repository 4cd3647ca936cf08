//! A device calls a server in all kinds, through the gateway.

use std::net::{Ipv4Addr, SocketAddr};

use grpc_websocket_devices::{Cloud, Telemetry};
use grpc_websocket_firmware_tests::{Device, Holder};
use grpc_websocket_hostile::Gateway;

/// What it logs when all is well, in any order: unary, client, server and bidirectional streaming.
const WELL: [&str; 4] = [
    "reported",
    "streamed 10",
    "period: 30 ms",
    "command 3: open",
];

/// Lets a device call through a gateway with these arguments, which is killed, and started again.
async fn calls_and_comes_back(image: &'static str, arguments: &[&str]) {
    let cloud = Cloud::start(Telemetry::routes());
    let start = |address| Gateway::start_with(address, cloud.address, arguments);
    let gateway = start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
    let address = gateway.address;
    let setup = Device::image(image).setting("port", address.port());
    let mut device = setup.boot().await;
    device.line("connected").await;
    device.lines(&WELL).await;

    drop(gateway);
    device.line("lost: Unavailable").await;
    let _gateway = start(address);
    device.line("connected").await;
    device.lines(&WELL).await;
}

#[tokio::test]
async fn a_device_calls_in_all_kinds_and_comes_back_to_a_gateway_that_was_killed() {
    calls_and_comes_back("sensor", &[]).await;
}

#[tokio::test]
async fn a_device_does_so_by_tls() {
    let [certificate, key] = ["gateway.pem", "gateway.key"].map(|file| {
        let path = Holder::folder().join(file);
        path.display().to_string()
    });
    let arguments = ["--tls-cert", &certificate, "--tls-key", &key];
    calls_and_comes_back("sensor-tls", &arguments).await;
}
