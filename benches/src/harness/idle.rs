//! The memory of connections on which nothing happens.

use std::error::Error;
use std::time::Duration;

use serde::Serialize;

use super::start::Start;
use super::work::Subject;
use crate::load::{self, Load, Wire};
use crate::measured::{Contender, Runtime};
use crate::peer::{Job, Kind, Protocol};
use crate::process::Process;

/// The one call.
const LOAD: Load = Load {
    protocol: Protocol::Http2,
    job: Job::new(Kind::Unary, 32),
    in_flight: 1,
    reconnects: false,
    is_tls: false,
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
        let start = Start::measured(Runtime::CurrentThread, false, false);
        let bytes = async |calls| {
            let server = start.server(contender, None)?;
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
    let load = Load { protocol, ..LOAD };
    let mut held = Vec::with_capacity(connections);
    for _ in 0..connections {
        held.push(load::hold(&server.address, load, calls).await?);
    }
    // The server may still be at what came last.
    tokio::time::sleep(Duration::from_millis(200)).await;
    Ok(held)
}
