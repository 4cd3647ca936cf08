//! Where connections come from.

use std::io;
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tonic::transport::server::Connected;

/// TCP's own keepalive finds the hosts that vanish in the middle of an HTTP/1.1 answer.
const TCP_KEEPALIVE: Duration = Duration::from_secs(30);

/// Accepts connections for a [`Server`](crate::Server): tokio's [`TcpListener`], its
/// `UnixListener` where there is one, or one of your own.
///
/// What a connection says of its peer by tonic's [`Connected`] is in the extensions of each
/// request on it, as with tonic's own server.
pub trait Listener: Send + 'static {
    /// A connection.
    type Io: AsyncRead + AsyncWrite + Connected + Unpin + Send + 'static;

    /// The next connection. The future may be dropped without losing one.
    ///
    /// # Errors
    /// The server logs an error and tries again: at once if it is of one connection, by its
    /// [kind](io::ErrorKind), else after 100 ms.
    fn accept(&mut self) -> impl Future<Output = io::Result<Self::Io>> + Send;
}

/// TCP, with Nagle's algorithm off and keepalive after 30 s.
impl Listener for TcpListener {
    type Io = TcpStream;

    async fn accept(&mut self) -> io::Result<TcpStream> {
        let (stream, _) = TcpListener::accept(self).await?;
        // Small frames are what real-time calls are made of.
        let _ = stream.set_nodelay(true);
        let keepalive = TcpKeepalive::new()
            .with_time(TCP_KEEPALIVE)
            .with_interval(TCP_KEEPALIVE);
        let _ = SockRef::from(&stream).set_tcp_keepalive(&keepalive);
        Ok(stream)
    }
}

/// A unix socket. Its file stays when the listener is dropped.
#[cfg(unix)]
impl Listener for tokio::net::UnixListener {
    type Io = tokio::net::UnixStream;

    async fn accept(&mut self) -> io::Result<tokio::net::UnixStream> {
        let (stream, _) = tokio::net::UnixListener::accept(self).await?;
        Ok(stream)
    }
}
