//! The server's end (RFC 6455 section 4.2).

use embedded_io_async::{Read, Write};

use super::error::HandshakeError;
use super::fields::Fields;
use super::head::Head;
use super::key::{accept_value, parse_key};
use super::origin::{self, Origins};
use super::refusal::Refusal;
use super::write::{finish, write_all};
use super::{Subprotocol, Upgraded};

/// Whom a server lets in.
///
/// ```
/// use grpc_websocket_embassy::handshake::Accept;
///
/// const ACCEPT: Accept<'_> = Accept::new().origins(&["https://app.example"]);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Accept<'a> {
    origins: Origins<'a>,
    subprotocols: &'a [Subprotocol],
}

impl Default for Accept<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> Accept<'a> {
    /// Takes both subprotocols. Web pages may connect if they come from the host and port that they
    /// connect to, and so may what is no browser: requests without `Origin`.
    ///
    /// Whoever owns a name in DNS can point it at the device, and then his pages come from the host
    /// that they connect to. Where that matters, say which [`origins`](Self::origins) may connect.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            origins: Origins::SameHost,
            subprotocols: &Subprotocol::ALL,
        }
    }

    /// Lets web pages of these origins connect, as `https://app.example`, and no others.
    #[must_use]
    pub const fn origins(mut self, origins: &'a [&'a str]) -> Self {
        self.origins = Origins::Listed(origins);
        self
    }

    /// Lets all web pages connect. Any page in a browser that reaches the device can then make calls.
    #[must_use]
    pub const fn any_origin(mut self) -> Self {
        self.origins = Origins::Any;
        self
    }

    /// Takes only these subprotocols. Of several that are offered `grpc-mux.v1` is chosen.
    #[must_use]
    pub const fn subprotocols(mut self, subprotocols: &'a [Subprotocol]) -> Self {
        self.subprotocols = subprotocols;
        self
    }

    /// What a complete request asks for, its path at its place; or how it is refused.
    fn judge<'p>(&self, head: &Head<'_>, place: &'p mut [u8]) -> Result<Request<'p>, Refusal> {
        let (first, lines) = head.split();
        let path = path(first)?;
        let fields = Fields::parse(lines).ok_or(Refusal::Malformed)?;
        if !fields.lists("upgrade", "websocket") {
            return Err(Refusal::NotWebSocket);
        }
        let host = fields.only("host").ok_or(Refusal::Host)?;
        self.check_origin(fields, host)?;
        if fields.only("sec-websocket-version") != Some(b"13") {
            return Err(Refusal::WebSocketVersion);
        }
        if !fields.lists("connection", "upgrade") {
            return Err(Refusal::Connection);
        }
        let key = fields.only("sec-websocket-key").and_then(parse_key);
        let key = key.ok_or(Refusal::Key)?;
        let subprotocol = self.choose(fields).ok_or(Refusal::Subprotocol)?;
        let path = match (subprotocol, keep(path, place)) {
            (_, Some(path)) => path,
            (Subprotocol::Mux, None) => "",
            (Subprotocol::Single, None) => return Err(Refusal::PathTooLong),
        };
        Ok(Request {
            subprotocol,
            path,
            accept: accept_value(key),
        })
    }

    fn check_origin(&self, fields: Fields<'_>, host: &[u8]) -> Result<(), Refusal> {
        let is_allowed = match fields.only("origin") {
            Some(origin) => self.origins.allow(origin, host),
            None => !fields.has("origin"),
        };
        is_allowed.then_some(()).ok_or(Refusal::Origin)
    }

    fn choose(&self, fields: Fields<'_>) -> Option<Subprotocol> {
        let mut known = Subprotocol::ALL.into_iter();
        known.find(|subprotocol| {
            self.subprotocols.contains(subprotocol)
                && fields.lists("sec-websocket-protocol", subprotocol.name())
        })
    }
}

/// What a good request asks for.
struct Request<'p> {
    subprotocol: Subprotocol,
    path: &'p str,
    accept: [u8; 28],
}

