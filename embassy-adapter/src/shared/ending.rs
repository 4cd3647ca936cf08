//! Time, and the end of the WebSocket.

use core::ops::ControlFlow;
use core::task::Context;

use embassy_time::Duration;
use grpc_websocket_core::mux;
use grpc_websocket_core::{CloseCode, Code, Instant};

use super::{Inner, Protocol, now};
use crate::error::Error;
use crate::lane::Owner;
use crate::maybe::Maybe;

/// How long the last words of a connection may take, the peer's among them.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How a connection ends.
#[derive(Debug)]
pub(super) struct Ending {
    /// Why. What comes now is read and dropped: closing a transport with something unread in it may
    /// destroy what was written last.
    result: Maybe<Result<(), Error>>,
    /// Nothing more can be written. What comes still counts: the peer may have said why.
    failure: Maybe<Error>,
    /// When it is over at the latest.
    until: Maybe<Instant>,
}

impl Ending {
    /// It does not.
    pub(super) const NONE: Self = Self {
        result: Maybe::No,
        failure: Maybe::No,
        until: Maybe::No,
    };
}

impl<const N: usize, const W: usize, const T: usize> Inner<N, W, T> {
    /// Whether the connection does not end yet.
    pub(super) const fn is_open(&self) -> bool {
        self.ending.until.is_no()
    }

    /// Whether it is known how the connection ends.
    pub(super) const fn is_concluded(&self) -> bool {
        !self.ending.result.is_no()
    }

    /// Does what is due, and says when it is to be asked again; breaks when the connection is over.
    /// `is_done`: nothing more is read or written.
    pub(crate) fn step(
        &mut self,
        cx: &Context<'_>,
        is_done: bool,
    ) -> ControlFlow<Result<(), Error>, Option<Instant>> {
        let now = now();
        self.runner.register(cx);
        if !self.is_concluded() {
            self.handle_timeout(now);
            self.finish();
        }
        let (until, failure) = (self.ending.until.get(), self.ending.failure.get());
        let is_late = until.is_some_and(|until| until <= now);
        if let (true, Some(error)) = (is_late, failure) {
            self.conclude(Err(error));
        }
        match self.ending.result.get() {
            Some(result) if is_done || is_late || failure.is_some() => ControlFlow::Break(result),
            Some(_) => ControlFlow::Continue(until),
            None => ControlFlow::Continue(until.into_iter().chain(self.poll_timeout()).min()),
        }
    }

    /// When something is due.
    fn poll_timeout(&self) -> Option<Instant> {
        match &self.protocol {
            Protocol::Closed => None,
            Protocol::Mux(connection) => connection.poll_timeout(),
            Protocol::Client(client) => client.poll_timeout(),
            Protocol::Server(server) => server.poll_timeout(),
        }
    }

    /// Does what is due.
    fn handle_timeout(&mut self, now: Instant) {
        let result = match &mut self.protocol {
            Protocol::Closed => Ok(()),
            Protocol::Mux(_) => self.handle_mux_timeout(now),
            Protocol::Client(client) => {
                if let Some(event) = client.handle_timeout(now) {
                    self.on_single(&event, false);
                }
                Ok(())
            }
            Protocol::Server(server) => match server.handle_timeout(now) {
                Ok(event) => {
                    if let Some(event) = event {
                        self.on_single(&event, true);
                    }
                    Ok(())
                }
                Err(error) => Err(Error::Call(error)),
            },
        };
        match result {
            Ok(()) => {
                self.pump();
            }
            Err(error) => self.conclude(Err(error)),
        }
    }

    fn handle_mux_timeout(&mut self, now: Instant) -> Result<(), Error> {
        loop {
            let Protocol::Mux(connection) = &mut self.protocol else {
                return Ok(());
            };
            let event: Option<mux::Event<'static>> =
                connection.handle_timeout(now).map_err(Error::Mux)?;
            match event {
                Some(event) => self.on_mux(&event),
                None => return Ok(()),
            }
        }
    }

    /// Takes no more calls, and lets those that are open end.
    pub(crate) fn go_away(&mut self) {
        if self.is_concluded() {
            return;
        }
        if let Protocol::Mux(connection) = &mut self.protocol {
            connection.go_away(Code::Ok, "");
        }
        self.pump();
        self.runner.wake();
    }

    /// Ends a connection that goes away, when all its calls are over.
    fn finish(&mut self) {
        if let Protocol::Mux(connection) = &self.protocol
            && connection.is_going_away()
            && connection.calls() == 0
        {
            self.conclude(Ok(()));
        }
    }

