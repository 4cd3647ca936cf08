//! The command line: the harness, and the processes that it measures.

use std::error::Error;

use clap::{Args, Parser, Subcommand};

use crate::measured::{self, Calling, Codec, Serving, Tasks};
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
        #[command(flatten)]
        serving: Serving,
        #[command(flatten)]
        place: Place,
    },
    /// Is a client.
    Call {
        #[command(flatten)]
        calling: Calling,
        #[command(flatten)]
        place: Place,
    },
}

/// Where a measured process runs.
#[derive(Debug, Args)]
struct Place {
    #[command(flatten)]
    tasks: Tasks,
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
        Task::Serve { serving, place } => {
            process::pin(place.cpu);
            measured::serve(serving, &place.tasks)
        }
        Task::Call { calling, place } => {
            process::pin(place.cpu);
            measured::call(&calling, &place.tasks)
        }
    }
}
