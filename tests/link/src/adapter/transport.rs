//! A transport that fails, stalls and lies.

use core::future::poll_fn;
use core::task::Poll;

use embedded_io_async::{ErrorKind, ErrorType, Read, Write};

use crate::Input;

/// Both halves.
#[derive(Debug, Clone, Copy)]
pub(super) struct Transport<'i>(pub(super) &'i Input);

impl Transport<'_> {
    /// Any number or error, now or later. More than the buffer's length, too.
    async fn any(&self) -> Result<usize, ErrorKind> {
        poll_fn(|_| match self.0.bool() {
            true => Poll::Pending,
            false => Poll::Ready(()),
        })
        .await;
        match self.0.u8() {
            0 => Err(ErrorKind::ConnectionReset),
            1 => Err(ErrorKind::TimedOut),
            _ => Ok(self.0.u32() as usize),
        }
    }
}

impl ErrorType for Transport<'_> {
    type Error = ErrorKind;
}

impl Read for Transport<'_> {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, ErrorKind> {
        let count = self.any().await;
        for (place, byte) in buffer.iter_mut().zip(self.0.bytes()) {
            *place = *byte;
        }
        count
    }
}

impl Write for Transport<'_> {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, ErrorKind> {
        core::hint::black_box(bytes);
        self.any().await
    }

    async fn flush(&mut self) -> Result<(), ErrorKind> {
        self.any().await.map(|_| ())
    }
}
