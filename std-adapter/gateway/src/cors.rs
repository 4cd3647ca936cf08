//! CORS for the pages that call by gRPC-Web. WebSockets are not subject to CORS: the layer of
//! the WebSockets looks at `Origin` itself, by the same rule.

use grpc_websocket_tokio::AllowOrigin as Origins;
use http::{HeaderName, Method};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

/// The answer headers that a gRPC-Web client has to see.
const EXPOSED: [HeaderName; 3] = [
    HeaderName::from_static("grpc-status"),
    HeaderName::from_static("grpc-message"),
    HeaderName::from_static("grpc-status-details-bin"),
];

pub(crate) fn layer(origins: &Origins) -> CorsLayer {
    let origins = origins.clone();
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |_, request| {
            origins.allows(&request.headers)
        }))
        .allow_methods([Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(EXPOSED)
}
