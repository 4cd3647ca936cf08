//! What comes from the peer.

use core::task::{Context, Poll};

use grpc_websocket_core::call::{self, Role};
use grpc_websocket_core::deframe::DeframeError;
use grpc_websocket_core::mux::{self, CallId, Config, End, Side};
use grpc_websocket_core::ws::Event;
use grpc_websocket_core::{Code, Fragment, Instant, Limits, single};

use super::ending::Ending;
use super::protocol::TAKES_CALLS;
use super::{Inner, Protocol, duration, now};
use crate::error::Error;
use crate::handshake::Subprotocol;
use crate::lane::{Lane, Owner};
use crate::maybe::Maybe;
use crate::random::Random;

impl<const N: usize, const W: usize, const T: usize> Inner<N, W, T> {
    /// A WebSocket is open. `path`: of its upgrade.
    pub(crate) fn begin(&mut self, now: Instant, subprotocol: Subprotocol, role: Role, path: &str) {
        let seed = u64::from_be_bytes(eight(self.random.nonce()));
        let keys = (role == Role::Client).then(|| Random::new(seed));
        self.output.begin(keys);
        (self.last_status, self.last_close) = (Maybe::No, Maybe::No);
        self.ending = Ending::NONE;
        let limits = self.limits();
        match (subprotocol, role) {
            (Subprotocol::Mux, _) => {
                let side = match role {
                    Role::Client => Side::Dialer,
                    Role::Server => Side::Acceptor,
                };
                self.protocol = Protocol::mux(now, side, || self.mux_config(limits));
            }
            (Subprotocol::Single, Role::Client) => {
                self.protocol = Protocol::client(|| single::Client::new(limits));
            }
            (Subprotocol::Single, Role::Server) => self.begin_server(now, limits, path),
        }
        self.pump();
        self.openers.wake();
    }

    /// What one call may send.
    fn limits(&self) -> Limits {
        Limits::DEFAULT
            .with_max_message_len(self.config.max_message_len)
            .with_metadata_timeout(duration(self.config.handshake_timeout))
    }

    fn mux_config(&self, limits: Limits) -> Config {
        let config = Config::DEFAULT
            .with_limits(limits)
            .with_window(to_u32(W))
            .with_max_frame(to_u32(W))
            .with_max_calls(to_u32(self.config.max_incoming_calls))
            .with_kept_metadata();
        match self.config.keepalive {
            Some((interval, timeout)) => {
                config.with_keepalive(duration(interval), duration(timeout))
            }
            None => config,
        }
    }

    /// The one call of a WebSocket comes with it. The path is a field of it, as in `grpc-mux.v1`.
    fn begin_server(&mut self, now: Instant, limits: Limits, path: &str) {
        self.protocol = Protocol::server(|| single::Server::new(now, limits));
        if !matches!(self.protocol, Protocol::Server(_)) {
            return;
        }
        let mut lanes = self.lanes.iter_mut();
        if let Some(lane) = lanes.find(|lane| lane.owner == Owner::Nobody) {
            lane.begin(Owner::Incoming, None);
            lane.receive_path(path);
        } else {
            self.end_single(Code::Unavailable);
        }
    }

    /// Takes what came, as much of it as there is room for; ready when it is used up. `control`: the
    /// payload of a Ping.
    pub(crate) fn poll_event(
        &mut self,
        cx: &Context<'_>,
        event: &mut Event<'_>,
        control: &[u8],
    ) -> Poll<()> {
        if self.is_concluded() {
            return Poll::Ready(());
        }
        let taken = match event {
            Event::Data { text: true, .. } => self.recv_text(),
            Event::Data { payload, fin, .. } => match self.recv(payload, fin) {
                Ok(true) => Ok(()),
                Ok(false) => {
                    self.runner.register(cx);
                    return Poll::Pending;
                }
                Err(error) => Err(error),
            },
            Event::Ping => return self.poll_pong(cx, control),
            Event::Pong => Ok(()),
            Event::Close(code) => {
                self.recv_close(*code);
                Ok(())
            }
        };
        match taken {
            Ok(()) => {
                self.pump();
            }
            Err(error) => self.conclude(Err(error)),
        }
        Poll::Ready(())
    }

    /// Takes a part of a WebSocket message, as much of it as there is room for; whether that is all.
    fn recv(&mut self, bytes: &mut &[u8], fin: &mut bool) -> Result<bool, Error> {
        let (mut fragment, now) = (fragment(bytes, *fin), now());
        loop {
            let connection = match &mut self.protocol {
                Protocol::Mux(connection) => connection,
                Protocol::Client(_) | Protocol::Server(_) => return self.recv_single(bytes, fin),
                Protocol::Closed => return Ok(true),
            };
            match connection.recv(now, &mut fragment).map_err(Error::Mux)? {
                None => return Ok(true),
                Some(event) => self.on_mux(&event),
            }
        }
    }

    pub(super) fn on_mux(&mut self, event: &mux::Event<'_>) {
        match event {
            mux::Event::Ready(_) | mux::Event::GoAway(_) => self.openers.wake(),
            mux::Event::Opened(call) if TAKES_CALLS => self.begin_incoming(*call),
            mux::Event::Call { call, event } => self.on_call(*call, event),
            mux::Event::Credit(call) => {
                if let Some((_, lane)) = self.lane_of(*call) {
                    lane.writer.wake();
                }
            }
            mux::Event::ResetText { call, text } => {
                if let Some((_, lane)) = self.lane_of(*call) {
                    lane.receive_text(text);
                }
            }
            mux::Event::Ended { call, end } => self.end_call(*call, *end),
            _ => {}
        }
    }

