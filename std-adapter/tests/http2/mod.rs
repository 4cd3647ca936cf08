//! A client of HTTP/2 that also opens WebSockets on its connection (RFC 8441).

#![allow(dead_code, reason = "each test uses a part of it")]

use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION};
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper::ext::Protocol;
use hyper::upgrade::Upgraded;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio_websockets::ClientBuilder;
use tonic::body::Body;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tower::service_fn;

use crate::common::{CHECK, Client, EMPTY_MESSAGE};

/// A connection.
pub(crate) struct Http2 {
    sender: SendRequest<Body>,
    origin: String,
}

impl Http2 {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let io = TokioIo::new(TcpStream::connect(address).await.unwrap());
        let (sender, connection) = handshake(TokioExecutor::new(), io).await.unwrap();
        tokio::spawn(connection);
        let origin = format!("http://{address}");
        Self { sender, origin }
    }

    /// An ordinary call. After it the server's settings are known.
    pub(crate) async fn check(&self) -> i32 {
        let service = service_fn(|request| self.sender.clone().send_request(request));
        let origin = Uri::try_from(&self.origin).unwrap();
        let mut client = HealthClient::with_origin(service, origin);
        let answer = client.check(HealthCheckRequest::default()).await.unwrap();
        answer.into_inner().status
    }

    /// The call by gRPC-Web, with no more headers than that has to have; its answer.
    pub(crate) async fn check_by_grpc_web(&self) -> Bytes {
        let request = Request::post(format!("{}{CHECK}", self.origin))
            .header(CONTENT_TYPE, "application/grpc-web+proto")
            .body(Body::new(Full::from(EMPTY_MESSAGE)));
        let answer = self.sender.clone().send_request(request.unwrap());
        let body = answer.await.unwrap().into_body().collect();
        body.await.unwrap().to_bytes()
    }

    /// Makes a request that the server itself answers: after it the server's settings are known.
    pub(crate) async fn learn_settings(&self) {
        let mut request = Request::connect("h:1").body(Body::empty()).unwrap();
        *request.version_mut() = http::Version::HTTP_2;
        let answer = self.sender.clone().send_request(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::METHOD_NOT_ALLOWED);
    }

    /// Asks for a WebSocket.
    pub(crate) async fn ask(
        &self,
        path: &str,
        change: impl FnOnce(&mut Request<Body>),
    ) -> Response<Incoming> {
        let mut request = Request::new(Body::empty());
        *request.method_mut() = Method::CONNECT;
        *request.uri_mut() = format!("{}{path}", self.origin).parse().unwrap();
        let protocol = Protocol::from_static("websocket");
        request.extensions_mut().insert(protocol);
        let version = http::HeaderValue::from_static("13");
        request.headers_mut().insert(SEC_WEBSOCKET_VERSION, version);
        change(&mut request);
        self.sender.clone().send_request(request).await.unwrap()
    }

    /// A WebSocket with the one subprotocol that is offered.
    pub(crate) async fn websocket(
        &self,
        path: &str,
        subprotocol: &'static str,
    ) -> Client<TokioIo<Upgraded>> {
        let offered = http::HeaderValue::from_static(subprotocol);
        let response = self.ask(path, |request| {
            request
                .headers_mut()
                .insert(SEC_WEBSOCKET_PROTOCOL, offered);
        });
        let response = response.await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[SEC_WEBSOCKET_PROTOCOL], subprotocol);
        assert!(!response.headers().contains_key("sec-websocket-accept"));
        let io = hyper::upgrade::on(response).await.unwrap();
        ClientBuilder::new().take_over(TokioIo::new(io))
    }
}
