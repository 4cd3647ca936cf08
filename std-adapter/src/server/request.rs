//! Makes the gRPC request that a service knows from the upgrade and the client's header block.

use std::sync::Arc;
use std::time::Duration;

use grpc_websocket_core::Code;
use grpc_websocket_core::wire::timeout;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue, TE};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Extensions, Method, Request, Uri, Version};
use hyper::ext::Protocol;
use tonic::body::Body;

use crate::metadata::{GRPC_TIMEOUT, find, read_block, read_block_with_path};
use crate::server::headers;
use crate::status::CallStatus;
use crate::subprotocol::Subprotocol;

const GRPC: &str = "application/grpc";

/// What the upgrade says of every call on its WebSocket.
#[derive(Default)]
pub(crate) struct Upgrade {
    /// The method, where there is one call. In a box, for most connections have none.
    path: Option<Box<Uri>>,
    /// Who the peer is, for interceptors and handlers.
    extensions: Extensions,
    /// What each call's own metadata is completed with, if there is any.
    metadata: Option<Arc<HeaderMap>>,
}

impl Upgrade {
    /// Takes the extensions of the request.
    pub(crate) fn new(request: &mut Parts, subprotocol: Subprotocol) -> Self {
        let path = match subprotocol {
            Subprotocol::Single => request.uri.path().parse().ok().map(Box::new),
            Subprotocol::Mux => None,
        };
        let mut extensions = std::mem::take(&mut request.extensions);
        // Of the CONNECT, not of the calls.
        extensions.remove::<Protocol>();
        extensions.insert(subprotocol);
        Self {
            path,
            extensions,
            metadata: None,
        }
    }

    pub(crate) fn with_metadata(mut self, metadata: HeaderMap) -> Self {
        self.metadata = (!metadata.is_empty()).then(|| Arc::new(metadata));
        self
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
        let headers = read_block(block, max_metadata_len)?;
        let content_type = grpc_content_type(&headers, &["application/grpc-web", GRPC])?;
        let path = upgrade.path.map(|path| *path).unwrap_or_default();
        let metadata = upgrade.metadata.as_deref();
        Self::new(path, headers, content_type, metadata, upgrade.extensions)
    }

    /// Reads a block that names its method in its first field, `:path`, and need not say the
    /// usual content-type (SPEC.md#request).
    pub(crate) fn read_with_path(
        upgrade: &Upgrade,
        block: &[u8],
        max_metadata_len: u32,
    ) -> Result<Self, CallStatus> {
        let (path, headers) = read_block_with_path(block, max_metadata_len)?;
        let content_type = match find(&headers, &CONTENT_TYPE) {
            None => HeaderValue::from_static("application/grpc+proto"),
            Some(_) => grpc_content_type(&headers, &[GRPC])?,
        };
        let path = read_path(path)?;
        let metadata = upgrade.metadata.as_deref();
        let extensions = upgrade.extensions.clone();
        Self::new(path, headers, content_type, metadata, extensions)
    }

    fn new(
        path: Uri,
        mut headers: HeaderMap,
        content_type: HeaderValue,
        metadata: Option<&HeaderMap>,
        extensions: Extensions,
    ) -> Result<Self, CallStatus> {
        headers.insert(CONTENT_TYPE, content_type);
        headers.insert(TE, HeaderValue::from_static("trailers"));
        if let Some(metadata) = metadata {
            headers::complete(&mut headers, metadata);
        }
        let timeout = read_timeout(&headers)?;

        let mut request = Request::new(());
        *request.method_mut() = Method::POST;
        *request.version_mut() = Version::HTTP_2;
        *request.uri_mut() = path;
        *request.headers_mut() = headers;
        *request.extensions_mut() = extensions;
        Ok(Self { request, timeout })
    }

    pub(crate) fn with_body(self, body: Body) -> Request<Body> {
        self.request.map(|()| body)
    }
}

