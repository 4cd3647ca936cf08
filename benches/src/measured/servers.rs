//! The servers.

use std::convert::Infallible;
use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use clap::{Args, ValueEnum};
use grpc_websocket_tokio::{Endpoint, Server, Services, Transports, WebSocketLayer};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::{Body as HttpBody, Frame};
use serde::{Deserialize, Serialize};
use tonic::Status;
use tonic::body::Body;
use tonic::service::Routes;
use tonic::transport::{Identity, ServerTlsConfig};
use tonic_web::GrpcWebLayer;
use tower::service_fn;

use super::listening::Listening;
use super::pb::bench_server::BenchServer;
use super::service::Echo;
use super::{Tasks, answer_parent, echo};
use crate::tls;

type BoxError = Box<dyn Error + Send + Sync>;

/// Messages of any length that is measured.
const MAX_MESSAGE: usize = 64 * 1024 * 1024;
/// Calls of any number that is measured.
const MAX_CALLS: u32 = 4096;

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
    /// This project around its own `Services`.
    Services,
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

/// What is served, and where.
#[derive(Debug, Args)]
pub struct Serving {
    contender: Contender,
    /// Where to listen: an address with a port, or `unix:` and a path.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: String,
    /// The server behind a gateway.
    #[arg(long)]
    upstream: Option<String>,
    /// Takes thousands of calls on a connection, and messages of any length.
    #[arg(long)]
    unlimited: bool,
    /// TLS, by a certificate and its key as PEM.
    #[arg(long, allow_hyphen_values = true)]
    identity: Option<String>,
}

/// Serves until the standard input ends.
///
/// # Errors
/// Where it cannot listen.
pub fn serve(serving: Serving, tasks: &Tasks) -> Result<(), BoxError> {
    answer_parent();
    tasks.build()?.block_on(async {
        let listening = Listening::new(&serving.listen).await?;
        answer(serving, listening).await
    })
}

async fn answer(serving: Serving, listening: Listening) -> Result<(), BoxError> {
    let service = BenchServer::new(Echo).max_decoding_message_size(MAX_MESSAGE);
    let server = server(&serving)?;
    match serving.contender {
        Contender::Tonic => {
            let server = tonic_server(&serving)?.add_service(service);
            server.serve_with_incoming(listening.into_stream()).await?;
        }
        Contender::TonicWeb => {
            let server = tonic_server(&serving)?.accept_http1(true);
            let server = server.layer(GrpcWebLayer::new()).add_service(service);
            server.serve_with_incoming(listening.into_stream()).await?;
        }
        Contender::Routes => server.serve(listening, Routes::new(service)).await?,
        Contender::Services => {
            server
                .serve(listening, Services::new().add_service(service))
                .await?;
        }
        Contender::Bytes => server.serve(listening, service_fn(echo_bytes)).await?,
        Contender::Gateway => {
            let upstream = serving.upstream.ok_or("a gateway needs an upstream")?;
            let endpoint = Endpoint::new(upstream)?;
            let channel = endpoint.transports(Transports::Http2).connect_lazy();
            server.serve(listening, channel).await?;
        }
        Contender::WebSocket => echo::websocket(listening).await?,
        Contender::Tungstenite => echo::tungstenite(listening).await?,
        Contender::Tcp => echo::tcp(listening).await?,
    }
    Ok(())
}

/// This project's.
fn server(serving: &Serving) -> Result<Server, BoxError> {
    let mut layer = WebSocketLayer::new();
    if serving.unlimited {
        layer = layer
            .max_concurrent_calls(MAX_CALLS)
            .max_message_len(MAX_MESSAGE as u32);
    }
    let server = Server::new().layer(layer);
    Ok(match &serving.identity {
        Some(pem) => server.tls(tls::server(pem)?),
        None => server,
    })
}

/// tonic's; the length of messages is the service's.
fn tonic_server(serving: &Serving) -> Result<tonic::transport::Server, BoxError> {
    let mut server = tonic::transport::Server::builder();
    if serving.unlimited {
        server = server.max_concurrent_streams(MAX_CALLS);
    }
    if let Some(pem) = &serving.identity {
        let identity = Identity::from_pem(pem, pem);
        server = server.tls_config(ServerTlsConfig::new().identity(identity))?;
    }
    Ok(server)
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
