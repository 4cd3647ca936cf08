//! CORS for the pages that call by gRPC-Web. WebSockets are not subject to CORS: the layer of
//! the WebSockets looks at `Origin` itself, by the same rule.

use std::time::Duration;

use grpc_websocket_tokio::AllowOrigin as Origins;
use http::Method;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

/// How long a browser may remember what a page may do; none remembers it for longer.
const MAX_AGE: Duration = Duration::from_secs(2 * 60 * 60);

pub(crate) fn layer(origins: &Origins) -> CorsLayer {
    let origins = origins.clone();
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(move |_, request| {
            origins.allows(&request.headers)
        }))
        .allow_methods([Method::POST])
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(tower_http::cors::Any)
        .max_age(MAX_AGE)
}
