//! One type for every client: what a tonic-generated client calls through.

use tonic::body::Body;
use tower::util::BoxCloneSyncService;
use tower::{BoxError, Service, ServiceExt as _};

/// A channel of any kind: gRPC requests in, gRPC responses out.
pub type AnyChannel = BoxCloneSyncService<http::Request<Body>, http::Response<Body>, BoxError>;

/// Hides the kind of a channel.
pub fn erase<S>(channel: S) -> AnyChannel
where
    S: Service<http::Request<Body>, Response = http::Response<Body>>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
{
    BoxCloneSyncService::new(channel.map_err(Into::into))
}
