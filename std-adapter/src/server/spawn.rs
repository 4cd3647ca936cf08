//! Calls in tasks of their own.

use std::panic::resume_unwind;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as HttpBody, Frame};
use http_body_util::BodyExt as _;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinError;
use tokio_util::task::AbortOnDropHandle;
use tonic::body::Body;
use tower::{BoxError, Layer, Service, ServiceExt};

/// How many frames of an answer a task makes before they are taken.
const FRAMES: usize = 2;

/// Answers each call in a task of its own, for handlers that compute for long, and for runtimes of many
/// threads: the calls on one WebSocket are then answered at the same time, and none holds up the others.
///
/// [`WebSocketLayer`](crate::WebSocketLayer) alone answers the calls of a WebSocket in its task, which is
/// cheaper: with a task a short call takes two thirds more instructions. A handler that waits for
/// something does not need one. One that blocks its thread still belongs in `tokio::task::spawn_blocking`.
///
/// A call that is cancelled ends its task. Of its answer no more than two frames are made ahead of those
/// that are taken. Calls must be made in a tokio runtime; outside of one they panic, as
/// [`tokio::spawn`] does.
///
/// ```
/// use grpc_websocket_tokio::{SpawnLayer, WebSocketLayer};
/// use tower::Layer;
///
/// # let routes = tonic::service::Routes::default();
/// let service = WebSocketLayer::new().layer(SpawnLayer::new().layer(routes));
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct SpawnLayer;

impl SpawnLayer {
    /// A layer.
    #[must_use]
    pub const fn new() -> Self {
        Self
    }
}

impl<S> Layer<S> for SpawnLayer {
    type Service = SpawnService<S>;

    fn layer(&self, inner: S) -> SpawnService<S> {
        SpawnService { inner }
    }
}

/// A service whose calls are tasks; made by [`SpawnLayer`].
#[derive(Debug, Clone)]
pub struct SpawnService<S> {
    inner: S,
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for SpawnService<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    ReqBody: Send + 'static,
    ResBody: HttpBody<Data = Bytes> + Send + 'static,
    ResBody::Error: Into<BoxError> + Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        // Readiness of the inner service is awaited by each call on a clone of its own.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let call = self.inner.clone().oneshot(request);
        let (answer, answered) = oneshot::channel();
        let task = AbortOnDropHandle::new(tokio::spawn(answer_by(call, answer)));
        Box::pin(async move {
            match answered.await {
                Ok(answer) => answer.map(|response| {
                    response.map(|frames| {
                        let task = Some(task);
                        Body::new(Answer { frames, task })
                    })
                }),
                Err(_) => {
                    go_on(task.await);
                    // The runtime is at its end.
                    std::future::pending().await
                }
            }
        })
    }
}

type Frames<E> = mpsc::Receiver<Result<Frame<Bytes>, E>>;

/// The task of a call.
async fn answer_by<F, B, E>(call: F, answer: oneshot::Sender<Result<Response<Frames<B::Error>>, E>>)
where
    F: Future<Output = Result<Response<B>, E>>,
    B: HttpBody<Data = Bytes>,
{
    let (head, body) = match call.await {
        Ok(response) => response.into_parts(),
        Err(error) => {
            let _ = answer.send(Err(error));
            return;
        }
    };
    let (taken, frames) = mpsc::channel(FRAMES);
    if answer.send(Ok(Response::from_parts(head, frames))).is_err() {
        return;
    }
    let mut body = pin!(body);
    // No frame is made that has no place.
    while let Ok(place) = taken.reserve().await {
        match body.frame().await {
            Some(frame) => place.send(frame),
            None => return,
        }
    }
}

/// A panic of the task is one of whoever awaits it.
fn go_on(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && let Ok(panic) = error.try_into_panic()
    {
        resume_unwind(panic);
    }
}

/// The body of an answer, made by its task, which ends with it.
struct Answer<E> {
    frames: Frames<E>,
    /// Until its end was seen.
    task: Option<AbortOnDropHandle<()>>,
}

impl<E> HttpBody for Answer<E> {
    type Data = Bytes;
    type Error = E;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, E>>> {
        if let Some(frame) = ready!(self.frames.poll_recv(cx)) {
            return Poll::Ready(Some(frame));
        }
        if let Some(task) = &mut self.task {
            let ended = ready!(Pin::new(task).poll(cx));
            self.task = None;
            go_on(ended);
        }
        Poll::Ready(None)
    }
}
