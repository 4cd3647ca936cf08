//! The tonic service `interop.v1.Interop`, which the interop tests call.
//!
//! It is served twice: by `interop-server` for tests of the gateway, and by `interop-in-process`
//! for tests of tonic services on a WebSocket listener.

mod metadata;
mod service;
mod stats;
pub mod trailing;

/// The generated messages and service.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::clone_on_ref_ptr)]
pub mod proto {
    tonic::include_proto!("interop.v1");
}

use axum::middleware;
use proto::interop_server::InteropServer;
use tonic::service::Routes;

/// The service as tonic routes, with counters of its own and tonic's default limits.
#[must_use]
pub fn routes() -> Routes {
    Routes::new(InteropServer::new(service::Interop::default()))
        .into_axum_router()
        .layer(middleware::from_fn(trailing::append))
        .into()
}
