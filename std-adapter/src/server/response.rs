//! Reads a service's HTTP response as gRPC's answer to a call.

use std::borrow::Cow;

use grpc_websocket_core::Code;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::response::Parts;

use crate::metadata::{BlockWriter, GRPC_ACCEPT_ENCODING, GRPC_ENCODING, GRPC_STATUS, find};
use crate::status::CallStatus;

/// How a subprotocol names the type of an answer's messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContentType {
    /// As gRPC-Web does, always.
    Web,
    /// As gRPC does. `application/grpc+proto` is not said.
    Grpc,
}

impl ContentType {
    /// Says the type of an answer that has no messages.
    pub(crate) fn write_default(self, block: &mut BlockWriter) {
        self.write(None, block);
    }

    /// Says `application/grpc+x`.
    fn write(self, subtype: Option<&str>, block: &mut BlockWriter) {
        let said: Cow<'_, str> = match (self, subtype) {
            (Self::Web, None | Some("proto")) => "application/grpc-web+proto".into(),
            (Self::Web, Some(subtype)) => format!("application/grpc-web+{subtype}").into(),
            (Self::Grpc, None | Some("proto")) => return,
            (Self::Grpc, Some(subtype)) => format!("application/grpc+{subtype}").into(),
        };
        block.field("content-type", said.as_bytes());
    }
}

/// What a response's head is.
pub(crate) enum Answer {
    /// Initial metadata; messages and trailers follow.
    Metadata,
    /// The status, and all of the answer.
    TrailersOnly,
    /// No gRPC answer at all.
    NotGrpc(CallStatus),
}

impl Answer {
    /// Reads a head, and writes what it says as the block of an answer.
    pub(crate) fn read(head: &Parts, content_type: ContentType, block: &mut BlockWriter) -> Self {
        content_type.write(subtype(&head.headers), block);
        block.headers(&head.headers);
        if find(&head.headers, &GRPC_STATUS).is_some() {
            return Self::TrailersOnly;
        }
        if head.status != StatusCode::OK {
            let code = Code::from_http_status(head.status.as_u16());
            return Self::NotGrpc(CallStatus::new(
                code,
                format!("HTTP status {}", head.status),
            ));
        }
        if !is_grpc(&head.headers) {
            let message = "the service answered with something that is not gRPC";
            return Self::NotGrpc(CallStatus::new(Code::Unknown, message));
        }
        Self::Metadata
    }
}

/// Writes the block of a service's trailers; one without a status says `UNKNOWN`.
pub(crate) fn write_trailers(trailers: &HeaderMap, block: &mut BlockWriter) {
    if find(trailers, &GRPC_STATUS).is_none() {
        block.status(&missing_status());
    }
    block.headers(trailers);
}

/// The status of an answer that ends without one.
pub(crate) fn missing_status() -> CallStatus {
    CallStatus::new(Code::Unknown, "the service ended the call without a status")
}

/// The encodings that a client takes, by its `grpc-accept-encoding`, and the one of its answer.
#[derive(Debug, Default)]
pub(crate) struct Compression {
    accepted: Vec<HeaderValue>,
    encoding: Option<HeaderValue>,
}

impl Compression {
    pub(crate) fn of(request: &HeaderMap) -> Self {
        if find(request, &GRPC_ACCEPT_ENCODING).is_none() {
            return Self::default();
        }
        let lines = request.get_all(GRPC_ACCEPT_ENCODING);
        Self {
            accepted: lines.iter().cloned().collect(),
            encoding: None,
        }
    }

    /// The answer begins.
    pub(crate) fn answer(&mut self, head: &HeaderMap) {
        self.encoding = find(head, &GRPC_ENCODING).cloned();
    }

    /// Whether its messages may be compressed: the status of the call if one is and must not be.
    pub(crate) fn check(&self) -> Result<(), CallStatus> {
        let encoding = self.encoding.as_ref().map(HeaderValue::as_bytes);
        match encoding {
            Some(encoding) if encoding != b"identity" && self.contains(encoding) => Ok(()),
            _ => {
                let encoding = String::from_utf8_lossy(encoding.unwrap_or(b"identity"));
                let message = format!(
                    "the service compressed a message, but the client takes no grpc-encoding \
                     {encoding}"
                );
                Err(CallStatus::new(Code::Internal, message))
            }
        }
    }

    fn contains(&self, encoding: &[u8]) -> bool {
        let mut listed = self
            .accepted
            .iter()
            .flat_map(|line| line.as_bytes().split(|&byte| byte == b','));
        listed.any(|item| item.trim_ascii() == encoding)
    }
}

pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    let value = find(headers, &CONTENT_TYPE).map(HeaderValue::as_bytes);
    value.is_some_and(|value| value.starts_with(b"application/grpc"))
}

/// `x` of `application/grpc+x`.
fn subtype(headers: &HeaderMap) -> Option<&str> {
    let value = find(headers, &CONTENT_TYPE)?.to_str().ok()?;
    value.strip_prefix("application/grpc+")
}

#[cfg(test)]
mod tests {
    use http::HeaderName;

    use super::*;

    fn block_of(content_type: ContentType, said: &'static str) -> Vec<u8> {
        let response = http::Response::builder().header("content-type", said);
        let (head, ()) = response.body(()).unwrap().into_parts();
        let mut block = BlockWriter::new();
        let answer = Answer::read(&head, content_type, &mut block);
        assert!(matches!(answer, Answer::Metadata), "{said} is gRPC");
        block.block().to_vec()
    }

    #[test]
    fn a_subprotocol_names_the_type_of_the_messages_its_own_way() {
        let json = "application/grpc+json";
        let web = block_of(ContentType::Web, json);
        assert_eq!(web, b"content-type: application/grpc-web+json\r\n");
        let grpc = block_of(ContentType::Grpc, json);
        assert_eq!(grpc, b"content-type: application/grpc+json\r\n");
        for usual in ["application/grpc", "application/grpc+proto"] {
            let web = block_of(ContentType::Web, usual);
            assert_eq!(web, b"content-type: application/grpc-web+proto\r\n");
            assert_eq!(block_of(ContentType::Grpc, usual), b"");
        }
    }

    #[test]
    fn messages_are_compressed_only_as_the_client_takes_them() {
        let check = |accepted: &[&'static str], encoding: Option<&'static str>| {
            let mut request = HeaderMap::new();
            for line in accepted {
                request.append("grpc-accept-encoding", HeaderValue::from_static(line));
            }
            let encoding = encoding.map(HeaderValue::from_static);
            let answer = encoding.map(|value| (HeaderName::from_static("grpc-encoding"), value));
            let mut compression = Compression::of(&request);
            compression.answer(&answer.into_iter().collect());
            compression.check()
        };
        assert_eq!(check(&["gzip"], Some("gzip")).err(), None);
        assert_eq!(
            check(&["identity", "deflate , gzip"], Some("gzip")).err(),
            None
        );
        for (accepted, encoding) in [
            (&[][..], Some("gzip")),
            (&["identity"], Some("gzip")),
            (&["gzip2,xgzip"], Some("gzip")),
            (&["gzip,identity"], Some("identity")),
            (&["gzip,identity"], None),
        ] {
            let status = check(accepted, encoding).unwrap_err();
            assert_eq!(status.code(), Code::Internal, "{accepted:?} {encoding:?}");
        }
    }
}
