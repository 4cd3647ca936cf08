//! Lets an image do its work, with somebody at the other end of the network.

use std::net::Ipv4Addr;

use grpc_websocket_devices::{Cloud, Telemetry, call_all_kinds};
use grpc_websocket_firmware_tests::{Device, End, GATEWAY, Holder, Setup};
use grpc_websocket_tokio::{Endpoint, Server, Subprotocols};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};

/// Messages that are echoed, of 16 bytes each.
const ROUNDS: usize = 100;

/// How long an image runs that does not end by itself.
const SECONDS: u8 = 10;

/// Who an image talks to.
pub(crate) enum Partner {
    /// The host echoes what the device sends.
    EchoServer,
    /// The device echoes what the host sends.
    EchoClient,
    /// The device calls the host, by this subprotocol.
    Unary(&'static str),
    /// The device calls the host in all kinds.
    Server,
    /// The device calls the host in all kinds, by TLS.
    TlsServer,
    /// The host calls the device that dialled it.
    Caller,
    /// The host dials the device and calls it.
    Client,
}

/// What was seen while it ran.
pub(crate) struct Run {
    /// Bytes of the stack that were in use at most.
    pub(crate) stack: String,
    /// What the image counted: of what, and how many instructions.
    pub(crate) instructions: Vec<(String, String)>,
}

impl Partner {
    pub(crate) async fn run(&self, image: &'static str) -> Run {
        let setup = Device::image(image).counted();
        let end = match self {
            Self::EchoServer => echo_server(setup).await,
            Self::EchoClient => echo_client(setup).await,
            Self::Unary(subprotocol) => server(setup.setting("subprotocol", subprotocol)).await,
            Self::Server => server(setup.setting("seconds", SECONDS)).await,
            Self::TlsServer => tls_server(setup.setting("seconds", SECONDS)).await,
            Self::Caller => caller(setup.setting("seconds", SECONDS)).await,
            Self::Client => client(setup.setting("seconds", SECONDS)).await,
        };
        assert!(end.success, "{image}: {}", end.log);
        Run::read(&end.log)
    }
}

impl Run {
    /// Reads what the board and the image logged for this: lines `stack: N of M bytes` and
    /// `instructions of WHAT: N`.
    fn read(log: &str) -> Self {
        let stack = log
            .lines()
            .find_map(|line| line.strip_prefix("stack: ")?.split(' ').next());
        let instructions = log
            .lines()
            .filter_map(|line| line.strip_prefix("instructions of ")?.split_once(": "))
            .map(|(what, count)| (what.to_owned(), count.to_owned()));
        Self {
            stack: stack.expect("the board logs it").to_owned(),
            instructions: instructions.collect(),
        }
    }
}

async fn echo_server(setup: Setup) -> End {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("there is a port");
    let port = listener.local_addr().expect("it has an address").port();
    let device = setup
        .setting("port", port)
        .setting("rounds", ROUNDS)
        .boot()
        .await;
    let copied = async {
        let (mut stream, _) = listener.accept().await?;
        let (mut read, mut write) = stream.split();
        copy(&mut read, &mut write).await
    };
    device.during(copied).await.expect("the device reads");
    device.end().await
}

async fn echo_client(setup: Setup) -> End {
    let device = setup.setting("connections", 1).forward(7).boot().await;
    let connected = TcpStream::connect(device.address()).await;
    let mut stream = connected.expect("the device listens");
    for _ in 0..ROUNDS {
        stream.write_all(&[0; 16]).await.expect("the device reads");
        stream
            .read_exact(&mut [0; 16])
            .await
            .expect("the device echoes");
    }
    drop(stream);
    device.end().await
}

async fn server(setup: Setup) -> End {
    let cloud = Cloud::start(Telemetry::routes());
    let port = cloud.address.port();
    setup.setting("port", port).boot().await.end().await
}

async fn tls_server(setup: Setup) -> End {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .expect("there is a port");
    let port = listener.local_addr().expect("it has an address").port();
    let gateway = Holder::devices_authority().sign(GATEWAY);
    let server = Server::new().tls(gateway.server());
    tokio::spawn(server.serve(listener, Telemetry::routes()));
    setup.setting("port", port).boot().await.end().await
}

async fn caller(setup: Setup) -> End {
    let cloud = Cloud::start(Telemetry::routes());
    let device = setup.setting("port", cloud.address.port()).boot().await;
    let called = async { call_all_kinds(cloud.device("device-1").await).await };
    device.during(called).await;
    device.end().await
}

async fn client(setup: Setup) -> End {
    let device = setup.forward(80).boot().await;
    let endpoint = Endpoint::new(format!("ws://{}", device.address())).expect("a URL");
    let channel = endpoint.subprotocols(Subprotocols::Single).connect_lazy();
    device.during(call_all_kinds(channel)).await;
    device.end().await
}
