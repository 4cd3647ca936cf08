//! Calls to a server that is dialled: by HTTP/2 or by WebSocket, and when again.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use grpc_websocket_core::wire::timeout;
use http::{HeaderMap, HeaderValue, Request, Response};
use tokio::time::{Instant, sleep};
use tonic::body::Body;
use tonic::{Code, Status};

use super::channel::MAX_RETRIES;
use super::dial::{Dialer, Line};
use super::endpoint::Endpoint;
use super::http2::{Failure, Http2};
use super::outgoing::Unanswered;
use super::slot::Slot;
use super::transport::{Transport, Transports};
use super::upload::{Record, Upload};
use crate::deadline::{Expiry, Timed};
use crate::metadata::GRPC_TIMEOUT;

/// See the module.
pub(super) struct Remote {
    dialer: Arc<Dialer>,
    /// The WebSocket.
    slot: Arc<Slot>,
    http2: Http2,
    /// HTTP/2 did not get through when it was last tried.
    no_http2: AtomicBool,
    latest: Mutex<Option<Transport>>,
}

impl Remote {
    pub(super) fn new(endpoint: Endpoint) -> Arc<Self> {
        let serves = endpoint.answerer.is_some();
        let http2 = Http2::new(
            endpoint.connector(),
            Arc::new(endpoint.target.clone()),
            endpoint.http2_keepalive,
        );
        let dialer = Arc::new(Dialer::new(endpoint));
        let remote = Arc::new(Self {
            slot: Arc::new(Slot::new(Arc::clone(&dialer))),
            dialer,
            http2,
            no_http2: AtomicBool::new(false),
            latest: Mutex::new(None),
        });
        if serves {
            tokio::spawn(keep_up(Arc::downgrade(&remote)));
        }
        remote
    }

    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.dialer.endpoint
    }

    /// How the latest call travelled, or the connection was made.
    pub(super) fn latest(&self) -> Option<Transport> {
        *self.lock_latest()
    }

    /// Waits for the connection.
    pub(super) async fn ready(&self) -> Result<(), Status> {
        let transport = self.choose(None).await?;
        match transport {
            Transport::WebSocket => drop(self.line().await?),
            Transport::Http2 => self
                .http2
                .probe()
                .await
                .map_err(|failure| failure.status())?,
        }
        self.note(transport);
        Ok(())
    }

    /// Makes a call.
    pub(super) async fn call(
        &self,
        request: Box<Request<Body>>,
        deadline: Option<Instant>,
    ) -> Result<Response<Body>, Status> {
        let wanted = request.extensions().get().copied();
        let transport = self.choose(wanted).await?;
        let mut response = match transport {
            Transport::WebSocket => self.call_by_websocket(request, deadline).await?,
            // In boxes, what not every call needs: the future of a call has room for all that is in it.
            Transport::Http2 => Box::pin(self.call_by_http2(request, deadline)).await?,
        };
        self.note(transport);
        response.extensions_mut().insert(transport);
        Ok(response)
    }

    /// How a call is to travel that wants to travel so.
    async fn choose(&self, wanted: Option<Transport>) -> Result<Transport, Status> {
        match (self.endpoint().transports, wanted) {
            (Transports::WebSocket, _) => Ok(Transport::WebSocket),
            (Transports::Http2, _) => Ok(Transport::Http2),
            (Transports::Auto, Some(wanted)) => Ok(wanted),
            (Transports::Auto, None) => Box::pin(self.find_out()).await,
        }
    }

    /// HTTP/2 if it gets through. Where it does not, that is looked at again when the WebSocket that
    /// took its place is lost.
    async fn find_out(&self) -> Result<Transport, Status> {
        if self.no_http2.load(Ordering::Relaxed) && self.slot.is_up() {
            return Ok(Transport::WebSocket);
        }
        let mut failures = 0;
        loop {
            let failure = match self.http2.probe().await {
                Ok(()) => {
                    self.no_http2.store(false, Ordering::Relaxed);
                    return Ok(Transport::Http2);
                }
                Err(failure) => failure,
            };
            if let Failure::NotHttp2(..) = failure {
                tracing::debug!(%failure, "taking WebSocket");
                self.no_http2.store(true, Ordering::Relaxed);
                return Ok(Transport::WebSocket);
            }
            if !self.endpoint().wait_for_ready {
                return Err(failure.status());
            }
            failures += 1;
            sleep(self.endpoint().backoff.wait(failures)).await;
        }
    }

    async fn call_by_http2(
        &self,
        request: Box<Request<Body>>,
        deadline: Option<Instant>,
    ) -> Result<Response<Body>, Status> {
        let mut retries = 0;
        let (mut head, body) = request.into_parts();
        let mut upload = Upload::of(body).await?;
        loop {
            write_deadline(&mut head.headers, deadline);
            let (record, sent) = Record::of(upload);
            let unanswered = match self.http2.forward(&head, sent).await {
                Ok(response) => return Ok(until(deadline, response)),
                Err(unanswered) => unanswered,
            };
            retries += 1;
            match unanswered.unsent {
                // Nobody is there.
                Some(again) if self.endpoint().wait_for_ready => {
                    upload = again;
                    sleep(self.endpoint().backoff.wait(retries)).await;
                }
                None if unanswered.is_unprocessed && retries <= MAX_RETRIES => {
                    upload = record.into_upload().ok_or(unanswered.status)?;
                }
                _ => return Err(unanswered.status),
            }
        }
    }

    async fn call_by_websocket(
        &self,
        mut request: Box<Request<Body>>,
        deadline: Option<Instant>,
    ) -> Result<Response<Body>, Status> {
        let mut retries = 0;
        loop {
            let line = self.line().await?;
            let is_alone = matches!(line, Line::Single);
            let (status, again) = match self.call_on(line, request, deadline).await {
                Ok(response) => return Ok(response),
                Err(Unanswered {
                    status,
                    request: Some(again),
                }) => (status, again),
                Err(unanswered) => return Err(unanswered.status),
            };
            retries += 1;
            request = again;
            match is_alone {
                false if retries <= MAX_RETRIES => {}
                // Nobody is there.
                true if self.endpoint().wait_for_ready && status.code() == Code::Unavailable => {
                    sleep(self.endpoint().backoff.wait(retries)).await;
                }
                _ => return Err(status),
            }
        }
    }

    async fn call_on(
        &self,
        line: Line,
        request: Box<Request<Body>>,
        deadline: Option<Instant>,
    ) -> Result<Response<Body>, Unanswered> {
        match line {
            Line::Mux(caller) => caller.call(request, deadline).await,
            Line::Single => {
                let answer = Box::pin(self.dialer.call(request, deadline)).await;
                if let Err(Unanswered {
                    request: Some(_), ..
                }) = answer
                {
                    // It may be another server by now.
                    self.slot.forget();
                }
                answer
            }
        }
    }

    async fn line(&self) -> Result<Line, Status> {
        self.slot.line(self.endpoint().wait_for_ready).await
    }

    fn note(&self, transport: Transport) {
        *self.lock_latest() = Some(transport);
    }

    fn lock_latest(&self) -> MutexGuard<'_, Option<Transport>> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.endpoint().target.fmt(f)
    }
}

