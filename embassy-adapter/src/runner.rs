//! Driving a connection.

use core::future::poll_fn;
use core::ops::ControlFlow;
use core::pin::pin;
use core::task::{Context, Poll};

use embassy_time::{Duration, Instant, Timer, with_deadline};
use embedded_io_async::{ErrorKind, Read, Write};
use grpc_websocket_core::call::Role;
use grpc_websocket_core::ws::{self, Event};

use crate::error::Error;
use crate::handshake::{self, Accept, HandshakeError, Upgrade, Upgraded};
use crate::shared::{Shared, is_there, now};

/// How much is read at once, and the longest line of a handshake that counts.
const INPUT: usize = 512;

/// How much is written at once.
const CHUNK: usize = 128;

/// The longest path of an upgrade.
const MAX_PATH: usize = 96;

/// The longest time that a timer is set to.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// Drives one connection after the other. It makes none, and makes none again: that is the
/// application's, as is the socket.
///
/// Once it is known how a connection ends, its calls are over, and it takes no more:
/// * What is still to be written has a second; the answers of a connection that ends well have
///   [`Config::handshake_timeout`](crate::Config).
/// * Meanwhile, and for a second after the last write at most, what the peer sends is read and dropped: up
///   to its Close, and at a client up to the end of the transport, which is the server's to close first
///   (RFC 6455 section 7.1.1). A TCP socket that is closed with something unread in it is reset, and that
///   may destroy what was written last.
///
/// When a write fails, what comes counts for another second: a server may have answered, and closed,
/// before it had read all.
#[derive(Debug)]
pub struct Runner<'a, const N: usize, const W: usize, const T: usize> {
    shared: &'a Shared<N, W, T>,
}

impl<'a, const N: usize, const W: usize, const T: usize> Runner<'a, N, W, T> {
    pub(crate) const fn new(shared: &'a Shared<N, W, T>) -> Self {
        Self { shared }
    }

    /// Opens a WebSocket on a transport that is connected (RFC 6455 section 4.1), and drives it to its
    /// end. All calls are over then.
    ///
    /// # Cancel safety
    /// Dropping the future ends all calls as UNAVAILABLE; the transport has to be closed.
    ///
    /// # Errors
    /// Why it ended. Without an error it is after [`Client::go_away`](crate::Client::go_away), or the
    /// end of the only call of `grpc-websockets`.
    pub async fn connect<R: Read, X: Write>(
        &mut self,
        mut reader: R,
        mut writer: X,
        upgrade: &Upgrade<'_>,
    ) -> Result<(), Error> {
        let (config, nonce) = self.begin();
        let mut input = [0; INPUT];
        let opening = handshake::connect(
            &mut reader,
            &mut writer,
            upgrade,
            nonce,
            config.flush,
            &mut input,
        );
        let opened = with_deadline(after(config.handshake_timeout), opening).await;
        let upgraded = opened.map_err(|_| Error::Timeout)??;
        self.drive(reader, writer, (Role::Client, ""), upgraded, &mut input)
            .await
    }

    /// Answers the handshake of a peer that connected (RFC 6455 section 4.2), and drives the WebSocket
    /// to its end. Otherwise as [`connect`](Self::connect).
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub async fn accept<R: Read, X: Write>(
        &mut self,
        mut reader: R,
        mut writer: X,
        accept: &Accept<'_>,
    ) -> Result<(), Error> {
        let (config, _) = self.begin();
        let mut input = [0; INPUT];
        let mut path = [0; MAX_PATH];
        let opening = handshake::accept(
            &mut reader,
            &mut writer,
            accept,
            &mut path,
            config.flush,
            &mut input,
        );
        let opened = with_deadline(after(config.handshake_timeout), opening).await;
        let accepted = opened.map_err(|_| Error::Timeout)??;
        let (role, upgraded) = ((Role::Server, accepted.path), accepted.upgraded);
        self.drive(reader, writer, role, upgraded, &mut input).await
    }

    /// For what comes before the handshake.
    #[cfg(feature = "embassy-net-0_9")]
    pub(crate) fn timeout(&self) -> Duration {
        self.begin().0.handshake_timeout
    }

    fn begin(&self) -> (crate::config::Config, [u8; 16]) {
        let nothing = (crate::config::Config::DEFAULT, [0; 16]);
        self.shared
            .with(nothing, |inner| (inner.config, inner.random.nonce()))
    }

