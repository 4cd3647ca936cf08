//! The server's side of the opening handshake (RFC 6455 section 4.2; over HTTP/2, RFC 8441 section
//! 5).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    ALLOW, CONNECTION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue,
    SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use http::request::Parts;
use http::uri::Authority;
use http::{Method, Response, StatusCode};
use http_body_util::Full;
use hyper::ext::Protocol;
use tonic::body::Body;

use crate::server::origin::AllowOrigin;
pub(crate) use crate::subprotocol::Subprotocol;

pub(crate) const VERSION: &str = "13";
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// The best subprotocol that a request for a WebSocket offers. Other requests are somebody else's,
/// other WebSockets too.
pub(crate) fn choose(request: &Parts) -> Option<Subprotocol> {
    let is_websocket = match request.method {
        Method::GET => has_token(&request.headers, &UPGRADE, "websocket"),
        Method::CONNECT => protocol(request) == Some("websocket"),
        _ => false,
    };
    Subprotocol::ALL.into_iter().find(|offered| {
        is_websocket && has_token(&request.headers, &SEC_WEBSOCKET_PROTOCOL, offered.name())
    })
}

/// Why a request that is none for our WebSockets is no service's either: a service that looks at
/// its path alone would take a CONNECT for a call.
pub(crate) fn refuse(request: &Parts) -> Option<Refusal> {
    (request.method == Method::CONNECT).then_some(match protocol(request) {
        Some(_) => Refusal::Protocol,
        None => Refusal::Method,
    })
}

/// What an HTTP/2 client wants to speak on a stream (RFC 8441 section 4).
fn protocol(request: &Parts) -> Option<&str> {
    let protocol = request.extensions.get::<Protocol>();
    protocol.map(Protocol::as_str)
}

/// The answer to a request for a WebSocket, with the chosen subprotocol, or why not.
pub(crate) fn respond(
    request: &Parts,
    subprotocol: Subprotocol,
    origins: &AllowOrigin,
) -> Result<Response<Body>, Refusal> {
    let headers = &request.headers;
    let hosts = hosts(request);
    if !origins.allows_at(hosts.first().copied(), headers) {
        return Err(Refusal::Origin);
    }
    if hosts.len() != 1 {
        return Err(Refusal::Host);
    }
    if only(headers, &SEC_WEBSOCKET_VERSION).is_none_or(|version| version != VERSION) {
        return Err(Refusal::Version);
    }
    if request.method == Method::CONNECT {
        return Ok(accepted(StatusCode::OK, subprotocol));
    }
    if !has_token(headers, &CONNECTION, "upgrade") {
        return Err(Refusal::Connection);
    }
    let key = only(headers, &SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes);
    key.filter(|key| is_key(key))
        .map(|key| switching_protocols(key, subprotocol))
        .ok_or(Refusal::Key)
}

/// Whom the client means to talk to: one host, or it is not said.
fn hosts(request: &Parts) -> Vec<&str> {
    if request.method == Method::CONNECT {
        return request
            .uri
            .authority()
            .map(Authority::as_str)
            .into_iter()
            .collect();
    }
    let lines = request.headers.get_all(HOST).into_iter();
    lines
        .map(|host| host.to_str().unwrap_or_default())
        .collect()
}

/// Why there is no WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    Origin,
    Host,
    Connection,
    Version,
    Key,
    /// The HTTP server below cannot hand its connection over.
    Server,
    /// The server comes to its end.
    Ending,
    /// A CONNECT for something other than a WebSocket with a subprotocol of ours.
    Protocol,
    /// A CONNECT through this server.
    Method,
}

impl Refusal {
    pub(crate) fn into_response(self) -> Response<Body> {
        let (status, why) = match self {
            Self::Origin => (
                StatusCode::FORBIDDEN,
                "this origin may not connect; the server's operator can allow it",
            ),
            Self::Host => (StatusCode::BAD_REQUEST, "one Host header is needed"),
            Self::Connection => (
                StatusCode::BAD_REQUEST,
                "the Connection header lacks `Upgrade`",
            ),
            Self::Version => (
                StatusCode::UPGRADE_REQUIRED,
                "WebSocket version 13 is needed",
            ),
            Self::Key => (
                StatusCode::BAD_REQUEST,
                "Sec-WebSocket-Key is not 16 bytes in base64",
            ),
            Self::Server => (
                StatusCode::NOT_IMPLEMENTED,
                "this HTTP server does not support upgrades",
            ),
            Self::Ending => (
                StatusCode::SERVICE_UNAVAILABLE,
                "the server takes no more calls",
            ),
            Self::Protocol => (
                StatusCode::NOT_IMPLEMENTED,
                "only WebSockets with a subprotocol of gRPC are spoken here",
            ),
            Self::Method => (StatusCode::METHOD_NOT_ALLOWED, "this is no proxy"),
        };
        let mut response = Response::new(Body::new(Full::from(why)));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        if self == Self::Version {
            headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static(VERSION));
        }
        if self == Self::Method {
            headers.insert(ALLOW, HeaderValue::from_static("GET, POST"));
        }
        response
    }
}