/// Ends an answer at its deadline.
fn until(deadline: Option<Instant>, response: Response<Body>) -> Response<Body> {
    match deadline {
        Some(_) => response.map(|body| Body::new(Timed::new(body, deadline, Expiry::Error))),
        None => response,
    }
}

/// Says how much of a call's time is left.
fn write_deadline(headers: &mut HeaderMap, deadline: Option<Instant>) {
    let Some(deadline) = deadline else {
        return;
    };
    let left = deadline.saturating_duration_since(Instant::now());
    if let Ok(value) = HeaderValue::from_bytes(timeout::encode(left).as_bytes()) {
        headers.insert(GRPC_TIMEOUT, value);
    }
}

/// Keeps the line of a channel up, for the calls that the server makes, until the channel is dropped.
async fn keep_up(remote: Weak<Remote>) {
    while let Some(remote) = remote.upgrade() {
        let backoff = remote.endpoint().backoff;
        let slot = Arc::clone(&remote.slot);
        drop(remote);
        let over = match slot.line(false).await {
            Ok(Line::Mux(caller)) => Some(caller.over()),
            Ok(Line::Single) | Err(_) => None,
        };
        // What holds the line would keep it up.
        drop(slot);
        if let Some(over) = over {
            over.await;
        }
        // Not all of a server's clients at once.
        tokio::time::sleep(backoff.wait(1)).await;
    }
}
