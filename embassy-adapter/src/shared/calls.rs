//! Making calls, and taking those that come.

use core::task::{Context, Poll};

use grpc_websocket_core::mux::OpenError;
use grpc_websocket_core::{Code, Instant};

use super::{Inner, Kind, Opening, Protocol};
use crate::lane::{Lane, Owner};
use crate::status::Failure;

impl<const N: usize, const W: usize, const T: usize> Inner<N, W, T> {
    /// Makes a call, with as much of its beginning as there is room for: its lane, and how many bytes
    /// of the beginning went.
    pub(crate) fn poll_open(
        &mut self,
        cx: &Context<'_>,
        now: Instant,
        opening: &Opening<'_>,
    ) -> Poll<Result<(usize, usize), Failure>> {
        let opened = match &self.protocol {
            Protocol::Mux(_) if self.is_open() => self.open_mux(now, opening),
            Protocol::Client(_) if self.is_open() => self.open_single(now, opening),
            _ => Err(Some(Failure::new(Code::Unavailable, "not connected"))),
        };
        match opened {
            Ok(opened) => Poll::Ready(Ok(opened)),
            Err(Some(status)) => Poll::Ready(Err(status)),
            Err(None) => {
                self.openers.register(cx);
                Poll::Pending
            }
        }
    }

    /// An error without a status is for now.
    fn open_mux(
        &mut self,
        now: Instant,
        opening: &Opening<'_>,
    ) -> Result<(usize, usize), Option<Failure>> {
        let lane = self.free_lane()?;
        if !self.pump() || self.output.room() < super::outgoing::LEAST_ROOM {
            return Err(None);
        }
        let all = opening.parts(false);
        let room = self.output.room().saturating_sub(super::outgoing::MUX_HEAD);
        let parts = all.cut(0, room);
        let Protocol::Mux(connection) = &mut self.protocol else {
            return Err(None);
        };
        let end = opening.is_end() && parts.len() == all.len();
        let opened = connection.open(now, parts.as_slices(), end);
        let (call, segment) = opened.map_err(unopened)?;
        let taken = usize::try_from(segment.payload_len()).unwrap_or(usize::MAX);
        let deadline = opening.timeout.and_then(|timeout| now.checked_add(timeout));
        let _ = connection.set_deadline(call, deadline);
        self.put(&segment, &parts.cut(0, taken));
        if let Some(place) = self.lanes.get_mut(lane) {
            place.begin(Owner::Client, Some(call));
        }
        self.runner.wake();
        Ok((lane, taken))
    }

    /// The one call of its WebSocket, with its block.
    fn open_single(
        &mut self,
        now: Instant,
        opening: &Opening<'_>,
    ) -> Result<(usize, usize), Option<Failure>> {
        let has_call = self.lanes.iter().any(|lane| lane.is_current);
        let lane = self.free_lane()?;
        let Protocol::Client(client) = &mut self.protocol else {
            return Err(None);
        };
        if has_call {
            return Err(Some(Failure::new(
                Code::Unavailable,
                "the WebSocket had its call",
            )));
        }
        let timeout = opening.timeout;
        client.set_deadline(timeout.and_then(|timeout| now.checked_add(timeout)));
        if !self.pump() {
            return Err(None);
        }
        let block = opening.single_block();
        let sent = self.send_block(Kind::Metadata, &block);
        let sent = sent.map_err(|error| Some(super::outgoing::unsent(error)))?;
        let sent = sent.ok_or(None)?;
        if let Some(place) = self.lanes.get_mut(lane) {
            place.begin(Owner::Client, None);
        }
        self.runner.wake();
        Ok((lane, sent))
    }

    /// A lane for a call that is made here: those that calls of the peer may need are kept.
    fn free_lane(&self) -> Result<usize, Option<Failure>> {
        let own = self.lanes.iter().filter(|lane| lane.owner == Owner::Client);
        let most = N.saturating_sub(self.config.max_incoming_calls);
        if most == 0 {
            let text = "all places are for calls that come";
            return Err(Some(Failure::new(Code::ResourceExhausted, text)));
        }
        if own.count() >= most {
            return Err(None);
        }
        let mut lanes = self.lanes.iter();
        lanes
            .position(|lane| lane.owner == Owner::Nobody)
            .ok_or(None)
    }

    /// Takes a call that came, when its metadata is there.
    pub(crate) fn poll_accept(&mut self, cx: &Context<'_>) -> Poll<Result<usize, Failure>> {
        let waits = |lane: &Lane<W>| lane.owner == Owner::Incoming && lane.has_metadata;
        let Some(position) = self.lanes.iter().position(waits) else {
            self.acceptors.register(cx);
            return Poll::Pending;
        };
        if let Some(lane) = self.lanes.get_mut(position) {
            lane.owner = Owner::Server;
        }
        Poll::Ready(Ok(position))
    }

    /// Sets when the time of a call that is answered is over.
    pub(crate) fn set_deadline(&mut self, lane: usize, deadline: Option<Instant>) {
        let call = self.lanes.get(lane).and_then(|lane| lane.call);
        match (&mut self.protocol, call) {
            (Protocol::Mux(connection), Some(call)) => {
                let _ = connection.set_deadline(call, deadline);
            }
            (Protocol::Server(server), _) => server.set_deadline(deadline),
            _ => {}
        }
        self.runner.wake();
    }

    /// Whether the WebSocket is for one call, whose path is that of the upgrade.
    pub(crate) const fn is_single(&self) -> bool {
        matches!(self.protocol, Protocol::Client(_) | Protocol::Server(_))
    }
}

/// The status of a call that cannot be made; none if it can be tried again.
fn unopened(error: OpenError) -> Option<Failure> {
    match error {
        OpenError::NotReady | OpenError::TooManyCalls | OpenError::TableFull => None,
        OpenError::Send(error) => Some(super::outgoing::unsent(error)),
        _ => Some(Failure::new(
            Code::Unavailable,
            "the connection takes no more calls",
        )),
    }
}
