//! How a connection ends, as one end sees it.

use super::End;
use crate::plan::Incident;
use crate::world::World;
use grpc_websocket_core::Code;
use grpc_websocket_core::mux::ConnectionError;

/// What GOAWAYs here say. The first is too long for a frame.
pub(super) const GOAWAY_TEXTS: [&str; 3] = [
    "going äway: maintenance is due, and whoever reads this text on the wire gets the front of \
     it, because a control frame of a WebSocket has no more room",
    ConnectionError::KeepaliveTimeout.text(),
    ConnectionError::SettingsTimeout.text(),
];

impl End {
    /// Something of the plan happens here.
    pub fn suffer(&mut self, incident: Incident, world: &mut World<'_>) {
        match incident {
            _ if self.is_over => {}
            Incident::GoAway(_, code) => self.go_away(code, world),
            Incident::Close(_, code) => self.close(Some(code), world),
            Incident::Link(_) => self.peer_closed(None, world),
        }
    }

    /// Closes the WebSocket. Without a code its connection is cut.
    pub fn close(&mut self, code: Option<u16>, world: &mut World<'_>) {
        world.trace(self.side, format_args!("closes with {code:?}"));
        self.core.handle_close(code);
        self.finish(code, world);
    }

    pub(super) fn go_away(&mut self, code: Code, world: &mut World<'_>) {
        world.trace(self.side, format_args!("goes away with {code:?}"));
        world.tally.note("incident: GOAWAY");
        self.core.go_away(code, GOAWAY_TEXTS[0]);
        self.goodbye = Some(if code == Code::Ok { 1000 } else { 1001 });
        self.to_make.clear();
        world.calls.excuse(self.side.peer());
    }

    /// After a GOAWAY: closes when the last call is over.
    pub(super) fn say_goodbye(&mut self, world: &mut World<'_>) {
        let is_idle = self.core.calls() == 0 && self.writer.is_idle();
        if self.goodbye.is_some() && !self.is_over && is_idle {
            self.close(self.goodbye, world);
        }
    }

    /// The connection failed: says so, if it can, and closes.
    pub(super) fn fail(&mut self, error: ConnectionError, world: &mut World<'_>) {
        world.trace(self.side, format_args!("fails: {error:?}"));
        let (may_time_out, disturbed) = (world.plan.may_time_out, world.is_disturbed);
        match error {
            ConnectionError::KeepaliveTimeout if may_time_out || disturbed => {
                world.tally.note("connection: keepalive timeout");
            }
            ConnectionError::SettingsTimeout if may_time_out => {
                world.tally.note("connection: settings timeout");
            }
            error => panic!("an honest peer is refused: {error:?}"),
        }
        assert_eq!(self.core.failure(), Some(error));
        world.calls.excuse(self.side.peer());
        self.finish(Some(error.close_code().value()), world);
    }

    /// The peer closed the WebSocket, or the connection is gone.
    pub(super) fn peer_closed(&mut self, code: Option<u16>, world: &mut World<'_>) {
        if !self.is_over {
            world.trace(self.side, format_args!("is closed with {code:?}"));
            self.core.handle_close(code);
            self.finish(code, world);
        }
    }

    /// Every call that was open is lost.
    fn finish(&mut self, code: Option<u16>, world: &mut World<'_>) {
        self.is_over = true;
        self.to_make.clear();
        self.writer.finish(code);
        while let Some((call, code)) = self.core.poll_lost() {
            self.lose(call, code, world);
        }
        assert_eq!(
            self.live().count(),
            0,
            "calls that are neither over nor lost"
        );
        assert_eq!(
            self.core.calls(),
            0,
            "calls in the table of a lost connection"
        );
    }
}
