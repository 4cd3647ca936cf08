//! A client that tonic generated, over WebSocket or HTTP/2: whichever the URI asks for.
//!
//! `cargo run -p grpc-websocket-tokio --example tonic_client [URI]`

use std::error::Error;

use grpc_websocket_tokio::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let uri = std::env::args().nth(1);
    let uri = uri.as_deref().unwrap_or("ws://127.0.0.1:50051");

    // Instead of tonic::transport::Channel.
    let channel = Channel::connect(uri).await?;
    let mut client = HealthClient::new(channel.clone());
    let answer = client.check(HealthCheckRequest::default()).await?;
    println!("{:?} by {:?}", answer.into_inner(), channel.transport());
    Ok(())
}
