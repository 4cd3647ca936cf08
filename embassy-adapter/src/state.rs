//! The memory of a connection.

use crate::client::Client;
use crate::config::Config;
use crate::random::Random;
use crate::runner::Runner;
use crate::server::Server;
use crate::shared::{MIN_OUTPUT, Shared};

/// The memory of a connection: all there is. For a `static` or a local variable.
///
/// * `CALLS`: how many calls there can be at once, made here and answered here together.
/// * `WINDOW`: how many bytes of each may wait to be read: 64 or more. The metadata of a call has to
///   fit into it; a message may be longer.
/// * `OUTPUT`: how many bytes of all may wait to be written: 256 or more.
#[derive(Debug)]
pub struct State<const CALLS: usize, const WINDOW: usize = 512, const OUTPUT: usize = 512> {
    shared: Shared<CALLS, WINDOW, OUTPUT>,
}

impl<const CALLS: usize, const WINDOW: usize, const OUTPUT: usize> State<CALLS, WINDOW, OUTPUT> {
    /// Too little memory for the protocol does not compile.
    const IS_ENOUGH: () =
        assert!(CALLS > 0 && WINDOW >= 64 && OUTPUT >= 256 && OUTPUT > MIN_OUTPUT);

    /// Memory without a connection.
    #[must_use]
    pub const fn new() -> Self {
        let () = Self::IS_ENOUGH;
        Self {
            shared: Shared::new(),
        }
    }

    /// The parts that use it: who makes calls, who answers them, and who drives the connection.
    ///
    /// `seed` is for the masks and the nonces of a WebSocket's client: take it from the device's source
    /// of random numbers.
    pub fn split(
        &mut self,
        config: Config,
        seed: u64,
    ) -> (
        Client<'_, CALLS, WINDOW, OUTPUT>,
        Server<'_, CALLS, WINDOW, OUTPUT>,
        Runner<'_, CALLS, WINDOW, OUTPUT>,
    ) {
        let shared = &self.shared;
        shared.with((), |inner| {
            inner.config = config;
            inner.random = Random::new(seed);
        });
        (
            Client::new(shared),
            Server::new(shared),
            Runner::new(shared),
        )
    }
}

impl<const CALLS: usize, const WINDOW: usize, const OUTPUT: usize> Default
    for State<CALLS, WINDOW, OUTPUT>
{
    fn default() -> Self {
        Self::new()
    }
}
