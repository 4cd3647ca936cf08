//! TCP or a unix socket, whichever the address says.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use grpc_websocket_tokio::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio_stream::Stream;
use tonic::transport::server::Connected;

use super::{READS, WRITES};

/// A connection.
pub(super) enum Io {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// Where they come from.
pub(super) enum Listening {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listening {
    /// On `unix:` and a path, or an address with a port. Says which on the standard output.
    pub(super) async fn new(address: &str) -> io::Result<Self> {
        if let Some(path) = address.strip_prefix("unix:") {
            let listener = UnixListener::bind(path)?;
            super::say(address);
            return Ok(Self::Unix(listener));
        }
        let listener = TcpListener::bind(address).await?;
        super::say(&listener.local_addr()?.to_string());
        Ok(Self::Tcp(listener))
    }

    /// As tonic's server wants them.
    pub(super) fn into_stream(self) -> impl Stream<Item = io::Result<Io>> {
        futures_util::stream::unfold(self, async |mut listening| {
            Some((listening.accept().await, listening))
        })
    }
}

impl Listener for Listening {
    type Io = Io;

    async fn accept(&mut self) -> io::Result<Io> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = TcpListener::accept(listener).await?;
                stream.set_nodelay(true)?;
                Ok(Io::Tcp(stream))
            }
            Self::Unix(listener) => Ok(Io::Unix(UnixListener::accept(listener).await?.0)),
        }
    }
}

impl Connected for Io {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Io {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let poll = match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
        };
        count(&READS, &poll);
        poll
    }
}

impl AsyncWrite for Io {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
        };
        count(&WRITES, &poll);
        poll
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Self::Unix(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        };
        count(&WRITES, &poll);
        poll
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Self::Unix(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

/// What did not wait was a system call.
fn count<T>(calls: &AtomicU64, poll: &Poll<T>) {
    if poll.is_ready() {
        calls.fetch_add(1, Ordering::Relaxed);
    }
}
