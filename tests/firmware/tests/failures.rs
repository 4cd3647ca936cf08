//! What goes wrong on a device fails the test, and soon.

use std::future::pending;
use std::time::Duration;

use grpc_websocket_firmware_tests::{Device, End};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

async fn fail(how: &str) -> End {
    Device::image("fail")
        .setting("how", how)
        .boot()
        .await
        .end()
        .await
}

#[tokio::test]
async fn a_panic_is_a_failure() {
    let end = fail("panic").await;
    assert!(!end.success);
    assert!(end.log.contains("on purpose"), "{}", end.log);
}

#[tokio::test]
async fn a_fault_is_a_failure() {
    let end = fail("fault").await;
    assert!(!end.success);
    assert!(end.log.contains("fault at 0x"), "{}", end.log);
}

#[tokio::test]
async fn a_stack_that_overflows_is_a_failure() {
    assert!(!fail("overflow").await.success);
}

#[tokio::test]
#[should_panic(expected = "fail did not end in time")]
async fn a_hang_fails_the_test() {
    let setup = Device::image("fail").setting("how", "hang");
    setup
        .patience(Duration::from_secs(2))
        .boot()
        .await
        .end()
        .await;
}

#[tokio::test]
#[should_panic(expected = "fail has no line with \"never\" in time")]
async fn a_line_that_does_not_come_fails_the_test() {
    let setup = Device::image("fail").setting("how", "hang");
    let mut device = setup.patience(Duration::from_secs(2)).boot().await;
    device.line("never").await;
}

#[tokio::test]
#[should_panic(expected = "fail ended without a line with \"never\"")]
async fn a_device_that_ends_before_the_line_fails_the_test() {
    Device::image("fail").boot().await.line("never").await;
}

#[tokio::test]
#[should_panic(expected = "fail ended, and something still waits for it")]
async fn what_waits_for_a_device_that_ended_fails_the_test() {
    let setup = Device::image("fail").patience(Duration::from_secs(2));
    setup.boot().await.during(pending::<()>()).await;
}

#[tokio::test]
async fn a_device_does_not_live_for_ever() {
    let setup = Device::image("echo")
        .forward(7)
        .lifetime(Duration::from_secs(2));
    let device = setup.boot().await;
    let mut stream = TcpStream::connect(device.address()).await.unwrap();
    // The device echoes nothing: it was sent nothing.
    let read = timeout(Duration::from_secs(20), stream.read_u8()).await;
    assert!(read.unwrap().is_err());
    assert_eq!(device.end().await.code, None);
}

#[tokio::test]
async fn a_device_that_is_dropped_is_gone() {
    let device = Device::image("echo").forward(7).boot().await;
    let address = device.address();
    TcpStream::connect(address).await.unwrap();
    drop(device);
    let gone = async {
        while TcpStream::connect(address).await.is_ok() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(10), gone).await.unwrap();
}
