//! What the attacks are aimed at.

use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use grpc_websocket_tokio::Server;
use tokio::runtime::Runtime;
use tonic::transport::server::TcpIncoming;

use crate::client::{Client, Handshake};
use crate::gateway::Gateway;
use crate::outcome::Outcome;
use crate::service::{Probe, SERVICE, routes};
use crate::settings::Settings;
use crate::{eventually, grpc};

/// How long an honest call may take while the server is under attack.
const HONEST_CALL: Duration = Duration::from_secs(5);

/// A server with the test service behind it; stopped when dropped.
#[derive(Debug)]
pub struct Target {
    /// For messages.
    pub name: &'static str,
    /// Where it listens.
    pub address: SocketAddr,
    /// What its handlers do.
    pub probe: Probe,
    gateway: Option<Gateway>,
    /// Of the server, or of the gateway's upstream.
    runtime: Option<Runtime>,
}

impl Target {
    /// The server of `grpc_websocket_tokio::Server`, in this process.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn in_process(settings: Settings) -> Self {
        let (listener, address, runtime) = listen();
        let (probe, layer) = (Probe::default(), settings.layer());
        let service = routes(&probe);
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            Server::new().layer(layer).serve(listener, service).await
        });
        Self {
            name: "in process",
            address,
            probe,
            gateway: None,
            runtime: Some(runtime),
        }
    }

    /// The gateway, in front of a tonic server in this process.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn gateway(settings: Settings) -> Self {
        Self::behind_gateway(|upstream| Gateway::start(upstream, settings))
    }

    /// As [`Target::gateway`], with few descriptors and more arguments.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn gateway_with_descriptors(descriptors: u32, arguments: &[&str]) -> Self {
        Self::behind_gateway(|upstream| {
            Gateway::start_with_descriptors(descriptors, upstream, arguments)
        })
    }

    fn behind_gateway(start: impl FnOnce(SocketAddr) -> Gateway) -> Self {
        let (listener, upstream, runtime) = listen();
        let probe = Probe::default();
        let service = routes(&probe);
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
            let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
            tonic::transport::Server::builder()
                .add_routes(service)
                .serve_with_incoming(incoming)
                .await
        });
        let gateway = start(upstream);
        Self {
            name: "gateway",
            address: gateway.address,
            probe,
            gateway: Some(gateway),
            runtime: Some(runtime),
        }
    }

    /// One of each, with the product's settings.
    ///
    /// # Panics
    /// When one does not start.
    #[must_use]
    pub fn both() -> [Self; 2] {
        Self::both_with(Settings::default())
    }

    /// One of each.
    ///
    /// # Panics
    /// When one does not start.
    #[must_use]
    pub fn both_with(settings: Settings) -> [Self; 2] {
        [Self::in_process(settings), Self::gateway(settings)]
    }

    /// The gateway's process.
    ///
    /// # Panics
    /// When the target has none.
    #[must_use]
    pub fn process(&self) -> &Gateway {
        self.gateway.as_ref().expect("a gateway")
    }

    /// A connection on which nothing was sent.
    #[must_use]
    pub fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    /// A WebSocket for a call of a method of the service.
    #[must_use]
    pub fn open(&self, method: &str) -> Client {
        self.connect().upgraded(&handshake(method))
    }

    /// A call of a method whose header block is sent.
    #[must_use]
    pub fn call(&self, method: &str) -> Client {
        let mut client = self.open(method);
        client.send(&grpc::headers());
        client
    }

    /// What comes of a call of a method when the client sends these bytes after the handshake, and
    /// no more.
    #[must_use]
    pub fn attack(&self, method: &str, bytes: &[u8]) -> Outcome {
        let mut client = self.open(method);
        client.send(bytes);
        client.outcome()
    }

    /// Asserts that an honest call on a new connection is answered.
    ///
    /// # Panics
    /// When it is not.
    pub fn assert_serves(&self) {
        let mut client = self.open("Unary");
        client.set_patience(HONEST_CALL);
        client.send(&grpc::unary(b"honest"));
        let outcome = client.outcome();
        outcome.assert(self.name, Some(tonic::Code::Ok), Some(1000));
        assert_eq!(outcome.messages, [b"honest"], "{}", self.name);
    }

    /// Asserts that no handler is left, and that an honest call is answered.
    ///
    /// # Panics
    /// When it is otherwise.
    pub fn assert_recovered(&self) {
        self.assert_serves();
        self.assert_no_handlers(HONEST_CALL);
    }

    /// Asserts that all handlers are gone within a time.
    ///
    /// # Panics
    /// When they are not.
    pub fn assert_no_handlers(&self, limit: Duration) {
        let what = format!("{}: no handler is left", self.name);
        eventually(&what, limit, || self.probe.live() == 0);
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The honest handshake for a call of a method of the service.
#[must_use]
pub fn handshake(method: &str) -> Handshake {
    Handshake::new(format!("/{SERVICE}/{method}"))
}

/// A listener at a free port, and a runtime to serve it.
fn listen() -> (TcpListener, SocketAddr, Runtime) {
    let (listener, runtime) = listen_at(SocketAddr::from(([127, 0, 0, 1], 0)));
    let address = listener.local_addr().expect("its address");
    (listener, address, runtime)
}

/// A listener, and a runtime to serve it.
pub(crate) fn listen_at(address: SocketAddr) -> (TcpListener, Runtime) {
    let listener = TcpListener::bind(address).expect("a free port");
    listener.set_nonblocking(true).expect("a TCP socket");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    (listener, runtime)
}
