//! The first frame of a server, which tells whether it speaks HTTP/2.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::time::{Sleep, sleep};

use crate::client::connect::Io;

/// How long a server may take to its first frame: an HTTP/2 server speaks first (RFC 9113
/// section 3.4), so one that says nothing will not answer either.
const FIRST_FRAME_TIMEOUT: Duration = Duration::from_secs(5);

/// The length of a frame's header (RFC 9113 section 4.1).
const HEADER: usize = 9;

/// The longest frame of a server that was told of no other length, in bytes.
const MAX_FRAME: usize = 16 * 1024;

/// The type of SETTINGS, and the length of one setting (RFC 9113 section 6.5).
const SETTINGS: u8 = 4;
const SETTING: usize = 6;

/// Why a server is taken for one that does not speak HTTP/2.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NotHttp2 {
    /// TLS agreed on another protocol, or on none.
    Alpn,
    /// Its first bytes are not those of HTTP/2: what they are.
    Answered(String),
    /// It closed the connection before its first frame.
    Closed,
    /// It said nothing.
    Silent,
}

impl fmt::Display for NotHttp2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alpn => f.write_str("it does not offer HTTP/2 in TLS"),
            Self::Answered(text) => write!(f, "it answers \"{text}\" and not HTTP/2"),
            Self::Closed => f.write_str("it closed the connection before it spoke HTTP/2"),
            Self::Silent => f.write_str("it accepts connections but does not speak HTTP/2"),
        }
    }
}

/// What is known of a server: nothing yet, or whether it speaks HTTP/2.
pub(super) type Known = Option<Result<(), NotHttp2>>;

/// A connection whose first frame has to come in time and be SETTINGS.
pub(super) struct FirstFrame {
    io: Io,
    /// Until the frame's header came.
    awaited: Option<Awaited>,
}

struct Awaited {
    deadline: Pin<Box<Sleep>>,
    header: Vec<u8>,
    known: watch::Sender<Known>,
}

impl FirstFrame {
    pub(super) fn new(io: Io, known: watch::Sender<Known>) -> Self {
        Self {
            io,
            awaited: Some(Awaited {
                deadline: Box::pin(sleep(FIRST_FRAME_TIMEOUT)),
                header: Vec::with_capacity(HEADER),
                known,
            }),
        }
    }
}

impl Awaited {
    /// Looks at the bytes of a read; `None` while they are too few to tell.
    fn look_at(&mut self, bytes: &[u8]) -> Known {
        if bytes.is_empty() {
            return Some(Err(NotHttp2::Closed));
        }
        let missing = HEADER - self.header.len();
        self.header.extend(bytes.iter().take(missing));
        let header: &[u8; HEADER] = self.header.as_slice().try_into().ok()?;
        if is_settings(header) {
            return Some(Ok(()));
        }
        let rest = bytes.get(missing..).unwrap_or_default();
        Some(Err(NotHttp2::Answered(first_line(header, rest))))
    }
}

impl Drop for Awaited {
    /// A connection that ends before it is known for HTTP/2 was closed.
    fn drop(&mut self) {
        self.known.send_if_modified(|known| {
            let is_open = known.is_none();
            known.get_or_insert(Err(NotHttp2::Closed));
            is_open
        });
    }
}

/// Whether a frame's header is that of the SETTINGS which every server sends first.
fn is_settings(header: &[u8; HEADER]) -> bool {
    let [a, b, c, kind, flags, stream @ ..] = *header;
    let len = u32::from_be_bytes([0, a, b, c]);
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    let fits = len <= MAX_FRAME && len.is_multiple_of(SETTING);
    kind == SETTINGS && flags == 0 && fits && u32::from_be_bytes(stream) == 0
}

/// What a person makes of the answer.
fn first_line(header: &[u8], rest: &[u8]) -> String {
    const MAX_TEXT: usize = 40;
    let bytes = header.iter().chain(rest).copied();
    let line = bytes.take_while(|byte| *byte != b'\r' && *byte != b'\n');
    let line: Vec<u8> = line.take(MAX_TEXT).collect();
    line.escape_ascii().to_string()
}

impl AsyncRead for FirstFrame {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buffer.filled().len();
        let result = Pin::new(&mut this.io).poll_read(cx, buffer);
        let Some(awaited) = &mut this.awaited else {
            return result;
        };
        let known = match &result {
            Poll::Ready(Ok(())) => awaited.look_at(&buffer.filled()[before..]),
            Poll::Ready(Err(_)) => Some(Err(NotHttp2::Closed)),
            Poll::Pending => match awaited.deadline.as_mut().poll(cx) {
                Poll::Ready(()) => Some(Err(NotHttp2::Silent)),
                Poll::Pending => None,
            },
        };
        let Some(known) = known else {
            return result;
        };
        awaited.known.send_replace(Some(known.clone()));
        this.awaited = None;
        match known {
            Ok(()) => result,
            Err(why) => Poll::Ready(Err(io::Error::other(why.to_string()))),
        }
    }
}

impl AsyncWrite for FirstFrame {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_told_from_other_frames_and_protocols() {
        assert!(is_settings(&[0, 0, 0, 4, 0, 0, 0, 0, 0]));
        assert!(is_settings(&[0, 0, 18, 4, 0, 0, 0, 0, 0]));
        for other in [
            [0, 0, 0, 4, 1, 0, 0, 0, 0],
            [0, 0, 5, 4, 0, 0, 0, 0, 0],
            [0, 0, 0, 4, 0, 0, 0, 0, 1],
            [0, 0, 8, 7, 0, 0, 0, 0, 0],
            [9, 0, 0, 4, 0, 0, 0, 0, 0],
            *b"HTTP/1.1 ",
        ] {
            assert!(!is_settings(&other), "{other:?}");
        }
    }

    #[test]
    fn an_answer_is_told_by_its_first_line() {
        let long = "x".repeat(100);
        assert_eq!(
            first_line(b"HTTP/1.1 ", b"400 Bad\r\nx"),
            "HTTP/1.1 400 Bad"
        );
        assert_eq!(
            first_line(b"\x15\x03\0\x00\"", b""),
            "\\x15\\x03\\x00\\x00\\\""
        );
        assert_eq!(first_line(long.as_bytes(), b"").len(), 40);
    }
}
