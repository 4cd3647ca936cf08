//! The server's side of the opening handshake (RFC 6455 section 4.2).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use grpc_websocket_core::{mux, single};
use http::header::{
    CONNECTION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT,
    SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::request::Parts;
use http::{Method, Response, StatusCode};
use http_body_util::Full;
use tonic::body::Body;

use crate::origin::AllowOrigin;

const VERSION: &str = "13";
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// What is spoken on a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subprotocol {
    /// `grpc-websockets`: one call.
    Single,
    /// `grpc-mux.v1`: many calls.
    Mux,
}

impl Subprotocol {
    /// The best one first.
    const ALL: [Self; 2] = [Self::Mux, Self::Single];

    const fn name(self) -> &'static str {
        match self {
            Self::Single => single::SUBPROTOCOL,
            Self::Mux => mux::SUBPROTOCOL,
        }
    }

    /// The best that a request for a WebSocket offers. Other requests are somebody else's, other
    /// WebSockets too.
    pub(crate) fn choose(request: &Parts) -> Option<Self> {
        let headers = &request.headers;
        if request.method != Method::GET || !has_token(headers, &UPGRADE, "websocket") {
            return None;
        }
        Self::ALL
            .into_iter()
            .find(|offered| has_token(headers, &SEC_WEBSOCKET_PROTOCOL, offered.name()))
    }
}

/// The answer to a request for a WebSocket: 101 with the chosen subprotocol, or why not.
pub(crate) fn respond(
    request: &Parts,
    subprotocol: Subprotocol,
    origins: &AllowOrigin,
) -> Result<Response<Body>, Refusal> {
    let headers = &request.headers;
    if !origins.allows(headers) {
        return Err(Refusal::Origin);
    }
    if only(headers, &HOST).is_none() {
        return Err(Refusal::Host);
    }
    if !has_token(headers, &CONNECTION, "upgrade") {
        return Err(Refusal::Connection);
    }
    if only(headers, &SEC_WEBSOCKET_VERSION).is_none_or(|version| version != VERSION) {
        return Err(Refusal::Version);
    }
    let key = only(headers, &SEC_WEBSOCKET_KEY).map(HeaderValue::as_bytes);
    key.filter(|key| is_key(key))
        .map(|key| switching_protocols(key, subprotocol))
        .ok_or(Refusal::Key)
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
        response
    }
}

fn switching_protocols(key: &[u8], subprotocol: Subprotocol) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(
        SEC_WEBSOCKET_PROTOCOL,
        HeaderValue::from_static(subprotocol.name()),
    );
    // No extension is ever accepted: permessage-deflate saves nothing on framed gRPC.
    if let Ok(accept) = HeaderValue::from_str(&accept_value(key)) {
        headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    }
    response
}

fn accept_value(key: &[u8]) -> String {
    let mut sha1 = sha1_smol::Sha1::new();
    sha1.update(key);
    sha1.update(GUID);
    STANDARD.encode(sha1.digest().bytes())
}

fn is_key(key: &[u8]) -> bool {
    STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == 16)
}

/// The value of a header that must come once.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

/// Whether a comma-separated header, which may come in several lines, lists a token.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let lines = headers
        .get_all(name)
        .iter()
        .filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(','))
        .any(|item| item.trim().eq_ignore_ascii_case(token))
}

#[cfg(test)]
mod tests {
    use super::*;
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

    fn choose(request: &Parts) -> Subprotocol {
        Subprotocol::choose(request).unwrap()
    }

    fn status(change: impl FnOnce(&mut HeaderMap)) -> StatusCode {
        let request = request(change);
        respond(&request, choose(&request), &AllowOrigin::SameHost)
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
        respond(&request, choose(&request), &AllowOrigin::SameHost).unwrap()
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
        let is_for_us = |request: &Parts| Subprotocol::choose(request).is_some();
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
}
