//! Connections that end, and what a device makes of it.

use std::net::SocketAddr;
use std::time::Duration;

use grpc_websocket_device_example::{Reading, sensor};
use grpc_websocket_devices::{Cloud, Link, Telemetry, dial};
use grpc_websocket_embassy::codec::Raw;
use grpc_websocket_embassy::{Client, Code, Config, Error, State};
use grpc_websocket_hostile::{Gateway, Probe, Settings, routes};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

const UNARY: &str = "/hostile.v1.Hostile/Unary";
const HOLD: &str = "/hostile.v1.Hostile/Hold";
const BIDI: &str = "/hostile.v1.Hostile/Bidi";

async fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        sleep(Duration::from_millis(2)).await;
    }
}

async fn unary<const N: usize, const W: usize, const T: usize>(
    client: Client<'_, N, W, T>,
    path: &str,
) -> Code {
    let mut buffer = [0; 128];
    let call = client.call::<Raw>(path);
    match call.unary::<_, &[u8]>(b"a", &mut buffer).await {
        Ok(_) => Code::Ok,
        Err(status) => status.code(),
    }
}

#[tokio::test]
async fn a_device_comes_back_to_a_server_that_was_killed() {
    let probe = Probe::default();
    let cloud = Cloud::start(routes(&probe));
    let address = cloud.address;
    let mut state = State::<2>::new();
    dial(Link::mux(address), &mut state, async |client, _, ends| {
        client.ready().await;
        let killing = async {
            until(|| probe.live() == 1).await;
            cloud.kill();
        };
        let (code, ()) = tokio::join!(unary(client, HOLD), killing);
        assert_eq!(code, Code::Unavailable);
        assert_eq!(unary(client, UNARY).await, Code::Unavailable);
        let _cloud = Cloud::start_at(address, routes(&probe));
        client.ready().await;
        assert_eq!(unary(client, UNARY).await, Code::Ok);
        let end = ends.borrow()[0];
        assert!(
            matches!(end, Err(Error::Closed(_) | Error::Transport(_))),
            "{end:?}"
        );
    })
    .await;
}

