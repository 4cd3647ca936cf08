//! Writes heads.

use embedded_io_async::{Error as _, ErrorKind, Write};

use super::error::HandshakeError;

/// Writes all of it.
pub(super) async fn write_all<W: Write>(
    writer: &mut W,
    mut bytes: &[u8],
) -> Result<(), HandshakeError> {
    // Not the trait's own: it panics where nothing is written.
    while !bytes.is_empty() {
        match writer.write(bytes).await {
            Ok(0) => return Err(HandshakeError::Io(ErrorKind::WriteZero)),
            Ok(len) => bytes = bytes.get(len..).unwrap_or_default(),
            Err(error) => return Err(HandshakeError::Io(error.kind())),
        }
    }
    Ok(())
}

/// Flushes what was written, where that is needed for it to go.
pub(super) async fn finish<W: Write>(writer: &mut W, flush: bool) -> Result<(), HandshakeError> {
    if !flush {
        return Ok(());
    }
    let flushed = writer.flush().await;
    flushed.map_err(|error| HandshakeError::Io(error.kind()))
}

/// A part of a text, as long as a buffer. The text may be longer: it is then written in parts, and
/// made anew for each.
#[derive(Debug)]
pub(super) struct Window<'b> {
    /// How many bytes of the text are still before the window.
    skip: usize,
    buffer: &'b mut [u8],
    len: usize,
}

impl<'b> Window<'b> {
    /// The part that begins at `start`.
    pub(super) fn new(start: usize, buffer: &'b mut [u8]) -> Self {
        Self {
            skip: start,
            buffer,
            len: 0,
        }
    }

    /// Adds to the text.
    pub(super) fn put(&mut self, text: &[u8]) {
        let skipped = self.skip.min(text.len());
        self.skip = self.skip.saturating_sub(skipped);
        let text = text.get(skipped..).unwrap_or_default();
        let free = self.buffer.get_mut(self.len..).unwrap_or_default();
        self.len = self.len.saturating_add(free.len().min(text.len()));
        free.iter_mut().zip(text).for_each(|(to, from)| *to = *from);
    }

    /// Adds a line with a header field.
    pub(super) fn field(&mut self, name: &str, value: &str) {
        for part in [name, ": ", value, "\r\n"] {
            self.put(part.as_bytes());
        }
    }

    /// What of the text is in the window.
    pub(super) fn written(&self) -> &[u8] {
        self.buffer.get(..self.len).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;
    use std::vec::Vec;

    #[test]
    fn the_parts_are_the_text_whatever_the_size_of_the_window() {
        let expected = b"GET \r\nHost: device\r\n";
        for size in 1..=expected.len() + 1 {
            let mut buffer = vec![0; size];
            let mut text = Vec::new();
            loop {
                let mut window = Window::new(text.len(), &mut buffer);
                window.put(b"GET \r\n");
                window.put(b"");
                window.field("Host", "device");
                if window.written().is_empty() {
                    break;
                }
                text.extend_from_slice(window.written());
            }
            assert_eq!(text, expected, "{size}");
        }
    }
}
