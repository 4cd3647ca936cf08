//! Serves `interop.v1.Interop` over WebSocket, without a gateway.

use std::error::Error;

use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    grpc_websocket_tokio::serve(listener, grpc_websocket_interop::routes()).await?;
    Ok(())
}
