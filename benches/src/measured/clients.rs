//! Clients that tonic generated, over either channel. They call all the time.

use std::error::Error;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use clap::ValueEnum;
use futures_util::future::join_all;
use grpc_websocket_tokio::{Endpoint, Transports};
use http_body::Body as HttpBody;
use serde::{Deserialize, Serialize};
use tonic::Status;
use tonic::body::Body;
use tonic::client::GrpcService;

use super::pb::Payload;
use super::pb::bench_client::BenchClient;
use super::{CALLS, Runtime, answer_parent, say};

type BoxError = Box<dyn Error + Send + Sync>;

/// Whose channel calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Client {
    /// `tonic::transport::Channel`.
    Tonic,
    /// This project's, by `grpc-mux.v1`.
    Mux,
    /// This project's, by HTTP/2.
    Http2,
}

/// Makes unary calls, `in_flight` at a time, until the standard input ends or so many were made.
///
/// # Errors
/// A call failed.
pub fn call(
    client: Client,
    runtime: Runtime,
    address: &str,
    in_flight: usize,
    size: usize,
    most: u64,
) -> Result<(), BoxError> {
    answer_parent();
    runtime.build()?.block_on(async {
        let uri = address.strip_prefix("http://").unwrap_or(address);
        match client {
            Client::Tonic => {
                let endpoint = tonic::transport::Endpoint::new(http_uri(uri))?;
                repeat(endpoint.connect().await?, in_flight, size, most).await?;
            }
            Client::Mux => {
                let transports = Transports::WebSocket;
                let endpoint = Endpoint::new(ws_uri(uri))?.transports(transports);
                repeat(endpoint.connect_lazy(), in_flight, size, most).await?;
            }
            Client::Http2 => {
                let endpoint = Endpoint::new(http_uri(uri))?.transports(Transports::Http2);
                repeat(endpoint.connect_lazy(), in_flight, size, most).await?;
            }
        }
        Ok(())
    })
}

fn http_uri(address: &str) -> String {
    match address.strip_prefix("unix:") {
        Some(_) => address.to_owned(),
        None => format!("http://{address}"),
    }
}

fn ws_uri(address: &str) -> String {
    match address.strip_prefix("unix:") {
        Some(_) => address.to_owned(),
        None => format!("ws://{address}"),
    }
}

/// Bursts: so many calls at once, and when all are answered the next.
async fn repeat<C>(channel: C, in_flight: usize, size: usize, most: u64) -> Result<(), Status>
where
    C: GrpcService<Body> + Clone,
    C::Error: Into<BoxError>,
    C::ResponseBody: HttpBody<Data = Bytes> + Send + 'static,
    <C::ResponseBody as HttpBody>::Error: Into<BoxError> + Send,
{
    let payload = Bytes::from(vec![7; size]);
    say("calling");
    let mut made = 0;
    while made < most {
        let calls = (0..in_flight).map(|_| one(channel.clone(), payload.clone()));
        for result in join_all(calls).await {
            result?;
        }
        made += in_flight as u64;
        CALLS.store(made, Ordering::Relaxed);
    }
    Ok(())
}

async fn one<C>(channel: C, bytes: Bytes) -> Result<(), Status>
where
    C: GrpcService<Body>,
    C::Error: Into<BoxError>,
    C::ResponseBody: HttpBody<Data = Bytes> + Send + 'static,
    <C::ResponseBody as HttpBody>::Error: Into<BoxError> + Send,
{
    let mut client = BenchClient::new(channel);
    client.unary(Payload { bytes }).await?;
    Ok(())
}
