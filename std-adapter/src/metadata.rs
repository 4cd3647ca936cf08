//! Between the header blocks of the wire and [`HeaderMap`].

use std::borrow::Cow;

use bytes::{BufMut, Bytes, BytesMut};
use grpc_websocket_core::Code;
use grpc_websocket_core::wire::metadata::{
    Field, decode_binary, field_len, fields, is_binary_name, is_connection_specific, is_valid_name,
    is_valid_value,
};
use grpc_websocket_core::wire::prefix::{FrameKind, PREFIX_LEN, Prefix};
use grpc_websocket_core::wire::status::percent_encode;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};

use crate::status::CallStatus;

/// Names of gRPC's own.
pub(crate) const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
pub(crate) const GRPC_TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");
pub(crate) const GRPC_ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
pub(crate) const GRPC_ACCEPT_ENCODING: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// The first value of a name. Most maps hold a few fields, and to look at those costs less than a hash.
#[inline]
pub(crate) fn find<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h HeaderValue> {
    const FEW: usize = 8;
    match headers.len() {
        ..=FEW => headers
            .iter()
            .find_map(|(it, value)| (it == name).then_some(value)),
        _ => headers.get(name),
    }
}

/// Reads the client's block. What belongs to the connection is left out, as are values that gRPC
/// does not allow; `-bin` values that peers joined with commas are taken apart, and count as fields
/// of their own against `max_len`.
pub(crate) fn read_block(block: &[u8], max_len: u32) -> Result<HeaderMap, CallStatus> {
    let mut headers = HeaderMap::new();
    read(block, max_len, From::Client, &mut headers)?;
    Ok(headers)
}

/// As [`read_block`], of a block whose first field is `:path`, with the path.
pub(crate) fn read_block_with_path(
    block: &[u8],
    max_len: u32,
) -> Result<(&[u8], HeaderMap), CallStatus> {
    let mut fields = fields(block);
    let first = fields.next().and_then(Result::ok);
    let Some(path) = first.filter(|field| field.name() == b":path") else {
        let message = "the first field of the metadata is not :path";
        return Err(CallStatus::new(Code::Internal, message));
    };
    let headers = read_block(fields.rest(), max_len)?;
    Ok((path.value(), headers))
}

/// Reads a server's block into an empty map. As [`read_block`], but a `-bin` value that is not base64 is left out, for
/// it must not take the status with it, and what only proxies may say to a server is kept.
pub(crate) fn read_answer_block(
    block: &[u8],
    max_len: u32,
    headers: &mut HeaderMap,
) -> Result<(), CallStatus> {
    read(block, max_len, From::Server, headers)
}

/// Whose block it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum From {
    Client,
    Server,
}

fn read(block: &[u8], max_len: u32, from: From, headers: &mut HeaderMap) -> Result<(), CallStatus> {
    if block.is_empty() {
        return Ok(());
    }
    // One copy, whose memory all values share.
    let block = Bytes::copy_from_slice(block);
    let mut headers = Headers::of(&block, max_len, headers);
    for field in fields(&block) {
        let field = field.map_err(|error| CallStatus::new(Code::Internal, error.to_string()))?;
        let Some(name) = header_name(&field) else {
            continue;
        };
        let is_dropped = from == From::Client && is_of_proxies(name.as_str());
        if field.is_connection_specific() || is_dropped {
            continue;
        }
        if field.is_binary() {
            headers.append_binary(&name, &field, from)?;
        } else if is_valid_value(field.value()) {
            headers.append(name, field.value())?;
        }
    }
    Ok(())
}

/// The name of a field, which costs no memory if it is one that all calls have.
fn header_name(field: &Field<'_>) -> Option<HeaderName> {
    let known = [
        GRPC_STATUS,
        GRPC_TIMEOUT,
        GRPC_ACCEPT_ENCODING,
        GRPC_ENCODING,
    ];
    let mut known = known.into_iter();
    known
        .find(|name| field.is(name.as_str()))
        .or_else(|| HeaderName::from_bytes(field.name()).ok())
}

/// Headers by which proxies say who their peer is. A proxy in front cannot look into a WebSocket to
/// take them out, so a client could say what it likes.
fn is_of_proxies(name: &str) -> bool {
    name == "forwarded" || name == "x-real-ip" || name.starts_with("x-forwarded-")
}

/// A map within the limit on metadata.
struct Headers<'b> {
    block: &'b Bytes,
    map: &'b mut HeaderMap,
    room: usize,
}

impl<'b> Headers<'b> {
    fn of(block: &'b Bytes, max_len: u32, map: &'b mut HeaderMap) -> Self {
        Self {
            block,
            map,
            room: usize::try_from(max_len).unwrap_or(usize::MAX),
        }
    }

