//! The servers.

use std::convert::Infallible;
use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use clap::ValueEnum;
use grpc_websocket_tokio::{Endpoint, Server, Transports};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::{Body as HttpBody, Frame};
use serde::{Deserialize, Serialize};
use tonic::Status;
use tonic::body::Body;
use tonic::service::Routes;
use tonic_web::GrpcWebLayer;
use tower::service_fn;

use super::listening::Listening;
use super::pb::bench_server::BenchServer;
use super::service::Echo;
use super::{Runtime, answer_parent, echo};

/// Messages of any length that is measured.
const MAX_MESSAGE: usize = 64 * 1024 * 1024;

/// What answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contender {
    /// `tonic::transport::Server`.
    Tonic,
    /// The same with tonic-web.
    TonicWeb,
    /// This project around `tonic::service::Routes`.
    Routes,
    /// This project around the service that tonic generated.
    Direct,
    /// This project around a service that sees bytes alone.
    Bytes,
    /// This project before a server by HTTP/2.
    Gateway,
    /// tokio-websockets without gRPC.
    WebSocket,
    /// tokio-tungstenite without gRPC.
    Tungstenite,
    /// TCP without anything.
    Tcp,
}

/// Serves until the standard input ends.
///
/// # Errors
/// Where it cannot listen.
pub fn serve(
    contender: Contender,
    runtime: Runtime,
    address: &str,
    upstream: Option<&str>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    answer_parent();
    runtime.build()?.block_on(async {
        let listening = Listening::new(address).await?;
        answer(contender, listening, upstream).await
    })
}

async fn answer(
    contender: Contender,
    listening: Listening,
    upstream: Option<&str>,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let service = BenchServer::new(Echo).max_decoding_message_size(MAX_MESSAGE);
    let server = Server::new();
    match contender {
        Contender::Tonic => {
            let server = tonic::transport::Server::builder().add_service(service);
            server.serve_with_incoming(listening.into_stream()).await?;
        }
        Contender::TonicWeb => {
            let server = tonic::transport::Server::builder().accept_http1(true);
            let server = server.layer(GrpcWebLayer::new()).add_service(service);
            server.serve_with_incoming(listening.into_stream()).await?;
        }
        Contender::Routes => server.serve(listening, Routes::new(service)).await?,
        Contender::Direct => server.serve(listening, service).await?,
        Contender::Bytes => server.serve(listening, service_fn(echo_bytes)).await?,
        Contender::Gateway => {
            let endpoint = Endpoint::new(upstream.ok_or("a gateway needs an upstream")?)?;
            let channel = endpoint.transports(Transports::Http2).connect_lazy();
            server.serve(listening, channel).await?;
        }
        Contender::WebSocket => echo::websocket(listening).await?,
        Contender::Tungstenite => echo::tungstenite(listening).await?,
        Contender::Tcp => echo::tcp(listening).await?,
    }
    Ok(())
}

/// Answers with the body of the request, whatever is in it.
async fn echo_bytes(request: Request<Body>) -> Result<Response<Same>, Infallible> {
    let mut response = Response::new(Same(Some(request.into_body())));
    let grpc = HeaderValue::from_static("application/grpc");
    response
        .headers_mut()
        .insert(http::header::CONTENT_TYPE, grpc);
    Ok(response)
}

/// A body that comes, as one that goes: with trailers behind it.
struct Same(Option<Body>);

impl HttpBody for Same {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let Some(body) = &mut self.0 else {
            return Poll::Ready(None);
        };
        let frame = Pin::new(body).poll_frame(context);
        if matches!(frame, Poll::Ready(None)) {
            self.0 = None;
            let status = HeaderValue::from_static("0");
            let mut trailers = HeaderMap::new();
            trailers.insert("grpc-status", status);
            return Poll::Ready(Some(Ok(Frame::trailers(trailers))));
        }
        frame
    }
}
