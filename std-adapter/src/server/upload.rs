//! The body of a request by HTTP.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Version};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Incoming;
use tonic::Status;
use tonic::body::Body;
use tower::BoxError;

/// What hyper reads, but that a client that is gone is an error in HTTP/2, whatever it said last.
///
/// hyper takes `NO_ERROR` for the end of the messages. For a server it is none: proxies close the
/// connection so when their client cancels a call.
struct Upload(Incoming);

/// A request whose body ends cleanly only if the client ended it.
pub(crate) fn watched(request: Request<Incoming>) -> Request<Body> {
    let is_http2 = request.version() == Version::HTTP_2;
    request.map(|body| match is_http2 {
        true => Body::new(Upload(body)),
        false => Body::new(body),
    })
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match ready!(Pin::new(&mut self.0).poll_frame(cx)) {
            None if !self.0.is_end_stream() => {
                let lost = "the client ended the call before its messages";
                Poll::Ready(Some(Err(Status::unavailable(lost).into())))
            }
            frame => Poll::Ready(frame.map(|frame| frame.map_err(Into::into))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}
