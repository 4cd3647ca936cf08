//! Device code on sockets of tokio.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::time::Duration;

use embedded_io_adapters::tokio_1::FromTokio;
use grpc_websocket_embassy::handshake::{Accept, Subprotocol, Upgrade};
use grpc_websocket_embassy::{Client, Config, Error, Runner, Server, State};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use crate::clock;

/// How long a test may take.
const LIMIT: Duration = Duration::from_secs(20);

/// How long a device waits before it dials again.
const PAUSE: Duration = Duration::from_millis(20);

/// Whom a device dials, and how.
#[derive(Debug, Clone, Copy)]
pub struct Link<'a> {
    /// Where the server is.
    pub address: SocketAddr,
    /// What it is told of connections and calls.
    pub config: Config,
    /// How the WebSocket is opened.
    pub upgrade: Upgrade<'a>,
}

impl<'a> Link<'a> {
    /// By `grpc-mux.v1`.
    #[must_use]
    pub const fn mux(address: SocketAddr) -> Self {
        Self {
            address,
            config: Config::DEFAULT,
            upgrade: Upgrade::new("server", "/"),
        }
    }

    /// By `grpc-websockets`, to call one method.
    #[must_use]
    pub const fn single(address: SocketAddr, path: &'a str) -> Self {
        let upgrade = Upgrade::new("server", path).subprotocols(&[Subprotocol::Single]);
        Self {
            address,
            config: Config::DEFAULT,
            upgrade,
        }
    }
}

/// Runs a device's code on a connection that is made again whenever it ended.
///
/// # Panics
/// When it takes too long.
pub async fn dial<O, const N: usize, const W: usize, const T: usize>(
    link: Link<'_>,
    state: &mut State<N, W, T>,
    app: impl AsyncFnOnce(Client<'_, N, W, T>, Server<'_, N, W, T>, &Ends) -> O,
) -> O {
    clock::start();
    let (client, server, runner) = state.split(link.config, 1);
    let ends = Ends::default();
    tokio::select! {
        output = timeout(LIMIT, app(client, server, &ends)) => output.expect("in time"),
        () = redial(link, runner, &ends) => unreachable!(),
    }
}

/// How the connections of a device ended so far.
pub type Ends = RefCell<Vec<Result<(), Error>>>;

async fn redial<const N: usize, const W: usize, const T: usize>(
    link: Link<'_>,
    mut runner: Runner<'_, N, W, T>,
    ends: &Ends,
) {
    loop {
        if let Ok(stream) = TcpStream::connect(link.address).await {
            let (reader, writer) = halves(stream);
            let end = runner.connect(reader, writer, &link.upgrade).await;
            ends.borrow_mut().push(end);
        }
        sleep(PAUSE).await;
    }
}

/// Runs a device's code that answers whoever dials it, one connection after the other.
///
/// # Panics
/// When it takes too long, or has no port.
pub async fn accept<O, const N: usize, const W: usize, const T: usize>(
    config: Config,
    state: &mut State<N, W, T>,
    app: impl AsyncFnOnce(Server<'_, N, W, T>),
    test: impl AsyncFnOnce(SocketAddr) -> O,
) -> O {
    clock::start();
    let (_, server, mut runner) = state.split(config, 2);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("its address");
    let answering = async {
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            let (reader, writer) = halves(stream);
            // How it ends is the peer's to see.
            let _ = runner
                .accept(reader, writer, &Accept::new().any_origin())
                .await;
        }
    };
    tokio::select! {
        output = timeout(LIMIT, test(address)) => output.expect("in time"),
        () = app(server) => unreachable!("it answers for ever"),
        () = answering => unreachable!(),
    }
}

type Halves = (
    FromTokio<tokio::net::tcp::OwnedReadHalf>,
    FromTokio<tokio::net::tcp::OwnedWriteHalf>,
);

fn halves(stream: TcpStream) -> Halves {
    // As a device does that writes what belongs together at once.
    let _ = stream.set_nodelay(true);
    let (reader, writer) = stream.into_split();
    (FromTokio::new(reader), FromTokio::new(writer))
}
