//! Connections other than TCP's, and what is known of their peers.

#![cfg(unix)]

mod common;
mod http2;
mod ways;

use std::sync::{Arc, Mutex};

use common::{CHECK, SERVING, connect_on, unary_on};
use tokio::net::{UnixListener, UnixStream};
use tonic::service::Routes;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::server::UdsConnectInfo;
use ways::check_by_grpc_web_on;

#[tokio::test]
async fn a_unix_socket_is_served_and_its_peer_known() {
    let path = std::env::temp_dir().join(format!("grpc-websocket-{}", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let listener = UnixListener::bind(&path).unwrap();
    let peers = Arc::new(Mutex::new(Vec::new()));
    let health = tonic_health::server::health_reporter().1;
    let service = InterceptedService::new(health, {
        let peers = Arc::clone(&peers);
        move |request: tonic::Request<()>| {
            let info = request.extensions().get::<UdsConnectInfo>();
            peers.lock().unwrap().push(info.unwrap().peer_cred.unwrap());
            Ok(request)
        }
    });
    tokio::spawn(grpc_websocket_tokio::serve(listener, Routes::new(service)));

    check_by_grpc_web_on(UnixStream::connect(&path).await.unwrap()).await;

    let stream = UnixStream::connect(&path).await.unwrap();
    let (client, _) = connect_on(stream, CHECK, "grpc-websockets").await;
    let (messages, _) = unary_on(client).await;
    assert_eq!(messages[1], SERVING);

    let peers = peers.lock().unwrap();
    assert_eq!(peers.len(), 2);
    assert!(
        peers
            .iter()
            .all(|peer| peer.pid() == Some(std::process::id().cast_signed()))
    );
    let _ = std::fs::remove_file(&path);
}
