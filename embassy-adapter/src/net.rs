//! TCP sockets of embassy-net: connected, driven, and closed.
//!
//! A [`Runner`] takes the halves of any transport. These functions do what a `TcpSocket` needs beside:
//! they turn Nagle's algorithm off, which would hold small messages back, bound the time to connect, and
//! see to it that the last words are sent before the socket is used again.

use embassy_net::IpEndpoint;
use embassy_net::tcp::TcpSocket;
use embassy_time::{Duration, with_timeout};
use embedded_io_async::{Error as _, ErrorKind};

use crate::error::Error;
use crate::handshake::{Accept, Upgrade};
use crate::runner::Runner;

/// How long the end of a connection may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Connects a socket to a server and drives a WebSocket on it to its end. The socket can be connected
/// again then.
///
/// # Cancel safety
/// Dropping the future ends all calls as UNAVAILABLE; abort the socket before it is used again.
///
/// # Errors
/// [`Error::Timeout`] or [`Error::Transport`] if there is no connection; otherwise as
/// [`Runner::connect`].
pub async fn connect<const N: usize, const W: usize, const T: usize>(
    runner: &mut Runner<'_, N, W, T>,
    socket: &mut TcpSocket<'_>,
    server: impl Into<IpEndpoint>,
    upgrade: &Upgrade<'_>,
) -> Result<(), Error> {
    socket.set_nagle_enabled(false);
    let connected = with_timeout(runner.timeout(), socket.connect(server)).await;
    let connected = connected.unwrap_or(Err(embassy_net::tcp::ConnectError::TimedOut));
    if let Err(error) = connected {
        socket.abort();
        return Err(Error::Transport(error.kind()));
    }
    let (reader, writer) = socket.split();
    let ended = runner.connect(reader, writer, upgrade).await;
    close(socket).await;
    ended
}

/// Waits for a peer to connect to a port, and drives the WebSocket that it opens to its end. For several
/// peers at once there have to be as many sockets, each with a [`State`](crate::State) of its own.
///
/// # Cancel safety
/// As that of [`connect`].
///
/// # Errors
/// [`Error::Transport`] if the socket cannot listen; otherwise as [`Runner::accept`].
pub async fn accept<const N: usize, const W: usize, const T: usize>(
    runner: &mut Runner<'_, N, W, T>,
    socket: &mut TcpSocket<'_>,
    port: u16,
    accept: &Accept<'_>,
) -> Result<(), Error> {
    socket.set_nagle_enabled(false);
    let connected = socket.accept(port).await;
    connected.map_err(|_| Error::Transport(ErrorKind::Other))?;
    let (reader, writer) = socket.split();
    let ended = runner.accept(reader, writer, accept).await;
    close(socket).await;
    ended
}

/// Sends what is left, and frees the socket whatever the peer does. For who drives a [`Runner`] on a
/// socket in another way than the functions here, such as by TLS.
///
/// # Cancel safety
/// As that of [`connect`].
pub async fn close(socket: &mut TcpSocket<'_>) {
    for end in [TcpSocket::close, TcpSocket::abort] {
        end(socket);
        let _ = with_timeout(CLOSE_TIMEOUT, socket.flush()).await;
    }
}
