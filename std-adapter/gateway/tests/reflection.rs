//! Reflection through the gateway, as grpcurl asks for it, in each way a client may come.

mod process;

use grpc_websocket_tokio::{Endpoint, Subprotocols, Transports};
use process::Gateway;
use tonic::Request;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

/// Asks for the services, and for the file that describes one.
async fn reflect(endpoint: Endpoint) -> (Vec<String>, usize) {
    let mut client = ServerReflectionClient::new(endpoint.connect().await.unwrap());
    let questions = [
        MessageRequest::ListServices(String::new()),
        MessageRequest::FileContainingSymbol("demo.v1.Echo".to_owned()),
    ]
    .map(|question| ServerReflectionRequest {
        host: String::new(),
        message_request: Some(question),
    });
    let questions = Request::new(futures_util::stream::iter(questions));
    let response = client.server_reflection_info(questions).await.unwrap();
    let mut answers = response.into_inner();
    let (mut services, mut files) = (Vec::new(), 0);
    while let Some(answer) = answers.message().await.unwrap() {
        match answer.message_response.unwrap() {
            MessageResponse::ListServicesResponse(list) => {
                services.extend(list.service.into_iter().map(|service| service.name));
            }
            MessageResponse::FileDescriptorResponse(descriptors) => {
                files += descriptors.file_descriptor_proto.len();
            }
            other => panic!("{other:?}"),
        }
    }
    (services, files)
}

#[tokio::test]
async fn the_upstreams_services_are_described_in_each_way() {
    let demo = Gateway::start(&[]);
    let gateway = Gateway::before(demo.address);
    let endpoint = || Endpoint::new(format!("http://{}", gateway.address)).unwrap();
    for way in [
        endpoint().transports(Transports::Http2),
        endpoint()
            .transports(Transports::WebSocket)
            .subprotocols(Subprotocols::Mux),
        endpoint()
            .transports(Transports::WebSocket)
            .subprotocols(Subprotocols::Single),
    ] {
        let (services, files) = reflect(way).await;
        for service in ["demo.v1.Echo", "demo.v1.Chat"] {
            assert!(services.iter().any(|name| name == service), "{services:?}");
        }
        assert!(files > 0);
    }
}
