//! What operators and their machines ask for, on a listener of its own.

pub(crate) mod check;
pub(crate) mod readiness;

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;

use self::readiness::Readiness;
use crate::observe::metrics::Metrics;

/// What Prometheus asks for.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `/healthz`, `/readyz` and `/metrics`.
pub(crate) fn router(readiness: Readiness, metrics: Metrics) -> Router {
    Router::new()
        .route("/healthz", get("ok\n"))
        .route("/readyz", get(move || async move { ready(&readiness) }))
        .route(
            "/metrics",
            get(move || async move { ([(CONTENT_TYPE, OPEN_METRICS)], metrics.text()) }),
        )
}

fn ready(readiness: &Readiness) -> (StatusCode, String) {
    match readiness.reasons_against() {
        none if none.is_empty() => (StatusCode::OK, "ok\n".to_owned()),
        reasons => (StatusCode::SERVICE_UNAVAILABLE, reasons.join("\n") + "\n"),
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    async fn get_from(router: &Router, path: &str) -> (StatusCode, String) {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_gateway_that_stops_is_healthy_and_not_ready() {
        let readiness = Readiness::default();
        let router = router(readiness.clone(), Metrics::default());
        assert_eq!(get_from(&router, "/readyz").await.0, 200);
        readiness.stop();
        let (status, reasons) = get_from(&router, "/readyz").await;
        assert_eq!(
            (status, &*reasons),
            (StatusCode::SERVICE_UNAVAILABLE, "the gateway is stopping\n")
        );
        assert_eq!(get_from(&router, "/healthz").await.0, 200);
    }

    #[tokio::test]
    async fn there_is_nothing_else() {
        let router = router(Readiness::default(), Metrics::default());
        assert!(get_from(&router, "/metrics").await.1.ends_with("# EOF\n"));
        assert_eq!(get_from(&router, "/").await.0, 404);
    }
}