impl Request<'_> {
    /// The answer, in pieces.
    fn answer(&self) -> [&[u8]; 5] {
        [
            b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
              Sec-WebSocket-Accept: ",
            &self.accept,
            b"\r\nSec-WebSocket-Protocol: ",
            self.subprotocol.name().as_bytes(),
            b"\r\n\r\n",
        ]
    }
}

/// A WebSocket that a client opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Accepted<'p> {
    /// The WebSocket.
    pub upgraded: Upgraded,
    /// The path that was asked for, without a query. By `grpc-websockets` it names the method. With
    /// `grpc-mux.v1` it is empty if it does not fit its place.
    pub path: &'p str,
}

/// Lets a client open a WebSocket, or answers why not.
///
/// The path of the request is put into `path`, where it must fit for `grpc-websockets`: 64 bytes are
/// enough for most methods. With `flush` the writer is flushed behind the answer, which TLS needs and
/// plain TCP does not. The `buffer` is overwritten; how much of it is then in use says
/// [`Upgraded::len`].
///
/// Not cancel-safe: after a drop, and after an error, the connection is to be dropped.
///
/// # Errors
/// See [`HandshakeError`]. After [`HandshakeError::Rejected`] the client was told; a TCP socket
/// should be closed, not aborted, for that to reach it.
pub async fn accept<'p, R: Read, W: Write>(
    reader: &mut R,
    writer: &mut W,
    accept: &Accept<'_>,
    path: &'p mut [u8],
    flush: bool,
    buffer: &mut [u8],
) -> Result<Accepted<'p>, HandshakeError> {
    let mut head = Head::new(buffer);
    let request = match head.read(reader).await {
        Ok(()) => accept.judge(&head, path),
        Err(HandshakeError::HeadTooLong) => Err(Refusal::HeadTooLong),
        Err(HandshakeError::Malformed) => Err(Refusal::Malformed),
        Err(error) => return Err(error),
    };
    let answer = match &request {
        Ok(request) => request.answer(),
        Err(refusal) => refusal.answer(),
    };
    let written = write(writer, &answer, flush).await;
    // That it was refused says more than how the answer went.
    let request = request.map_err(HandshakeError::Rejected)?;
    written?;
    let upgraded = Upgraded {
        subprotocol: request.subprotocol,
        len: head.finish(),
    };
    Ok(Accepted {
        upgraded,
        path: request.path,
    })
}

async fn write<W: Write>(
    writer: &mut W,
    pieces: &[&[u8]],
    flush: bool,
) -> Result<(), HandshakeError> {
    for piece in pieces {
        write_all(writer, piece).await?;
    }
    finish(writer, flush).await
}

/// The path that the first line of a request asks for.
fn path(line: &[u8]) -> Result<&[u8], Refusal> {
    let mut words = line.splitn(3, |&byte| byte == b' ');
    let (Some(method), Some(target), Some(version)) = (words.next(), words.next(), words.next())
    else {
        return Err(Refusal::Malformed);
    };
    if version.get(..5) != Some(b"HTTP/") || !target.iter().all(u8::is_ascii_graphic) {
        return Err(Refusal::Malformed);
    }
    if version != b"HTTP/1.1" {
        return Err(Refusal::HttpVersion);
    }
    if method != b"GET" {
        return Err(Refusal::Method);
    }
    // The target may be a whole URL too (RFC 9112 section 3.2.2).
    let target = origin::split(target).map_or(target, |(_, rest)| behind_authority(rest));
    let path = target.split(|&byte| byte == b'?').next();
    path.filter(|path| path.first() == Some(&b'/'))
        .ok_or(Refusal::Malformed)
}

fn behind_authority(rest: &[u8]) -> &[u8] {
    let slash = rest.iter().position(|&byte| byte == b'/');
    slash.and_then(|slash| rest.get(slash..)).unwrap_or(b"/")
}

/// Copies a path of ASCII to its place, if it fits.
fn keep<'p>(path: &[u8], place: &'p mut [u8]) -> Option<&'p str> {
    let place = place.get_mut(..path.len())?;
    place
        .iter_mut()
        .zip(path)
        .for_each(|(to, from)| *to = *from);
    core::str::from_utf8(place).ok()
}
