//! TLS 1.3 below the WebSocket (`wss`), by embedded-tls: only a server that the device's own authority
//! vouches for is talked to.

mod halves;
mod verifier;

use embassy_net::IpEndpoint;
use embassy_net::tcp::TcpSocket;
use embassy_time::{Duration, Instant, with_timeout};
use embedded_io_async::Error as _;
use embedded_tls::{CryptoRngCore, FlushPolicy, TlsConfig, TlsConnection, TlsContext, TlsError};
use grpc_websocket_embassy::handshake::Upgrade;
use grpc_websocket_embassy::{Runner, net};

use self::halves::Halves;
use self::verifier::Provider;
use crate::dial::Pause;
use crate::{Busy, log};

/// The longest record that a server may send; there are no pieces of it before its end is there.
const RECEIVED: usize = 16_640;

/// The longest record that is sent, with 128 bytes that embedded-tls keeps for itself. A longer burst
/// is several.
const SENT: usize = 1024;

/// How long connecting may take, and TLS's handshake.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long the last record may take.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// Who the server has to be, and what it takes to find out.
pub struct Tls<'a, R> {
    /// The certificate of the authority that signed the server's, in DER; its key is of P-256.
    pub authority: &'a [u8],
    /// The name that the server's certificate has to have.
    pub name: &'a str,
    /// Keys are made of what it yields: a generator in hardware, not a seed.
    pub rng: R,
    /// Memory for one connection.
    pub buffers: &'a mut Buffers,
}

/// The records of a connection: the one that comes, and the one that goes.
pub struct Buffers {
    received: [u8; RECEIVED],
    sent: [u8; SENT],
}

/// Why a connection ended.
#[derive(Debug)]
pub enum Error {
    /// The server is not the one it has to be, or breaks TLS.
    Tls(TlsError),
    /// What happens without TLS too.
    Connection(grpc_websocket_embassy::Error),
}

impl Buffers {
    /// For a `static`.
    #[allow(clippy::new_without_default, reason = "a `static` needs a const fn")]
    pub const fn new() -> Self {
        Self {
            received: [0; RECEIVED],
            sent: [0; SENT],
        }
    }
}

impl From<TlsError> for Error {
    fn from(error: TlsError) -> Self {
        Self::Tls(error)
    }
}

impl From<grpc_websocket_embassy::Error> for Error {
    fn from(error: grpc_websocket_embassy::Error) -> Self {
        Self::Connection(error)
    }
}

/// Connects to a server by TLS, and again whenever the connection ended, for ever. The runner's
/// `Config` has to flush.
pub async fn dial<const N: usize, const W: usize, const T: usize>(
    runner: &mut Runner<'_, N, W, T>,
    socket: &mut TcpSocket<'_>,
    tls: &mut Tls<'_, impl CryptoRngCore>,
    server: impl Into<IpEndpoint>,
    upgrade: &Upgrade<'_>,
    seed: u64,
) -> ! {
    let server = server.into();
    let mut pause = Pause::new(seed);
    loop {
        let begun = Instant::now();
        let ended = connect(runner, socket, tls, server, upgrade).await;
        pause.after(begun, ended).await;
    }
}

/// As `net::connect` of the adapter, with TLS in between.
async fn connect<const N: usize, const W: usize, const T: usize>(
    runner: &mut Runner<'_, N, W, T>,
    socket: &mut TcpSocket<'_>,
    tls: &mut Tls<'_, impl CryptoRngCore>,
    server: IpEndpoint,
    upgrade: &Upgrade<'_>,
) -> Result<(), Error> {
    socket.set_nagle_enabled(false);
    let ended = match in_time(socket.connect(server)).await {
        Ok(Ok(())) => secure(runner, socket, tls, upgrade).await,
        Ok(Err(error)) => Err(grpc_websocket_embassy::Error::Transport(error.kind()).into()),
        Err(timeout) => Err(timeout),
    };
    net::close(socket).await;
    ended
}

/// Shakes hands by TLS, and drives a WebSocket in it to its end.
async fn secure<const N: usize, const W: usize, const T: usize>(
    runner: &mut Runner<'_, N, W, T>,
    socket: &mut TcpSocket<'_>,
    tls: &mut Tls<'_, impl CryptoRngCore>,
    upgrade: &Upgrade<'_>,
) -> Result<(), Error> {
    let Buffers { received, sent } = &mut *tls.buffers;
    let halves = Halves::of(socket);
    let mut connection = TlsConnection::new(&halves, received, sent);
    // A record that is handed to the socket is on its way; to wait for the peer's ACK would be slow.
    connection.set_flush_policy(FlushPolicy::Relaxed);

    let config = TlsConfig::new().with_server_name(tls.name);
    let mut provider = Provider::new(tls.authority, &mut tls.rng);
    let begun = Busy::now();
    in_time(connection.open(TlsContext::new(&config, &mut provider))).await??;
    provider.check()?;
    log!("instructions of a TLS handshake: {}", begun.instructions());

    let (reader, writer) = connection.split();
    let ended = runner.connect(reader, writer, upgrade).await;
    let _ = with_timeout(LAST_WORDS, connection.close()).await;
    Ok(ended?)
}

async fn in_time<T>(work: impl Future<Output = T>) -> Result<T, Error> {
    let done = with_timeout(TIMEOUT, work).await;
    done.map_err(|_| grpc_websocket_embassy::Error::Timeout.into())
}