    async fn drive<R: Read, X: Write>(
        &mut self,
        mut reader: R,
        mut writer: X,
        (role, path): (Role, &str),
        upgraded: Upgraded,
        input: &mut [u8],
    ) -> Result<(), Error> {
        if !is_there(upgraded.subprotocol, role) {
            return Err(Error::Handshake(HandshakeError::Subprotocol));
        }
        let shared = self.shared;
        let flush = shared.with(false, |inner| {
            inner.begin(now(), upgraded.subprotocol, role, path);
            inner.config.flush
        });
        let _open = Open(shared);
        let mut reading = pin!(read(shared, &mut reader, role, input, upgraded.len));
        let mut writing = pin!(write(shared, &mut writer, flush));
        let (mut is_read, mut is_written) = (false, false);
        let mut timer = None;
        poll_fn(|cx| {
            // First, for what is read may wait for room in what is written.
            if !is_written && let Poll::Ready(result) = writing.as_mut().poll(cx) {
                is_written = true;
                shared.with((), |inner| inner.end_write(result));
            }
            if !is_read && let Poll::Ready(error) = reading.as_mut().poll(cx) {
                is_read = true;
                shared.with((), |inner| inner.end_read(error));
            }
            poll_time(shared, cx, &mut timer, is_read && is_written)
        })
        .await
    }
}

/// While it is there, a WebSocket is open.
struct Open<'a, const N: usize, const W: usize, const T: usize>(&'a Shared<N, W, T>);

impl<const N: usize, const W: usize, const T: usize> Drop for Open<'_, N, W, T> {
    fn drop(&mut self) {
        self.0.with((), |inner| inner.end());
    }
}

/// Reads until nothing more can come: up to the end of the transport, or, at a server, to the Close.
async fn read<R: Read, const N: usize, const W: usize, const T: usize>(
    shared: &Shared<N, W, T>,
    reader: &mut R,
    role: Role,
    input: &mut [u8],
    mut len: usize,
) -> Error {
    let mut frames = ws::Reader::new(role);
    loop {
        let mut rest = input.get_mut(..len).unwrap_or_default();
        loop {
            let mut event = match frames.recv(&mut rest) {
                Ok(Some(event)) => event,
                Ok(None) => break,
                Err(error) => {
                    shared.with((), |inner| inner.conclude(Err(error.into())));
                    break;
                }
            };
            poll_fn(|cx| {
                let control = frames.control_payload();
                shared.with(Poll::Ready(()), |inner| {
                    inner.poll_event(cx, &mut event, control)
                })
            })
            .await;
            // A client waits for the server to close the transport (RFC 6455 section 7.1.1).
            if let (Event::Close(code), Role::Server) = (event, role) {
                return Error::Closed(code);
            }
        }
        match reader.read(input).await {
            Ok(0) => return Error::Closed(None),
            Ok(read) => len = read,
            Err(error) => return failed(&error),
        }
    }
}

/// Writes what there is to be written, until the connection has said its last.
async fn write<X: Write, const N: usize, const W: usize, const T: usize>(
    shared: &Shared<N, W, T>,
    writer: &mut X,
    flush: bool,
) -> Result<(), Error> {
    let mut chunk = [0; CHUNK];
    loop {
        let len =
            poll_fn(|cx| shared.with(Poll::Ready(0), |inner| inner.poll_output(cx, &mut chunk)))
                .await;
        let mut rest = chunk.get(..len).unwrap_or_default();
        if rest.is_empty() {
            return Ok(());
        }
        // Not `write_all`, which panics when nothing is written.
        while !rest.is_empty() {
            let written = writer.write(rest).await.map_err(|error| failed(&error))?;
            if written == 0 {
                return Err(Error::Transport(ErrorKind::WriteZero));
            }
            rest = rest.get(written..).unwrap_or_default();
        }
        if flush && shared.with(true, |inner| inner.output.is_empty()) {
            writer.flush().await.map_err(|error| failed(&error))?;
        }
    }
}

/// Does what is due; ready when the connection is over.
fn poll_time<const N: usize, const W: usize, const T: usize>(
    shared: &Shared<N, W, T>,
    cx: &mut Context<'_>,
    timer: &mut Option<(Instant, Timer)>,
    is_done: bool,
) -> Poll<Result<(), Error>> {
    loop {
        let nothing = ControlFlow::Continue(None);
        let due = match shared.with(nothing, |inner| inner.step(cx, is_done)) {
            ControlFlow::Break(result) => return Poll::Ready(result),
            ControlFlow::Continue(None) => return Poll::Pending,
            ControlFlow::Continue(Some(due)) => due,
        };
        // Not further ahead: ticks of what a peer asks for may not fit into their number.
        let most = now().as_micros().saturating_add(LONGEST_WAIT.as_micros());
        let due = Instant::from_micros(due.as_micros().min(most));
        let (at, mut running) = match timer.take() {
            Some((at, running)) if at == due => (at, running),
            _ => (due, Timer::at(due)),
        };
        if core::pin::Pin::new(&mut running).poll(cx).is_pending() {
            *timer = Some((at, running));
            return Poll::Pending;
        }
    }
}

/// Not `with_timeout` or `Timer::after`, which panic at the end of time.
fn after(timeout: Duration) -> Instant {
    Instant::now().saturating_add(timeout)
}

fn failed(error: &impl embedded_io_async::Error) -> Error {
    Error::Transport(error.kind())
}
