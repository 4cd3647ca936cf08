//! A connection of the load generator: TCP, with TLS if it is asked for.

use std::io::{self, Read as _, Write as _};
use std::sync::Arc;

use bytes::{Buf as _, BytesMut};
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, ClientConnection};

use crate::tls;

/// How much is read at once.
const READ: usize = 256 * 1024;

/// A socket that does not wait.
pub(crate) struct Socket {
    stream: TcpStream,
    tls: Option<Box<Tls>>,
    /// How many bytes it took.
    pub(crate) written: u64,
}

/// TLS above the socket.
struct Tls {
    connection: ClientConnection,
    /// What came and is still sealed.
    sealed: BytesMut,
}

impl Socket {
    pub(crate) async fn connect(
        address: &str,
        tls: Option<&Arc<ClientConfig>>,
    ) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let tls = tls.map(Tls::new).transpose()?.map(Box::new);
        Ok(Self {
            stream,
            tls,
            written: 0,
        })
    }

    /// Waits until it can be read, or written if there is more to write. Whether it can be read.
    pub(crate) async fn ready(&self, has_more: bool) -> io::Result<bool> {
        let waits_to_write = match &self.tls {
            None => has_more,
            // While hands are shaken what there is to write waits for what is read.
            Some(tls) if tls.connection.is_handshaking() => tls.connection.wants_write(),
            Some(tls) => has_more || tls.connection.wants_write(),
        };
        let interest = match waits_to_write {
            true => Interest::READABLE | Interest::WRITABLE,
            false => Interest::READABLE,
        };
        Ok(self.stream.ready(interest).await?.is_readable())
    }

    /// Appends what there is to `input`. How many bytes the socket had; 0 is its end.
    pub(crate) fn read(&mut self, input: &mut BytesMut) -> io::Result<usize> {
        match &mut self.tls {
            None => {
                input.reserve(READ);
                self.stream.try_read_buf(input)
            }
            Some(tls) => {
                tls.sealed.reserve(READ);
                let len = self.stream.try_read_buf(&mut tls.sealed)?;
                tls.open(input)?;
                Ok(len)
            }
        }
    }

    /// Takes some of the bytes; none, with an error, if the socket is full.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.flush()?;
        match &mut self.tls {
            None => {
                let len = self.stream.try_write(bytes)?;
                self.written += len as u64;
                Ok(len)
            }
            Some(tls) => match tls.connection.writer().write(bytes)? {
                0 => Err(io::ErrorKind::WouldBlock.into()),
                len => Ok(len),
            },
        }
    }

    /// Writes what is sealed, until the socket is full.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        let Some(tls) = &mut self.tls else {
            return Ok(());
        };
        while tls.connection.wants_write() {
            match tls.connection.write_tls(&mut Trying(&self.stream)) {
                Ok(len) => self.written += len as u64,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

impl Tls {
    fn new(config: &Arc<ClientConfig>) -> io::Result<Self> {
        let name = ServerName::try_from(tls::NAME).map_err(io::Error::other)?;
        let connection = ClientConnection::new(Arc::clone(config), name);
        Ok(Self {
            connection: connection.map_err(io::Error::other)?,
            sealed: BytesMut::new(),
        })
    }

    /// Appends what is sealed to `input`, as far as it is complete.
    fn open(&mut self, input: &mut BytesMut) -> io::Result<()> {
        while !self.sealed.is_empty() {
            let len = self.connection.read_tls(&mut &self.sealed[..])?;
            if len == 0 {
                // The server said that nothing more comes.
                return Ok(());
            }
            self.sealed.advance(len);
            let state = self.connection.process_new_packets();
            let plain = state.map_err(io::Error::other)?.plaintext_bytes_to_read();
            let start = input.len();
            input.resize(start + plain, 0);
            self.connection.reader().read_exact(&mut input[start..])?;
        }
        Ok(())
    }
}

/// Writes of a socket that do not wait.
struct Trying<'a>(&'a TcpStream);

impl io::Write for Trying<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.try_write(bytes)
    }

    fn write_vectored(&mut self, slices: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.0.try_write_vectored(slices)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
