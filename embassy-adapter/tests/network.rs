//! Calls over TCP of embassy-net, in virtual time: packets are lost, cables are pulled.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]
#![allow(clippy::arithmetic_side_effects)]

mod common;

use std::convert::Infallible;
use std::future::pending;

use common::join;
use common::net::{Link, Net, pair};
use embassy_futures::select::{Either, Either3, select, select3};
use embassy_time::{Duration, Instant, Timer};
use grpc_websocket_embassy::codec::Raw;
use grpc_websocket_embassy::handshake::{Accept, Upgrade};
use grpc_websocket_embassy::{Client, Code, Config, Error, Incoming, Server, State, Status};

const PORT: u16 = 80;
const UPGRADE: Upgrade<'_> = Upgrade::new("10.0.0.2", "/");
const CALLS: usize = 4;
const WINDOW: usize = 512;

type TestState = State<CALLS, WINDOW, WINDOW>;
type TestClient<'a> = Client<'a, CALLS, WINDOW, WINDOW>;
type TestServer<'a> = Server<'a, CALLS, WINDOW, WINDOW>;
type TestCall<'a> = Incoming<'a, Raw, CALLS, WINDOW, WINDOW>;

/// A device that calls another, which sends every message back.
async fn devices<O>(net: Net<'_>, test: impl AsyncFnOnce(TestClient<'_>) -> O) -> O {
    let (mut a, mut b) = net.connect(PORT).await;
    let ((from_b, to_b), (from_a, to_a)) = (a.split(), b.split());
    let (mut ours, mut theirs) = (TestState::new(), TestState::new());
    let (client, _, mut dialer) = ours.split(Config::DEFAULT, 1);
    let config = Config::DEFAULT.with_max_incoming_calls(CALLS);
    let (_, server, mut acceptor) = theirs.split(config, 2);
    let accept = Accept::new();
    let connections = async {
        let dialing = dialer.connect(from_b, to_b, &UPGRADE);
        let _ends = join(dialing, acceptor.accept(from_a, to_a, &accept)).await;
        pending::<Infallible>().await
    };
    let test = async {
        client.ready().await;
        test(client).await
    };
    match select3(test, connections, serve(server)).await {
        Either3::First(output) => output,
        Either3::Second(never) | Either3::Third(never) => match never {},
    }
}

async fn serve(server: TestServer<'_>) -> Infallible {
    let mut buffer = vec![0; 32 * 1024];
    loop {
        let (_, call) = server.accept(&mut buffer).await;
        let _ended = echo(call, &mut buffer).await;
    }
}

async fn echo(mut call: TestCall<'_>, buffer: &mut [u8]) -> Result<(), Status> {
    while let Some(message) = call.message::<&[u8]>(buffer).await? {
        let message = message.to_vec();
        call.send(&message, buffer).await?;
    }
    call.finish(&Status::OK).await
}

async fn call_and_check(client: TestClient<'_>, len: usize) {
    let message: Vec<u8> = (0..len).map(|i| (i % 251).to_le_bytes()[0]).collect();
    let mut buffer = vec![0; len + 16];
    let call = client.call::<Raw>("/t.T/Echo");
    let answer: &[u8] = call.unary(&message, &mut buffer).await.unwrap();
    assert!(answer == message);
}

#[test]
fn a_call_survives_lost_packets() {
    let link = Link::PERFECT
        .losing_every(13)
        .with_latency(Duration::from_millis(5));
    pair(link, async |net| {
        devices(net, async |client| call_and_check(client, 20_000).await).await;
    });
}

#[test]
fn a_connection_that_is_idle_stays() {
    pair(Link::PERFECT, async |net| {
        devices(net, async |client| {
            Timer::after_secs(200).await;
            call_and_check(client, 10).await;
        })
        .await;
    });
}

#[test]
fn calls_of_a_peer_that_vanishes_are_unavailable() {
    let (status, took) = pair(Link::PERFECT, async |net| {
        devices(net, async |client| {
            let call = client.call::<Raw>("/t.T/Echo");
            let (mut sender, mut receiver) = call.bidi().await.unwrap();
            let mut buffer = [0; 64];
            sender.send("hello", &mut buffer).await.unwrap();
            let echo: Option<&[u8]> = receiver.message(&mut buffer).await.unwrap();
            assert_eq!(echo, Some(&b"hello"[..]));
            net.unplug();
            let started = Instant::now();
            let next = receiver.message::<&[u8]>(&mut buffer).await;
            (next.unwrap_err(), started.elapsed())
        })
        .await
    });
    assert_eq!(status.code(), Code::Unavailable);
    // The keepalive: 20 s of silence, and 10 s for the answer.
    assert!((29..35).contains(&took.as_secs()), "{took}");
}

#[test]
fn a_deadline_holds_while_the_cable_is_out() {
    let (status, took) = pair(Link::PERFECT, async |net| {
        devices(net, async |client| {
            net.unplug();
            let call = client.call::<Raw>("/t.T/Echo");
            let started = Instant::now();
            let call = call.timeout(Duration::from_secs(3));
            let mut buffer = [0; 64];
            let answer = call.unary::<_, &[u8]>("hello", &mut buffer).await;
            (answer.unwrap_err(), started.elapsed())
        })
        .await
    });
    assert_eq!(status.code(), Code::DeadlineExceeded);
    assert!((3000..3100).contains(&took.as_millis()), "{took}");
}

#[test]
fn a_call_goes_on_when_the_cable_is_back() {
    pair(Link::PERFECT, async |net| {
        devices(net, async |client| {
            let back = async {
                Timer::after_secs(4).await;
                net.plug();
            };
            net.unplug();
            join(back, call_and_check(client, 5000)).await;
        })
        .await;
    });
}

#[test]
fn a_server_that_never_answers_the_handshake_is_given_up() {
    let (result, took) = pair(Link::PERFECT, async |net| {
        let (mut a, _b) = net.connect(PORT).await;
        let (reader, writer) = a.split();
        let mut state = TestState::new();
        let (_, _, mut runner) = state.split(Config::DEFAULT, 1);
        let started = Instant::now();
        let result = runner.connect(reader, writer, &UPGRADE).await;
        (result, started.elapsed())
    });
    assert_eq!(result, Err(Error::Timeout));
    assert!((10_000..10_100).contains(&took.as_millis()), "{took}");
}

#[test]
fn a_connection_that_is_dropped_ends_its_calls() {
    let status = pair(Link::PERFECT, async |net| {
        let (mut a, mut b) = net.connect(PORT).await;
        let (mut ours, mut theirs) = (TestState::new(), TestState::new());
        let (client, _, mut dialer) = ours.split(Config::DEFAULT, 1);
        let (_, _server, mut acceptor) = theirs.split(Config::DEFAULT, 2);
        let accept = Accept::new();
        let call = async {
            client.ready().await;
            let call = client.call::<Raw>("/t.T/Echo");
            let mut buffer = [0; 64];
            let answer = call.unary::<_, &[u8]>("hello", &mut buffer).await;
            answer.unwrap_err()
        };
        let driving = async {
            let ((from_b, to_b), (from_a, to_a)) = (a.split(), b.split());
            let dialing = dialer.connect(from_b, to_b, &UPGRADE);
            let connection = join(dialing, acceptor.accept(from_a, to_a, &accept));
            let Either::First(()) = select(Timer::after_secs(5), connection).await else {
                panic!("it ended by itself");
            };
        };
        join(call, driving).await.0
    });
    assert_eq!(status.code(), Code::Unavailable);
}