    /// Takes the values of a `-bin` field apart.
    fn append_binary(
        &mut self,
        name: &HeaderName,
        field: &Field<'_>,
        from: From,
    ) -> Result<(), CallStatus> {
        let several = field.binary_values().nth(1).is_some();
        let is_value = |text: &&[u8]| !(several && text.is_empty());
        for text in field.binary_values().filter(is_value) {
            match check_base64(name, text) {
                Ok(()) => self.append(name.clone(), text)?,
                Err(_) if from == From::Server => {}
                Err(refusal) => return Err(refusal),
            }
        }
        Ok(())
    }

    /// Adds a field whose value is in the block.
    fn append(&mut self, name: HeaderName, value: &[u8]) -> Result<(), CallStatus> {
        // As HTTP/2 counts header lists, and the core.
        let cost = name.as_str().len() + value.len() + 32;
        let room = self.room.checked_sub(cost);
        let value = HeaderValue::from_maybe_shared(self.block.slice_ref(value)).ok();
        let (Some(room), Some(value)) = (room, value) else {
            return Err(too_large());
        };
        self.room = room;
        self.map
            .try_append(name, value)
            .map(drop)
            .map_err(|_| too_large())
    }
}

fn too_large() -> CallStatus {
    CallStatus::new(
        Code::ResourceExhausted,
        "the metadata is larger than the limit",
    )
}

/// Checks the base64 here, for tonic panics on some headers that are not.
fn check_base64(name: &HeaderName, text: &[u8]) -> Result<(), CallStatus> {
    let mut decoded = vec![0; text.len()];
    let checked = decode_binary(text, &mut decoded);
    let refuse = |_| CallStatus::new(Code::Internal, format!("{name} is not base64"));
    checked.map(drop).map_err(refuse)
}

/// What most blocks have room in, with their head.
const USUAL_FRAME_LEN: usize = 128;

/// A block under construction, behind room for its frame's head. It can be used again and again.
pub(crate) struct BlockWriter {
    frame: BytesMut,
}

impl BlockWriter {
    /// It takes memory with its first field.
    pub(crate) fn new() -> Self {
        Self {
            frame: BytesMut::new(),
        }
    }

    /// Begins another block.
    pub(crate) fn clear(&mut self) {
        self.frame.truncate(PREFIX_LEN);
    }

    /// Makes room for the head and for as many bytes more.
    fn reserve(&mut self, len: usize) {
        if self.frame.is_empty() {
            self.frame.reserve((PREFIX_LEN + len).max(USUAL_FRAME_LEN));
            self.frame.put_bytes(0, PREFIX_LEN);
        }
        self.frame.reserve(len);
    }

    /// Whether there is no field.
    pub(crate) fn is_empty(&self) -> bool {
        self.frame.len() <= PREFIX_LEN
    }

    /// Writes one field; leaves it out if gRPC does not allow it on the wire.
    pub(crate) fn field(&mut self, name: &str, value: &[u8]) {
        if is_valid_name(name.as_bytes()) && is_valid_value(value) {
            self.line(name, value);
        }
    }

    /// Writes `:path`, the field of a request's head that no other side's metadata may have.
    pub(crate) fn path(&mut self, path: &str) {
        self.line(":path", path.as_bytes());
    }

    fn line(&mut self, name: &str, value: &[u8]) {
        self.reserve(field_len(name, value));
        for part in [name.as_bytes(), b": ", value, b"\r\n"] {
            self.frame.extend_from_slice(part);
        }
    }

    /// Writes what a service answered, without what belongs to its connection.
    pub(crate) fn headers(&mut self, headers: &HeaderMap) {
        for (name, value) in headers {
            if *name != CONTENT_TYPE && !is_connection_specific(name.as_str().as_bytes()) {
                self.field(name.as_str(), &writable_value(name, value));
            }
        }
    }

    /// Writes `grpc-status` and `grpc-message`.
    pub(crate) fn status(&mut self, status: &CallStatus) {
        self.field("grpc-status", status.code().grpc_status().as_bytes());
        if !status.message().is_empty() {
            let message: Vec<u8> = percent_encode(status.message().as_bytes()).collect();
            self.field("grpc-message", &message);
        }
    }

    /// The block without room for a head.
    pub(crate) fn block(&self) -> &[u8] {
        self.frame.get(PREFIX_LEN..).unwrap_or_default()
    }

    /// The length of the block.
    pub(crate) fn len(&self) -> u32 {
        u32::try_from(self.block().len()).unwrap_or(u32::MAX)
    }

    /// The length of the frame.
    pub(crate) fn frame_len(&self) -> u32 {
        let len = self.frame.len().max(PREFIX_LEN);
        u32::try_from(len).unwrap_or(u32::MAX)
    }

    /// The block with its head before it.
    pub(crate) fn frame(&mut self) -> &[u8] {
        self.reserve(0);
        let prefix = Prefix {
            kind: FrameKind::Metadata,
            len: self.len(),
        };
        self.frame[..PREFIX_LEN].copy_from_slice(&prefix.encode());
        &self.frame
    }
}

