//! The body of a request or an answer that comes over a WebSocket: what the connection reads, its
//! reader takes, and no more than a window in between. The reader is a server's handler, or whoever
//! made the call.
//!
//! A connection with one call asks [`BodySender::poll_ready`] before it reads from its socket, so a
//! reader that does not read stops its peer. One with many calls always reads, and gives credit
//! for what the reader has [taken](BodySender::take_taken). The two ends may live in different
//! tasks.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use tonic::Status;

use crate::chunks::Chunks;

/// How many bytes may wait for the reader before the connection stops reading. One WebSocket
/// message more than that can be held.
const WINDOW: usize = 64 * 1024;

/// Both ends of one body.
pub(crate) fn channel() -> (BodySender, ReceivedBody) {
    let shared = Arc::new(Mutex::new(Shared::default()));
    (BodySender(Arc::clone(&shared)), ReceivedBody(shared))
}

#[derive(Default)]
struct Shared {
    slices: Chunks,
    /// What the reader took, or will never take, and the connection was not told of.
    taken: usize,
    /// How the stream ends once `slices` are taken.
    end: Option<Result<Option<HeaderMap>, Status>>,
    reader_gone: bool,
    reader: Option<Waker>,
    /// To be told when the reader takes something.
    connection: Option<Waker>,
}

