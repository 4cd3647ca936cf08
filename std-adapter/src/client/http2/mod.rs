//! Native gRPC: a server as a service, to which requests go over HTTP/2 as they come.

mod call;
mod connection;
mod failure;
mod first;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Response;
use http::request::Parts;
use tonic::body::Body;

use self::call::{Opened, Unopened};
use self::connection::{Connection, Server};
pub(crate) use self::failure::{Failure, Unanswered};
use super::connect::{Connector, Target};
use super::upload::Upload;

/// How many calls share a connection at most: what servers allow as a rule (RFC 9113 section 6.5.2
/// advises no less). Calls beyond what a server allows would wait for others to end.
const CALLS_PER_CONNECTION: u32 = 100;

/// How many connections a call tries that were there and take no more.
const TRIES: u32 = 4;

/// Forwards requests to one gRPC server, over as many connections as its calls need. Connects when
/// a call comes, and again after a loss. Clones share the connections.
#[derive(Clone)]
pub(crate) struct Http2 {
    server: Server,
    connections: Arc<Mutex<Vec<Connection>>>,
}

impl Http2 {
    /// `ping_interval`: how often a connection with calls is pinged.
    pub(crate) fn new(connector: Connector, target: Arc<Target>, ping_interval: Duration) -> Self {
        Self {
            server: Server {
                connector,
                target,
                ping_interval,
            },
            connections: Arc::default(),
        }
    }

    /// Connects, unless a connection is there, and waits until the server is known to speak HTTP/2
    /// or not. The connection is kept for the calls. Dropping the future does no harm.
    pub(crate) async fn probe(&self) -> Result<(), Failure> {
        let connection = self.connection();
        connection.requests().await?;
        connection.known().await
    }

    /// Makes a call. Dropping the future, or later the answer before its end, cancels it.
    pub(crate) async fn forward(
        &self,
        head: &Parts,
        upload: Upload,
    ) -> Result<Response<Body>, Unanswered> {
        match self.open(head, upload.is_end_stream()).await {
            Ok(opened) => call::forward(opened, upload).await,
            Err(Unopened::Invalid(error)) => Err(Unanswered::invalid(&error)),
            Err(Unopened::Failed(failure)) => Err(Unanswered::not_connected(&failure, upload)),
            Err(Unopened::Refused(error)) => Err(Unanswered::not_sent(&error, upload)),
        }
    }

    /// Sends a request's head on a connection that takes it. One that was made and has ended since
    /// says nothing of the next one.
    async fn open(&self, head: &Parts, is_end_stream: bool) -> Result<Opened, Unopened> {
        let mut tries = 1;
        loop {
            let prepared = call::prepare(&self.server.target, head).map_err(Unopened::Invalid)?;
            let connection = self.connection();
            match call::open(connection, prepared, is_end_stream).await {
                Err(Unopened::Refused(_)) if tries < TRIES => tries += 1,
                opened => return opened,
            }
        }
    }

    /// The first connection with room, so that those behind it fall idle and are let go.
    fn connection(&self) -> Connection {
        let mut connections = self
            .connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        connections.retain(|connection| !connection.is_lost());
        if let Some(free) = connections.iter().position(Connection::has_room) {
            while connections.len() > free + 1
                && connections.last().is_some_and(|last| last.users() == 0)
            {
                connections.pop();
            }
            return connections[free].clone();
        }
        let connection = Connection::new(self.server.clone());
        connections.push(connection.clone());
        connection
    }
}

impl fmt::Debug for Http2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Http2")
            .field("target", &self.server.target)
            .finish_non_exhaustive()
    }
}
