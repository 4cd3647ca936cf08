//! The client's end (RFC 6455 section 4.1).

use core::{fmt, mem};

use embedded_io_async::{Read, Write};
use grpc_websocket_core::wire::metadata::{is_connection_specific, is_valid_value};

use super::error::HandshakeError;
use super::fields::Fields;
use super::head::Head;
use super::key::{accept_value, key};
use super::write::{Window, finish, write_all};
use super::{Subprotocol, Upgraded};

const SWITCHING_PROTOCOLS: u16 = 101;

/// What a client asks for.
///
/// ```
/// use grpc_websocket_embassy::handshake::{Subprotocol, Upgrade};
///
/// const GATEWAY: Upgrade<'_> = Upgrade::new("gateway.example", "/")
///     .headers(&[("authorization", "Bearer token")]);
///
/// // Servers of `grpc-websockets` that are not ours: the origin is theirs, and nothing else is offered.
/// const OTHER: Upgrade<'_> = Upgrade::new("other.example:8080", "/package.Service/Method")
///     .origin("http://other.example:8080")
///     .subprotocols(&[Subprotocol::Single]);
/// ```
#[derive(Clone, Copy)]
pub struct Upgrade<'a> {
    host: &'a str,
    path: &'a str,
    origin: Option<&'a str>,
    headers: &'a [(&'a str, &'a str)],
    subprotocols: &'a [Subprotocol],
}

impl<'a> Upgrade<'a> {
    /// A WebSocket of `grpc-mux.v1` at this host, with its port if that is not 80 (443 for TLS). The
    /// path begins with `/`; for `grpc-websockets` it names the method, for `grpc-mux.v1` it is what
    /// the server or a proxy before it wants.
    #[must_use]
    pub const fn new(host: &'a str, path: &'a str) -> Self {
        Self {
            host,
            path,
            origin: None,
            headers: &[],
            subprotocols: &[Subprotocol::Mux],
        }
    }

    /// Sends `Origin`, as `https://gateway.example`. Without it none is sent, and many servers of
    /// `grpc-websockets` refuse with 403: they want the scheme and the host of their own URL.
    #[must_use]
    pub const fn origin(mut self, origin: &'a str) -> Self {
        self.origin = Some(origin);
        self
    }

    /// Sends these headers too, names and values, as `authorization`. A name is letters, digits, `-`,
    /// `_` and `.`, and none that the handshake sends itself; a value is printable ASCII.
    #[must_use]
    pub const fn headers(mut self, headers: &'a [(&'a str, &'a str)]) -> Self {
        self.headers = headers;
        self
    }

    /// Offers these, the best one first. It is better to offer one alone and to connect again after
    /// [`HandshakeError::is_about_subprotocol`]: some servers of `grpc-websockets` refuse any list.
    #[must_use]
    pub const fn subprotocols(mut self, subprotocols: &'a [Subprotocol]) -> Self {
        self.subprotocols = subprotocols;
        self
    }

    /// Whether the request is what it should be with all its parts.
    fn is_valid(&self) -> bool {
        let is_word =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        let mut headers = self.headers.iter();
        is_word(self.host)
            && is_word(self.path)
            && self.path.as_bytes().first() == Some(&b'/')
            && self.origin.is_none_or(is_word)
            && !self.subprotocols.is_empty()
            && headers.all(|(name, value)| is_free_name(name) && is_valid_value(value.as_bytes()))
    }