impl Shared {
    /// The reader takes bytes, or is not there to take them.
    fn took(&mut self, bytes: usize) {
        self.taken = self.taken.saturating_add(bytes);
        wake(self.connection.take());
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    // No code panics while it holds the lock, and the state would be whole if it did.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The connection's end.
pub(crate) struct BodySender(Arc<Mutex<Shared>>);

impl BodySender {
    /// Ready when there is room, or nobody to take what comes.
    pub(crate) fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut shared = lock(&self.0);
        if shared.slices.len() < WINDOW {
            return Poll::Ready(());
        }
        shared.connection = Some(cx.waker().clone());
        Poll::Pending
    }

    /// How many bytes the reader took, or will never take, since the last time; and whether it took
    /// all that there was.
    pub(crate) fn take_taken(&self) -> (usize, bool) {
        let mut shared = lock(&self.0);
        (std::mem::take(&mut shared.taken), shared.slices.is_empty())
    }

    /// From now on `waker`, if there is one, is told once when the reader takes something.
    pub(crate) fn watch(&self, waker: Option<Waker>) {
        lock(&self.0).connection = waker;
    }

    /// Gives slices of the stream to the reader; drops them if the reader wants no more.
    pub(crate) fn send(&self, slices: impl IntoIterator<Item = Bytes>) {
        let mut slices = slices.into_iter().peekable();
        if slices.peek().is_none() {
            return;
        }
        let mut shared = lock(&self.0);
        if shared.reader_gone {
            return shared.took(slices.map(|slice| slice.len()).sum());
        }
        if shared.end.is_none() {
            slices.for_each(|slice| shared.slices.push(slice));
            wake(shared.reader.take());
        }
    }

    /// The same, of a copy of bytes.
    pub(crate) fn copy(&self, bytes: &[u8]) {
        let mut shared = lock(&self.0);
        if shared.reader_gone {
            shared.took(bytes.len());
        } else if shared.end.is_none() {
            shared.slices.copy(bytes);
            wake(shared.reader.take());
        }
    }

    /// The stream ends cleanly after what was sent: by the client's half-close, or by the trailers
    /// of an answer.
    pub(crate) fn finish(&self, trailers: Option<HeaderMap>) {
        self.end(Ok(trailers));
    }

    /// The stream ends with an error, at once.
    ///
    /// tonic 0.14 takes `CANCELLED` from a request body for a clean end, so a lost client must
    /// never be told with that code.
    pub(crate) fn fail(&self, status: Status) {
        self.end(Err(status));
    }

    /// Whether the reader left before the end.
    pub(crate) fn is_abandoned(&self) -> bool {
        lock(&self.0).reader_gone
    }

    fn end(&self, end: Result<Option<HeaderMap>, Status>) {
        let mut shared = lock(&self.0);
        if shared.end.is_some() {
            return;
        }
        if end.is_err() {
            shared.slices = Chunks::default();
        }
        shared.end = Some(end);
        wake(shared.reader.take());
    }
}

impl Drop for BodySender {
    fn drop(&mut self) {
        if lock(&self.0).end.is_none() {
            self.fail(Status::unavailable(
                "the connection ended before the messages did",
            ));
        }
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// The reader's end.
pub(crate) struct ReceivedBody(Arc<Mutex<Shared>>);

impl Body for ReceivedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let mut shared = lock(&self.0);
        if let Some(slice) = shared.slices.pop() {
            shared.took(slice.len());
            return Poll::Ready(Some(Ok(Frame::data(slice))));
        }
        match &mut shared.end {
            Some(Ok(trailers)) => Poll::Ready(trailers.take().map(Frame::trailers).map(Ok)),
            Some(Err(status)) => Poll::Ready(Some(Err(status.clone()))),
            None => {
                shared.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        let shared = lock(&self.0);
        shared.slices.is_empty() && matches!(shared.end, Some(Ok(None)))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::default()
    }
}

impl Drop for ReceivedBody {
    fn drop(&mut self) {
        let mut shared = lock(&self.0);
        shared.reader_gone = true;
        let waiting = std::mem::take(&mut shared.slices);
        shared.took(waiting.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use std::sync::atomic::{AtomicUsize, Ordering};

    async fn next(body: &mut ReceivedBody) -> Option<Result<Bytes, tonic::Code>> {
        let frame = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await?;
        Some(
            frame
                .map(|frame| frame.into_data().unwrap())
                .map_err(|status| status.code()),
        )
    }

    fn is_ready(sender: &BodySender) -> bool {
        sender
            .poll_ready(&mut Context::from_waker(Waker::noop()))
            .is_ready()
    }

    #[tokio::test]
    async fn a_full_window_stops_the_connection_until_the_handler_reads() {
        let (sender, mut body) = channel();
        sender.send([Bytes::from(vec![0; WINDOW])]);
        assert!(!is_ready(&sender));
        assert_eq!(next(&mut body).await.unwrap().unwrap().len(), WINDOW);
        assert!(is_ready(&sender));
    }

    #[tokio::test]
    async fn a_window_of_tiny_slices_costs_no_more_than_its_bytes() {
        let (sender, mut body) = channel();
        let mut sent = 0;
        while is_ready(&sender) {
            sender.send([Bytes::from_static(b"x")]);
            sent += 1;
        }
        assert_eq!(sent, WINDOW);
        assert_eq!(next(&mut body).await.unwrap().unwrap().len(), WINDOW);
    }

    #[tokio::test]
    async fn what_the_handler_takes_is_told_to_who_wants_to_know() {
        let (sender, mut body) = channel();
        let (waker, wakes) = counting_waker();
        sender.send([Bytes::from(vec![0; 60])]);
        sender.watch(Some(waker));
        sender.send([Bytes::from(vec![0; 60])]);
        assert_eq!(wakes.load(Ordering::SeqCst), 0, "sent is not taken");
        next(&mut body).await;
        assert_eq!(wakes.load(Ordering::SeqCst), 1);
        assert_eq!(sender.take_taken(), (120, true));
        sender.send([Bytes::from(vec![0; 60])]);
        next(&mut body).await;
        assert_eq!(wakes.load(Ordering::SeqCst), 1);
        assert_eq!(sender.take_taken(), (60, true));
    }

    #[test]
    fn what_nobody_will_take_counts_as_taken() {
        let (sender, body) = channel();
        let (waker, wakes) = counting_waker();
        sender.send([Bytes::from(vec![0; 150])]);
        sender.watch(Some(waker));
        drop(body);
        assert_eq!(wakes.load(Ordering::SeqCst), 1);
        assert_eq!(sender.take_taken(), (150, true));
        sender.send([Bytes::from(vec![0; 70])]);
        assert_eq!(sender.take_taken(), (70, true));
    }

    fn counting_waker() -> (Waker, Arc<AtomicUsize>) {
        struct Count(Arc<AtomicUsize>);
        impl std::task::Wake for Count {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::SeqCst);
            }
        }
        let count = Arc::default();
        (Waker::from(Arc::new(Count(Arc::clone(&count)))), count)
    }

    #[tokio::test]
    async fn a_lost_client_is_an_error_and_never_a_clean_end() {
        let (sender, mut body) = channel();
        sender.send([Bytes::from_static(b"half")]);
        drop(sender);
        assert_eq!(next(&mut body).await, Some(Err(tonic::Code::Unavailable)));
    }

    #[tokio::test]
    async fn a_half_close_ends_cleanly_after_what_was_sent() {
        let (sender, mut body) = channel();
        sender.send([Bytes::from_static(b"all")]);
        sender.finish(None);
        drop(sender);
        assert_eq!(next(&mut body).await, Some(Ok(Bytes::from_static(b"all"))));
        assert!(body.is_end_stream());
        assert_eq!(next(&mut body).await, None);
    }

    #[test]
    fn a_handler_that_wants_no_more_does_not_stop_the_connection() {
        let (sender, body) = channel();
        sender.send([Bytes::from(vec![0; WINDOW])]);
        drop(body);
        assert!(is_ready(&sender));
        sender.send([Bytes::from(vec![0; WINDOW])]);
        assert!(is_ready(&sender));
    }
}
