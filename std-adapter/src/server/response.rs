//! Reads a service's HTTP response as gRPC's answer to a call.

use grpc_websocket_core::Code;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use http::response::Parts;

use crate::metadata::BlockWriter;
use crate::status::CallStatus;

const GRPC_STATUS: &str = "grpc-status";

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
        let said = match (self, subtype) {
            (Self::Web, subtype) => format!("application/grpc-web+{}", subtype.unwrap_or("proto")),
            (Self::Grpc, None | Some("proto")) => return,
            (Self::Grpc, Some(subtype)) => format!("application/grpc+{subtype}"),
        };
        block.field("content-type", said.as_bytes());
    }
}

/// What a response's head says.
pub(crate) enum Answer {
    /// Initial metadata; messages and trailers follow.
    Metadata(BlockWriter),
    /// The status, and all of the answer.
    TrailersOnly(BlockWriter),
    /// No gRPC answer at all.
    NotGrpc(CallStatus),
}

impl Answer {
    pub(crate) fn read(head: &Parts, content_type: ContentType) -> Self {
        let mut block = BlockWriter::new();
        content_type.write(subtype(&head.headers), &mut block);
        block.headers(&head.headers);
        if head.headers.contains_key(GRPC_STATUS) {
            return Self::TrailersOnly(block);
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
        Self::Metadata(block)
    }
}

/// The block of a service's trailers; one without a status says `UNKNOWN`.
pub(crate) fn trailers_block(trailers: &HeaderMap) -> BlockWriter {
    let mut block = BlockWriter::new();
    if !trailers.contains_key(GRPC_STATUS) {
        block.status(&missing_status());
    }
    block.headers(trailers);
    block
}

/// The status of an answer that ends without one.
pub(crate) fn missing_status() -> CallStatus {
    CallStatus::new(Code::Unknown, "the service ended the call without a status")
}

/// The encodings that a client takes, by its `grpc-accept-encoding`.
#[derive(Debug, Default)]
pub(crate) struct AcceptEncoding {
    lines: Vec<HeaderValue>,
}

impl AcceptEncoding {
    pub(crate) fn of(request: &HeaderMap) -> Self {
        let lines = request.get_all("grpc-accept-encoding");
        Self {
            lines: lines.iter().cloned().collect(),
        }
    }

    /// Whether the messages of an answer that begins with these headers may be compressed: the
    /// status of the call if one is and must not be.
    pub(crate) fn check(&self, answer: &HeaderMap) -> Result<(), CallStatus> {
        let encoding = answer.get("grpc-encoding").map(HeaderValue::as_bytes);
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
            .lines
            .iter()
            .flat_map(|line| line.as_bytes().split(|&byte| byte == b','));
        listed.any(|item| item.trim_ascii() == encoding)
    }
}

pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    value.is_some_and(|value| value.starts_with(b"application/grpc"))
}

/// `x` of `application/grpc+x`.
fn subtype(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    value.strip_prefix("application/grpc+")
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderName;

    fn block_of(content_type: ContentType, said: &'static str) -> Vec<u8> {
        let response = http::Response::builder().header("content-type", said);
        let (head, ()) = response.body(()).unwrap().into_parts();
        match Answer::read(&head, content_type) {
            Answer::Metadata(block) => block.into_frame()[5..].to_vec(),
            _ => panic!("{said} is gRPC"),
        }
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
            AcceptEncoding::of(&request).check(&answer.into_iter().collect())
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
