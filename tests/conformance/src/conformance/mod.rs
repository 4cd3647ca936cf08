//! The cases of connectrpc/conformance: the data, the service that they call, and what runs them.

mod calls;
mod case;
mod codec;
mod expect;
mod outcome;
mod run;
mod service;
mod suites;

pub use calls::{Calls, End};
pub use case::{Case, Fields, Frame, Kind, Script, Suite};
pub use run::{LIMIT, Setup, run};
pub use service::Conformance;
pub(crate) use service::milliseconds;
pub use suites::suites;

use axum::middleware;
use grpc_websocket_interop::trailing;
use tonic::codec::CompressionEncoding::Gzip;
use tonic::service::Routes;

use crate::proto::conformance::conformance_service_server::ConformanceServiceServer;

/// The service as tonic routes. It takes messages of any length: the server in front has the limit.
#[must_use]
pub fn routes(service: Conformance) -> Routes {
    let service = ConformanceServiceServer::new(service)
        .accept_compressed(Gzip)
        .send_compressed(Gzip)
        .max_decoding_message_size(usize::MAX);
    Routes::new(service)
        .into_axum_router()
        .layer(middleware::from_fn(trailing::append))
        .into()
}
