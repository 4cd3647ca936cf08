//! The two bodies of a call that is watched. They pass everything on as it is.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use grpc_websocket_core::Code;
use http_body::{Body as HttpBody, Frame, SizeHint};
use prometheus_client::metrics::counter::Counter;
use tonic::Status;
use tonic::body::Body;

use super::call::Call;
use super::code_in;

/// The client's messages.
pub(super) struct Upload {
    body: Body,
    bytes: Counter,
}

impl Upload {
    pub(super) fn new(body: Body, bytes: Counter) -> Self {
        Self { body, bytes }
    }
}

impl HttpBody for Upload {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(Ok(frame)) = &frame {
            count(frame, &self.bytes);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The answer's messages and trailers, which say how the call ends.
pub(super) struct Answer {
    body: Body,
    bytes: Counter,
    call: Call,
}

impl Answer {
    pub(super) fn new(body: Body, call: Call) -> Self {
        let bytes = call.bytes_out();
        Self { body, bytes, call }
    }

    fn look_at(&mut self, frame: Option<&Result<Frame<Bytes>, Status>>) {
        match frame {
            Some(Ok(frame)) => {
                count(frame, &self.bytes);
                if let Some(trailers) = frame.trailers_ref() {
                    self.call.end(code_in(trailers).unwrap_or(Code::Unknown));
                }
            }
            Some(Err(status)) => self.call.end(code_of(status)),
            // No trailers came.
            None => self.call.end(Code::Unknown),
        }
    }
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        self.look_at(frame.as_ref());
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        // Who knows that nothing more comes need not ask for it.
        if self.body.is_end_stream() {
            self.call.end(Code::Unknown);
        }
    }
}

fn count(frame: &Frame<Bytes>, bytes: &Counter) {
    if let Some(data) = frame.data_ref() {
        bytes.inc_by(u64::try_from(data.len()).unwrap_or(u64::MAX));
    }
}

fn code_of(status: &Status) -> Code {
    let value = i32::from(status.code());
    Code::from_value(u8::try_from(value).unwrap_or(u8::MAX))
}
