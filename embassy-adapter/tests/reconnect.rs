//! `net::connect`, `net::accept` and `Backoff`: calls over a cable that loses packets, and after it was cut.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod common;

use common::join;
use common::net::{A, Link, Net, pair};
use embassy_futures::select::select;
use embassy_time::{Duration, Instant, Timer};
use grpc_websocket_embassy::codec::Raw;
use grpc_websocket_embassy::handshake::{Accept, Subprotocol, Upgrade};
use grpc_websocket_embassy::{Backoff, Client, Code, Config, Server, State, Status, net};

const PORT: u16 = 80;
const CALLS: usize = 2;

type Device<'a> = Client<'a, CALLS, 512, 512>;

/// Serves at `a`, one connection after the other, and runs `calls` on a client at `b`, which connects
/// again whenever it is lost.
async fn run(network: Net<'_>, calls: impl AsyncFnOnce(Device<'_>)) {
    let keepalive = Some((Duration::from_secs(5), Duration::from_secs(5)));
    let config = Config::DEFAULT.with_keepalive(keepalive);
    let (mut ours, mut theirs) = (State::new(), State::<CALLS>::new());
    let (client, _, mut dialer) = ours.split(config, 1);
    let incoming = config.with_max_incoming_calls(CALLS);
    let (_, server, mut acceptor) = theirs.split(incoming, 2);
    let upgrade = Upgrade::new("a", "/").subprotocols(&[Subprotocol::Mux]);
    let serving = async {
        let mut socket = Net::socket(network.a);
        loop {
            let _ = net::accept(&mut acceptor, &mut socket, PORT, &Accept::new()).await;
        }
    };
    let dialing = async {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(2), 3);
        network.b.wait_config_up().await;
        let mut socket = Net::socket(network.b);
        loop {
            let _ = net::connect(&mut dialer, &mut socket, (A, PORT), &upgrade).await;
            backoff.wait().await;
        }
    };
    let answering = join(answer(server), answer(server));
    let lasting = join(join(serving, dialing), answering);
    select(lasting, calls(client)).await;
}

/// Echoes every message of every call.
async fn answer(server: Server<'_, CALLS, 512, 512>) {
    let mut buffer = [0; 2048];
    loop {
        let (_, mut call) = server.accept::<Raw>(&mut buffer).await;
        let echoed = async {
            while let Some(message) = call.message::<&[u8]>(&mut buffer).await? {
                let message = message.to_vec();
                call.send(&message, &mut buffer).await?;
            }
            Ok::<(), Status>(())
        };
        if echoed.await.is_ok() {
            let _ = call.finish(&Status::OK).await;
        }
    }
}

async fn echo(client: Device<'_>, len: usize) -> Result<(), Status> {
    let message: Vec<u8> = (0..len).map(|i| (i % 251).to_le_bytes()[0]).collect();
    let mut buffer = [0; 2048];
    let call = client
        .call::<Raw>("/t.T/Echo")
        .timeout(Duration::from_secs(30));
    let answer: &[u8] = call.unary(&message, &mut buffer).await?;
    assert!(answer == message);
    Ok(())
}

#[test]
fn calls_are_made_over_a_cable_that_loses_packets() {
    for link in [Link::PERFECT, Link::PERFECT.losing_every(11)] {
        pair(link, async |network| {
            run(network, async |client| {
                client.ready().await;
                for len in [0, 10, 400, 2000] {
                    join(echo(client, len), echo(client, 100)).await.0.unwrap();
                }
            })
            .await;
        });
    }
}

#[test]
fn a_call_ends_when_the_cable_is_cut_and_the_next_one_finds_the_server_again() {
    pair(Link::PERFECT, async |network| {
        run(network, async |client| {
            client.ready().await;
            let (mut sender, mut receiver) = client.call::<Raw>("/t.T/Echo").bidi().await.unwrap();
            let mut buffer = [0; 64];
            sender.send(b"hi", &mut buffer).await.unwrap();
            let answer = receiver.message::<&[u8]>(&mut buffer).await;
            assert_eq!(answer, Ok(Some(&b"hi"[..])));
            network.unplug();
            let cut = Instant::now();
            let answer = receiver.message::<&[u8]>(&mut buffer).await;
            assert_eq!(answer.unwrap_err().code(), Code::Unavailable);
            assert!(cut.elapsed() <= Duration::from_secs(12), "by keepalive");
            assert_eq!(echo(client, 1).await.unwrap_err().code(), Code::Unavailable);
            Timer::after_secs(5).await;
            network.plug();
            client.ready().await;
            echo(client, 100).await.unwrap();
        })
        .await;
    });
}
