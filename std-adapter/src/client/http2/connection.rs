//! An HTTP/2 connection to a server, shared by calls.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use h2::client::SendRequest;
use h2::{Ping, PingPong};
use tokio::sync::{OnceCell, Semaphore, watch};
use tokio::time::{sleep, timeout};

use super::CALLS_PER_CONNECTION;
use super::failure::Failure;
use super::first::{FirstFrame, Known, NotHttp2};
use crate::client::connect::{Alpn, Connector, Target};

/// How much of an answer may wait for a slow client, and then on its connection: room for all its
/// calls, so that no slow client stops the others.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = CALLS_PER_CONNECTION * STREAM_WINDOW;

/// The largest header list of an answer, as HTTP/2 counts it.
const MAX_HEADER_LIST: u32 = 64 * 1024;

/// How long a server may take to answer a ping.
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// How many calls are reset within [`RESET_INTERVAL`] at most, also when many are cancelled or
/// reach their deadlines at once. Servers that guard against rapid resets close a connection on
/// which more than 20 calls are reset before their turn comes.
pub(super) const RESETS: usize = 10;
pub(super) const RESET_INTERVAL: Duration = Duration::from_millis(100);

/// A connection that is made when its first call needs it. Whoever holds a clone uses it.
#[derive(Clone)]
pub(super) struct Connection(Arc<Inner>);

/// What connections are made to, and how.
#[derive(Debug, Clone)]
pub(super) struct Server {
    pub(super) connector: Connector,
    pub(super) target: Arc<Target>,
    /// How often a connection with calls is pinged.
    pub(super) ping_interval: Duration,
}

struct Inner {
    server: Server,
    /// What is known of the server, when it is.
    known: watch::Sender<Known>,
    requests: OnceCell<Result<SendRequest<Bytes>, Failure>>,
    lost: AtomicBool,
    /// Of the resets that are [paced](Connection::pace_reset).
    resets: Arc<Semaphore>,
}

impl Connection {
    pub(super) fn new(server: Server) -> Self {
        Self(Arc::new(Inner {
            server,
            known: watch::Sender::new(None),
            requests: OnceCell::new(),
            lost: AtomicBool::new(false),
            resets: Arc::new(Semaphore::new(RESETS)),
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

    /// No new call can use it: it could not be made, or it ended.
    pub(super) fn is_lost(&self) -> bool {
        self.0.lost.load(Ordering::Acquire)
    }

    /// The way to make calls. Connects once for all that ask; a failure is that of all of them.
    pub(super) async fn requests(&self) -> Result<SendRequest<Bytes>, Failure> {
        let requests = match self.0.requests.get() {
            Some(requests) => requests,
            // In a box, for few calls need it.
            None => Box::pin(self.0.requests.get_or_init(|| self.connect())).await,
        };
        let requests = requests.clone();
        if requests.is_err() {
            self.lose();
        }
        requests
    }

    /// No new call shall use it.
    pub(super) fn lose(&self) {
        self.0.lost.store(true, Ordering::Release);
    }

    /// Resets a call when its turn comes, and then uses the connection no more. Waits on, so that
    /// others do not follow too soon.
    pub(super) async fn pace_reset(self, reset: impl FnOnce()) {
        let turns = Arc::clone(&self.0.resets);
        // Never fails: it is not closed.
        let _turn = turns.acquire().await;
        reset();
        drop(self);
        sleep(RESET_INTERVAL).await;
    }

    /// Ready when the server is known to speak HTTP/2 or not. Only for a connection that
    /// [was made](Self::requests).
    pub(super) async fn known(&self) -> Result<(), Failure> {
        let mut known = self.0.known.subscribe();
        // Never fails: the sender is here.
        let _ = known.wait_for(Option::is_some).await;
        self.failure().map_or(Ok(()), Err)
    }

    /// Why the server does not speak HTTP/2, if that is known.
    pub(super) fn failure(&self) -> Option<Failure> {
        match &*self.0.known.borrow() {
            Some(Err(why)) => Some(self.not_http2(why.clone())),
            _ => None,
        }
    }

    fn not_http2(&self, why: NotHttp2) -> Failure {
        Failure::NotHttp2(Arc::clone(&self.0.server.target), why)
    }

    async fn connect(&self) -> Result<SendRequest<Bytes>, Failure> {
        let stream = self.first_frame().await?;
        let (requests, connection) = h2::client::Builder::new()
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(CONNECTION_WINDOW)
            .max_header_list_size(MAX_HEADER_LIST)
            .enable_push(false)
            .handshake(stream)
            .await
            .map_err(|_| self.not_http2(NotHttp2::Closed))?;
        // The task must not keep the connection in use.
        let interval = self.0.server.ping_interval;
        tokio::spawn(run(connection, self.downgrade(), interval));
        Ok(requests)
    }

    /// Connects for HTTP/2 (RFC 9113 sections 3.2 and 3.3).
    async fn first_frame(&self) -> Result<FirstFrame, Failure> {
        let Server {
            connector, target, ..
        } = &self.0.server;
        let io = match connector.connect(target, Alpn::Http2).await {
            Ok(io) => io,
            Err(error) if error.is_no_protocol() => return Err(self.not_http2(NotHttp2::Alpn)),
            Err(error) => return Err(Failure::Connect(error)),
        };
        if io.negotiated() == Some(Alpn::Http1) {
            return Err(self.not_http2(NotHttp2::Alpn));
        }
        // An attempt before, if there was one, was given up.
        self.0.known.send_replace(None);
        Ok(FirstFrame::new(io, self.0.known.clone()))
    }
}

/// See [`Connection::downgrade`].
pub(super) struct WeakConnection(Weak<Inner>);

impl WeakConnection {
    pub(super) fn upgrade(&self) -> Option<Connection> {
        self.0.upgrade().map(Connection)
    }

    pub(super) fn lose(&self) {
        if let Some(connection) = self.upgrade() {
            connection.lose();
        }
    }

    /// See [`Connection::failure`].
    pub(super) fn failure(&self) -> Option<Failure> {
        self.upgrade()?.failure()
    }

    /// Whether it has users beside its pool, which lets a lost one go.
    fn has_users(&self) -> bool {
        self.upgrade().is_some_and(|connection| {
            let of_pool = usize::from(!connection.is_lost());
            connection.users() > of_pool
        })
    }
}

/// Drives a connection to its end. Dropping it, when a ping is not answered, fails its calls.
async fn run(
    mut connection: h2::client::Connection<FirstFrame, Bytes>,
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
                tracing::debug!(%error, "a connection to a server ended");
            }
        }
        () = ended => tracing::warn!("a server does not answer pings"),
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