    /// The peer has sent a Close.
    pub(super) fn recv_close(&mut self, code: Option<u16>) {
        // Both ends may have had enough of it.
        self.finish();
        if !self.is_concluded() {
            self.last_close = Maybe::Yes(CloseCode::Normal);
            self.conclude(Err(Error::Closed(code)));
        }
    }

    /// Nothing more can come.
    pub(crate) fn end_read(&mut self, error: Error) {
        self.conclude(Err(error));
        self.hurry(LAST_WORDS);
    }

    /// Nothing more can be written, or is to be.
    pub(crate) fn end_write(&mut self, result: Result<(), Error>) {
        if let Err(error) = result {
            self.ending.failure = Maybe::Yes(error);
        }
        self.hurry(LAST_WORDS);
    }

    /// Ends the one call that is answered here with a status.
    pub(super) fn end_single(&mut self, status: Code) {
        self.last_status.set_first(status);
        self.conclude(Ok(()));
    }

    /// It is known how the connection ends, unless it was before: its calls are over, and the peer is
    /// told.
    pub(crate) fn conclude(&mut self, result: Result<(), Error>) {
        if self.is_concluded() {
            return;
        }
        self.ending.result = Maybe::Yes(result);
        if let Some(code) = self.close_code(&result) {
            self.last_close.set_first(code);
        }
        self.pump();
        self.end_calls(&result);
        // An answer has more time than an apology.
        self.hurry(match (&result, &self.protocol) {
            (Ok(()), Protocol::Mux(_) | Protocol::Server(_)) => self.config.handshake_timeout,
            _ => LAST_WORDS,
        });
        self.runner.wake();
        self.openers.wake();
    }

    /// What the peer is told, beside a GOAWAY or a status.
    fn close_code(&mut self, result: &Result<(), Error>) -> Option<CloseCode> {
        match result {
            Ok(()) if matches!(self.protocol, Protocol::Mux(_)) => Some(CloseCode::GoingAway),
            Ok(()) => Some(CloseCode::Normal),
            Err(Error::Mux(error)) => Some(error.close_code()),
            Err(Error::WebSocket(error)) => Some(error.close_code()),
            Err(Error::Call(error)) => {
                self.fail_lanes(error.code());
                self.last_status.set_first(error.code());
                Some(error.close_code())
            }
            // Who is gone hears nothing.
            Err(_) => None,
        }
    }

    /// It is over after that time at the latest.
    fn hurry(&mut self, time: Duration) {
        let until = now().as_micros().saturating_add(time.as_micros());
        let until = Instant::from_micros(until);
        let until = self.ending.until.get().map_or(until, |at| at.min(until));
        self.ending.until = Maybe::Yes(until);
    }

    /// The WebSocket is gone.
    pub(crate) fn end(&mut self) {
        self.conclude(Err(Error::Closed(None)));
        self.protocol = Protocol::Closed;
    }

    /// Calls that are not over are lost. Ids of this connection mean nothing to the next one.
    fn end_calls(&mut self, result: &Result<(), Error>) {
        let close_code = match result {
            Err(Error::Closed(code)) => *code,
            _ => None,
        };
        match &mut self.protocol {
            Protocol::Closed => {}
            Protocol::Mux(connection) => {
                // One that failed knows it, and may have to say so.
                if result.is_err() && !connection.is_over() {
                    connection.handle_close(close_code);
                }
                self.fail_lost();
            }
            Protocol::Client(client) => {
                let code = client.handle_close(close_code);
                self.fail_lanes(code.unwrap_or(Code::Unavailable));
            }
            Protocol::Server(_) => self.fail_lanes(Code::Cancelled),
        }
        self.free_lanes();
    }

    /// Calls of `grpc-mux.v1` that were open.
    fn fail_lost(&mut self) {
        loop {
            let Protocol::Mux(connection) = &mut self.protocol else {
                return;
            };
            let Some((call, code)) = connection.poll_lost() else {
                return;
            };
            if let Some((_, lane)) = self.lane_of(call) {
                lane.fail(code);
            }
        }
    }

    fn fail_lanes(&mut self, code: Code) {
        for lane in &mut self.lanes {
            if lane.owner != Owner::Nobody {
                lane.fail(code);
            }
        }
    }

    /// What has no handle is free.
    fn free_lanes(&mut self) {
        for lane in &mut self.lanes {
            (lane.is_current, lane.call) = (false, None);
            lane.reader.wake();
            lane.writer.wake();
            if lane.handles == 0 {
                lane.owner = Owner::Nobody;
            }
        }
    }
}