    /// Writes the request as far as it is in the window.
    fn render(&self, key: &[u8], window: &mut Window<'_>) {
        window.put(b"GET ");
        window.put(self.path.as_bytes());
        window.put(b" HTTP/1.1\r\n");
        window.field("Host", self.host);
        window.put(b"Connection: Upgrade\r\nUpgrade: websocket\r\n");
        window.put(b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ");
        window.put(key);
        window.put(b"\r\nSec-WebSocket-Protocol: ");
        let mut comma: &[u8] = b"";
        for offered in self.subprotocols {
            window.put(mem::replace(&mut comma, b", "));
            window.put(offered.name().as_bytes());
        }
        window.put(b"\r\n");
        if let Some(origin) = self.origin {
            window.field("Origin", origin);
        }
        for (name, value) in self.headers {
            window.field(name, value);
        }
        window.put(b"\r\n");
    }

    /// What of the offered a complete answer chooses.
    fn chosen(&self, head: &Head<'_>, key: &[u8; 24]) -> Result<Subprotocol, HandshakeError> {
        let (first, lines) = head.split();
        let status = status(first).ok_or(HandshakeError::Malformed)?;
        if status != SWITCHING_PROTOCOLS {
            return Err(HandshakeError::Refused(status));
        }
        let fields = Fields::parse(lines).ok_or(HandshakeError::Malformed)?;
        if !fields.lists("upgrade", "websocket") || !fields.lists("connection", "upgrade") {
            return Err(HandshakeError::NotWebSocket);
        }
        if fields.only("sec-websocket-accept") != Some(accept_value(key).as_slice()) {
            return Err(HandshakeError::WrongAccept);
        }
        if fields.has("sec-websocket-extensions") {
            return Err(HandshakeError::Extension);
        }
        let chosen = fields.only("sec-websocket-protocol").unwrap_or_default();
        let mut offered = self.subprotocols.iter().copied();
        offered
            .find(|offered| offered.name().as_bytes() == chosen)
            .ok_or(HandshakeError::Subprotocol)
    }
}

/// Without the headers, which may be secret.
impl fmt::Debug for Upgrade<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgrade")
            .field("host", &self.host)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// Opens a WebSocket as a client.
///
/// The `nonce` is 16 random bytes; it protects against caches, not against attackers. With `flush`
/// the writer is flushed behind the request, which TLS needs and plain TCP does not. The `buffer` is
/// overwritten; how much of it is then in use says [`Upgraded::len`].
///
/// Not cancel-safe: after a drop, and after an error, the connection is to be dropped.
///
/// # Errors
/// See [`HandshakeError`]; nothing was written after [`HandshakeError::InvalidRequest`].
pub async fn connect<R: Read, W: Write>(
    reader: &mut R,
    writer: &mut W,
    upgrade: &Upgrade<'_>,
    nonce: [u8; 16],
    flush: bool,
    buffer: &mut [u8],
) -> Result<Upgraded, HandshakeError> {
    if !upgrade.is_valid() {
        return Err(HandshakeError::InvalidRequest);
    }
    let key = key(&nonce);
    ask(writer, upgrade, &key, flush, buffer).await?;
    let mut head = Head::new(buffer);
    head.read(reader).await?;
    Ok(Upgraded {
        subprotocol: upgrade.chosen(&head, &key)?,
        len: head.finish(),
    })
}

/// Writes the request, in parts if it is longer than the buffer.
async fn ask<W: Write>(
    writer: &mut W,
    upgrade: &Upgrade<'_>,
    key: &[u8],
    flush: bool,
    buffer: &mut [u8],
) -> Result<(), HandshakeError> {
    let mut start = 0;
    loop {
        let mut window = Window::new(start, buffer);
        upgrade.render(key, &mut window);
        let part = window.written();
        if part.is_empty() {
            break;
        }
        write_all(writer, part).await?;
        start = start.saturating_add(part.len());
    }
    finish(writer, flush).await
}

/// Whether a header of that name may be added to those of the handshake.
fn is_free_name(name: &str) -> bool {
    let is_valid = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !name.is_empty() && name.bytes().all(is_valid) && !is_connection_specific(name.as_bytes())
}

/// The status of an answer, from its first line. One of HTTP/1.0 can only refuse.
fn status(line: &[u8]) -> Option<u16> {
    let (version, rest) = line.split_at_checked(9)?;
    let (digits, reason) = rest.split_at_checked(3)?;
    let mut status = 0_u16;
    for digit in digits {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        status = status.wrapping_mul(10).wrapping_add(u16::from(digit));
    }
    let is_http = match version {
        b"HTTP/1.1 " => true,
        b"HTTP/1.0 " => status != SWITCHING_PROTOCOLS,
        _ => false,
    };
    (is_http && matches!(reason, [] | [b' ', ..])).then_some(status)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_has_three_digits_behind_the_version() {
        for (line, expected) in [
            ("HTTP/1.1 101 Switching Protocols", Some(101)),
            ("HTTP/1.1 101", Some(101)),
            ("HTTP/1.1 503 ", Some(503)),
            ("HTTP/1.0 502 Bad Gateway", Some(502)),
            ("HTTP/1.0 101 Switching Protocols", None),
            ("HTTP/2.0 101 Switching Protocols", None),
            ("HTTP/1.1 1011", None),
            ("HTTP/1.1 10", None),
            ("HTTP/1.1 1o1 X", None),
            ("HTTP/1.1  101 X", None),
            ("HTTP/1.1101 X", None),
            ("http/1.1 101 X", None),
            ("SSH-2.0-OpenSSH_9.2p1 Debian-2", None),
            ("", None),
        ] {
            assert_eq!(status(line.as_bytes()), expected, "{line}");
        }
    }

    #[test]
    fn secrets_are_not_printed() {
        let upgrade = Upgrade::new("h", "/").headers(&[("authorization", "Bearer secret")]);
        let printed = std::format!("{upgrade:?}");
        assert_eq!(printed, r#"Upgrade { host: "h", path: "/", .. }"#);
    }

    #[test]
    fn what_would_forge_a_part_of_the_request_is_not_sent() {
        let good = Upgrade::new("h:80", "/s/m").origin("https://h");
        assert!(good.is_valid());
        assert!(
            good.headers(&[("Authorization", "Bearer a"), ("x", "")])
                .is_valid()
        );
        for (host, path) in [
            ("", "/"),
            ("h", ""),
            ("h", "s/m"),
            ("h", "*"),
            ("h", "/a b"),
            ("h", "/\r\nx: y"),
            ("h\r\nx: y", "/"),
            ("h", "/\u{e9}"),
            ("h h", "/"),
        ] {
            assert!(!Upgrade::new(host, path).is_valid(), "{host:?} {path:?}");
        }
        assert!(!good.origin("https://h\r\nx: y").is_valid());
        assert!(!good.origin("").is_valid());
        assert!(!good.subprotocols(&[]).is_valid());
        for (name, value) in [
            ("", "v"),
            ("a b", "v"),
            ("a:", "v"),
            (":a", "v"),
            ("a\r\nb", "v"),
            ("a", "v\r\nb: w"),
            ("a", "v\n"),
            ("a", "\0"),
            ("a", "\u{e9}"),
            ("Host", "v"),
            ("Content-Length", "0"),
            ("connection", "close"),
            ("Upgrade", "h2c"),
            ("sec-websocket-protocol", "x"),
            ("Sec-WebSocket-Extensions", "permessage-deflate"),
        ] {
            assert!(
                !good.headers(&[(name, value)]).is_valid(),
                "{name:?} {value:?}"
            );
        }
    }
}
