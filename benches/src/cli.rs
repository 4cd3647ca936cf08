//! The command line: the harness, and the processes that it measures.

use std::error::Error;

use clap::{Args, Parser, Subcommand};

use crate::measured::{self, Client, Codec, Contender, Runtime};
use crate::process;
use crate::{harness, instructions};

/// Measures this project beside its peers.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Measures all contenders.
    Run(harness::Options),
    /// Counts instructions, and compares them with the baseline.
    Instructions(instructions::Options),
    /// Does what a codec does, so many times.
    Codec { codec: Codec, times: u64 },
    /// Is a server.
    Serve {
        contender: Contender,
        #[command(flatten)]
        place: Place,
        /// Where to listen: an address with a port, or `unix:` and a path.
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: String,
        /// The server behind a gateway.
        #[arg(long)]
        upstream: Option<String>,
    },
    /// Is a client.
    Call {
        client: Client,
        /// Where its server is.
        address: String,
        #[command(flatten)]
        place: Place,
        /// Calls at a time.
        #[arg(long, default_value_t = 1)]
        in_flight: usize,
        /// Bytes of payload in each.
        #[arg(long, default_value_t = 32)]
        size: usize,
        /// How many calls, at least.
        #[arg(long, default_value_t = u64::MAX)]
        calls: u64,
    },
}

/// Where a measured process runs.
#[derive(Debug, Args)]
struct Place {
    /// How it runs its tasks.
    #[arg(long, default_value = "current_thread")]
    runtime: Runtime,
    /// The one core that it runs on.
    #[arg(long)]
    cpu: Option<usize>,
}

/// What the programs do.
///
/// # Errors
/// What went wrong.
pub fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    match Cli::parse().task {
        Task::Run(options) => harness::run(&options),
        Task::Instructions(options) => instructions::run(&options),
        Task::Codec { codec, times } => measured::code(codec, times),
        Task::Serve {
            contender,
            place,
            listen,
            upstream,
        } => {
            process::pin(place.cpu);
            measured::serve(contender, place.runtime, &listen, upstream.as_deref())
        }
        Task::Call {
            client,
            address,
            place,
            in_flight,
            size,
            calls,
        } => {
            process::pin(place.cpu);
            measured::call(client, place.runtime, &address, in_flight, size, calls)
        }
    }
}
