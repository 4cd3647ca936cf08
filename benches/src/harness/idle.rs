//! The memory of connections on which nothing happens.

use std::error::Error;

use serde::Serialize;

use super::measure::{self, Settings};
use super::work::{Shape, Subject, Work};
use crate::load::{self, Wire};
use crate::measured::{Contender, Runtime};
use crate::peer::Protocol;
use crate::process::Process;
use std::time::Duration;

/// The work that gives the size of the one call.
const WORK: Work = Work {
    shape: Shape::Unary,
    size: 32,
    in_flight: 1,
};

const SETTINGS: Settings = Settings {
    warm_up: Duration::ZERO,
    window: Duration::ZERO,
    runtime: Runtime::CurrentThread,
    counts: false,
};

/// What a server's connections occupy.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Idle {
    /// Whose they are.
    pub(crate) subject: Subject,
    /// How many there are.
    pub(crate) connections: usize,
    /// Bytes for each that was never used.
    pub(crate) never_used: f64,
    /// Bytes for each after one unary call.
    pub(crate) after_a_call: f64,
}

impl Idle {
    /// Of all servers.
    ///
    /// # Errors
    /// A server failed.
    pub(crate) async fn all(is_full: bool) -> Result<Vec<Self>, Box<dyn Error + Send + Sync>> {
        let mut all = Vec::new();
        let counts: &[usize] = if is_full { &[1_000, 5_000] } else { &[1_000] };
        for &connections in counts {
            for (contender, protocol) in [
                (Contender::Tonic, Protocol::Http2),
                (Contender::TonicWeb, Protocol::Web),
                (Contender::Routes, Protocol::Mux),
                (Contender::Routes, Protocol::Single),
                (Contender::WebSocket, Protocol::WebSocket),
                (Contender::Tungstenite, Protocol::WebSocket),
            ] {
                eprintln!("{connections} idle connections");
                all.push(Self::of(contender, protocol, connections).await?);
            }
        }
        Ok(all)
    }

    async fn of(
        contender: Contender,
        protocol: Protocol,
        connections: usize,
    ) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let bytes = async |calls| {
            let server = measure::server(contender, None, &WORK, Some(SETTINGS))?;
            // What the first connection brings with it is no cost of each.
            let first = hold(&server, protocol, 1, 1).await?;
            let before = server.resident()?;
            let held = hold(&server, protocol, connections, calls).await?;
            let more = server.resident()?.saturating_sub(before);
            drop((first, held));
            Ok::<_, Box<dyn Error + Send + Sync>>(more as f64 / connections as f64)
        };
        Ok(Self {
            subject: Subject::Server(contender, protocol),
            connections,
            never_used: bytes(0).await?,
            after_a_call: bytes(1).await?,
        })
    }
}

async fn hold(
    server: &Process,
    protocol: Protocol,
    connections: usize,
    calls: u64,
) -> Result<Vec<Wire>, String> {
    let mut held = Vec::with_capacity(connections);
    for _ in 0..connections {
        held.push(load::hold(&server.address, WORK.load(protocol), calls).await?);
    }
    // The server may still be at what came last.
    tokio::time::sleep(Duration::from_millis(200)).await;
    Ok(held)
}
