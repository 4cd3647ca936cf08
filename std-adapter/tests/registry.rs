//! Devices that dial in and are called.

mod common;
#[path = "common/bytes.rs"]
mod messages;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use common::bind;
use futures_util::stream;
use grpc_websocket_tokio::{
    Backoff, Channel, Endpoint, Registry, RegistryEvent, Server, WebSocketLayer,
};
use http::{HeaderName, HeaderValue};
use messages::{Seen, all, call, unary, until};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use tonic::Code;

const INTERVAL: Duration = Duration::from_secs(2);
const TIMEOUT: Duration = Duration::from_secs(3);

/// A server that devices dial, and its registry.
async fn serve() -> (SocketAddr, Registry<String>) {
    let devices = Registry::new(|head| {
        let serial = head.headers.get("x-serial")?.to_str().ok()?;
        Some(serial.to_owned())
    });
    let (listener, address) = bind().await;
    let layer = WebSocketLayer::new()
        .registry(&devices)
        .keepalive(INTERVAL, TIMEOUT);
    let service = messages::service(&Arc::default());
    tokio::spawn(async move { Server::new().layer(layer).serve(listener, service).await });
    (address, devices)
}

/// A device that dials in.
fn dial(address: SocketAddr, serial: &str, seen: &Arc<Seen>) -> Channel {
    Endpoint::new(format!("ws://{address}"))
        .unwrap()
        .header(
            HeaderName::from_static("x-serial"),
            HeaderValue::from_str(serial).unwrap(),
        )
        .backoff(Backoff::new(
            Duration::from_millis(50),
            Duration::from_millis(100),
        ))
        .keepalive(INTERVAL, TIMEOUT)
        .serve(messages::service(seen), 4)
        .connect_lazy()
}

/// The device once it is there.
async fn found(devices: &Registry<String>, serial: &str) -> Channel {
    until(|| devices.get(&serial.to_owned()).is_some()).await;
    devices.get(&serial.to_owned()).unwrap()
}

#[tokio::test]
async fn a_device_that_dialled_in_is_called_in_all_kinds() {
    let (address, devices) = serve().await;
    let mut events = devices.events();
    let seen = Arc::new(Seen::default());
    let device = dial(address, "pump-7", &seen);
    let channel = found(&devices, "pump-7").await;
    assert_eq!(
        events.next().await.unwrap(),
        RegistryEvent::Connected("pump-7".to_owned())
    );
    assert_eq!(devices.identities(), ["pump-7"]);
    assert_eq!(
        unary(channel.clone(), "/s/Echo", b"on").await.unwrap(),
        "on"
    );
    assert_eq!(
        unary(channel.clone(), "/s/Split", b"abc").await.unwrap(),
        "abc"
    );
    let parts = stream::iter((0..100).map(|n| Bytes::from(vec![n; 1000])));
    let joined = all(call(channel.clone(), "/s/Join", parts).await.unwrap()).await;
    assert_eq!(joined.unwrap().len(), 100_000);
    // And calls the server over the same WebSocket.
    assert_eq!(
        unary(device.clone(), "/s/Echo", b"report").await.unwrap(),
        "report"
    );
    assert_eq!(seen.calls.load(Ordering::SeqCst), 3);

    drop(device);
    assert_eq!(
        events.next().await.unwrap(),
        RegistryEvent::Disconnected("pump-7".to_owned())
    );
    assert!(devices.get(&"pump-7".to_owned()).is_none());
    let gone = unary(channel, "/s/Echo", b"").await.unwrap_err();
    assert_eq!(gone.code(), Code::Unavailable);
}