#[tokio::test]
async fn a_device_comes_back_to_a_gateway_that_was_killed() {
    let cloud = Cloud::start(Telemetry::routes());
    let gateway = Gateway::start(cloud.address, Settings::default());
    let (address, switch) = relay(gateway.address).await;
    let mut state = State::<2>::new();
    dial(Link::mux(address), &mut state, async |client, _, _| {
        client.ready().await;
        let reading = Reading::default();
        sensor::report(client, &reading).await.unwrap();
        let killing = async {
            sleep(Duration::from_millis(100)).await;
            drop(gateway);
        };
        let waiting = async {
            let (_sender, mut receiver) = client
                .call::<Raw>("/device.v1.Telemetry/Commands")
                .bidi()
                .await
                .unwrap();
            let mut buffer = [0; 128];
            loop {
                if let Err(status) = receiver.message::<&[u8]>(&mut buffer).await {
                    return status.code();
                }
            }
        };
        let (code, ()) = tokio::join!(waiting, killing);
        assert_eq!(code, Code::Unavailable);
        let report = sensor::report(client, &reading).await;
        assert_eq!(report.unwrap_err().code(), Code::Unavailable);
        let gateway = Gateway::start(cloud.address, Settings::default());
        switch.send(To::Address(gateway.address)).unwrap();
        client.ready().await;
        sensor::report(client, &reading).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_server_that_ends_lets_calls_end() {
    let probe = Probe::default();
    let mut cloud = Cloud::start(routes(&probe));
    let address = cloud.address;
    let mut state = State::<2>::new();
    dial(Link::mux(address), &mut state, async |client, _, ends| {
        client.ready().await;
        let mut buffer = [0; 128];
        let (mut sender, mut receiver) = client.call::<Raw>(BIDI).bidi().await.unwrap();
        sender.send(b"a", &mut buffer).await.unwrap();
        assert_eq!(
            receiver.message::<&[u8]>(&mut buffer).await,
            Ok(Some(&b"a"[..]))
        );
        cloud.shut_down();
        sleep(Duration::from_millis(100)).await;
        assert_eq!(unary(client, UNARY).await, Code::Unavailable);
        sender.send(b"b", &mut buffer).await.unwrap();
        assert_eq!(
            receiver.message::<&[u8]>(&mut buffer).await,
            Ok(Some(&b"b"[..]))
        );
        sender.half_close().await.unwrap();
        assert_eq!(receiver.message::<&[u8]>(&mut buffer).await, Ok(None));
        drop(receiver);
        until(|| !ends.borrow().is_empty()).await;
        cloud.kill();
        let _cloud = Cloud::start_at(address, routes(&probe));
        client.ready().await;
        assert_eq!(unary(client, UNARY).await, Code::Ok);
    })
    .await;
}

#[tokio::test]
async fn a_device_that_goes_away_lets_its_calls_end() {
    let cloud = Cloud::start(routes(&Probe::default()));
    let mut state = State::<2>::new();
    dial(
        Link::mux(cloud.address),
        &mut state,
        async |client, _, ends| {
            client.ready().await;
            let mut buffer = [0; 128];
            let (mut sender, mut receiver) = client.call::<Raw>(BIDI).bidi().await.unwrap();
            client.go_away();
            sleep(Duration::from_millis(50)).await;
            sender.send(b"a", &mut buffer).await.unwrap();
            assert_eq!(
                receiver.message::<&[u8]>(&mut buffer).await,
                Ok(Some(&b"a"[..]))
            );
            sender.half_close().await.unwrap();
            assert_eq!(receiver.message::<&[u8]>(&mut buffer).await, Ok(None));
            drop(receiver);
            until(|| !ends.borrow().is_empty()).await;
            assert_eq!(ends.borrow()[0], Ok(()));
        },
    )
    .await;
}

/// Where a relay passes connections to.
#[derive(Debug, Clone, Copy)]
enum To {
    Address(SocketAddr),
    /// Nothing moves, and nothing is closed.
    Nowhere,
}

/// Passes connections on, to where it is told.
async fn relay(to: SocketAddr) -> (SocketAddr, watch::Sender<To>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (switch, to) = watch::channel(To::Address(to));
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            tokio::spawn(pass(near, to.clone()));
        }
    });
    (address, switch)
}

async fn pass(mut near: TcpStream, mut to: watch::Receiver<To>) {
    let To::Address(address) = *to.borrow_and_update() else {
        return std::future::pending().await;
    };
    let Ok(mut far) = TcpStream::connect(address).await else {
        return;
    };
    tokio::select! {
        _ = copy_bidirectional(&mut near, &mut far) => {}
        () = async { drop(to.wait_for(|to| matches!(to, To::Nowhere)).await) } => {
            std::future::pending::<()>().await;
        }
    }
}

#[tokio::test]
async fn a_peer_that_vanishes_is_found_out_in_the_time_of_keepalive() {
    let probe = Probe::default();
    let cloud = Cloud::start(routes(&probe));
    let (address, switch) = relay(cloud.address).await;
    let millis = embassy_time::Duration::from_millis;
    let keepalive = Some((millis(300), millis(200)));
    let link = Link {
        config: Config::DEFAULT.with_keepalive(keepalive),
        ..Link::mux(address)
    };
    let mut state = State::<2>::new();
    dial(link, &mut state, async |client, _, ends| {
        client.ready().await;
        // Silence alone is no loss.
        let waiting = unary(client, HOLD);
        let mut waiting = std::pin::pin!(waiting);
        assert!(timeout(Duration::from_secs(2), &mut waiting).await.is_err());
        assert!(ends.borrow().is_empty());
        switch.send(To::Nowhere).unwrap();
        let begun = Instant::now();
        assert_eq!(waiting.await, Code::Unavailable);
        let took = begun.elapsed();
        assert!(took < Duration::from_secs(2), "{took:?}");
        // The runner reads on for a second.
        until(|| !ends.borrow().is_empty()).await;
        assert!(matches!(ends.borrow()[0], Err(Error::Mux(_))), "{ends:?}");
        switch.send(To::Address(cloud.address)).unwrap();
    })
    .await;
}
