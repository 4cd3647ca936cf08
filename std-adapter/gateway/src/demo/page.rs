//! The page at `/`.

use axum::http::HeaderName;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{Html, IntoResponse};

const PAGE: &str = include_str!("page.html");

/// Names the page's script and style by their hashes; written by the build script.
const POLICY: &str = include_str!(concat!(env!("OUT_DIR"), "/page.csp"));

const HEADERS: [(HeaderName, &str); 4] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (REFERRER_POLICY, "no-referrer"),
    // A newer gateway at the same address brings its own page.
    (CACHE_CONTROL, "no-cache"),
];

/// Serves the demo page.
pub(super) async fn page() -> impl IntoResponse {
    (HEADERS, Html(PAGE))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
    use axum::http::{Request, StatusCode};
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::PAGE;

    #[tokio::test]
    async fn the_page_is_html_that_runs_nothing_foreign() {
        let request = Request::get("/").body(Body::empty()).unwrap();
        let response = crate::demo::router().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
        let policy = response.headers()[CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'sha256-"),
            "{policy}"
        );
        assert!(!policy.contains("unsafe"), "{policy}");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, PAGE);
    }

    /// The policy has room for one script and one style, and none for style attributes.
    #[test]
    fn the_page_is_what_the_policy_allows() {
        assert_eq!(PAGE.matches("<script").count(), 1);
        assert_eq!(PAGE.matches("<style").count(), 1);
        assert!(!PAGE.contains(" style="));
        assert!(!PAGE.contains("innerHTML"));
    }
}
