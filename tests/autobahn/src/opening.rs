//! The opening handshake (RFC 6455 section 4), as much of it as Autobahn needs.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const MAX_HEAD: usize = 8192;
const MAX_HEADERS: usize = 32;
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Answers the request of a client. Returns what came after it.
pub(crate) fn accept(stream: &mut TcpStream) -> io::Result<Vec<u8>> {
    let (key, ahead) = read_head(stream, |head| {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let status = request.parse(head).map_err(io::Error::other)?;
        let key = find(request.headers, "sec-websocket-key");
        Ok(ended(status).map(|len| (len, key)))
    })?;
    let accept = answer_to(&key.ok_or_else(|| io::Error::other("no key"))?);
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes())?;
    Ok(ahead)
}

/// Asks a server for a WebSocket. Returns what came after its answer.
pub(crate) fn connect(stream: &mut TcpStream, host: &str, path: &str) -> io::Result<Vec<u8>> {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let (accept, ahead) = read_head(stream, |head| {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        let status = response.parse(head).map_err(io::Error::other)?;
        let accept = find(response.headers, "sec-websocket-accept");
        Ok(ended(status).map(|len| (len, accept)))
    })?;
    if accept != Some(answer_to(KEY)) {
        return Err(io::Error::other("the server did not upgrade"));
    }
    Ok(ahead)
}

/// Reads until `parse` finds the end of a head. Returns what it found there, and what came after.
fn read_head<T>(
    stream: &mut TcpStream,
    parse: impl Fn(&[u8]) -> io::Result<Option<(usize, T)>>,
) -> io::Result<(T, Vec<u8>)> {
    let mut head = Vec::new();
    let mut chunk = [0; 1024];
    while head.len() < MAX_HEAD {
        let len = stream.read(&mut chunk)?;
        if len == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        head.extend_from_slice(&chunk[..len]);
        if let Some((end, found)) = parse(&head)? {
            return Ok((found, head.split_off(end)));
        }
    }
    Err(io::Error::other("the head is too long"))
}

fn ended(status: httparse::Status<usize>) -> Option<usize> {
    match status {
        httparse::Status::Complete(len) => Some(len),
        httparse::Status::Partial => None,
    }
}

fn find(headers: &[httparse::Header<'_>], name: &str) -> Option<String> {
    let mut found = headers
        .iter()
        .filter(|header| header.name.eq_ignore_ascii_case(name));
    let value = found.next()?.value;
    Some(String::from_utf8_lossy(value).trim().to_owned())
}

/// Section 4.2.2, point 5.4.
fn answer_to(key: &str) -> String {
    let digest = sha1_smol::Sha1::from(format!("{key}{GUID}")).digest();
    STANDARD.encode(digest.bytes())
}
