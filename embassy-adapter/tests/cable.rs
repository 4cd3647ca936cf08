//! The network that other tests stand on: embassy-net over a cable in memory, in virtual time.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]
#![allow(clippy::arithmetic_side_effects)]

mod common;

use common::net::{A, Link, Net, pair};
use common::{join, run_in_time};
use embassy_net::tcp::{ConnectError, Error, TcpSocket};
use embassy_time::{Duration, Instant, Timer};
use embedded_io_async::{Read, Write};

const PORT: u16 = 8080;

/// Sends so many bytes from `a` to `b` and back; how long that takes.
async fn echo(net: Net<'_>, len: usize) -> Duration {
    let (mut a, mut b) = net.connect(PORT).await;
    let started = Instant::now();
    join(send_and_check(&mut a, len), send_back(&mut b, len)).await;
    started.elapsed()
}

async fn send_and_check(socket: &mut TcpSocket<'_>, len: usize) {
    let sent: Vec<u8> = (0..len).map(|i| (i % 251).to_le_bytes()[0]).collect();
    let mut received = vec![0; len];
    let (mut reader, mut writer) = socket.split();
    let (written, read) = join(writer.write_all(&sent), reader.read_exact(&mut received)).await;
    written.unwrap();
    read.unwrap();
    assert!(sent == received);
}

async fn send_back(socket: &mut TcpSocket<'_>, len: usize) {
    let mut chunk = [0; 1000];
    let mut rest = len;
    while rest > 0 {
        let taken = socket.read(&mut chunk).await.unwrap();
        socket.write_all(&chunk[..taken]).await.unwrap();
        rest -= taken;
    }
}

#[test]
fn a_mebibyte_is_echoed() {
    pair(Link::PERFECT, async |net| echo(net, 1 << 20).await);
}

#[test]
fn lost_packets_are_sent_again() {
    let link = Link::PERFECT.losing_every(13);
    let took = pair(link, async |net| echo(net, 50_000).await);
    assert!(took > Duration::from_millis(100), "{took}");
}

#[test]
fn a_test_takes_the_same_time_in_every_run() {
    let link = Link::PERFECT
        .losing_every(7)
        .with_latency(Duration::from_millis(20));
    let run = || pair(link, async |net| echo(net, 20_000).await);
    assert_eq!(run(), run());
}

#[test]
fn a_byte_and_its_echo_take_the_latency_twice() {
    let link = Link::PERFECT.with_latency(Duration::from_millis(100));
    let took = pair(link, async |net| echo(net, 1).await);
    assert_eq!(took, Duration::from_millis(200));
}

#[test]
fn a_peer_that_vanishes_is_found_by_the_timeout() {
    let (error, took) = pair(Link::PERFECT, async |net| {
        let (mut a, _b) = net.connect(PORT).await;
        a.set_timeout(Some(Duration::from_secs(10)));
        net.unplug();
        let started = Instant::now();
        a.write_all(b"anyone?").await.unwrap();
        (a.read(&mut [0; 8]).await, started.elapsed())
    });
    assert_eq!(error, Err(Error::ConnectionReset));
    assert!((10..12).contains(&took.as_secs()), "{took}");
}

#[test]
fn a_cable_that_is_plugged_again_goes_on() {
    pair(Link::PERFECT, async |net| {
        let (mut a, mut b) = net.connect(PORT).await;
        net.unplug();
        let replug = async {
            Timer::after_secs(3).await;
            net.plug();
        };
        let echo = join(send_and_check(&mut a, 5000), send_back(&mut b, 5000));
        join(replug, echo).await;
        assert!(Instant::now() > Instant::from_secs(3));
    });
}

#[test]
fn a_port_without_a_listener_is_refused() {
    let result = pair(Link::PERFECT, async |net| {
        net.b.wait_config_up().await;
        Net::socket(net.b).connect((A, PORT)).await
    });
    assert_eq!(result, Err(ConnectError::ConnectionReset));
}

#[test]
#[should_panic(expected = "the future hangs")]
fn a_test_that_waits_for_nothing_fails() {
    run_in_time(std::future::pending::<()>());
}
