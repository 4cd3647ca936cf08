//! gRPC messages on their way through a body.

use bytes::{Bytes, BytesMut};
use futures_util::stream;
use http_body::{Body as HttpBody, Frame};
use http_body_util::{BodyExt as _, StreamBody};
use tonic::body::Body;

use super::frames::{gzip, prefixed, take_frame};

/// Each message goes through `act`, which gets its flags and all of its bytes.
pub(crate) fn map_messages<B>(body: B, act: impl FnMut(u8, Bytes) -> Bytes + Send + 'static) -> Body
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<tower::BoxError> + Send,
{
    let state = Some((body, BytesMut::new(), act));
    let frames = stream::unfold(state, |state| async {
        let (mut body, mut input, mut act) = state?;
        loop {
            let frame = match body.frame().await? {
                Ok(frame) => frame,
                Err(error) => return Some((Err(error), None)),
            };
            let data = match frame.into_data() {
                Ok(data) => data,
                Err(trailers) => return Some((Ok(trailers), Some((body, input, act)))),
            };
            input.extend_from_slice(&data);
            let mut output = BytesMut::new();
            while let Some((flags, message)) = take_frame(&mut input) {
                output.extend_from_slice(&act(flags, message));
            }
            if !output.is_empty() {
                let frame = Frame::data(output.freeze());
                return Some((Ok(frame), Some((body, input, act))));
            }
        }
    });
    Body::new(StreamBody::new(frames))
}

/// Compresses the messages for which it is so; those after the list are as they are.
pub(crate) fn compress_some<B>(body: B, which: Vec<bool>) -> Body
where
    B: HttpBody<Data = Bytes> + Send + Unpin + 'static,
    B::Error: Into<tower::BoxError> + Send,
{
    let mut which = which.into_iter();
    map_messages(body, move |_, message| {
        if which.next() == Some(true) {
            prefixed(1, &gzip(&message[5..])).into()
        } else {
            message
        }
    })
}
