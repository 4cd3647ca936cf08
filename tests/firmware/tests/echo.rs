//! Bytes there and back: the network of the board, in both directions.

use std::net::{Ipv4Addr, SocketAddr};

use grpc_websocket_firmware_tests::Device;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};

const PORT: u16 = 7;

/// Sends and receives at the same time; the message is larger than all buffers on the way.
async fn echo(address: SocketAddr, message: &[u8]) -> Vec<u8> {
    let (mut read, mut write) = TcpStream::connect(address).await.unwrap().into_split();
    let send = async {
        write.write_all(message).await.unwrap();
        write.shutdown().await.unwrap();
    };
    let mut answer = Vec::new();
    let (read, ()) = tokio::join!(read.read_to_end(&mut answer), send);
    read.unwrap();
    answer
}

fn message(seed: usize) -> Vec<u8> {
    (seed..seed + 100_000).map(|n| (n % 251) as u8).collect()
}

#[tokio::test]
async fn a_device_echoes_what_the_host_sends() {
    let setup = Device::image("echo")
        .setting("connections", 2)
        .forward(PORT);
    let mut device = setup.boot().await;
    for seed in [1, 2] {
        let answer = echo(device.address(), &message(seed)).await;
        assert!(answer == message(seed));
        device.line("echoed 100000 bytes").await;
    }
    assert!(device.end().await.success);
}

#[tokio::test]
async fn the_host_echoes_what_a_device_sends() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let device = Device::image("echo-client")
        .setting("port", port)
        .boot()
        .await;
    let copied = async {
        let (mut stream, _) = listener.accept().await?;
        let (mut read, mut write) = stream.split();
        copy(&mut read, &mut write).await
    };
    assert_eq!(device.during(copied).await.unwrap(), 100 * 16);
    assert!(device.end().await.success);
}

#[tokio::test]
async fn a_host_that_does_not_listen_is_reported() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let mut device = Device::image("echo-client")
        .setting("port", port)
        .boot()
        .await;
    device.line("failed: Connect").await;
    assert!(!device.end().await.success);
}

#[tokio::test]
async fn devices_do_not_disturb_each_other() {
    let setup = Device::image("echo").forward(PORT);
    let (one, two) = tokio::join!(setup.clone().boot(), setup.boot());
    let (message_one, message_two) = (message(1), message(2));
    let (answer_one, answer_two) = tokio::join!(
        echo(one.address(), &message_one),
        echo(two.address(), &message_two),
    );
    assert!(answer_one == message_one);
    assert!(answer_two == message_two);
}
