//! Counts connections.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use grpc_websocket_tokio::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tonic::transport::server::Connected;

use super::metrics::Metrics;

/// A listener whose connections are counted.
pub(crate) struct Counting<L> {
    listener: L,
    metrics: Metrics,
}

impl<L> Counting<L> {
    pub(crate) fn new(listener: L, metrics: Metrics) -> Self {
        Self { listener, metrics }
    }
}

impl<L: Listener + Sync> Listener for Counting<L> {
    type Io = Counted<L::Io>;

    async fn accept(&mut self) -> io::Result<Self::Io> {
        let io = self.listener.accept().await?;
        self.metrics.connected();
        Ok(Counted {
            io,
            metrics: self.metrics.clone(),
        })
    }
}

/// A connection that is counted for as long as it lives.
pub(crate) struct Counted<I> {
    io: I,
    metrics: Metrics,
}

impl<I> Drop for Counted<I> {
    fn drop(&mut self) {
        self.metrics.disconnected();
    }
}

impl<I: Connected> Connected for Counted<I> {
    type ConnectInfo = I::ConnectInfo;

    fn connect_info(&self) -> I::ConnectInfo {
        self.io.connect_info()
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Counted<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buffer)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Counted<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}