/// `-bin` values go out without padding; a `grpc-message` that its service forgot to encode is
/// encoded here, for the clients in use cannot read it otherwise.
fn writable_value<'v>(name: &HeaderName, value: &'v HeaderValue) -> Cow<'v, [u8]> {
    let bytes = value.as_bytes();
    if is_binary_name(name.as_str().as_bytes()) {
        let padding = bytes.iter().rev().take_while(|&&byte| byte == b'=').count();
        return Cow::Borrowed(&bytes[..bytes.len() - padding]);
    }
    if name == "grpc-message" && !is_valid_value(bytes) {
        // The message may hold escapes already: only what cannot be written is touched.
        let encode = |byte: &u8| match byte {
            0x20..=0x7e => vec![*byte],
            _ => percent_encode(&[*byte]).collect(),
        };
        return Cow::Owned(bytes.iter().flat_map(encode).collect());
    }
    Cow::Borrowed(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_block_of(block: &[u8]) -> Result<HeaderMap, CallStatus> {
        read_block(block, 8192)
    }

    fn names_and_values(headers: &HeaderMap) -> Vec<(&str, &[u8])> {
        headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_bytes()))
            .collect()
    }

    #[test]
    fn the_first_value_of_a_name_is_found_among_few_and_many() {
        let mut headers = HeaderMap::new();
        assert_eq!(find(&headers, &GRPC_STATUS), None);
        for n in 0..20 {
            headers.append(GRPC_STATUS, n.into());
            headers.insert(HeaderName::try_from(format!("x-{n}")).unwrap(), n.into());
            assert_eq!(find(&headers, &GRPC_STATUS), Some(&HeaderValue::from(0)));
            assert_eq!(find(&headers, &GRPC_TIMEOUT), None);
        }
    }

    #[test]
    fn connection_headers_and_forbidden_values_are_left_out() {
        let block = b"Host: evil\r\nx-a: 1\r\nx-b: \xc3\xa9\r\nTE: x\r\n:path: /\r\nX-A: 2, 3\r\n";
        let headers = read_block_of(block).unwrap();
        assert_eq!(
            names_and_values(&headers),
            [("x-a", &b"1"[..]), ("x-a", b"2, 3")]
        );
    }

    #[test]
    fn joined_binary_values_are_taken_apart_and_checked() {
        let headers = read_block_of(b"x-bin: AAEC, AAED==\r\n");
        assert_eq!(headers.unwrap_err().code(), Code::Internal);
        let headers = read_block_of(b"x-bin: AAEC,,AAE=\r\nx-bin: AA\r\ny-bin:\r\n").unwrap();
        let expected = [
            ("x-bin", &b"AAEC"[..]),
            ("x-bin", b"AAE="),
            ("x-bin", b"AA"),
            ("y-bin", b""),
        ];
        assert_eq!(names_and_values(&headers), expected);
    }

    #[test]
    fn values_that_are_taken_apart_count_against_the_limit() {
        let block = format!("x-bin: {}\r\n", "AA,".repeat(1000));
        let refusal = read_block(block.as_bytes(), 8192).unwrap_err();
        assert_eq!(refusal.code(), Code::ResourceExhausted);
    }

    #[test]
    fn what_only_a_proxy_may_say_is_left_out() {
        let block = b"X-Forwarded-For: 10.0.0.1\r\nforwarded: for=x\r\nx-real-ip: x\r\nx: y\r\n";
        let headers = read_block_of(block).unwrap();
        assert_eq!(names_and_values(&headers), [("x", &b"y"[..])]);
    }

    fn written(write: impl FnOnce(&mut BlockWriter)) -> String {
        let mut block = BlockWriter::new();
        write(&mut block);
        String::from_utf8(block.block().to_vec()).unwrap()
    }

    #[test]
    fn a_status_is_written_percent_encoded() {
        let status = CallStatus::new(Code::NotFound, "no naïve 100%\r\n");
        let expected = "grpc-status: 5\r\ngrpc-message: no na%C3%AFve 100%25%0D%0A\r\n";
        assert_eq!(written(|block| block.status(&status)), expected);
    }

    #[test]
    fn what_a_service_answers_is_made_fit_for_the_wire() {
        let mut headers = HeaderMap::new();
        headers.insert("x-bin", HeaderValue::from_static("AAE="));
        headers.insert(
            "grpc-message",
            HeaderValue::from_bytes(b"caf\xc3\xa9 %41").unwrap(),
        );
        headers.insert("x-raw", HeaderValue::from_bytes(b"\xff").unwrap());
        headers.insert("connection", HeaderValue::from_static("close"));
        let expected = "x-bin: AAE\r\ngrpc-message: caf%C3%A9 %41\r\n";
        assert_eq!(written(|block| block.headers(&headers)), expected);
    }
}
