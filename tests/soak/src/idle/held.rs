//! One WebSocket that is held: how it is opened, and what it sees until its end.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use clap::ValueEnum;
use tokio::time::Instant;

use crate::BoxError;
use crate::client::{BIDI, Client, Event, Subprotocol, UNARY};

/// What has happened on a WebSocket before it is idle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// `grpc-mux.v1` without a call
    Unused,
    /// `grpc-mux.v1` after a unary call
    Used,
    /// `grpc-mux.v1` with a bidirectional call, which the client half-closes when GOAWAY comes
    Mux,
    /// `grpc-websockets` with a bidirectional call, which goes on until the gateway ends it
    Single,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Unused, Self::Used, Self::Mux, Self::Single];

    fn subprotocol(self) -> Subprotocol {
        match self {
            Self::Single => Subprotocol::Single,
            Self::Unused | Self::Used | Self::Mux => Subprotocol::Mux,
        }
    }

    /// Whether its subprotocol has a way to say that the server stops.
    pub(crate) fn has_go_away(self) -> bool {
        self.subprotocol() == Subprotocol::Mux
    }

    /// The status of its last call.
    pub(crate) fn last_status(self) -> Option<u8> {
        const UNAVAILABLE: u8 = 14;
        match self {
            Self::Unused => None,
            Self::Used | Self::Mux => Some(0),
            Self::Single => Some(UNAVAILABLE),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unused => "of grpc-mux.v1 never used",
            Self::Used => "of grpc-mux.v1 after a unary call",
            Self::Mux => "of grpc-mux.v1 in a bidirectional call",
            Self::Single => "of grpc-websockets in a bidirectional call",
        })
    }
}

/// What all of them count together.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) pings: AtomicU64,
}

/// How one ended.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) kind: Kind,
    /// GOAWAY came.
    pub(crate) went_away: bool,
    /// The code of the server's Close.
    pub(crate) close: Option<u16>,
    /// The status of its last call.
    pub(crate) status: Option<u8>,
    pub(crate) at: Instant,
}

/// Opens one and brings it to where it is idle.
pub(crate) async fn open(address: SocketAddr, kind: Kind) -> Result<Client, BoxError> {
    let mut client = Client::connect(address, kind.subprotocol(), BIDI).await?;
    match kind {
        Kind::Unused => {}
        Kind::Used => {
            client.call(UNARY, true).await?;
            client.status().await?;
        }
        Kind::Mux | Kind::Single => {
            client.call(BIDI, false).await?;
            client.message().await?;
        }
    }
    Ok(client)
}

/// Answers pings until the connection is over.
pub(crate) async fn hold(
    kind: Kind,
    mut client: Client,
    tally: Arc<Tally>,
) -> Result<Ending, BoxError> {
    let (mut went_away, mut close) = (false, None);
    loop {
        match client.next().await? {
            Event::Ping => {
                tally.pings.fetch_add(1, Ordering::Relaxed);
            }
            Event::Frame => {}
            Event::GoAway => {
                went_away = true;
                if kind == Kind::Mux {
                    client.half_close().await?;
                }
            }
            Event::Close(code) => close = Some(code),
            Event::Over => break,
        }
    }
    Ok(Ending {
        kind,
        went_away,
        close,
        status: client.last_status(),
        at: Instant::now(),
    })
}
