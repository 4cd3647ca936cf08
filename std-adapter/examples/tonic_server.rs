//! A tonic server that also answers over WebSocket.
//!
//! `cargo run -p grpc-websocket-tokio --example tonic_server [HOST:PORT]`

use tokio::net::TcpListener;
use tonic::service::Routes;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:50051");

    // Any service that tonic generated; here the one that tonic-health brings.
    let (_, health) = tonic_health::server::health_reporter();

    // Instead of tonic::transport::Server::builder().add_service(health).serve(address):
    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    grpc_websocket_tokio::serve(listener, Routes::new(health)).await
}
