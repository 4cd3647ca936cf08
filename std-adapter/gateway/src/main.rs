//! Puts gRPC servers behind WebSocket: the clients of `grpc-websockets` (browsers among them), of
//! `grpc-mux.v1`, of gRPC-Web and of native gRPC call one port, and an unmodified gRPC server
//! answers.

mod cli;
mod cors;
mod demo;
mod upstream;

use std::error::Error;
use std::io::Write as _;
use std::net::SocketAddr;
use std::process::ExitCode;

use clap::Parser as _;
use tokio::net::TcpListener;
use tower::Layer as _;

use crate::cli::Cli;
use crate::upstream::Upstream;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt()
        .with_env_filter(cli.log_filter())
        .with_writer(std::io::stderr)
        .init();
    match run(&cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: &Cli) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind(&cli.listen).await.map_err(|error| {
        format!(
            "cannot listen on {}: {error}; --listen takes another address",
            cli.listen
        )
    })?;
    let address = listener.local_addr()?;
    let layer = cli.layer();
    let cors = cors::layer(&cli.origins());
    match &cli.upstream {
        Some(upstream) => {
            say(&gateway_banner(address, upstream.as_str()));
            let service = cors.layer(Upstream::new(upstream.clone(), cli.upstream_keepalive()));
            grpc_websocket_tokio::serve_with(listener, service, &layer).await?;
        }
        None => {
            say(&demo_banner(address));
            let service = cors.layer(demo::router());
            grpc_websocket_tokio::serve_with(listener, service, &layer).await?;
        }
    }
    Ok(())
}

/// Prints to whoever reads; if nobody does, that is no reason to stop.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn gateway_banner(address: SocketAddr, upstream: &str) -> String {
    format!(
        "\
Gateway to http://{upstream}

  gRPC over WebSocket   ws://{address}/<package.Service>/<Method>  (subprotocol grpc-websockets)
  many calls on one     ws://{address}/  (subprotocol grpc-mux.v1)
  gRPC, gRPC-Web        http://{address}"
    )
}

fn demo_banner(address: SocketAddr) -> String {
    format!(
        "\
Demo: no --upstream was given, so the gateway answers the services demo.v1.Echo and demo.v1.Chat.

  Try it in a browser   http://{address}/   (open it in two tabs and chat)
  gRPC over WebSocket   ws://{address}/demo.v1.Echo/Unary  (subprotocol grpc-websockets)
  many calls on one     ws://{address}/  (subprotocol grpc-mux.v1)
  gRPC, gRPC-Web        http://{address}   (server reflection is on)

Put your own server behind it with --upstream http://HOST:PORT; see --help. Ctrl-C stops it."
    )
}
