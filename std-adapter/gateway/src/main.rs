//! Puts gRPC servers behind WebSocket: the clients of `grpc-websockets` (browsers among them), of
//! `grpc-mux.v1`, of gRPC-Web and of native gRPC call one port, and unmodified gRPC servers
//! answer.

mod admin;
mod backend;
mod banner;
mod cli;
mod cors;
mod demo;
mod logs;
mod observe;
mod routing;
mod run;
mod signals;
mod tls;

use std::io::Write as _;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};
use clap_complete::Shell;

use crate::cli::{Cli, Command};

const NAME: &str = "grpc-websocket-gateway";

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match &cli.command {
        Some(Command::Completions { shell }) => {
            print_completions(*shell);
            Ok(())
        }
        Some(Command::Check { admin }) => admin::check::check(admin).await,
        None => {
            logs::init(&cli.log, cli.log_format);
            run::run(&cli).await
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn print_completions(shell: Shell) {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), NAME, &mut script);
    // If nobody reads it, nobody needs it.
    let _ = std::io::stdout().write_all(&script);
}
