//! What the runner and the handles of calls share.

mod calls;
mod ending;
mod incoming;
mod outgoing;
mod protocol;
mod reading;

use core::cell::RefCell;
use core::task::{Context, Poll};

use grpc_websocket_core::mux::CallId;
use grpc_websocket_core::{CloseCode, Code, Instant};

use self::ending::Ending;
pub(crate) use self::outgoing::{Kind, MIN_OUTPUT, Opening, prefix};
use self::protocol::Protocol;
pub(crate) use self::protocol::is_there;
pub(crate) use self::reading::{Frame, FrameRead};
use crate::config::Config;
use crate::lane::{Lane, Owner};
use crate::maybe::Maybe;
use crate::output::Output;
use crate::random::Random;
use crate::signal::{Signal, Signals};
use crate::status::Failure;

/// How many tasks may wait for a place, or for a call, before they have to ask in turns.
const WAITERS: usize = 4;

/// The state of one connection, whose handles all live in one executor.
#[derive(Debug)]
pub(crate) struct Shared<const N: usize, const W: usize, const T: usize>(RefCell<Inner<N, W, T>>);

/// See [`Shared`].
#[derive(Debug)]
pub(crate) struct Inner<const N: usize, const W: usize, const T: usize> {
    pub(crate) config: Config,
    protocol: Protocol<N>,
    lanes: [Lane<W>; N],
    pub(crate) output: Output<T>,
    pub(crate) random: Random,
    /// The status that is to be said of the only call of a WebSocket.
    last_status: Maybe<Code>,
    /// The Close that is to be said when all else is.
    last_close: Maybe<CloseCode>,
    ending: Ending,
    /// The runner waits for output, for room for its input, or for another deadline.
    pub(crate) runner: Signal,
    /// Who waits for a place for a call, or for the connection.
    openers: Signals<WAITERS>,
    acceptors: Signals<WAITERS>,
}

impl<const N: usize, const W: usize, const T: usize> Shared<N, W, T> {
    pub(crate) const fn new() -> Self {
        Self(RefCell::new(Inner {
            config: Config::UNSET,
            protocol: Protocol::Closed,
            lanes: [const { Lane::NEW }; N],
            output: Output::new(),
            random: Random::UNSET,
            last_status: Maybe::No,
            last_close: Maybe::No,
            ending: Ending::NONE,
            runner: Signal::NEW,
            openers: Signals::NEW,
            acceptors: Signals::NEW,
        }))
    }

    /// Does something with the state. It is never in use: nothing that uses it waits, or calls what
    /// uses it.
    pub(crate) fn with<R>(&self, in_use: R, work: impl FnOnce(&mut Inner<N, W, T>) -> R) -> R {
        // Not `borrow_mut`: only a reader knows that it does not panic.
        match self.0.try_borrow_mut() {
            Ok(mut inner) => work(&mut inner),
            Err(_) => in_use,
        }
    }

    /// A step of a future of the application.
    pub(crate) fn poll<R>(
        &self,
        work: impl FnOnce(&mut Inner<N, W, T>) -> Poll<Result<R, Failure>>,
    ) -> Poll<Result<R, Failure>> {
        self.with(Poll::Ready(Err(Failure::of(Code::Internal))), work)
    }
}

impl<const N: usize, const W: usize, const T: usize> Inner<N, W, T> {
    pub(crate) fn lane(&mut self, lane: usize) -> Option<&mut Lane<W>> {
        self.lanes.get_mut(lane)
    }

    /// The lane of a call of `grpc-mux.v1`, and its position.
    #[inline(never)]
    fn lane_of(&mut self, call: CallId) -> Option<(usize, &mut Lane<W>)> {
        let mut lanes = self.lanes.iter_mut().enumerate();
        lanes.find(|(_, lane)| lane.call == Some(call))
    }

    /// The lane of the one call of a WebSocket, and its position.
    fn current_lane(&mut self) -> Option<(usize, &mut Lane<W>)> {
        let mut lanes = self.lanes.iter_mut().enumerate();
        lanes.find(|(_, lane)| lane.is_current)
    }

    /// Ready when calls can be made.
    pub(crate) fn poll_ready(&mut self, cx: &Context<'_>) -> Poll<Result<(), Failure>> {
        let is_ready = match &self.protocol {
            Protocol::Mux(connection) => {
                connection.peer_settings().is_some() && !connection.is_going_away()
            }
            Protocol::Client(_) => true,
            Protocol::Closed | Protocol::Server(_) => false,
        };
        if is_ready && self.is_open() {
            return Poll::Ready(Ok(()));
        }
        self.openers.register(cx);
        Poll::Pending
    }

    /// A handle of a call is gone.
    pub(crate) fn let_go(&mut self, lane: usize) {
        let Some(place) = self.lanes.get_mut(lane) else {
            return;
        };
        place.handles = place.handles.saturating_sub(1);
        if place.handles > 0 {
            return;
        }
        place.owner = Owner::Nobody;
        place.is_current = false;
        let call = place.call.take();
        if let (Protocol::Mux(connection), Some(call)) = (&mut self.protocol, call) {
            connection.release(call);
        }
        self.pump();
        self.runner.wake();
        self.openers.wake();
    }

    /// Ends a call that is not over: the peer is told as soon as there is room for it.
    pub(crate) fn give_up(&mut self, lane: usize, code: Code) {
        let Some(place) = self.lanes.get_mut(lane).filter(|place| place.is_live()) else {
            return;
        };
        place.fail(code);
        match (&mut self.protocol, place.call) {
            _ if !place.is_current => {}
            (Protocol::Mux(connection), Some(call)) => connection.reset_later(call, code, ""),
            (Protocol::Client(_), _) => self.conclude(Ok(())),
            (Protocol::Server(_), _) => self.end_single(code),
            _ => {}
        }
        self.pump();
        self.runner.wake();
    }

    /// Ends a call in the middle of a frame that is read: what follows cannot be told from it.
    pub(crate) fn break_off(&mut self, lane: usize, code: Code) {
        self.give_up(lane, code);
        if let Some(place) = self.lanes.get_mut(lane) {
            place.break_off(code);
        }
    }
}

/// A time span, for the core.
#[inline(never)]
pub(crate) const fn duration(duration: embassy_time::Duration) -> core::time::Duration {
    core::time::Duration::from_micros(duration.as_micros())
}

/// The time, for the core.
pub(crate) fn now() -> Instant {
    Instant::from_micros(embassy_time::Instant::now().as_micros())
}
