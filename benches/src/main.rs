//! The harness, and the processes that it measures: see `docs/performance.md`.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    grpc_websocket_benches::cli::main()
}
