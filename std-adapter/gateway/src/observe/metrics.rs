//! The metrics, with the names of gRPC's ecosystem.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use grpc_websocket_core::Code;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tokio::runtime::Handle;

use super::methods::{Method, Methods};
use super::transport::Transport;

/// Upper bounds of the times of calls, in seconds: short answers, and streams.
const SECONDS: [f64; 13] = [
    0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0, 600.0,
];

/// All metrics of the process. Clones are the same.
#[derive(Clone)]
pub(crate) struct Metrics(Arc<Inner>);

struct Inner {
    methods: Methods,
    registry: Registry,
    started: Family<Called, Counter>,
    handled: Family<Handled, Counter>,
    seconds: Family<Called, Histogram, fn() -> Histogram>,
    open: Family<By, Gauge>,
    connections: Counter,
    connections_open: Gauge,
    bytes_in: Family<By, Counter>,
    bytes_out: Family<By, Counter>,
    tasks: Gauge,
}

/// A method, and how its call came.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Called {
    grpc_service: Arc<str>,
    grpc_method: Arc<str>,
    transport: Transport,
}

impl Called {
    fn new(method: Method, transport: Transport) -> Self {
        Self {
            grpc_service: method.service,
            grpc_method: method.method,
            transport,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Handled {
    grpc_service: Arc<str>,
    grpc_method: Arc<str>,
    grpc_code: &'static str,
    transport: Transport,
}

impl Handled {
    fn new(method: Method, code: Code, transport: Transport) -> Self {
        Self {
            grpc_service: method.service,
            grpc_method: method.method,
            grpc_code: code_name(code),
            transport,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct By {
    transport: Transport,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut inner = Inner {
            methods: Methods::new(),
            registry: Registry::default(),
            started: Family::default(),
            handled: Family::default(),
            seconds: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            open: Family::default(),
            connections: Counter::default(),
            connections_open: Gauge::default(),
            bytes_in: Family::default(),
            bytes_out: Family::default(),
            tasks: Gauge::default(),
        };
        inner.register_calls();
        inner.register_connections();
        inner.register_process();
        Self(Arc::new(inner))
    }
}

impl Metrics {
    /// The methods with names of their own.
    pub(super) fn methods(&self) -> &Methods {
        &self.0.methods
    }

    /// A client has connected.
    pub(super) fn connected(&self) {
        self.0.connections.inc();
        self.0.connections_open.inc();
    }

    /// A connection is over.
    pub(super) fn disconnected(&self) {
        self.0.connections_open.dec();
    }

    /// A call is there.
    pub(super) fn opened(&self, transport: Transport) {
        self.0.open.get_or_create(&By { transport }).inc();
    }

    /// A call of this method has begun.
    pub(super) fn started(&self, method: &Method, transport: Transport) {
        let labels = Called::new(method.clone(), transport);
        self.0.started.get_or_create(&labels).inc();
    }

    /// A call is over.
    pub(super) fn handled(
        &self,
        method: &Method,
        transport: Transport,
        code: Code,
        after: Duration,
    ) {
        self.0.open.get_or_create(&By { transport }).dec();
        let labels = Handled::new(method.clone(), code, transport);
        self.0.handled.get_or_create(&labels).inc();
        let labels = Called::new(method.clone(), transport);
        let seconds = self.0.seconds.get_or_create(&labels);
        seconds.observe(after.as_secs_f64());
    }

    /// What counts the bytes from clients.
    pub(super) fn bytes_in(&self, transport: Transport) -> Counter {
        self.0.bytes_in.get_or_create(&By { transport }).clone()
    }

    /// What counts the bytes to clients.
    pub(super) fn bytes_out(&self, transport: Transport) -> Counter {
        self.0.bytes_out.get_or_create(&By { transport }).clone()
    }

    /// All of them in the text format of OpenMetrics, which Prometheus reads.
    pub(crate) fn text(&self) -> String {
        self.0.count_tasks();
        let mut text = String::new();
        // Writing to a `String` does not fail.
        let _ = encode(&mut text, &self.0.registry);
        text
    }
}

impl Inner {
    fn register_calls(&mut self) {
        let registry = &mut self.registry;
        registry.register("grpc_server_started", "Calls begun", self.started.clone());
        registry.register(
            "grpc_server_handled",
            "Calls over, by status code",
            self.handled.clone(),
        );
        registry.register(
            "grpc_server_handling_seconds",
            "Time from a call's metadata to its end",
            self.seconds.clone(),
        );
        registry.register(
            "grpc_websocket_calls_open",
            "Calls that are not over",
            self.open.clone(),
        );
        registry.register(
            "grpc_websocket_received_bytes",
            "Bytes of messages from clients, as gRPC frames them",
            self.bytes_in.clone(),
        );
        registry.register(
            "grpc_websocket_sent_bytes",
            "Bytes of messages to clients, as gRPC frames them",
            self.bytes_out.clone(),
        );
    }

    fn register_connections(&mut self) {
        self.registry.register(
            "grpc_websocket_connections",
            "Connections accepted, of all kinds",
            self.connections.clone(),
        );
        self.registry.register(
            "grpc_websocket_connections_open",
            "Connections that are not over, WebSockets among them",
            self.connections_open.clone(),
        );
    }

    fn register_process(&mut self) {
        let begun = SystemTime::now().duration_since(UNIX_EPOCH);
        self.registry.register(
            "process_start_time_seconds",
            "When the process began, in seconds since 1970",
            ConstGauge::new(begun.unwrap_or_default().as_secs_f64()),
        );
        self.registry.register(
            "tokio_alive_tasks",
            "Tasks of the runtime that are not over",
            self.tasks.clone(),
        );
        let build = Family::<[(&str, &str); 1], Gauge>::default();
        build
            .get_or_create(&[("version", env!("CARGO_PKG_VERSION"))])
            .set(1);
        self.registry.register(
            "grpc_websocket_gateway_build_info",
            "The version that runs",
            build,
        );
    }

    /// What the runtime knows is asked for when somebody reads.
    fn count_tasks(&self) {
        if let Ok(runtime) = Handle::try_current() {
            let tasks = runtime.metrics().num_alive_tasks();
            self.tasks.set(i64::try_from(tasks).unwrap_or(i64::MAX));
        }
    }
}

/// A code's name as gRPC's metrics have it.
pub(super) const fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "Canceled",
        Code::Unknown => "Unknown",
        Code::InvalidArgument => "InvalidArgument",
        Code::DeadlineExceeded => "DeadlineExceeded",
        Code::NotFound => "NotFound",
        Code::AlreadyExists => "AlreadyExists",
        Code::PermissionDenied => "PermissionDenied",
        Code::ResourceExhausted => "ResourceExhausted",
        Code::FailedPrecondition => "FailedPrecondition",
        Code::Aborted => "Aborted",
        Code::OutOfRange => "OutOfRange",
        Code::Unimplemented => "Unimplemented",
        Code::Internal => "Internal",
        Code::Unavailable => "Unavailable",
        Code::DataLoss => "DataLoss",
        Code::Unauthenticated => "Unauthenticated",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_cannot_break_out_of_its_line() {
        let metrics = Metrics::default();
        let method = Method {
            service: "a\"} 1\nb".into(),
            method: "c\\".into(),
        };
        metrics.started(&method, Transport::Http2);
        let text = metrics.text();
        let line = r#"{grpc_service="a\"} 1\nb",grpc_method="c\\",transport="http2"} 1"#;
        assert!(text.contains(line), "{text}");
    }

    #[tokio::test]
    async fn the_tasks_that_run_are_counted() {
        let metrics = Metrics::default();
        let tasks = [(); 3].map(|()| tokio::spawn(std::future::pending::<()>()));
        assert!(metrics.text().contains("\ntokio_alive_tasks 3\n"));
        for task in tasks {
            task.abort();
            let _ = task.await;
        }
        assert!(metrics.text().contains("\ntokio_alive_tasks 0\n"));
    }

    #[test]
    fn the_process_tells_its_version_and_age() {
        let text = Metrics::default().text();
        let version = env!("CARGO_PKG_VERSION");
        let info = format!("grpc_websocket_gateway_build_info{{version=\"{version}\"}} 1");
        assert!(text.contains(&info), "{text}");
        assert!(text.contains("\nprocess_start_time_seconds 1"), "{text}");
        assert!(text.ends_with("# EOF\n"), "{text}");
    }
}
