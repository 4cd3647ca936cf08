//! Trailing metadata of successful calls, for which tonic's [`tonic::Response`] has no place.

use axum::body::Body;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use http_body::Frame;
use http_body_util::BodyExt;
use tonic::metadata::MetadataMap;

/// As an extension of a response: metadata to send with its trailers.
#[derive(Debug, Clone)]
pub struct TrailingMetadata(pub MetadataMap);

/// Middleware that appends [`TrailingMetadata`] to the trailers of a response.
pub async fn append(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    match response.extensions_mut().remove() {
        Some(TrailingMetadata(metadata)) => response.map(|body| append_to_trailers(body, metadata)),
        None => response,
    }
}

fn append_to_trailers(body: Body, metadata: MetadataMap) -> Body {
    let metadata = metadata.into_headers();
    Body::new(body.map_frame(move |frame| match frame.into_trailers() {
        Ok(mut trailers) => {
            trailers.extend(metadata.clone());
            Frame::trailers(trailers)
        }
        Err(frame) => frame,
    }))
}