fn switching_protocols(key: &[u8], subprotocol: Subprotocol) -> Response<Body> {
    let mut response = accepted(StatusCode::SWITCHING_PROTOCOLS, subprotocol);
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept) = HeaderValue::from_str(&accept_value(key)) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}

/// No extension is ever accepted: permessage-deflate saves nothing on framed gRPC.
fn accepted(status: StatusCode, subprotocol: Subprotocol) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    let name = HeaderValue::from_static(subprotocol.name());
    response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, name);
    response
}

pub(crate) fn accept_value(key: &[u8]) -> String {
    let mut sha1 = sha1_smol::Sha1::new();
    sha1.update(key);
    sha1.update(GUID);
    STANDARD.encode(sha1.digest().bytes())
}

fn is_key(key: &[u8]) -> bool {
    STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == 16)
}

/// The value of a header that must come once.
pub(crate) fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

/// Whether a comma-separated header lists a token.
pub(crate) fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let mut lines = headers.get_all(name).into_iter();
    lines.any(|line| {
        let mut items = line.as_bytes().split(|&byte| byte == b',');
        items.any(|item| item.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
    })
}

/// The items of a comma-separated header, which may come in several lines.
pub(crate) fn list<'h>(
    headers: &'h HeaderMap,
    name: &HeaderName,
) -> impl Iterator<Item = &'h str> + use<'h> {
    let lines = headers.get_all(name).into_iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use grpc_websocket_core::single;
    use http::Request;

    fn request(change: impl FnOnce(&mut HeaderMap)) -> Parts {
        let mut request = Request::get("/s/m").body(()).unwrap();
        for (name, value) in [
            ("host", "h"),
            ("connection", "keep-alive, Upgrade"),
            ("upgrade", "WebSocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("sec-websocket-protocol", "other, grpc-websockets"),
        ] {
            request
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        change(request.headers_mut());
        request.into_parts().0
    }

    fn status(change: impl FnOnce(&mut HeaderMap)) -> StatusCode {
        let request = request(change);
        respond(&request, choose(&request).unwrap(), &AllowOrigin::SameHost)
            .unwrap_or_else(Refusal::into_response)
            .status()
    }

    fn answer_to(offered: &[&'static str]) -> Response<Body> {
        let request = request(|headers| {
            headers.remove(SEC_WEBSOCKET_PROTOCOL);
            for line in offered {
                headers.append(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(line));
            }
        });
        respond(&request, choose(&request).unwrap(), &AllowOrigin::SameHost).unwrap()
    }

    #[test]
    fn many_calls_are_preferred_and_one_subprotocol_is_answered() {
        for (offered, chosen) in [
            (&["grpc-mux.v1"][..], "grpc-mux.v1"),
            (&["grpc-websockets, grpc-mux.v1"], "grpc-mux.v1"),
            (&["grpc-mux.v1", "grpc-websockets"], "grpc-mux.v1"),
            (&["x", "grpc-websockets", "grpc-mux.v1"], "grpc-mux.v1"),
            (&["grpc-mux.v2, grpc-websockets"], "grpc-websockets"),
        ] {
            let response = answer_to(offered);
            let answered = response.headers().get_all(SEC_WEBSOCKET_PROTOCOL);
            assert!(answered.iter().eq([chosen]), "{offered:?}");
        }
    }

    #[test]
    fn the_key_of_rfc_6455_is_answered_as_it_says() {
        let response = answer_to(&["other, grpc-websockets"]);
        assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
        assert_eq!(
            response.headers()[SEC_WEBSOCKET_ACCEPT],
            "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
        assert_eq!(
            response.headers()[SEC_WEBSOCKET_PROTOCOL],
            single::SUBPROTOCOL
        );
        assert!(!response.headers().contains_key("sec-websocket-extensions"));
    }

    #[test]
    fn bad_handshakes_get_the_status_of_their_fault() {
        assert_eq!(
            status(|h| drop(h.insert("origin", HeaderValue::from_static("http://x")))),
            403
        );
        assert_eq!(status(|h| drop(h.remove("host"))), 400);
        assert_eq!(status(|h| drop(h.remove("connection"))), 400);
        assert_eq!(status(|h| drop(h.remove("sec-websocket-version"))), 426);
        let eight = HeaderValue::from_static("8");
        assert_eq!(
            status(|h| drop(h.insert("sec-websocket-version", eight))),
            426
        );
        assert_eq!(status(|h| drop(h.remove("sec-websocket-key"))), 400);
        let short = HeaderValue::from_static("c2hvcnQ=");
        assert_eq!(status(|h| drop(h.insert("sec-websocket-key", short))), 400);
        let again = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(
            status(|h| assert!(h.append("sec-websocket-key", again))),
            400
        );
    }

    #[test]
    fn other_requests_are_not_for_us() {
        let is_for_us = |request: &Parts| choose(request).is_some();
        assert!(is_for_us(&request(|_| ())));
        assert!(!is_for_us(&request(|h| drop(h.remove("upgrade")))));
        assert!(!is_for_us(&request(|h| drop(
            h.remove("sec-websocket-protocol")
        ))));
        let other = HeaderValue::from_static("graphql-ws");
        assert!(!is_for_us(&request(|h| drop(
            h.insert("sec-websocket-protocol", other)
        ))));
        let mut post = request(|_| ());
        post.method = Method::POST;
        assert!(!is_for_us(&post));
    }

    /// A request over HTTP/2.
    fn connect(protocol: Option<&'static str>, change: impl FnOnce(&mut Request<()>)) -> Parts {
        let mut request = Request::connect("https://h/s/m")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-protocol", "grpc-mux.v1, grpc-websockets")
            .body(())
            .unwrap();
        if let Some(protocol) = protocol {
            let protocol = Protocol::from_static(protocol);
            request.extensions_mut().insert(protocol);
        }
        change(&mut request);
        request.into_parts().0
    }

    #[test]
    fn an_http2_stream_becomes_a_websocket_without_a_key() {
        let request = connect(Some("websocket"), |_| ());
        let chosen = choose(&request).unwrap();
        let response = respond(&request, chosen, &AllowOrigin::SameHost).unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        let expected = [(SEC_WEBSOCKET_PROTOCOL, "grpc-mux.v1")];
        assert_eq!(response.headers().len(), 1);
        assert_eq!(response.headers()[&expected[0].0], expected[0].1);
    }

    #[test]
    fn origin_and_version_are_looked_at_over_http2_too() {
        let refusal = |name: &'static str, value: &'static str| {
            let value = HeaderValue::from_static(value);
            let request = connect(Some("websocket"), |request| {
                request.headers_mut().insert(name, value);
            });
            respond(&request, Subprotocol::Mux, &AllowOrigin::SameHost).err()
        };
        assert_eq!(refusal("origin", "https://h"), None);
        assert_eq!(refusal("origin", "https://x"), Some(Refusal::Origin));
        assert_eq!(
            refusal("sec-websocket-version", "8"),
            Some(Refusal::Version)
        );
        let nowhere = connect(Some("websocket"), |request| {
            *request.uri_mut() = "/s/m".parse().unwrap();
        });
        let refusal = respond(&nowhere, Subprotocol::Mux, &AllowOrigin::SameHost).err();
        assert_eq!(refusal, Some(Refusal::Host));
    }

    #[test]
    fn no_other_connect_is_passed_on() {
        let other = connect(Some("websocket"), |request| {
            let name = HeaderValue::from_static("graphql-ws");
            request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, name);
        });
        for (request, status) in [
            (other, StatusCode::NOT_IMPLEMENTED),
            (
                connect(Some("connect-udp"), |_| ()),
                StatusCode::NOT_IMPLEMENTED,
            ),
            (connect(None, |_| ()), StatusCode::METHOD_NOT_ALLOWED),
        ] {
            assert_eq!(choose(&request), None);
            assert_eq!(refuse(&request).unwrap().into_response().status(), status);
        }
        assert_eq!(refuse(&request(|_| ())), None);
    }
}
