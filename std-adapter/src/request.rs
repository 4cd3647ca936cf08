//! Makes the gRPC request that a service knows from the upgrade and the client's header block.

use std::time::Duration;

use grpc_websocket_core::Code;
use grpc_websocket_core::wire::timeout;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, TE};
use http::request::Parts;
use http::{Extensions, Method, Request, Uri, Version};
use tonic::body::Body;

use crate::body::RequestBody;
use crate::metadata::read_block;
use crate::status::CallStatus;

/// What the upgrade says of every call on its WebSocket.
#[derive(Clone)]
pub(crate) struct Upgrade {
    path: Uri,
    /// Who the peer is, for interceptors and handlers.
    extensions: Extensions,
}

impl Upgrade {
    pub(crate) fn new(request: &Parts) -> Self {
        let path = request.uri.path().parse().unwrap_or_default();
        Self {
            path,
            extensions: request.extensions.clone(),
        }
    }
}

/// The head of a call: the request without its body, and the time it may take.
pub(crate) struct Head {
    request: Request<()>,
    pub(crate) timeout: Option<Duration>,
}

impl Head {
    /// Reads the client's block (gRPC PROTOCOL-HTTP2 "Requests").
    pub(crate) fn read(
        upgrade: Upgrade,
        block: &[u8],
        max_metadata_len: u32,
    ) -> Result<Self, CallStatus> {
        let mut headers = read_block(block, max_metadata_len)?;
        let content_type = grpc_content_type(&headers)?;
        headers.insert(CONTENT_TYPE, content_type);
        headers.insert(TE, HeaderValue::from_static("trailers"));
        let timeout = read_timeout(&headers)?;

        let mut request = Request::new(());
        *request.method_mut() = Method::POST;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = upgrade.path;
        *request.headers_mut() = headers;
        *request.extensions_mut() = upgrade.extensions;
        Ok(Self { request, timeout })
    }

    pub(crate) fn with_body(self, body: RequestBody) -> Request<Body> {
        self.request.map(|()| Body::new(body))
    }
}

/// `application/grpc-web+x` as the `application/grpc+x` it stands for.
fn grpc_content_type(headers: &HeaderMap) -> Result<HeaderValue, CallStatus> {
    const REFUSAL: &str = "the content-type is not application/grpc-web or application/grpc";
    let value = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let value = value.to_ascii_lowercase();
    let subtype = value
        .strip_prefix("application/grpc-web")
        .filter(|rest| is_subtype(rest))
        .or_else(|| {
            value
                .strip_prefix("application/grpc")
                .filter(|rest| is_subtype(rest))
        })
        .ok_or_else(|| CallStatus::new(Code::InvalidArgument, REFUSAL))?;
    HeaderValue::from_str(&format!("application/grpc{subtype}"))
        .map_err(|_| CallStatus::new(Code::InvalidArgument, REFUSAL))
}

fn is_subtype(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('+') || rest.starts_with(';')
}

fn read_timeout(headers: &HeaderMap) -> Result<Option<Duration>, CallStatus> {
    let value = headers
        .get("grpc-timeout")
        .map(|value| timeout::parse(value.as_bytes()));
    value
        .transpose()
        .map_err(|error| CallStatus::new(Code::Internal, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(block: &str) -> Result<Head, CallStatus> {
        let (parts, ()) = Request::get("/demo.v1.Echo/Unary?q=1")
            .body(())
            .unwrap()
            .into_parts();
        Head::read(Upgrade::new(&parts), block.as_bytes(), 8192)
    }

    #[test]
    fn the_request_is_what_a_grpc_service_expects() {
        let head =
            head("Content-Type: application/grpc-web+proto\r\ngrpc-timeout: 2S\r\n").unwrap();
        assert_eq!(head.timeout, Some(Duration::from_secs(2)));
        assert_eq!(head.request.method(), Method::POST);
        assert_eq!(head.request.uri(), "/demo.v1.Echo/Unary");
        assert_eq!(
            head.request.headers()[CONTENT_TYPE],
            "application/grpc+proto"
        );
        assert_eq!(head.request.headers()[TE], "trailers");
    }

    #[test]
    fn content_types_that_are_not_grpc_are_refused() {
        for good in [
            "application/grpc",
            "application/grpc+json",
            "Application/gRPC-Web;x=y",
        ] {
            assert!(head(&format!("content-type: {good}\r\n")).is_ok(), "{good}");
        }
        for bad in [
            "",
            "text/plain",
            "application/grpc-web-text",
            "application/grpcx",
            "application/json",
        ] {
            let refusal = head(&format!("content-type: {bad}\r\n")).err().unwrap();
            assert_eq!(refusal.code(), Code::InvalidArgument, "{bad}");
        }
        assert_eq!(head("").err().unwrap().code(), Code::InvalidArgument);
    }

    #[test]
    fn a_malformed_timeout_is_refused() {
        let block = "content-type: application/grpc\r\ngrpc-timeout: soon\r\n";
        assert_eq!(head(block).err().unwrap().code(), Code::Internal);
    }
}