#[tokio::test]
async fn more_calls_than_a_device_takes_wait() {
    let (address, devices) = serve().await;
    let seen = Arc::new(Seen::default());
    let _device = dial(address, "pump", &seen);
    let channel = found(&devices, "pump").await;
    let mut calls = JoinSet::new();
    for _ in 0..20 {
        calls.spawn(unary(channel.clone(), "/s/Slow", b""));
    }
    while let Some(answer) = calls.join_next().await {
        answer.unwrap().unwrap();
    }
    assert_eq!(seen.most.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn who_serves_nothing_or_says_nothing_is_not_in_the_registry() {
    let (address, devices) = serve().await;
    let client = Channel::connect(format!("ws://{address}")).await.unwrap();
    unary(client, "/s/Echo", b"").await.unwrap();
    let nameless = Endpoint::new(format!("ws://{address}")).unwrap();
    let nameless = nameless.serve(messages::service(&Arc::default()), 4);
    let _nameless = nameless.connect().await.unwrap();
    assert!(devices.identities().is_empty());
}

#[tokio::test]
async fn a_device_is_called_by_a_server_that_takes_no_calls() {
    let devices = Registry::new(|_| Some(()));
    let (listener, address) = bind().await;
    let layer = WebSocketLayer::new()
        .registry(&devices)
        .max_concurrent_calls(0);
    let service = messages::service(&Arc::default());
    tokio::spawn(async move { Server::new().layer(layer).serve(listener, service).await });
    let device = dial(address, "", &Arc::default());
    until(|| devices.get(&()).is_some()).await;
    let channel = devices.get(&()).unwrap();
    assert_eq!(unary(channel, "/s/Echo", b"hi").await.unwrap(), "hi");
    let refused = unary(device, "/s/Echo", b"").await.unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented);
    assert!(devices.get(&()).is_some(), "the connection goes on");
}

#[tokio::test]
async fn a_channel_follows_its_device_to_its_next_connection() {
    let (address, devices) = serve().await;
    let seen = Arc::new(Seen::default());
    let first = dial(address, "pump", &seen);
    let channel = found(&devices, "pump").await;
    unary(channel.clone(), "/s/Echo", b"").await.unwrap();
    let mut events = devices.events();
    let _second = dial(address, "pump", &seen);
    // It takes the place of the first.
    assert!(matches!(
        events.next().await,
        Some(RegistryEvent::Disconnected(_))
    ));
    assert!(matches!(
        events.next().await,
        Some(RegistryEvent::Connected(_))
    ));
    drop(first);
    sleep(Duration::from_millis(200)).await;
    assert_eq!(unary(channel, "/s/Echo", b"hi").await.unwrap(), "hi");
    assert_eq!(devices.identities(), ["pump"]);
}

/// Passes connections on until told to let them hang: no byte, no FIN.
async fn link(to: SocketAddr) -> (SocketAddr, tokio::sync::watch::Sender<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (hang, hung) = tokio::sync::watch::channel(false);
    tokio::spawn(async move {
        // Once it hangs, it takes no connection either.
        while !*hung.borrow()
            && let Ok((mut near, _)) = listener.accept().await
        {
            let mut hung = hung.clone();
            tokio::spawn(async move {
                let mut far = TcpStream::connect(to).await.unwrap();
                tokio::select! {
                    _ = copy_bidirectional(&mut near, &mut far) => {}
                    () = async { drop(hung.wait_for(|hung| *hung).await) } => {
                        // Both connections stay open, and nothing moves.
                        sleep(Duration::from_secs(60)).await;
                    }
                }
            });
        }
    });
    (address, hang)
}

#[tokio::test]
async fn a_device_that_vanishes_is_found_out_in_the_time_of_keepalive() {
    let (address, devices) = serve().await;
    let (by_link, hang) = link(address).await;
    let seen = Arc::new(Seen::default());
    let _device = dial(by_link, "pump", &seen);
    let channel = found(&devices, "pump").await;
    let waiting = tokio::spawn(unary(channel.clone(), "/s/Never", b""));
    until(|| seen.live.load(Ordering::SeqCst) == 1).await;
    hang.send(true).unwrap();
    let since = Instant::now();
    let lost = timeout(Duration::from_secs(10), waiting)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(lost.unwrap_err().code(), Code::Unavailable);
    assert!(since.elapsed() < INTERVAL + TIMEOUT + Duration::from_secs(1));
    let gone = unary(channel, "/s/Echo", b"").await.unwrap_err();
    assert_eq!(gone.code(), Code::Unavailable);
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

/// 1,000 devices; half of them vanish without a Close in the middle of a call. Nothing is left of
/// them: no task, no descriptor, no entry.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_devices_are_called_and_leave_nothing_behind() {
    const DEVICES: usize = 1000;
    let (address, devices) = serve().await;
    let (by_link, hang) = link(address).await;
    let metrics = tokio::runtime::Handle::current().metrics();
    let (tasks, files) = (metrics.num_alive_tasks(), descriptors());
    let seen = Arc::new(Seen::default());
    let dialled: Vec<Channel> = (0..DEVICES)
        .map(|n| dial([address, by_link][n % 2], &n.to_string(), &seen))
        .collect();
    until(|| devices.identities().len() == DEVICES).await;

    let mut calls = JoinSet::new();
    for n in 0..DEVICES {
        let channel = devices.get(&n.to_string()).unwrap();
        calls.spawn(unary(channel, "/s/Echo", b"hi"));
    }
    while let Some(answer) = calls.join_next().await {
        assert_eq!(answer.unwrap().unwrap(), "hi");
    }

    for n in (1..DEVICES).step_by(2) {
        let channel = devices.get(&n.to_string()).unwrap();
        calls.spawn(unary(channel, "/s/Never", b""));
    }
    until(|| seen.live.load(Ordering::SeqCst) == DEVICES / 2).await;
    hang.send(true).unwrap();
    let since = Instant::now();
    while let Some(answer) = calls.join_next().await {
        assert_eq!(answer.unwrap().unwrap_err().code(), Code::Unavailable);
    }
    assert!(since.elapsed() < INTERVAL + TIMEOUT + Duration::from_secs(5));

    drop(dialled);
    until(|| devices.identities().is_empty()).await;
    until(|| seen.live.load(Ordering::SeqCst) == 0).await;
    // The hanging links have theirs.
    until(|| metrics.num_alive_tasks() <= tasks + DEVICES / 2 + 1).await;
    assert!(
        descriptors() <= files + 2 * DEVICES,
        "the hanging links' own"
    );
}
