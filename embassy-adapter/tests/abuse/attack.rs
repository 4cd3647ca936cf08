//! A device against a peer that sends what it wants, and goes.

use std::cell::Cell;

use embassy_futures::select::{Either, select};
use grpc_websocket_embassy::codec::Raw as Bytes;
use grpc_websocket_embassy::handshake::{Accept, Subprotocol, Upgrade};
use grpc_websocket_embassy::{Config, Error, State};

use crate::common::pair::{CALLS, OUTPUT, TestClient, WINDOW};
use crate::common::raw::{Raw, Seen};
use crate::common::{Task, join, pipe, run, until, yield_now};
use crate::service::{BUFFER, Work, message, serve};

/// What came of it: why the device ended the connection, and what its peer saw.
pub(crate) type Outcome = (Result<(), Error>, Vec<Seen>);

/// How the device is attacked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attack {
    pub(crate) subprotocol: Subprotocol,
    pub(crate) chunk: usize,
}

impl Attack {
    pub(crate) const MUX: Self = Self {
        subprotocol: Subprotocol::Mux,
        chunk: usize::MAX,
    };

    pub(crate) const SINGLE: Self = Self {
        subprotocol: Subprotocol::Single,
        chunk: usize::MAX,
    };

    pub(crate) const fn chunk(mut self, chunk: usize) -> Self {
        self.chunk = chunk;
        self
    }

    /// Attacks a device that answers calls. All of them end.
    pub(crate) fn server(self, script: impl AsyncFnOnce(&mut Raw)) -> Outcome {
        let mut state: State<CALLS, WINDOW, OUTPUT> = State::new();
        let config = Config::DEFAULT.with_max_incoming_calls(CALLS);
        let (_, server, mut runner) = state.split(config, 1);
        let work = Work::default();
        let (up, at_server) = pipe(usize::MAX);
        let (down, at_client) = pipe(usize::MAX);
        let (down, at_server) = (down.chunk(self.chunk), at_server.chunk(self.chunk));
        let attacking = async {
            let mut raw = Raw::connect(up, at_client, self.subprotocol, "/t.T/Echo").await;
            script(&mut raw).await;
            settle().await;
            raw.leave().await
        };
        let policy = Accept::new();
        let test = async {
            let accepting = Task::new(runner.accept(at_server, down, &policy));
            let outcome = join(accepting, Task::new(attacking)).await;
            settle().await;
            assert_eq!(work.count(), 0, "a call is at work after its connection");
            outcome
        };
        match run(select(test, serve(server, &work))) {
            Either::First(outcome) => outcome,
            Either::Second(()) => panic!("the server does not end"),
        }
    }

    /// Attacks a device that makes calls. All of them end.
    pub(crate) fn client(self, script: impl AsyncFnOnce(&mut Raw)) -> Outcome {
        let mut state: State<CALLS, WINDOW, OUTPUT> = State::new();
        let (client, _, mut runner) = state.split(Config::DEFAULT, 1);
        let (up, at_server) = pipe(usize::MAX);
        let (down, at_client) = pipe(usize::MAX);
        let (up, at_client) = (up.chunk(self.chunk), at_client.chunk(self.chunk));
        let attacking = async {
            let mut raw = Raw::accept(down, at_server).await;
            script(&mut raw).await;
            settle().await;
            raw.leave().await
        };
        let subprotocols = [self.subprotocol];
        let upgrade = Upgrade::new("device", "/t.T/Echo").subprotocols(&subprotocols);
        let is_over = Cell::new(false);
        let connecting = async {
            let result = runner.connect(at_client, up, &upgrade).await;
            is_over.set(true);
            result
        };
        let one = || Task::new(call(client, &is_over));
        let calling = join(one(), join(one(), one()));
        let connection = join(Task::new(connecting), Task::new(attacking));
        let (outcome, _) = run(join(connection, calling));
        outcome
    }
}

/// Gives the device time.
async fn settle() {
    for _ in 0..50 {
        yield_now().await;
    }
}

/// Makes calls until the connection is over. What the peer does with them may be anything.
async fn call(client: TestClient<'_>, is_over: &Cell<bool>) {
    let _ = select(client.ready(), until(|| is_over.get())).await;
    let mut buffer = vec![0; BUFFER];
    while !is_over.get() {
        let call = client.call::<Bytes>("/t.T/Echo");
        if let Ok((mut sender, mut receiver)) = call.bidi().await {
            let _ = sender.send(&message(1, 300), &mut buffer).await;
            let _ = sender.half_close().await;
            while let Ok(Some(_)) = receiver.message::<&[u8]>(&mut buffer).await {}
            let _ = receiver.message::<&[u8]>(&mut buffer).await;
        }
        yield_now().await;
    }
}
