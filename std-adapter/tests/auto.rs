//! HTTP/2 first, WebSocket where it does not get through.

mod common;
#[path = "common/bytes.rs"]
mod messages;

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use common::bind;
use futures_util::stream;
use grpc_websocket_tokio::{Channel, Endpoint, Proxy, Transport, Transports};
use messages::{all, call, call_with, unary};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

async fn serve() -> SocketAddr {
    let (listener, address) = bind().await;
    let service = messages::service(&Arc::default());
    tokio::spawn(grpc_websocket_tokio::serve(listener, service));
    address
}

fn endpoint(address: SocketAddr) -> Endpoint {
    Endpoint::new(format!("http://{address}"))
        .unwrap()
        .proxy(Proxy::None)
}

async fn all_kinds(channel: &Channel, by: Transport) {
    assert_eq!(
        unary(channel.clone(), "/s/Echo", b"hi").await.unwrap(),
        "hi"
    );
    assert_eq!(
        unary(channel.clone(), "/s/Split", b"abc").await.unwrap(),
        "abc"
    );
    let parts = || stream::iter((0..10).map(|n| Bytes::from(vec![n; 1000])));
    for method in ["/s/Join", "/s/Echo"] {
        let response = call(channel.clone(), method, parts()).await.unwrap();
        assert_eq!(response.extensions().get(), Some(&by));
        assert_eq!(all(response).await.unwrap().len(), 10_000);
    }
    assert_eq!(channel.transport(), Some(by));
}

#[tokio::test]
async fn http2_is_taken_where_it_gets_through() {
    let channel = endpoint(serve().await).connect().await.unwrap();
    all_kinds(&channel, Transport::Http2).await;
    let lazy = endpoint(serve().await).connect_lazy();
    all_kinds(&lazy, Transport::Http2).await;
}

/// A proxy that knows HTTP/1.1 alone: what does not begin as a request of it gets 400.
async fn http1_proxy(to: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut begun = vec![0; 4096];
                let len = near.read(&mut begun).await.unwrap_or_default();
                if begun.starts_with(b"PRI * HTTP/2.0") {
                    let refusal = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n";
                    let _ = near.write_all(refusal).await;
                    return;
                }
                let mut far = TcpStream::connect(to).await.unwrap();
                let _ = far.write_all(&begun[..len]).await;
                let _ = copy_bidirectional(&mut near, &mut far).await;
            });
        }
    });
    address
}

#[tokio::test]
async fn websocket_is_taken_behind_a_proxy_that_knows_no_http2() {
    let proxy = http1_proxy(serve().await).await;
    let channel = endpoint(proxy).connect().await.unwrap();
    all_kinds(&channel, Transport::WebSocket).await;
    let lazy = endpoint(proxy).connect_lazy();
    all_kinds(&lazy, Transport::WebSocket).await;
}

#[tokio::test]
async fn http2_alone_says_why_it_does_not_get_through() {
    let proxy = http1_proxy(serve().await).await;
    let channel = endpoint(proxy).transports(Transports::Http2).connect_lazy();
    let status = unary(channel, "/s/Echo", b"").await.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unavailable);
    assert!(status.message().contains("HTTP/1.1 400"), "{status}");
}

#[tokio::test]
async fn a_call_may_ask_for_its_way() {
    let channel = endpoint(serve().await).connect().await.unwrap();
    for by in [Transport::WebSocket, Transport::Http2] {
        let mut request = tonic::Request::new(stream::iter([Bytes::from_static(b"hi")]));
        request.extensions_mut().insert(by);
        let response = call_with(channel.clone(), "/s/Echo", request)
            .await
            .unwrap();
        assert_eq!(response.extensions().get(), Some(&by));
        assert_eq!(all(response).await.unwrap(), "hi");
        assert_eq!(channel.transport(), Some(by));
    }
    // The choice of one call is not that of the others.
    assert_eq!(unary(channel.clone(), "/s/Echo", b"").await.unwrap(), "");
    assert_eq!(channel.transport(), Some(Transport::Http2));
}
