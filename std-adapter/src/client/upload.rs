//! The messages of a call on their way to a server, kept as far as it takes to send them again.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::Full;
use tonic::Status;
use tonic::body::Body;

/// How many bytes of a call's messages are kept to make it again, should the server not process it.
pub(super) const MAX_KEPT: usize = 64 * 1024;

/// The messages of a call.
#[derive(Debug)]
pub(crate) enum Upload {
    /// All of them are there, and short.
    Whole(Bytes),
    Stream(Body),
}

impl Upload {
    /// Looks whether they are there.
    pub(crate) async fn of(mut body: Body) -> Result<Self, Status> {
        let mut sent = VecDeque::new();
        while sent.len() < 2 {
            match poll_fn(|cx| Poll::Ready(Pin::new(&mut body).poll_frame(cx))).await {
                Poll::Ready(Some(frame)) => sent.extend(frame?.into_data().ok()),
                Poll::Ready(None) => return Ok(Self::whole(sent)),
                Poll::Pending => break,
            }
        }
        let rest = Some(body);
        Ok(Self::Stream(Body::new(Replay { sent, rest })))
    }

    /// All of them, of which there are two at most.
    fn whole(mut sent: VecDeque<Bytes>) -> Self {
        match sent.len() {
            0 => Self::Whole(Bytes::new()),
            1 if sent[0].len() <= MAX_KEPT => Self::Whole(sent.pop_front().unwrap_or_default()),
            _ => Self::Stream(Body::new(Replay { sent, rest: None })),
        }
    }

    /// Whether there is no message, and no more comes.
    pub(crate) fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(messages) => messages.is_empty(),
            Self::Stream(body) => body.is_end_stream(),
        }
    }

    pub(crate) fn into_body(self) -> Body {
        match self {
            Self::Whole(messages) => Body::new(Full::new(messages)),
            Self::Stream(body) => body,
        }
    }
}

/// What is needed to send the messages of a call again that another task sends.
pub(crate) enum Record {
    Whole(Bytes),
    Passing(Arc<Mutex<Recorded>>),
}

pub(crate) struct Recorded {
    kept: Option<Kept>,
    /// All messages are in it.
    is_whole: bool,
}

impl Record {
    /// And the messages, which are kept while they are sent.
    pub(crate) fn of(upload: Upload) -> (Self, Upload) {
        let body = match upload {
            Upload::Whole(messages) => {
                return (Self::Whole(messages.clone()), Upload::Whole(messages));
            }
            Upload::Stream(body) => body,
        };
        let recorded = Arc::new(Mutex::new(Recorded {
            kept: Some(Kept::default()),
            is_whole: body.is_end_stream(),
        }));
        let recorder = Recorder {
            body,
            recorded: Arc::clone(&recorded),
        };
        (Self::Passing(recorded), Upload::Stream(Body::new(recorder)))
    }

    /// The messages from their beginning, if all of them were kept.
    pub(crate) fn into_upload(self) -> Option<Upload> {
        let recorded = match self {
            Self::Whole(messages) => return Some(Upload::Whole(messages)),
            Self::Passing(recorded) => recorded,
        };
        let mut recorded = recorded.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = recorded.kept.take().filter(|_| recorded.is_whole)?;
        Some(Upload::Stream(kept.into_body(None)))
    }
}

/// Keeps the messages that pass.
struct Recorder {
    body: Body,
    recorded: Arc<Mutex<Recorded>>,
}

impl HttpBody for Recorder {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        let mut recorded = self.recorded.lock().unwrap_or_else(PoisonError::into_inner);
        match &frame {
            Some(Ok(frame)) => {
                let kept = recorded.kept.take();
                recorded.kept = kept.and_then(|kept| match frame.data_ref() {
                    Some(messages) => kept.after(messages),
                    None => Some(kept),
                });
            }
            Some(Err(_)) => recorded.kept = None,
            None => {}
        }
        recorded.is_whole = frame.is_none() || self.body.is_end_stream();
        drop(recorded);
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// The messages of a call that is made again.
struct Replay {
    sent: VecDeque<Bytes>,
    rest: Option<Body>,
}

impl HttpBody for Replay {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if let Some(messages) = self.sent.pop_front() {
            return Poll::Ready(Some(Ok(Frame::data(messages))));
        }
        match &mut self.rest {
            Some(rest) => Pin::new(rest).poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.sent.is_empty() && self.rest.as_ref().is_none_or(HttpBody::is_end_stream)
    }
}

/// Messages that were sent.
#[derive(Default)]
pub(super) struct Kept {
    // Most calls have no others.
    first: Bytes,
    others: VecDeque<Bytes>,
    len: usize,
}

impl Kept {
    /// After more was sent; `None` if that is too much to be kept.
    pub(super) fn after(mut self, messages: &Bytes) -> Option<Self> {
        if self.len == 0 {
            self.first = messages.clone();
        } else {
            self.others.push_back(messages.clone());
        }
        self.len += messages.len();
        (self.len <= MAX_KEPT).then_some(self)
    }

    /// The messages from their beginning; `rest` are those that were not sent.
    pub(super) fn into_body(self, rest: Option<Body>) -> Body {
        let mut sent = self.others;
        if !self.first.is_empty() {
            sent.push_front(self.first);
        }
        Body::new(Replay { sent, rest })
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn a_call_that_another_task_sends_is_kept_once_it_is_whole() {
        let body = || Body::new(Full::new(Bytes::from_static(b"all")));
        let (record, sent) = Record::of(Upload::Stream(body()));
        let sent = sent.into_body().collect().await.unwrap().to_bytes();
        let again = record.into_upload().unwrap().into_body();
        assert_eq!(again.collect().await.unwrap().to_bytes(), sent);

        let (record, _unsent) = Record::of(Upload::Stream(body()));
        assert!(record.into_upload().is_none());
    }

    #[tokio::test]
    async fn what_is_there_at_once_is_known_to_be_whole() {
        let one = Full::new(Bytes::from_static(b"all"));
        let upload = Upload::of(Body::new(one)).await.unwrap();
        assert!(matches!(&upload, Upload::Whole(messages) if messages == "all"));
        let empty = Upload::of(Body::empty()).await.unwrap();
        assert!(matches!(empty, Upload::Whole(_)) && empty.is_end_stream());

        let long = Full::new(Bytes::from(vec![b'x'; MAX_KEPT + 1]));
        let upload = Upload::of(Body::new(long)).await.unwrap();
        assert!(matches!(upload, Upload::Stream(_)) && !upload.is_end_stream());
        let messages = upload.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(messages.len(), MAX_KEPT + 1);
    }

    /// A body of so many messages, which must not be polled after its end.
    struct Strict(Option<usize>);

    impl HttpBody for Strict {
        type Data = Bytes;
        type Error = Status;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
            let left = self.0.expect("the body ended");
            self.0 = left.checked_sub(1);
            let frame = self.0.map(|_| Ok(Frame::data(Bytes::from_static(b"x"))));
            Poll::Ready(frame)
        }
    }

    #[tokio::test]
    async fn a_body_is_not_polled_after_its_end() {
        for messages in 0..5 {
            let body = Body::new(Strict(Some(messages)));
            let upload = Upload::of(body).await.unwrap();
            assert_eq!(matches!(upload, Upload::Whole(_)), messages < 2);
            let sent = upload.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(sent.len(), messages);
        }
    }
}
