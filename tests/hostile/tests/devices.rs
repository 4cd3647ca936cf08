//! A device that serves its server's calls, and a server that makes too many of them; a registry whose
//! application panics.

use std::sync::mpsc;
use std::time::Duration;

use grpc_websocket_hostile::calls::{endpoint, unary};
use grpc_websocket_hostile::mux::{self, END, OPEN, block, data, messages};
use grpc_websocket_hostile::{
    Accepted, Code, HostileServer, Probe, SERVICE, Settings, Target, eventually, routes,
};
use grpc_websocket_tokio::{Registry, Server, Subprotocols::Mux, WebSocketLayer};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

const LIMIT: Duration = Duration::from_secs(10);

/// How many calls the device takes.
const PLACES: u32 = 4;

/// A device that dials a server which follows a script once and is good then; when it is over, the
/// device serves nothing, and calls.
fn attack(script: impl Fn(Accepted, &Probe) + Send + Sync + 'static) -> Probe {
    let good = Target::in_process(Settings::default());
    let (probe, runtime) = (Probe::default(), Runtime::new().expect("a runtime"));
    let (done, is_done) = mpsc::channel();
    let server = HostileServer::once(good.address, {
        let probe = probe.clone();
        move |client| {
            script(client, &probe);
            // The test may have failed.
            let _ = done.send(());
        }
    });
    let device = runtime.block_on(async {
        let endpoint = endpoint(server.address, Mux).serve(routes(&probe), PLACES);
        endpoint.connect_lazy()
    });
    eventually("the attack is over", LIMIT, || {
        assert!(probe.live() <= PLACES.try_into().expect("a few"));
        runtime.block_on(unary(&device, "Unary", b"hi")).is_ok()
    });
    eventually("no handler is left", LIMIT, || probe.live() == 0);
    is_done.recv_timeout(LIMIT).expect("a script to its end");
    probe
}

/// Past the device's SETTINGS.
fn dialled(client: Accepted) -> Accepted {
    let mut client = client.upgraded();
    client.send(&messages(&[mux::usual_settings()]));
    client.until(0x2, &[0x50]);
    client
}

/// Opens a call that never ends.
fn hold(id: u32) -> Vec<u8> {
    let path = block(&format!(":path: /{SERVICE}/Hold\r\n"));
    data(OPEN, id, &path)
}

/// The server's ids.
fn ids(calls: u32) -> impl Iterator<Item = u32> {
    (1..=calls).map(|call| call * 2)
}

#[test]
fn calls_over_the_limit_of_a_device_are_refused_and_then_end_the_connection() {
    let probe = attack(|client, probe| {
        let mut client = dialled(client);
        for id in ids(PLACES + 1) {
            client.send(&messages(&[hold(id)]));
        }
        client.until(0x2, &mux::reset(1, (PLACES + 1) * 2, 14)[..5]);
        assert_eq!(probe.live(), PLACES.try_into().expect("a few"));
        for id in ids(100_000).skip(5) {
            if !client.send(&messages(&[hold(id)])) {
                break;
            }
        }
        client.drain();
    });
    assert_eq!(probe.begun(), PLACES.try_into().expect("a few"));
}

#[test]
fn rapid_resets_of_calls_to_a_device_end_the_connection() {
    let probe = attack(|client, _| {
        let mut client = dialled(client);
        for id in ids(100_000) {
            if !client.send(&messages(&[hold(id), mux::reset(0, id, 1)])) {
                break;
            }
        }
        client.drain();
    });
    assert!(probe.begun() <= 1000, "{}", probe.begun());
}

#[test]
fn calls_with_wrong_ids_or_blocks_harm_no_device() {
    attack(|client, probe| {
        let mut client = dialled(client);
        client.send(&messages(&[hold(2)]));
        eventually("a handler", LIMIT, || probe.live() == 1);
        let block = block("no path: here\r\n");
        client.send(&messages(&[data(OPEN | END, 4, &block)]));
        while let Some((_, frame)) = client.frame()
            && frame.get(1..5) != Some(&[0, 0, 0, 4])
        {}
        assert_eq!(probe.live(), 1, "the other goes on");
        // An id that goes back.
        client.send(&messages(&[hold(2)]));
        assert_eq!(client.until_close(), Some(1002));
    });
}

#[test]
fn an_identity_that_panics_ends_its_handshake_only() {
    let runtime = Runtime::new().expect("a runtime");
    let devices = Registry::new(|head| {
        let serial = head.headers.get("x-serial")?.to_str().ok()?;
        assert_ne!(serial, "bad", "the application's bug");
        Some(serial.to_owned())
    });
    let layer = WebSocketLayer::new().registry(&devices);
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let service = routes(&Probe::default());
        tokio::spawn(async move { Server::new().layer(layer).serve(listener, service).await });
        let dial = |serial: &str| {
            let (name, value) = ("x-serial".parse(), serial.parse());
            let endpoint = endpoint(address, Mux).header(name.expect("one"), value.expect("one"));
            endpoint.serve(routes(&Probe::default()), PLACES)
        };
        let status = dial("bad").connect().await.expect_err("a panic");
        assert_eq!(status.code(), Code::Unavailable, "{status}");
        let good = dial("good").connect().await.expect("a server");
        assert_eq!(unary(&good, "Unary", b"hi").await.expect("an answer"), "hi");
        let device = tokio::time::timeout(LIMIT, async {
            loop {
                match devices.get(&"good".to_owned()) {
                    Some(device) => return device,
                    None => tokio::time::sleep(Duration::from_millis(5)).await,
                }
            }
        });
        let device = device.await.expect("a device");
        assert_eq!(
            unary(&device, "Unary", b"hi").await.expect("an answer"),
            "hi"
        );
        assert_eq!(devices.identities(), ["good"]);
    });
}
