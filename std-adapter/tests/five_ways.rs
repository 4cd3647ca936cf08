//! The same service in five ways on one port, each with the peer's address.

#![cfg(feature = "axum")]

mod common;
mod example;
mod http2;
mod ways;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::extract::ConnectInfo;
use axum::routing::get;
use common::bind;
use example::Example;
use tokio::net::TcpStream;
use tonic::service::Routes;
use tonic::service::interceptor::InterceptedService;
use ways::{
    check_by_grpc_web, check_by_http2, check_by_http2_websocket, check_by_mux, check_by_websocket,
    http1,
};

async fn check_by_all(address: SocketAddr) {
    check_by_http2(address).await;
    check_by_grpc_web(address).await;
    check_by_websocket(address).await;
    check_by_mux(address).await;
    check_by_http2_websocket(address).await;
}

/// How many calls [`check_by_all`] makes: a WebSocket over HTTP/2 begins with one over HTTP/2.
const CALLS: usize = 6;

async fn page(address: SocketAddr) -> Vec<u8> {
    let stream = TcpStream::connect(address).await.unwrap();
    http1(
        stream,
        b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n",
    )
    .await
}

#[tokio::test]
async fn the_axum_server_of_the_examples_sees_its_peers() {
    let mut example = Example::start("axum_server");
    check_by_all(example.address).await;
    assert!(page(example.address).await.ends_with(b"a page"));
    for _ in 0..CALLS {
        let line = example.output.next().unwrap().unwrap();
        assert!(line.starts_with("a call from 127.0.0.1:"), "{line}");
    }
}

#[tokio::test]
async fn an_axum_application_is_served_as_a_service_too() {
    let peers = Arc::new(Mutex::new(Vec::new()));
    let health = tonic_health::server::health_reporter().1;
    let service = InterceptedService::new(health, {
        let peers = Arc::clone(&peers);
        move |request: tonic::Request<()>| {
            peers.lock().unwrap().push(request.remote_addr());
            Ok(request)
        }
    });
    let page_of_peer = get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move {
        format!("a page for {}", peer.ip())
    });
    let app = Routes::new(service)
        .into_axum_router()
        .route("/", page_of_peer);
    let (listener, address) = bind().await;
    tokio::spawn(grpc_websocket_tokio::serve(listener, app));
    check_by_all(address).await;
    assert!(page(address).await.ends_with(b"a page for 127.0.0.1"));
    let peers = peers.lock().unwrap();
    assert_eq!(peers.len(), CALLS);
    assert!(peers.iter().all(|peer| peer.unwrap().ip().is_loopback()));
}
