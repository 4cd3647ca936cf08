//! One call that is watched, from its metadata to its end.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use grpc_websocket_core::Code;
use grpc_websocket_core::wire::timeout;
use http::{Extensions, Request, Uri};
use prometheus_client::metrics::counter::Counter;
use tonic::transport::server::TcpConnectInfo;
use tracing::Span;
use tracing::field::{Empty, display};

use super::methods::{Method, split};
use super::metrics::{Metrics, code_name};
use super::transport::Transport;

/// How much of a service's name and of a method's goes into a log, in characters.
const MAX_LOGGED: usize = 128;

/// A call under way. Dropped before its end, it was cancelled.
pub(super) struct Call {
    metrics: Metrics,
    transport: Transport,
    path: Uri,
    /// Not known as long as nobody has answered this method.
    method: Option<Method>,
    begun: Instant,
    timeout: Option<Duration>,
    span: Span,
    is_over: bool,
}

impl Call {
    pub(super) fn begin<B>(metrics: Metrics, request: &Request<B>) -> Self {
        let transport = Transport::of(request);
        let method = metrics.methods().known(request.uri().path());
        metrics.opened(transport);
        if let Some(method) = &method {
            metrics.started(method, transport);
        }
        let timeout = request.headers().get("grpc-timeout");
        Self {
            metrics,
            transport,
            path: request.uri().clone(),
            method,
            begun: Instant::now(),
            timeout: timeout.and_then(|value| timeout::parse(value.as_bytes()).ok()),
            span: span(request, transport),
            is_over: false,
        }
    }

    pub(super) fn span(&self) -> &Span {
        &self.span
    }

    pub(super) fn bytes_in(&self) -> Counter {
        self.metrics.bytes_in(self.transport)
    }

    pub(super) fn bytes_out(&self) -> Counter {
        self.metrics.bytes_out(self.transport)
    }

    /// Somebody answers, so the method exists.
    pub(super) fn answered(&mut self) {
        if self.method.is_none() {
            let method = self.metrics.methods().admit(self.path.path());
            self.metrics.started(&method, self.transport);
            self.method = Some(method);
        }
    }

    /// The call is over. Only the first end counts.
    pub(super) fn end(&mut self, code: Code) {
        if std::mem::replace(&mut self.is_over, true) {
            return;
        }
        let method = self.last_method(code);
        let after = self.begun.elapsed();
        self.metrics.handled(&method, self.transport, code, after);
        self.span.record("status", code_name(code));
        self.span
            .record("duration_ms", after.as_secs_f64() * 1000.0);
        self.span.in_scope(|| tracing::info!("call"));
    }

    /// The method at the end. One that was refused or given up unanswered need not exist.
    fn last_method(&mut self, code: Code) -> Method {
        if !matches!(code, Code::Unimplemented | Code::Cancelled) {
            self.answered();
        }
        self.method.clone().unwrap_or_else(|| {
            let other = self.metrics.methods().other();
            self.metrics.started(&other, self.transport);
            other
        })
    }

    /// The code of a call that is dropped: its time was up, or its client left.
    fn code_of_drop(&self) -> Code {
        match self.timeout {
            Some(timeout) if self.begun.elapsed() >= timeout => Code::DeadlineExceeded,
            _ => Code::Cancelled,
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let code = self.code_of_drop();
        self.end(code);
    }
}

/// The span of a call. What its end tells is recorded then.
fn span<B>(request: &Request<B>, transport: Transport) -> Span {
    let path = request.uri().path();
    let (service, method) = split(path).unwrap_or((path, ""));
    let span = tracing::info_span!(
        "grpc",
        service = start_of(service),
        method = start_of(method),
        transport = transport.name(),
        peer = Empty,
        status = Empty,
        duration_ms = Empty,
    );
    if let Some(peer) = peer(request.extensions()) {
        span.record("peer", display(peer));
    }
    span
}

fn start_of(name: &str) -> &str {
    let end = name.char_indices().nth(MAX_LOGGED).map(|(at, _)| at);
    &name[..end.unwrap_or(name.len())]
}

fn peer(extensions: &Extensions) -> Option<SocketAddr> {
    let tcp = extensions.get::<TcpConnectInfo>();
    tcp.and_then(TcpConnectInfo::remote_addr)
}
