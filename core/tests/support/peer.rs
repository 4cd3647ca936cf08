//! Either machine behind one face, for tests that are the same for both.

use grpc_websocket_core::single::{Client, Fragment, Server};
use grpc_websocket_core::{Code, Event, Instant, Limits, RecvError};
use grpc_websocket_vectors::{Input, Receiver};

use crate::recorder::{Record, Recorder};

#[derive(Debug, Clone)]
pub(crate) enum Peer {
    Client(Client),
    Server(Server),
}

impl Peer {
    pub(crate) fn new(receiver: Receiver, limits: Limits) -> Self {
        match receiver {
            Receiver::Client => Self::Client(Client::new(limits)),
            Receiver::Server => Self::Server(Server::new(Instant::EPOCH, limits)),
        }
    }

    pub(crate) fn recv<'i>(
        &mut self,
        fragment: &mut Fragment<'i>,
    ) -> Result<Option<Event<'i>>, RecvError> {
        match self {
            Self::Client(client) => client.recv(fragment),
            Self::Server(server) => server.recv(fragment),
        }
    }

    pub(crate) fn handle_text(&mut self) -> Result<(), RecvError> {
        match self {
            Self::Client(client) => client.handle_text(),
            Self::Server(server) => server.handle_text(),
        }
    }

    pub(crate) fn handle_close(&mut self, close_code: Option<u16>) -> Option<Code> {
        match self {
            Self::Client(client) => client.handle_close(close_code),
            Self::Server(server) => server.handle_close(),
        }
    }

    /// Gives a fragment and records all that comes of it; whether the machine goes on.
    pub(crate) fn take(&mut self, mut fragment: Fragment<'_>, recorder: &mut Recorder) -> bool {
        loop {
            match self.recv(&mut fragment) {
                Ok(Some(event)) => recorder.event(event),
                Ok(None) => {
                    assert_eq!(fragment.rest(), b"", "input was left over");
                    return true;
                }
                Err(error) => {
                    recorder.error(error);
                    return false;
                }
            }
        }
    }

    fn take_message(&mut self, bytes: &[u8], cuts: &[usize], recorder: &mut Recorder) -> bool {
        let mut begin = 0;
        for &cut in cuts {
            if !self.take(Fragment::part(&bytes[begin..cut]), recorder) {
                return false;
            }
            begin = cut;
        }
        self.take(Fragment::message(&bytes[begin..]), recorder)
    }

    /// Gives the inputs, the binary messages cut into fragments: `cuts(i)` has the places in the
    /// message of that index, in order.
    pub(crate) fn run<'c>(
        mut self,
        inputs: &[Input],
        cuts: impl Fn(usize) -> &'c [usize],
    ) -> Record {
        let mut recorder = Recorder::default();
        for (index, input) in inputs.iter().enumerate() {
            let goes_on = match input {
                Input::Binary(bytes) => self.take_message(bytes, cuts(index), &mut recorder),
                Input::Text(_) => self
                    .handle_text()
                    .map_err(|error| recorder.error(error))
                    .is_ok(),
                Input::Close(code) => self.take_close(Some(*code), &mut recorder),
                Input::Lost => self.take_close(None, &mut recorder),
            };
            if !goes_on {
                break;
            }
        }
        recorder.finish()
    }

    fn take_close(&mut self, close_code: Option<u16>, recorder: &mut Recorder) -> bool {
        if let Some(code) = self.handle_close(close_code) {
            recorder.closed(code);
        }
        true
    }
}
