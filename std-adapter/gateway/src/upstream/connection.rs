//! An HTTP/2 connection to the upstream, shared by calls.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use h2::{Ping, PingPong};
use http::uri::Authority;
use tokio::sync::OnceCell;
use tokio::time::{sleep, timeout};

use super::CALLS_PER_CONNECTION;
use super::connect::{Stream, connect};
use super::failure::Failure;

/// How much of an answer may wait for a slow client, and then on its connection: room for all its
/// calls, so that no slow client stops the others.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = CALLS_PER_CONNECTION * STREAM_WINDOW;

/// The largest header list of an answer, as HTTP/2 counts it.
const MAX_HEADER_LIST: u32 = 64 * 1024;

/// How long the upstream may take to answer a ping.
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// A connection that is made when its first call needs it. Whoever holds a clone uses it.
#[derive(Clone)]
pub(super) struct Connection(Arc<Inner>);

struct Inner {
    server: Authority,
    ping_interval: Duration,
    requests: OnceCell<Result<SendRequest<Bytes>, Failure>>,
    lost: AtomicBool,
}

impl Connection {
    pub(super) fn new(server: Authority, ping_interval: Duration) -> Self {
        Self(Arc::new(Inner {
            server,
            ping_interval,
            requests: OnceCell::new(),
            lost: AtomicBool::new(false),
        }))
    }

    /// A hold on it that does not use it.
    pub(super) fn downgrade(&self) -> WeakConnection {
        WeakConnection(Arc::downgrade(&self.0))
    }

    /// How many hold it, but for the one who asks.
    pub(super) fn users(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }

    /// Whether it takes one call more at once: what the server allows, and no more than
    /// [`CALLS_PER_CONNECTION`].
    pub(super) fn has_room(&self) -> bool {
        let most = usize::try_from(CALLS_PER_CONNECTION).unwrap_or(usize::MAX);
        let allowed = match self.0.requests.get() {
            Some(Ok(requests)) => requests.current_max_send_streams().clamp(1, most),
            _ => most,
        };
        self.users() < allowed
    }

    /// Whether it ever was there.
    pub(super) fn was_made(&self) -> bool {
        matches!(self.0.requests.get(), Some(Ok(_)))
    }

    /// No new call can use it: it could not be made, or it ended.
    pub(super) fn is_lost(&self) -> bool {
        self.0.lost.load(Ordering::Acquire)
    }

    /// The way to make calls. Connects once for all that ask; a failure is that of all of them.
    pub(super) async fn requests(&self) -> Result<SendRequest<Bytes>, Failure> {
        let requests = self.0.requests.get_or_init(|| self.connect()).await.clone();
        if requests.is_err() {
            self.lose();
        }
        requests
    }

    /// No new call shall use it.
    pub(super) fn lose(&self) {
        self.0.lost.store(true, Ordering::Release);
    }

    async fn connect(&self) -> Result<SendRequest<Bytes>, Failure> {
        let stream = connect(&self.0.server).await.map_err(Failure::connect)?;
        let (requests, connection) = h2::client::Builder::new()
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(MAX_HEADER_LIST)
            .enable_push(false)
            .handshake(stream)
            .await
            .map_err(|error| Failure::connect(io::Error::other(error)))?;
        // The task must not keep the connection in use.
        tokio::spawn(run(connection, self.downgrade(), self.0.ping_interval));
        Ok(requests)
    }
}

/// See [`Connection::downgrade`].
pub(super) struct WeakConnection(Weak<Inner>);

impl WeakConnection {
    pub(super) fn lose(&self) {
        if let Some(connection) = self.0.upgrade() {
            Connection(connection).lose();
        }
    }

    /// Whether it has users beside its pool, which lets a lost one go.
    fn has_users(&self) -> bool {
        self.0.upgrade().map(Connection).is_some_and(|connection| {
            let of_pool = usize::from(!connection.is_lost());
            connection.users() > of_pool
        })
    }
}

/// Drives a connection to its end. Dropping it, when a ping is not answered, fails its calls.
async fn run(
    mut connection: h2::client::Connection<Stream, Bytes>,
    of: WeakConnection,
    ping_interval: Duration,
) {
    let pings = connection.ping_pong();
    let ended = async {
        match pings {
            Some(pings) => ping(pings, &of, ping_interval).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        result = connection => {
            if let Err(error) = result {
                tracing::debug!(%error, "the connection to the upstream ended");
            }
        }
        () = ended => tracing::warn!("the upstream does not answer pings"),
    }
    of.lose();
}

/// Pings a connection with calls; ready when one is not answered.
async fn ping(mut pings: PingPong, of: &WeakConnection, interval: Duration) {
    loop {
        sleep(interval).await;
        if of.has_users()
            && timeout(PING_TIMEOUT, pings.ping(Ping::opaque()))
                .await
                .is_err()
        {
            return;
        }
    }
}
