//! A client of gRPC-Web over HTTP/1.1: a connection for each call, as of a page that makes few.

use std::net::SocketAddr;
use std::sync::Arc;

use grpc_websocket_tokio::rustls::ClientConfig;
use grpc_websocket_tokio::rustls::pki_types::ServerName;
use http::header::HOST;
use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tonic::Status;
use tonic::body::Body;
use tonic_web::{GrpcWebCall, GrpcWebClientService};
use tower::util::BoxCloneSyncService;
use tower::{BoxError, ServiceExt as _, service_fn};

use crate::proxy::Proxy;
use crate::tls::Certificate;

type WebRequest = Request<GrpcWebCall<Body>>;

pub(crate) fn client(proxy: &Proxy) -> BoxCloneSyncService<Request<Body>, Response<Body>, Status> {
    let address = proxy.address;
    let tls = proxy.certificate.as_ref().map(Certificate::client);
    let http1 = service_fn(move |request| call(address, tls.clone(), request));
    let web = GrpcWebClientService::new(http1);
    let web = web.map_response(|response| response.map(Body::new));
    BoxCloneSyncService::new(web.map_err(Status::from_error))
}

async fn call(
    address: SocketAddr,
    tls: Option<Arc<ClientConfig>>,
    mut request: WebRequest,
) -> Result<Response<Incoming>, BoxError> {
    let host = HeaderValue::try_from(address.to_string())?;
    request.headers_mut().insert(HOST, host);
    let stream = TcpStream::connect(address).await?;
    let Some(tls) = tls else {
        return send(stream, request).await;
    };
    let name = ServerName::from(address.ip());
    send(
        TlsConnector::from(tls).connect(name, stream).await?,
        request,
    )
    .await
}

async fn send<I>(io: I, request: WebRequest) -> Result<Response<Incoming>, BoxError>
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = http1::handshake(TokioIo::new(io)).await?;
    tokio::spawn(connection);
    Ok(sender.send_request(request).await?)
}
