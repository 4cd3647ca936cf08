//! What of an upgrade the calls on its WebSocket see.

mod common;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use common::dialer::framed;
use common::mux::MuxClient;
use common::{CHECK, Client, bind, unary_on};
use grpc_websocket_tokio::{Server, Subprotocol, WebSocketLayer};
use http::header::{AUTHORIZATION, COOKIE, HeaderName, HeaderValue, SEC_WEBSOCKET_PROTOCOL};
use tokio::net::TcpStream;
use tokio_websockets::ClientBuilder;
use tonic::metadata::MetadataMap;
use tonic::service::Routes;
use tonic::service::interceptor::InterceptedService;

type Seen = Arc<Mutex<Vec<(MetadataMap, Option<Subprotocol>)>>>;

async fn start(layer: WebSocketLayer) -> (SocketAddr, Seen) {
    let seen = Seen::default();
    let health = tonic_health::server::health_reporter().1;
    let service = InterceptedService::new(health, {
        let seen = Arc::clone(&seen);
        move |request: tonic::Request<()>| {
            let subprotocol = request.extensions().get().copied();
            let metadata = request.metadata().clone();
            seen.lock().unwrap().push((metadata, subprotocol));
            Ok(request)
        }
    });
    let (listener, address) = bind().await;
    let server = Server::new().layer(layer);
    tokio::spawn(server.serve(listener, Routes::new(service)));
    (address, seen)
}

/// A WebSocket whose upgrade has these headers.
async fn connect(address: SocketAddr, headers: &[(HeaderName, &'static str)]) -> Client {
    let uri = format!("ws://{address}{CHECK}").parse().unwrap();
    let mut builder = ClientBuilder::from_uri(uri);
    for (name, value) in headers {
        let value = HeaderValue::from_static(value);
        builder = builder.add_header(name.clone(), value).unwrap();
    }
    let stream = TcpStream::connect(address).await.unwrap();
    let (client, response) = builder.connect_on(stream).await.unwrap();
    let chosen = response.headers()[SEC_WEBSOCKET_PROTOCOL].to_str().unwrap();
    assert!(
        chosen == "grpc-websockets" || chosen == "grpc-mux.v1",
        "{chosen}"
    );
    client
}

const FORWARDED: &str = "x-forwarded-for";

#[tokio::test]
async fn allowed_headers_are_metadata_of_each_call_unless_it_has_its_own() {
    let layer =
        WebSocketLayer::new().allow_headers([AUTHORIZATION, HeaderName::from_static(FORWARDED)]);
    let (address, seen) = start(layer).await;
    let client = connect(
        address,
        &[
            (SEC_WEBSOCKET_PROTOCOL, "grpc-mux.v1"),
            (AUTHORIZATION, "of the upgrade"),
            (HeaderName::from_static(FORWARDED), "192.0.2.7"),
            (COOKIE, "a=1"),
        ],
    )
    .await;
    let mut client = MuxClient::new(client).await;
    for fields in ["", "authorization: its own\r\nx-forwarded-for: forged\r\n"] {
        let call = client.dialer.call(CHECK, fields, &framed(b""), true);
        client.answer(call).await;
    }
    let seen = seen.lock().unwrap();
    let values = |name| seen.iter().map(move |(metadata, _)| metadata.get(name));
    let authorizations: Vec<_> = values("authorization").map(Option::unwrap).collect();
    assert_eq!(authorizations, ["of the upgrade", "its own"]);
    assert!(values(FORWARDED).all(|value| value.unwrap() == "192.0.2.7"));
    assert!(values("cookie").all(|value| value.is_none()));
    assert!(seen.iter().all(|(_, by)| *by == Some(Subprotocol::Mux)));
}

#[tokio::test]
async fn a_bearer_token_among_the_subprotocols_is_each_calls_authorization() {
    for (layer, expected) in [
        (WebSocketLayer::new(), None),
        (
            WebSocketLayer::new().bearer_subprotocol(true),
            Some("Bearer eyJ.x_-9"),
        ),
    ] {
        let (address, seen) = start(layer).await;
        let offered = "grpc-websockets, bearer.eyJ.x_-9";
        let client = connect(address, &[(SEC_WEBSOCKET_PROTOCOL, offered)]).await;
        assert_eq!(unary_on(client).await.1, Some(1000));
        let seen = seen.lock().unwrap();
        let (metadata, subprotocol) = &seen[0];
        let authorization = metadata.get("authorization");
        assert_eq!(authorization.map(|value| value.to_str().unwrap()), expected);
        assert_eq!(*subprotocol, Some(Subprotocol::Single));
    }
}
