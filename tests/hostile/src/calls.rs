//! Calls by our own client.

use bytes::Bytes;
use grpc_websocket_tokio::{Backoff, Channel, Endpoint, Subprotocols};
use http::uri::PathAndQuery;
use std::net::SocketAddr;
use std::time::Duration;
use tokio_stream::Stream;
use tonic::client::Grpc;
use tonic::codec::CompressionEncoding;
use tonic::{Response, Status, Streaming};

use crate::codec::BytesCodec;
use crate::service::SERVICE;

/// Both subprotocols.
pub const BOTH: [Subprotocols; 2] = [Subprotocols::Mux, Subprotocols::Single];

/// A server to call, at once again after a failure.
///
/// # Panics
/// Never: an address is a good URI.
#[must_use]
pub fn endpoint(address: SocketAddr, subprotocols: Subprotocols) -> Endpoint {
    Endpoint::new(format!("ws://{address}"))
        .expect("a good URI")
        .subprotocols(subprotocols)
        // One that a few frames fill.
        .call_window_len(64 * 1024)
        .backoff(Backoff::new(Duration::ZERO, Duration::ZERO))
}

/// Calls a method of the service; the answer is a stream, whatever the method's kind.
///
/// # Errors
/// The status of the call, if it ends before its answer begins.
pub async fn call<S>(
    channel: &Channel,
    method: &str,
    messages: S,
) -> Result<Response<Streaming<Bytes>>, Status>
where
    S: Stream<Item = Bytes> + Send + 'static,
{
    let mut grpc = Grpc::new(channel.clone());
    let request = tonic::Request::new(messages);
    grpc.streaming(request, path(method), BytesCodec).await
}

/// Calls a method with one message for one message, which may be compressed with gzip.
///
/// # Errors
/// The status of the call.
pub async fn unary(channel: &Channel, method: &str, message: &[u8]) -> Result<Bytes, Status> {
    let mut grpc = Grpc::new(channel.clone()).accept_compressed(CompressionEncoding::Gzip);
    let request = tonic::Request::new(Bytes::copy_from_slice(message));
    let response = grpc.unary(request, path(method), BytesCodec).await?;
    Ok(response.into_inner())
}

fn path(method: &str) -> PathAndQuery {
    let path = format!("/{SERVICE}/{method}");
    path.parse().expect("a method's path")
}