/// The path of a method; gRPC's status for one that nobody can have.
fn read_path(path: &[u8]) -> Result<Uri, CallStatus> {
    let is_absolute = path.starts_with(b"/");
    PathAndQuery::try_from(path)
        .ok()
        .filter(|path| is_absolute && path.query().is_none())
        .map(Uri::from)
        .ok_or_else(|| CallStatus::new(Code::Unimplemented, "the :path is malformed"))
}

/// `application/grpc+x` for a type that begins with one of `names`.
fn grpc_content_type(headers: &HeaderMap, names: &[&str]) -> Result<HeaderValue, CallStatus> {
    let said = find(headers, &CONTENT_TYPE);
    let value = said
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .to_ascii_lowercase();
    names
        .iter()
        .filter_map(|name| value.strip_prefix(name))
        .find(|rest| is_subtype(rest))
        .and_then(of_subtype)
        .ok_or_else(|| {
            let message = format!("the content-type is not {}", names.join(" or "));
            CallStatus::new(Code::InvalidArgument, message)
        })
}

/// `application/grpc` and `rest`.
fn of_subtype(rest: &str) -> Option<HeaderValue> {
    match rest {
        "" => Some(HeaderValue::from_static(GRPC)),
        "+proto" => Some(HeaderValue::from_static("application/grpc+proto")),
        rest => HeaderValue::from_str(&format!("{GRPC}{rest}")).ok(),
    }
}

fn is_subtype(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('+') || rest.starts_with(';')
}

fn read_timeout(headers: &HeaderMap) -> Result<Option<Duration>, CallStatus> {
    let value = find(headers, &GRPC_TIMEOUT).map(|value| timeout::parse(value.as_bytes()));
    value
        .transpose()
        .map_err(|error| CallStatus::new(Code::Internal, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(block: &str) -> Result<Head, CallStatus> {
        let (mut parts, ()) = Request::get("/demo.v1.Echo/Unary?q=1")
            .body(())
            .unwrap()
            .into_parts();
        Head::read(
            Upgrade::new(&mut parts, Subprotocol::Single),
            block.as_bytes(),
            8192,
        )
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

    fn head_with_path(block: &str) -> Result<Head, Code> {
        let (mut parts, ()) = Request::get("/").body(()).unwrap().into_parts();
        let head = Head::read_with_path(
            &Upgrade::new(&mut parts, Subprotocol::Mux),
            block.as_bytes(),
            8192,
        );
        head.map_err(|status| status.code())
    }

    #[test]
    fn a_block_may_name_its_method_and_nothing_else() {
        let head = head_with_path(":path: /demo.v1.Echo/Unary\r\n").unwrap();
        assert_eq!(head.request.uri(), "/demo.v1.Echo/Unary");
        assert_eq!(
            head.request.headers()[CONTENT_TYPE],
            "application/grpc+proto"
        );
        let head = head_with_path(":path: /s/m\r\ncontent-type: application/grpc+json\r\nx: y\r\n");
        let headers = head.unwrap().request.into_parts().0.headers;
        assert_eq!(headers[CONTENT_TYPE], "application/grpc+json");
        assert_eq!(headers["x"], "y");
    }

    #[test]
    fn a_path_that_is_missing_or_malformed_is_refused() {
        for block in [
            "",
            "x: y\r\n",
            "x: y\r\n:path: /s/m\r\n",
            ":paths: /s/m\r\n",
        ] {
            assert_eq!(head_with_path(block).err(), Some(Code::Internal), "{block}");
        }
        for path in ["", "s/m", "*", "http://h/s/m", "/s /m", "/s/m?x=y"] {
            let refusal = head_with_path(&format!(":path: {path}\r\n")).err();
            assert_eq!(refusal, Some(Code::Unimplemented), "{path}");
        }
    }

    #[test]
    fn a_malformed_timeout_is_refused() {
        let block = "content-type: application/grpc\r\ngrpc-timeout: soon\r\n";
        assert_eq!(head(block).err().unwrap().code(), Code::Internal);
    }
}
