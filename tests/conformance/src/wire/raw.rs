//! A call whose bytes the case gives.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tonic::body::Body;
use tonic::codec::Codec as _;
use tonic::{Response, Status, Streaming};
use tonic_prost::ProstCodec;
use tower::ServiceExt as _;

use super::frames::request_frame;
use crate::channel::AnyChannel;
use crate::conformance::Case;
use crate::proto::conformance::UnaryResponse;

/// Makes the call. On HTTP/2 its content type loses the `-web`, which would ask for another
/// protocol there.
pub(crate) async fn raw_call(
    channel: AnyChannel,
    case: &Case,
    is_web: bool,
) -> Result<Response<Streaming<UnaryResponse>>, Status> {
    let frames = case.raw_request.iter().flatten();
    let body: Vec<u8> = frames.flat_map(request_frame).collect();
    let mut request = Request::post(case.path()).header("te", "trailers");
    for (name, value) in &case.headers {
        let is_native = name == "content-type" && !is_web;
        let value = if is_native {
            &value.replace("-web", "")
        } else {
            value
        };
        request = request.header(name, value);
    }
    let body = Body::new(Full::new(Bytes::from(body)));
    let request = request.body(body).expect("a request");
    let response = channel.oneshot(request).await.map_err(Status::from_error)?;
    answer(response)
}

fn answer(response: http::Response<Body>) -> Result<Response<Streaming<UnaryResponse>>, Status> {
    let (head, body) = response.into_parts();
    if let Some(status) = Status::from_header_map(&head.headers)
        && status.code() != tonic::Code::Ok
    {
        return Err(status);
    }
    let decoder = ProstCodec::<UnaryResponse, UnaryResponse>::default().decoder();
    let stream = Streaming::new_response(decoder, body, head.status, None, None);
    let mut response = Response::new(stream);
    *response.metadata_mut() = tonic::metadata::MetadataMap::from_headers(head.headers);
    Ok(response)
}
