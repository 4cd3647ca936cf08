//! Between HTTP's heads and the header blocks of calls that are made here.

use grpc_websocket_core::Code;
use grpc_websocket_core::wire::status::{percent_decode, percent_encode};
use grpc_websocket_core::wire::timeout;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use http::{Extensions, Request, Response, Version};
use tokio::time::Instant;
use tonic::Status;

use crate::metadata::{BlockWriter, GRPC_STATUS, find, read_answer_block};

const GRPC: &str = "application/grpc";
const GRPC_WEB: &str = "application/grpc-web";
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// The block of a call of `grpc-mux.v1` (SPEC.md#request).
pub(crate) fn write_mux_block<B>(
    head: &Request<B>,
    deadline: Option<Instant>,
    block: &mut BlockWriter,
) {
    block.clear();
    block.path(head.uri().path());
    if let Some(subtype) = subtype(head.headers()).filter(|subtype| *subtype != "proto") {
        block.field("content-type", format!("{GRPC}+{subtype}").as_bytes());
    }
    finish(block, head.headers(), deadline);
}

/// The block of a call of `grpc-websockets`, as the servers in use know it.
pub(crate) fn single_block<B>(head: &Request<B>, deadline: Option<Instant>) -> BlockWriter {
    let mut block = BlockWriter::new();
    let subtype = subtype(head.headers()).unwrap_or("proto");
    block.field("content-type", format!("{GRPC_WEB}+{subtype}").as_bytes());
    block.field("x-grpc-web", b"1");
    finish(&mut block, head.headers(), deadline);
    block
}

/// Writes the time that is left, and the caller's metadata.
fn finish(block: &mut BlockWriter, headers: &HeaderMap, deadline: Option<Instant>) {
    if let Some(deadline) = deadline {
        let left = deadline.saturating_duration_since(Instant::now());
        block.field("grpc-timeout", timeout::encode(left).as_bytes());
    }
    block.headers(headers);
}

/// `x` of `application/grpc+x`.
fn subtype(headers: &HeaderMap) -> Option<&str> {
    let value = find(headers, &CONTENT_TYPE)?.to_str().ok()?;
    value.strip_prefix(GRPC)?.strip_prefix('+')
}

/// The head of an answer, from its initial metadata. `empty` gives it memory.
pub(crate) fn read_answer(
    block: &[u8],
    max_len: u32,
    empty: (HeaderMap, Extensions),
) -> Result<Response<()>, Status> {
    let mut response = Response::new(());
    *response.version_mut() = Version::HTTP_2;
    (*response.headers_mut(), *response.extensions_mut()) = empty;
    let headers = response.headers_mut();
    read_answer_block(block, max_len, headers)?;
    say_content_type(headers);
    Ok(response)
}

/// The trailers of an answer that ended with `code`, in the form that gRPC libraries read without
/// fail: one status of a known code, a message that is UTF-8.
pub(crate) fn read_trailers(code: Code, block: &[u8], max_len: u32) -> Result<HeaderMap, Status> {
    let mut trailers = HeaderMap::new();
    read_answer_block(block, max_len, &mut trailers)?;
    trailers.insert(GRPC_STATUS, HeaderValue::from_static(code.grpc_status()));
    if let Some(message) = find(&trailers, &GRPC_MESSAGE) {
        let message: Vec<u8> = percent_decode(message.as_bytes()).collect();
        let message = String::from_utf8_lossy(&message);
        let encoded: Vec<u8> = percent_encode(message.as_bytes()).collect();
        if let Ok(value) = HeaderValue::from_bytes(&encoded) {
            trailers.insert(GRPC_MESSAGE, value);
        }
    }
    Ok(trailers)
}

/// Trailers-Only: an answer that is over with its head.
pub(crate) fn trailers_only(mut headers: HeaderMap) -> Response<()> {
    say_content_type(&mut headers);
    let mut response = Response::new(());
    *response.version_mut() = Version::HTTP_2;
    *response.headers_mut() = headers;
    response
}

/// Makes the content type that of gRPC, which a server may leave out or call gRPC-Web.
fn say_content_type(headers: &mut HeaderMap) {
    let grpc = find(headers, &CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix(GRPC_WEB).or(value.strip_prefix(GRPC)))
        .filter(|rest| !rest.is_empty())
        .and_then(|rest| HeaderValue::from_str(&format!("{GRPC}{rest}")).ok())
        .unwrap_or(HeaderValue::from_static(GRPC));
    headers.insert(CONTENT_TYPE, grpc);
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::Request;

    use super::*;

    fn text(block: &BlockWriter) -> String {
        String::from_utf8(block.block().to_vec()).unwrap()
    }

    fn mux_block(head: &Request<()>, deadline: Option<Instant>) -> BlockWriter {
        let mut block = BlockWriter::new();
        write_mux_block(head, deadline, &mut block);
        block
    }

    fn head(content_type: &'static str) -> Request<()> {
        let request = Request::post("http://h/s/m")
            .header("content-type", content_type)
            .header("te", "trailers")
            .header("x-a", "1")
            .header("x-a", "2, 3")
            .header("x-bin", "AAE=");
        request.body(()).unwrap()
    }

    const CALLERS: &str = "x-a: 1\r\nx-a: 2, 3\r\nx-bin: AAE\r\n";

    #[test]
    fn a_call_says_its_metadata_as_its_subprotocol_has_it() {
        let grpc = head("application/grpc");
        let mux = text(&mux_block(&grpc, None));
        assert_eq!(mux, format!(":path: /s/m\r\n{CALLERS}"));
        let single = text(&single_block(&grpc, None));
        let web = "content-type: application/grpc-web+proto\r\nx-grpc-web: 1\r\n";
        assert_eq!(single, format!("{web}{CALLERS}"));
        let json = text(&mux_block(&head("application/grpc+json"), None));
        assert!(json.contains("content-type: application/grpc+json\r\n"));
    }

    #[tokio::test(start_paused = true)]
    async fn the_timeout_is_what_is_left_of_the_time() {
        let deadline = Instant::now() + Duration::from_secs(3);
        tokio::time::advance(Duration::from_secs(1)).await;
        let block = text(&mux_block(&head("application/grpc"), Some(deadline)));
        assert!(block.contains("grpc-timeout: 2000000u\r\n") || block.contains("grpc-timeout: 2"));
        let late = text(&mux_block(&head("application/grpc"), Some(Instant::now())));
        assert!(late.contains("grpc-timeout: 0"));
    }

    #[test]
    fn trailers_are_made_fit_for_grpc_libraries() {
        let block =
            b"Grpc-Status: 05\r\ngrpc-message: a%FFb 100%\r\ngrpc-status-details-bin: ###\r\nX-Y: z\r\n";
        let trailers = read_trailers(Code::Unknown, block, 8192).unwrap();
        assert_eq!(trailers["grpc-status"], "2");
        assert_eq!(trailers["grpc-message"], "a%EF%BF%BDb 100%25");
        assert_eq!(trailers["x-y"], "z");
        assert!(!trailers.contains_key("grpc-status-details-bin"));
        assert!(!trailers.contains_key("content-type"));
        assert_eq!(
            trailers_only(trailers).headers()["content-type"],
            "application/grpc"
        );
    }
}
