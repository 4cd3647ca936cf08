//! Clients that tonic generated, over either channel. They call all the time.

use std::error::Error;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bytes::Bytes;
use clap::{Args, ValueEnum};
use futures_util::future::join_all;
use grpc_websocket_tokio::{Endpoint, Transports};
use http_body::Body as HttpBody;
use serde::{Deserialize, Serialize};
use tonic::Status;
use tonic::body::Body;
use tonic::client::GrpcService;

use super::pb::Payload;
use super::pb::bench_client::BenchClient;
use super::{CALLS, LATENCIES, Tasks, answer_parent, say};

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

/// What is called, and how.
#[derive(Debug, Args)]
pub struct Calling {
    client: Client,
    /// Where its server is.
    address: String,
    /// Calls at a time.
    #[arg(long, default_value_t = 1)]
    in_flight: usize,
    /// Bytes of payload in each.
    #[arg(long, default_value_t = 32)]
    size: usize,
    /// How many calls, at least.
    #[arg(long, default_value_t = u64::MAX)]
    calls: u64,
}

/// Makes unary calls, `in_flight` at a time, until the standard input ends or so many were made.
///
/// # Errors
/// A call failed.
pub fn call(calling: &Calling, tasks: &Tasks) -> Result<(), BoxError> {
    answer_parent();
    tasks.build()?.block_on(async {
        let address = &calling.address;
        let uri = address.strip_prefix("http://").unwrap_or(address);
        match calling.client {
            Client::Tonic => {
                let endpoint = tonic::transport::Endpoint::new(http_uri(uri))?;
                repeat(endpoint.connect().await?, calling).await?;
            }
            Client::Mux => {
                let transports = Transports::WebSocket;
                let endpoint = Endpoint::new(ws_uri(uri))?.transports(transports);
                repeat(endpoint.connect_lazy(), calling).await?;
            }
            Client::Http2 => {
                let endpoint = Endpoint::new(http_uri(uri))?.transports(Transports::Http2);
                repeat(endpoint.connect_lazy(), calling).await?;
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
async fn repeat<C>(channel: C, calling: &Calling) -> Result<(), Status>
where
    C: GrpcService<Body> + Clone,
    C::Error: Into<BoxError>,
    C::ResponseBody: HttpBody<Data = Bytes> + Send + 'static,
    <C::ResponseBody as HttpBody>::Error: Into<BoxError> + Send,
{
    let payload = Bytes::from(vec![7; calling.size]);
    say("calling");
    let mut made = 0;
    while made < calling.calls {
        let start = Instant::now();
        let calls = (0..calling.in_flight).map(|_| one(channel.clone(), payload.clone()));
        for result in join_all(calls).await {
            result?;
        }
        if calling.in_flight == 1 {
            LATENCIES.note(start);
        }
        made += calling.in_flight as u64;
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
