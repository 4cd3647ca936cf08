//! Two devices joined in memory: one makes calls, the other answers them.

use std::pin::pin;

use embassy_futures::select::{Either3, select3};
use grpc_websocket_embassy::handshake::{Accept, Subprotocol, Upgrade};
use grpc_websocket_embassy::{Client, Config, Error, Server, State};

use super::{Task, join, pipe, run};

/// Small enough that everything comes in pieces.
pub const WINDOW: usize = 128;
pub const OUTPUT: usize = 256;
pub const CALLS: usize = 3;

pub type TestClient<'a> = Client<'a, CALLS, WINDOW, OUTPUT>;
pub type TestServer<'a> = Server<'a, CALLS, WINDOW, OUTPUT>;

/// How the two are joined.
#[derive(Debug, Clone, Copy)]
pub struct Pair {
    pub subprotocol: Subprotocol,
    /// The most bytes that go at a time, and that the transport holds.
    pub chunk: usize,
    pub capacity: usize,
    pub path: &'static str,
    /// The client gives its call up, and with it a WebSocket that has no other.
    pub is_given_up: bool,
}

impl Pair {
    pub const MUX: Self = Self {
        subprotocol: Subprotocol::Mux,
        chunk: usize::MAX,
        capacity: 1024,
        path: "/",
        is_given_up: false,
    };

    /// By `grpc-websockets`, for a call of a method.
    pub const fn single(path: &'static str) -> Self {
        Self {
            subprotocol: Subprotocol::Single,
            path,
            ..Self::MUX
        }
    }

    pub const fn given_up(mut self) -> Self {
        self.is_given_up = true;
        self
    }

    pub const fn chunk(mut self, chunk: usize) -> Self {
        self.chunk = chunk;
        self
    }

    /// Runs a client's future with a server's, which may go on for ever.
    pub fn run<O>(
        self,
        client: impl AsyncFnOnce(TestClient<'_>) -> O,
        server: impl AsyncFnOnce(TestServer<'_>),
    ) -> O {
        run(self.future(client, server))
    }

    /// The future of it.
    pub async fn future<O>(
        self,
        client: impl AsyncFnOnce(TestClient<'_>) -> O,
        server: impl AsyncFnOnce(TestServer<'_>),
    ) -> O {
        let (mut ours, mut theirs) = (State::new(), State::new());
        let incoming = Config::DEFAULT.with_max_incoming_calls(CALLS);
        let (caller, _, mut dialer) = ours.split(Config::DEFAULT, 1);
        let (_, callee, mut acceptor) = theirs.split(incoming, 2);
        let (up, at_server) = pipe(self.capacity);
        let (down, at_client) = pipe(self.capacity);
        let (up, down) = (up.chunk(self.chunk), down.chunk(self.chunk));
        let subprotocols = [self.subprotocol];
        let upgrade = Upgrade::new("device", self.path).subprotocols(&subprotocols);
        let accept = Accept::new();
        let calling = async {
            caller.ready().await;
            client(caller).await
        };
        let dialing = async { self.assert_over(dialer.connect(at_client, up, &upgrade).await) };
        let accepting = async { self.assert_over(acceptor.accept(at_server, down, &accept).await) };
        let driving = async {
            join(Task::new(dialing), Task::new(accepting)).await;
            std::future::pending().await
        };
        let mut calling = Task::new(calling);
        match select3(&mut calling, pin!(driving), Task::new(server(callee))).await {
            Either3::First(output) => output,
            Either3::Second(never) => never,
            Either3::Third(()) => calling.await,
        }
    }

    /// How a connection ends whose client has had all its calls.
    fn assert_over(self, result: Result<(), Error>) {
        let is_well = matches!(result, Ok(()) | Err(Error::Closed(Some(1000 | 1001))));
        let is_broken = matches!(result, Err(Error::Closed(_) | Error::Transport(_)));
        assert!(is_well || (self.is_given_up && is_broken), "{result:?}");
    }
}
