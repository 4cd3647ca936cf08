//! Keeps a socket connected to a server.

use core::fmt::Debug;

use embassy_net::IpEndpoint;
use embassy_net::tcp::TcpSocket;
use embassy_time::{Duration, Instant};
use grpc_websocket_embassy::handshake::Upgrade;
use grpc_websocket_embassy::{Backoff, Runner, net};

use crate::log;

/// The first wait before the server is dialled again, and the longest.
const WAITS: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));

/// A connection that lasted so long was good.
const GOOD: Duration = Duration::from_secs(10);

/// Connects to a server, and again whenever the connection ended, for ever.
pub async fn dial<const N: usize, const W: usize, const T: usize>(
    runner: &mut Runner<'_, N, W, T>,
    socket: &mut TcpSocket<'_>,
    server: impl Into<IpEndpoint>,
    upgrade: &Upgrade<'_>,
    seed: u64,
) -> ! {
    let server = server.into();
    let mut pause = Pause::new(seed);
    loop {
        let begun = Instant::now();
        let ended = net::connect(runner, socket, server, upgrade).await;
        pause.after(begun, ended).await;
    }
}

/// What is between one connection and the next.
pub(crate) struct Pause(Backoff);

impl Pause {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Backoff::new(WAITS.0, WAITS.1, seed))
    }

    /// Waits after a connection, for longer if it was no good one.
    pub(crate) async fn after<E: Debug>(&mut self, begun: Instant, ended: Result<(), E>) {
        if let Err(error) = &ended {
            log!("connection: {error:?}");
        }
        if ended.is_ok() || begun.elapsed() >= GOOD {
            self.0.reset();
        }
        self.0.wait().await;
    }
}
