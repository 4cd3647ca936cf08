//! The head of a request or an answer, as it arrives.
//!
//! ```text
//!   buffer:  | lines that are kept | line that comes | free | bytes to look at | free |
//! ```
//!
//! Each byte is looked at once. A line that is kept moves to the others, a line that nobody needs
//! leaves no trace, however long it is.

use core::mem;
use core::ops::Range;

use embedded_io_async::{Error as _, Read};

use super::error::HandshakeError;

/// How long a head may be, in bytes, with all that is dropped of it. It is looked at between two
/// reads, so that a buffer more may pass.
pub(super) const MAX_HEAD: usize = 8192;

/// How the names of the fields begin that the handshake needs, at either end.
const NEEDED: [&str; 5] = ["host", "origin", "upgrade", "connection", "sec-websocket-"];

/// A head in a buffer.
#[derive(Debug)]
pub(super) struct Head<'b> {
    buffer: &'b mut [u8],
    /// Where the lines end that are kept.
    kept: usize,
    /// Where the line ends that comes.
    end: usize,
    /// What is left of [`MAX_HEAD`].
    left: usize,
    /// The line that comes is dropped.
    skipping: bool,
    /// What came behind the head.
    rest: Range<usize>,
}

impl<'b> Head<'b> {
    pub(super) fn new(buffer: &'b mut [u8]) -> Self {
        Self {
            buffer,
            kept: 0,
            end: 0,
            left: MAX_HEAD,
            skipping: false,
            rest: 0..0,
        }
    }

    /// Reads up to the empty line at the end.
    pub(super) async fn read<R: Read>(&mut self, reader: &mut R) -> Result<(), HandshakeError> {
        loop {
            match reader.read(self.room()?).await {
                Ok(0) => return Err(HandshakeError::Closed),
                Ok(len) if self.take(len)? => return Ok(()),
                Ok(_) => {}
                Err(error) => return Err(HandshakeError::Io(error.kind())),
            }
        }
    }

    /// The first line and the fields that are kept.
    pub(super) fn split(&self) -> (&[u8], &[u8]) {
        let lines = self.buffer.get(..self.kept).unwrap_or_default();
        let len = lines.iter().position(|&byte| byte == b'\n');
        let (first, rest) = len
            .and_then(|len| lines.split_at_checked(len))
            .unwrap_or((lines, &[]));
        (first.trim_ascii_end(), rest)
    }

    /// Moves what came behind the head to the start of the buffer, and returns its length.
    pub(super) fn finish(self) -> usize {
        let len = self.rest.len();
        // Not `copy_within`: only an optimiser knows that it does not panic.
        for (to, from) in self.rest.enumerate() {
            let byte = self.buffer.get(from).copied().unwrap_or_default();
            if let Some(slot) = self.buffer.get_mut(to) {
                *slot = byte;
            }
        }
        len
    }

    /// Where the next bytes go: some, or the head is too long.
    fn room(&mut self) -> Result<&mut [u8], HandshakeError> {
        if self.end >= self.buffer.len() {
            let line = self.line();
            // The beginning of the empty line is needed too.
            if self.kept == 0 || line == b"\r" || is_needed(line) {
                return Err(HandshakeError::HeadTooLong);
            }
            self.skipping = true;
            self.end = self.kept;
        }
        self.buffer
            .get_mut(self.end..)
            .ok_or(HandshakeError::HeadTooLong)
    }

    /// Takes what was read. Says whether the head is complete.
    fn take(&mut self, len: usize) -> Result<bool, HandshakeError> {
        let stop = self.end.saturating_add(len).min(self.buffer.len());
        let come = self.end..stop;
        for next in come.clone() {
            let byte = self.buffer.get(next).copied().unwrap_or_default();
            if self.push(byte)? {
                self.rest = next.saturating_add(1)..stop;
                return Ok(true);
            }
        }
        let left = self.left.checked_sub(come.len());
        self.left = left.ok_or(HandshakeError::HeadTooLong)?;
        Ok(false)
    }

    fn push(&mut self, byte: u8) -> Result<bool, HandshakeError> {
        match byte {
            b'\n' => return self.end_line(),
            _ if self.skipping => {}
            byte => self.put(byte),
        }
        Ok(false)
    }

    fn end_line(&mut self) -> Result<bool, HandshakeError> {
        let skipped = mem::take(&mut self.skipping);
        let is_first = self.kept == 0;
        match self.line() {
            _ if skipped => {}
            // Empty lines before the first are ignored (RFC 9112 section 2.2).
            [] | [b'\r'] => {
                self.end = self.kept;
                return Ok(!is_first);
            }
            // A line that goes on with the one before (RFC 9112 section 5.2).
            [b' ' | b'\t', ..] => return Err(HandshakeError::Malformed),
            line if is_first || is_needed(line) => {
                self.put(b'\n');
                self.kept = self.end;
            }
            _ => {}
        }
        self.end = self.kept;
        Ok(false)
    }

    /// Adds to the line that comes. There is room: the byte was read from behind it.
    fn put(&mut self, byte: u8) {
        if let Some(slot) = self.buffer.get_mut(self.end) {
            *slot = byte;
            self.end = self.end.saturating_add(1);
        }
    }

    fn line(&self) -> &[u8] {
        self.buffer.get(self.kept..self.end).unwrap_or_default()
    }
}

/// Whether a line, or as much of it as there is, may be one that the handshake needs.
fn is_needed(line: &[u8]) -> bool {
    NEEDED.iter().any(|name| {
        let mut both = name.as_bytes().iter().zip(line);
        both.all(|(name, byte)| name.eq_ignore_ascii_case(byte))
    })
}
