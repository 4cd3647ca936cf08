//! A server on the host, in a runtime of its own so that it can be killed.

use std::net::SocketAddr;
use std::time::Duration;

use grpc_websocket_tokio::{Channel, Registry, Server, WebSocketLayer};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::time::sleep;
use tonic::service::Routes;

/// A server, and the devices that dialled it.
#[derive(Debug)]
pub struct Cloud {
    /// Where it listens.
    pub address: SocketAddr,
    devices: Registry<String>,
    runtime: Option<Runtime>,
    stop: Option<oneshot::Sender<()>>,
}

impl Cloud {
    /// Starts one.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(routes: Routes) -> Self {
        Self::start_at("127.0.0.1:0".parse().expect("an address"), routes)
    }

    /// Starts one at an address.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start_at(address: SocketAddr, routes: Routes) -> Self {
        let runtime = Runtime::new().expect("threads");
        let listener = std::net::TcpListener::bind(address).expect("a free port");
        listener.set_nonblocking(true).expect("a socket");
        let address = listener.local_addr().expect("its address");
        let devices = Registry::new(|head| {
            let serial = head.headers.get("x-serial")?.to_str().ok()?;
            Some(serial.to_owned())
        });
        let layer = WebSocketLayer::new().registry(&devices);
        let (stop, stopped) = oneshot::channel();
        runtime.spawn(async move {
            let listener = TcpListener::from_std(listener).expect("a socket");
            let server = Server::new().layer(layer);
            server
                .serve_with_shutdown(listener, routes, async { drop(stopped.await) })
                .await
        });
        Self {
            address,
            devices,
            runtime: Some(runtime),
            stop: Some(stop),
        }
    }

    /// The device with that header `x-serial`, once it has dialled in.
    pub async fn device(&self, serial: &str) -> Channel {
        loop {
            if let Some(device) = self.devices.get(&serial.to_owned()) {
                return device;
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Begins to end it, as servers do: its clients are told, and calls that are open go on.
    pub fn shut_down(&mut self) {
        self.stop = None;
    }

    /// Ends it at once, with its connections.
    pub fn kill(mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Cloud {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
