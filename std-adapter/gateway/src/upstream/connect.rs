//! Connects to the upstream.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::uri::Authority;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep, timeout};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the upstream may take to its first byte: an HTTP/2 server speaks first (RFC 9113
/// section 3.4), so one that says nothing will not answer either.
const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(5);

/// TCP's keepalive finds a host that vanished. Frequent HTTP/2 pings would find it too, but gRPC
/// servers take them for abuse and end the connection (grpc-go allows one in five minutes).
const KEEPALIVE_TIME: Duration = Duration::from_secs(10);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(5);

pub(super) async fn connect(server: &Authority) -> io::Result<Stream> {
    let host = server.host().trim_matches(['[', ']']);
    let port = server.port_u16().unwrap_or(80);
    let stream = timeout(CONNECT_TIMEOUT, TcpStream::connect((host, port)))
        .await
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "no connection in time"))??;
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new()
        .with_time(KEEPALIVE_TIME)
        .with_interval(KEEPALIVE_INTERVAL);
    SockRef::from(&stream).set_tcp_keepalive(&keepalive)?;
    Ok(Stream {
        stream,
        deadline: Some(Box::pin(sleep(FIRST_BYTE_TIMEOUT))),
    })
}

/// A connection whose first byte has to come in time.
pub(super) struct Stream {
    stream: TcpStream,
    /// Until the first byte came.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if result.is_ready() {
            self.deadline = None;
        }
        let Some(deadline) = &mut self.deadline else {
            return result;
        };
        deadline.as_mut().poll(cx).map(|()| {
            let message = "it accepts connections but does not speak HTTP/2";
            Err(io::Error::new(io::ErrorKind::TimedOut, message))
        })
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
