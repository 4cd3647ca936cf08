//! A socket that is read and written at the same time, as embedded-tls wants it.

use embassy_net::tcp::{Error, TcpReader, TcpSocket, TcpWriter};
use embassy_sync::blocking_mutex::raw::NoopRawMutex;
use embassy_sync::mutex::Mutex;
use embedded_io_async::{ErrorType, Read, Write};

/// Both halves of a socket. Nobody waits for a lock: there is one who reads, and one who writes.
pub(super) struct Halves<'a> {
    reader: Mutex<NoopRawMutex, TcpReader<'a>>,
    writer: Mutex<NoopRawMutex, Writer<'a>>,
}

struct Writer<'a> {
    half: TcpWriter<'a>,
    /// Whether a record was begun that is not written to its end.
    in_record: bool,
}

impl<'a> Halves<'a> {
    pub(super) fn of(socket: &'a mut TcpSocket<'_>) -> Self {
        let (reader, half) = socket.split();
        let in_record = false;
        Self {
            reader: Mutex::new(reader),
            writer: Mutex::new(Writer { half, in_record }),
        }
    }
}

impl ErrorType for &Halves<'_> {
    type Error = Error;
}

impl Read for &Halves<'_> {
    async fn read(&mut self, bytes: &mut [u8]) -> Result<usize, Error> {
        self.reader.lock().await.read(bytes).await
    }
}

impl Write for &Halves<'_> {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Error> {
        self.writer.lock().await.half.write(bytes).await
    }

    async fn flush(&mut self) -> Result<(), Error> {
        self.writer.lock().await.half.flush().await
    }

    /// Writes a record. embedded-tls forgets one whose future is dropped, as happens at the end of a
    /// connection, and would encrypt the next with the same nonce. So there is no next.
    async fn write_all(&mut self, record: &[u8]) -> Result<(), Error> {
        let mut writer = self.writer.lock().await;
        if writer.in_record {
            return Err(Error::ConnectionReset);
        }
        writer.in_record = true;
        writer.half.write_all(record).await?;
        writer.in_record = false;
        Ok(())
    }
}
