//! The cloud calls a device that dialled it.

use std::time::Duration;

use grpc_websocket_devices::{Cloud, Telemetry, call_all_kinds, upload_image};
use grpc_websocket_firmware_tests::{Device, Setup};

fn setup(cloud: &Cloud) -> Setup {
    Device::image("nat-device")
        .setting("port", cloud.address.port())
        .setting("serial", "pump-7")
}

#[tokio::test]
async fn a_device_that_dialled_is_called_in_all_kinds() {
    let cloud = Cloud::start(Telemetry::routes());
    let device = setup(&cloud).boot().await;
    let called = async { call_all_kinds(cloud.device("pump-7").await).await };
    device.during(called).await;
}

/// The image has 8 MiB, the device 256 KiB of RAM.
#[tokio::test]
async fn an_image_arrives_whole_and_other_calls_go_on_meanwhile() {
    let cloud = Cloud::start(Telemetry::routes());
    let device = setup(&cloud).boot().await;
    let uploaded = async { upload_image(cloud.device("pump-7").await).await };
    let longest = device.during(uploaded).await;
    assert!(longest < Duration::from_secs(2), "{longest:?}");
}
