//! The built-in demo: two services to try every kind of RPC with, and a page that calls them.

mod chat;
mod echo;
mod limits;
mod page;
mod room;

use std::pin::Pin;

use axum::Router;
use axum::routing::get;
use futures_util::FutureExt as _;
use tokio_stream::Stream;
use tonic::Status;
use tonic::service::Routes;

use self::chat::ChatService;
use self::echo::EchoService;
use self::limits::MAX_REQUEST_BYTES;
use self::pb::chat_server::ChatServer;
use self::pb::echo_server::EchoServer;

/// The generated code of `demo.proto`.
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::restriction
)]
mod pb {
    tonic::include_proto!("demo.v1");
}

/// The response messages of a streaming call.
type ResponseStream<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// The descriptor set of `demo.proto`, for server reflection.
const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/demo.binpb"));

/// The demo as one service: `demo.v1.Echo` and `demo.v1.Chat`, health and reflection next to them,
/// and the page at `/`.
pub(crate) fn router() -> Router {
    let echo = EchoServer::new(EchoService).max_decoding_message_size(MAX_REQUEST_BYTES);
    let chat = ChatServer::new(ChatService::default()).max_decoding_message_size(MAX_REQUEST_BYTES);
    let routes = Routes::new(echo).add_service(chat);
    let routes = add_reflection(add_health(routes));
    routes.into_axum_router().route("/", get(page::page))
}

/// Adds `grpc.health.v1` with both services SERVING.
fn add_health(routes: Routes) -> Routes {
    let (reporter, health) = tonic_health::server::health_reporter();
    let report = async {
        reporter.set_serving::<EchoServer<EchoService>>().await;
        reporter.set_serving::<ChatServer<ChatService>>().await;
    };
    // Unconstrained, so that a caller who has used up its cooperative budget is no reason to wait.
    tokio::task::unconstrained(report)
        .now_or_never()
        .expect("nobody else knows the reporter, so its lock is free");
    routes.add_service(health)
}

/// Adds server reflection in its current version and in the one that older tools speak.
fn add_reflection(routes: Routes) -> Routes {
    let builder = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let expectation = "the build script wrote a valid descriptor set";
    routes
        .add_service(builder().build_v1().expect(expectation))
        .add_service(builder().build_v1alpha().expect(expectation))
}

#[cfg(test)]
mod tests {
    use tokio_stream::StreamExt as _;
    use tonic::Code;
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_check_response::ServingStatus;
    use tonic_health::pb::health_client::HealthClient;
    use tonic_reflection::pb::v1::ServerReflectionRequest;
    use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
    use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
    use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
    use tonic_reflection::pb::v1alpha::server_reflection_client::ServerReflectionClient as AlphaClient;

    use super::*;
    use crate::demo::pb::EchoRequest;
    use crate::demo::pb::echo_client::EchoClient;

    async fn health_of(service: &str) -> Result<i32, Status> {
        let request = HealthCheckRequest {
            service: service.to_owned(),
        };
        let response = HealthClient::new(router()).check(request).await?;
        Ok(response.into_inner().status)
    }

    #[tokio::test]
    async fn both_services_are_serving() {
        for service in ["", "demo.v1.Echo", "demo.v1.Chat"] {
            let status = health_of(service).await.unwrap();
            assert_eq!(status, i32::from(ServingStatus::Serving), "{service:?}");
        }
        assert_eq!(
            health_of("demo.v1.Nothing").await.unwrap_err().code(),
            Code::NotFound
        );
    }

    #[tokio::test]
    async fn reflection_lists_the_services() {
        let request = ServerReflectionRequest {
            host: String::new(),
            message_request: Some(MessageRequest::ListServices(String::new())),
        };
        let responses = ServerReflectionClient::new(router())
            .server_reflection_info(tokio_stream::once(request))
            .await
            .unwrap();
        let response = responses.into_inner().next().await.unwrap().unwrap();
        let Some(MessageResponse::ListServicesResponse(list)) = response.message_response else {
            panic!("not a list: {response:?}");
        };
        let mut names: Vec<_> = list
            .service
            .into_iter()
            .map(|service| service.name)
            .collect();
        names.sort();
        let reflection = "grpc.reflection.v1.ServerReflection";
        assert_eq!(
            names,
            [
                "demo.v1.Chat",
                "demo.v1.Echo",
                "grpc.health.v1.Health",
                reflection
            ]
        );
    }

    #[tokio::test]
    async fn reflection_speaks_v1alpha_too() {
        let nothing = tokio_stream::empty();
        let responses = AlphaClient::new(router())
            .server_reflection_info(nothing)
            .await
            .unwrap();
        assert!(responses.into_inner().next().await.is_none());
    }

    #[tokio::test]
    async fn an_oversized_request_is_refused() {
        let text = "x".repeat(MAX_REQUEST_BYTES);
        let status = EchoClient::new(router())
            .unary(EchoRequest { text })
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::OutOfRange);
    }

    #[tokio::test]
    async fn an_unknown_service_is_unimplemented() {
        let mut client = tonic::client::Grpc::new(router());
        client.ready().await.unwrap();
        let path = tonic::codegen::http::uri::PathAndQuery::from_static("/demo.v1.Nothing/Call");
        let codec = tonic_prost::ProstCodec::<EchoRequest, EchoRequest>::default();
        let request = tonic::Request::new(EchoRequest::default());
        let status = client.unary(request, path, codec).await.unwrap_err();
        assert_eq!(status.code(), Code::Unimplemented);
    }
}
