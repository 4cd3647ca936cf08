//! Measures what many connections cost over a long time, and looks for what they leave behind.

mod churn;
mod client;
mod gateway;
mod idle;
mod restart;
mod sample;

use clap::{Parser, Subcommand};

/// Why a run cannot go on.
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Holds, churns and restarts many connections. Fails if one was lost, if something is left behind, or
/// if a call did not end once.
#[derive(Debug, Parser)]
#[command(version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Hold idle WebSockets at a gateway, then stop it by SIGTERM
    Idle(idle::Options),
    /// Connect to a gateway, call, and leave in every way there is
    Churn(churn::Options),
    /// Restart a server again and again under load
    Restart(restart::Options),
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    match Cli::parse().command {
        Command::Idle(options) => idle::run(&options).await,
        Command::Churn(options) => churn::run(&options).await,
        Command::Restart(options) => restart::run(&options).await,
    }
}
