//! The client's side of the opening handshake (RFC 6455 section 4.1).

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use grpc_websocket_core::Code;
use http::header::{
    CONNECTION, CONTENT_TYPE, HOST, HeaderMap, HeaderValue, InvalidHeaderValue, ORIGIN,
    SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use tonic::Status;

use super::connect::http1::{self, Handed};
use super::connect::{Io, Target};
use crate::server::handshake::{self, Subprotocol, has_token, only};

/// How much of a refusal's text is kept, in bytes.
const MAX_TEXT: usize = 256;

/// How long the text of a refusal is waited for.
const TEXT_TIMEOUT: Duration = Duration::from_secs(1);

/// What is asked for.
pub(crate) struct Opening<'a> {
    pub(crate) target: &'a Target,
    /// The path to ask for, as it is sent.
    pub(crate) path: &'a str,
    pub(crate) subprotocol: Subprotocol,
    /// The origin to name; else it is the target's own.
    pub(crate) origin: Option<&'a HeaderValue>,
    /// Headers beside those of the handshake, which they do not replace.
    pub(crate) headers: &'a HeaderMap,
}

/// Opens a WebSocket. What the server sent right behind its response is kept.
///
/// The time it takes is the caller's to limit: dropping the future closes the connection.
pub(crate) async fn upgrade(io: Io, opening: Opening<'_>) -> Result<Handed, UpgradeError> {
    let key = STANDARD.encode(std::array::from_fn::<u8, 16, _>(|_| fastrand::u8(..)));
    let request = opening.request(&key)?;
    match http1::ask(io, request, refused).await? {
        Err(refused) => Err(refused),
        Ok((response, handed)) => {
            check(response.headers(), &key, opening.subprotocol)?;
            Ok(handed)
        }
    }
}

impl Opening<'_> {
    fn request(&self, key: &str) -> Result<Request<Empty<Bytes>>, UpgradeError> {
        let mut request = Request::builder()
            .method(Method::GET)
            .uri(self.path)
            .body(Empty::new())?;
        let headers = request.headers_mut();
        headers.clone_from(self.headers);
        for name in [CONNECTION, UPGRADE, SEC_WEBSOCKET_EXTENSIONS] {
            headers.remove(name);
        }
        headers.insert(HOST, self.target.authority().as_str().try_into()?);
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_KEY, key.try_into()?);
        headers.insert(
            SEC_WEBSOCKET_VERSION,
            HeaderValue::from_static(handshake::VERSION),
        );
        headers.insert(
            SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static(self.subprotocol.name()),
        );
        headers.insert(ORIGIN, self.origin()?);
        Ok(request)
    }

    fn origin(&self) -> Result<HeaderValue, InvalidHeaderValue> {
        let own = || {
            format!(
                "{}://{}",
                self.target.http_scheme(),
                self.target.authority()
            )
        };
        self.origin.cloned().map_or_else(|| own().try_into(), Ok)
    }
}

/// The checks that section 4.1 asks of a response of 101.
fn check(headers: &HeaderMap, key: &str, offered: Subprotocol) -> Result<(), UpgradeError> {
    if !has_token(headers, &UPGRADE, "websocket") || !has_token(headers, &CONNECTION, "upgrade") {
        return Err(UpgradeError::Answer("it switches to another protocol"));
    }
    let accept = handshake::accept_value(key.as_bytes());
    if only(headers, &SEC_WEBSOCKET_ACCEPT).is_none_or(|value| *value != accept) {
        return Err(UpgradeError::Answer("it does not answer the key"));
    }
    if headers.contains_key(SEC_WEBSOCKET_EXTENSIONS) {
        return Err(UpgradeError::Answer("it takes an extension not offered"));
    }
    match only(headers, &SEC_WEBSOCKET_PROTOCOL) {
        Some(chosen) if chosen == offered.name() => Ok(()),
        _ => Err(UpgradeError::Subprotocol(offered)),
    }
}

/// Why there is no WebSocket.
#[derive(Debug)]
pub(crate) enum UpgradeError {
    /// The request cannot be made of what was given.
    Request(http::Error),
    /// The connection broke or was closed, or what came is not HTTP/1.1.
    Connection(hyper::Error),
    /// The server answered with another status than 101.
    Refused { status: StatusCode, text: String },
    /// A response of 101 that breaks RFC 6455: how.
    Answer(&'static str),
    /// A WebSocket, but not with the subprotocol that was offered.
    Subprotocol(Subprotocol),
}

impl UpgradeError {
    /// Whether another subprotocol may be answered otherwise.
    pub(crate) fn is_about_subprotocol(&self) -> bool {
        match self {
            Self::Request(_) | Self::Connection(_) | Self::Answer(_) => false,
            Self::Refused { status, .. } => matches!(
                status.as_u16(),
                200 | 400 | 404 | 405 | 415 | 426 | 500 | 501 | 505
            ),
            Self::Subprotocol(_) => true,
        }
    }

    /// The status of the calls that waited for the WebSocket.
    pub(crate) fn status(&self) -> Status {
        let code = match self {
            Self::Connection(error) if error.is_parse() => Code::Internal,
            Self::Connection(_) => Code::Unavailable,
            Self::Refused { status, .. } => Code::from_http_status(status.as_u16()),
            Self::Request(_) | Self::Answer(_) => Code::Internal,
            Self::Subprotocol(_) => Code::Unimplemented,
        };
        Status::new(i32::from(code.value()).into(), self.to_string())
    }
}

impl fmt::Display for UpgradeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no WebSocket: ")?;
        match self {
            Self::Request(error) => write!(f, "{error}"),
            Self::Connection(error) => super::connect::write_chain(f, error),
            Self::Refused { status, text } if text.is_empty() => {
                write!(f, "the server answered {status}")
            }
            Self::Refused { status, text } => write!(f, "the server answered {status}: {text}"),
            Self::Answer(how) => write!(f, "the server's answer is wrong: {how}"),
            Self::Subprotocol(offered) => {
                write!(f, "the server does not take {}", offered.name())
            }
        }
    }
}

impl std::error::Error for UpgradeError {}

impl From<hyper::Error> for UpgradeError {
    fn from(error: hyper::Error) -> Self {
        Self::Connection(error)
    }
}

impl From<http::Error> for UpgradeError {
    fn from(error: http::Error) -> Self {
        Self::Request(error)
    }
}

impl From<InvalidHeaderValue> for UpgradeError {
    fn from(error: InvalidHeaderValue) -> Self {
        Self::Request(error.into())
    }
}

async fn refused(response: Response<Incoming>) -> UpgradeError {
    let status = response.status();
    let text = tokio::time::timeout(TEXT_TIMEOUT, text(response)).await;
    UpgradeError::Refused {
        status,
        text: text.unwrap_or_default(),
    }
}

/// The beginning of a text for people, on one line.
async fn text(response: Response<Incoming>) -> String {
    let is_text = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"text/plain"));
    let mut text = Vec::new();
    let mut body = response.into_body();
    while is_text && text.len() < MAX_TEXT {
        let Some(Ok(frame)) = body.frame().await else {
            break;
        };
        text.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
    }
    text.truncate(MAX_TEXT);
    let text = String::from_utf8_lossy(&text);
    text.trim().replace(char::is_control, " ")
}

#[cfg(test)]
mod tests;
