//! An axum application that answers gRPC in every way, beside its pages, on one port.
//!
//! `cargo run -p grpc-websocket-tokio --example axum_server [HOST:PORT]`

use std::net::SocketAddr;

use axum::{Router, routing::get};
use grpc_websocket_tokio::WebSocketLayer;
use tokio::net::TcpListener;
use tonic::service::{Routes, interceptor::InterceptedService};
use tonic_web::GrpcWebLayer;
use tower::Layer as _;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1);
    let address = address.as_deref().unwrap_or("127.0.0.1:50051");

    // Any service that tonic generated; here the one that tonic-health brings.
    let (_, health) = tonic_health::server::health_reporter();
    let health = InterceptedService::new(health, |request: tonic::Request<()>| {
        println!("a call from {}", request.remote_addr().unwrap());
        Ok(request)
    });
    // HTTP/2, gRPC-Web, and WebSocket by the subprotocols `grpc-websockets` and `grpc-mux.v1`.
    let grpc = Routes::new(health).into_axum_router();
    let app = Router::new()
        .route("/", get(|| async { "a page" }))
        .merge(grpc.layer(GrpcWebLayer::new()));
    // Around the whole application: a WebSocket of `grpc-mux.v1` has calls for all its routes.
    let app = Router::new().fallback_service(WebSocketLayer::new().layer(app));

    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, app).await
}