    /// Handles of an earlier connection may still have the lanes.
    fn begin_incoming(&mut self, call: CallId) {
        let mut lanes = self.lanes.iter_mut();
        match lanes.find(|lane| lane.owner == Owner::Nobody) {
            Some(lane) => lane.begin(Owner::Incoming, Some(call)),
            None => self.refuse(call, Code::Unavailable),
        }
    }

    /// Ends a call that nobody here has.
    fn refuse(&mut self, call: CallId, code: Code) {
        if let Protocol::Mux(connection) = &mut self.protocol {
            connection.reset_later(call, code, "no room");
            connection.release(call);
        }
    }

    fn on_call(&mut self, call: CallId, event: &call::Event<'_>) {
        let Some((position, lane)) = self.lane_of(call) else {
            return;
        };
        lane.receive(event);
        let is_incoming = TAKES_CALLS && lane.owner == Owner::Incoming;
        match event {
            call::Event::InitialMetadata => self.acceptors.wake(),
            // It is not read before it is complete, and so there will be no more room.
            call::Event::Metadata(piece) if is_incoming && !piece.end && lane.room() == 0 => {
                self.refuse(call, Code::ResourceExhausted);
                self.let_go(position);
            }
            call::Event::DeadlineExceeded => self.give_up(position, Code::DeadlineExceeded),
            // Its place is free for another.
            call::Event::Trailers(_) => self.openers.wake(),
            _ => {}
        }
    }

    fn end_call(&mut self, call: CallId, end: End) {
        if let Some((_, lane)) = self.lane_of(call) {
            lane.fail(end.code());
        }
        if TAKES_CALLS {
            self.drop_unaccepted(call);
        }
        self.openers.wake();
    }

    /// Frees the lane of a call that ended before somebody took it.
    fn drop_unaccepted(&mut self, call: CallId) {
        if let Some((position, lane)) = self.lane_of(call)
            && lane.owner == Owner::Incoming
        {
            self.let_go(position);
        }
    }

    /// As [`recv`](Self::recv), for the one call of a WebSocket.
    fn recv_single(&mut self, bytes: &mut &[u8], fin: &mut bool) -> Result<bool, Error> {
        loop {
            let lane = self.lanes.iter().find(|lane| lane.is_current);
            let room = lane.map_or(W, |lane| lane.room());
            if room == 0 && !bytes.is_empty() {
                return self.check_block().map(|()| false);
            }
            let (now, later) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
            *bytes = later;
            let ends = later.is_empty() && core::mem::take(fin);
            let mut fragment = fragment(now, ends);
            while self.step_single(&mut fragment)? {}
            if bytes.is_empty() {
                return Ok(true);
            }
        }
    }

    /// A request's block has to fit into the window: it is not read before it is complete.
    fn check_block(&self) -> Result<(), Error> {
        let is_incomplete = |lane: &Lane<W>| lane.owner == Owner::Incoming && !lane.has_metadata;
        if self.lanes.iter().any(is_incomplete) {
            let max = to_u32(W);
            return Err(Error::Call(DeframeError::MetadataTooLong { max }.into()));
        }
        Ok(())
    }

    /// Takes an event of the one call; whether there was one.
    fn step_single(&mut self, fragment: &mut Fragment<'_>) -> Result<bool, Error> {
        let (event, is_server) = match &mut self.protocol {
            Protocol::Client(client) => (client.recv(fragment), false),
            Protocol::Server(server) => (server.recv(fragment), true),
            _ => return Ok(false),
        };
        let Some(event) = event.map_err(Error::Call)? else {
            return Ok(false);
        };
        self.on_single(&event, is_server);
        Ok(true)
    }

    pub(super) fn on_single(&mut self, event: &call::Event<'_>, is_server: bool) {
        if let Some((position, lane)) = self.current_lane() {
            match event {
                call::Event::Metadata(piece) if is_server => lane.receive_bare(piece),
                call::Event::DeadlineExceeded => self.give_up(position, Code::DeadlineExceeded),
                event => lane.receive(event),
            }
        }
        match event {
            call::Event::InitialMetadata => self.acceptors.wake(),
            // A client's WebSocket is of no use behind them.
            call::Event::Trailers(_) => self.conclude(Ok(())),
            _ => {}
        }
    }

    /// A text message came.
    fn recv_text(&mut self) -> Result<(), Error> {
        match &mut self.protocol {
            Protocol::Closed => Ok(()),
            Protocol::Mux(connection) => connection.handle_text().map_err(Error::Mux),
            Protocol::Client(client) => client.handle_text().map_err(Error::Call),
            Protocol::Server(server) => server.handle_text().map_err(Error::Call),
        }
    }
}

fn fragment(bytes: &[u8], fin: bool) -> Fragment<'_> {
    if fin {
        Fragment::message(bytes)
    } else {
        Fragment::part(bytes)
    }
}

fn eight(bytes: [u8; 16]) -> [u8; 8] {
    let [a, b, c, d, e, f, g, h, ..] = bytes;
    [a, b, c, d, e, f, g, h]
}

fn to_u32(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
