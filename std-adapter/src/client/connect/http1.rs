//! One HTTP/1.1 request that asks for its connection: CONNECT (RFC 9110 section 9.3.6) or an
//! opening handshake (RFC 6455 section 4.1).

use std::pin::pin;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;

use super::io::Io;

/// The most bytes of a response's head, and fields.
const MAX_HEAD: usize = 64 * 1024;
const MAX_HEADERS: usize = 100;

/// The connection after the response's head, with what came behind it.
pub(crate) type Handed = TokioIo<Upgraded>;

/// Sends the request and reads the head of its response. The connection is given if the response
/// hands it over; otherwise `refused` has its time with the response before the connection ends.
///
/// Dropping the future closes the connection.
pub(crate) async fn ask<T>(
    io: Io,
    request: Request<Empty<Bytes>>,
    refused: impl AsyncFnOnce(Response<Incoming>) -> T,
) -> hyper::Result<Result<(Response<()>, Handed), T>> {
    let is_connect = request.method() == Method::CONNECT;
    let (mut requests, connection) = http1::Builder::new()
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEADERS)
        .handshake(TokioIo::new(io))
        .await?;
    let exchange = async move {
        let mut response = requests.send_request(request).await?;
        if !hands_over(response.status(), is_connect) {
            return Ok(Err(refused(response).await));
        }
        let upgraded = hyper::upgrade::on(&mut response).await?;
        Ok(Ok((response.map(drop), TokioIo::new(upgraded))))
    };
    drive(connection.with_upgrades(), exchange).await
}

fn hands_over(status: StatusCode, is_connect: bool) -> bool {
    status == StatusCode::SWITCHING_PROTOCOLS || (is_connect && status.is_success())
}

/// Drives a connection until what is done on it is over. How the connection ends is told there.
async fn drive<T>(
    connection: impl Future<Output = hyper::Result<()>>,
    exchange: impl Future<Output = T>,
) -> T {
    let mut exchange = pin!(exchange);
    tokio::select! {
        biased;
        result = &mut exchange => return result,
        _ = connection => {}
    }
    exchange.await
}
