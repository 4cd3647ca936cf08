//! What the core says, and what the applications make of it.

use super::End;
use super::closing::GOAWAY_TEXTS;
use crate::app::Task;
use crate::check::{ClientEnd, ServerEnd};
use crate::clock::after;
use crate::world::World;
use grpc_websocket_core::call::{self, Role};
use grpc_websocket_core::mux::{CallId, Event};
use grpc_websocket_core::{Code, RecvError, mux};

impl End {
    pub(super) fn handle(&mut self, event: Event<'_>, world: &mut World<'_>) {
        world.trace(self.side, format_args!("{}", Brief(&event)));
        world.progress();
        match event {
            Event::Ready(settings) => {
                let peer = &world.plan.ends[usize::from(self.side == mux::Side::Dialer)];
                assert_eq!(settings, peer.config.settings(self.side.peer()));
                assert_eq!(self.core.peer_settings(), Some(settings));
            }
            Event::Opened(id) => {
                let n = world.calls.seen(id);
                self.add(Task::new(n, Role::Server, world.now).with_id(id));
            }
            Event::Call { call, event } => self.handle_call(call, event, world),
            Event::Credit(id) => self.task(id).outbox.unblock(),
            Event::ResetText { call, text } => self.task(call).reset_text.extend_from_slice(text),
            Event::Ended { call, end } => self.handle_end(call, end, world),
            Event::GoAwayText(text) => self.goaway_text.extend_from_slice(text),
            Event::GoAway(_) => {
                self.check_goaway_text();
                self.to_make.clear();
            }
            Event::Idle => {
                assert_eq!(self.live().count(), 0, "idle with calls");
                world.tally.note("connection: idle");
                self.go_away(Code::Ok, world);
            }
            _ => panic!("an event that nobody knows"),
        }
    }

    fn handle_call(&mut self, id: CallId, event: call::Event<'_>, world: &mut World<'_>) {
        let side = self.side;
        let now = world.now;
        let task = self.task(id);
        let plan = &world.plan.calls[task.n];
        let stream = task.receives(plan);
        match event {
            call::Event::Metadata(piece) => task.inbox.metadata(stream, &piece),
            call::Event::Message { compressed, piece } => {
                task.inbox.message(stream, compressed, &piece);
            }
            call::Event::InitialMetadata => {
                assert_eq!(
                    task.inbox.follower().items(),
                    1,
                    "initial metadata is first"
                );
                if let (Role::Server, Some(deadline)) = (task.role, plan.server.deadline) {
                    task.deadline = Some(after(now, deadline));
                    let set = self.core.set_deadline(id, Some(after(now, deadline)));
                    set.expect("the call is open");
                }
            }
            call::Event::HalfClosed => {
                assert_eq!(task.role, Role::Server);
                assert!(
                    task.inbox.follower().is_complete(stream),
                    "a part of a request"
                );
                assert!(!task.inbox.half_closed, "half-closed twice");
                task.inbox.half_closed = true;
            }
            call::Event::Trailers(code) => {
                assert_eq!(code, plan.status, "another status");
                assert!(
                    task.inbox.follower().is_complete(stream),
                    "a part of a response"
                );
                self.client_ended(id, ClientEnd::Trailers(code), world);
            }
            call::Event::DeadlineExceeded => {
                assert_eq!((task.role, task.deadline), (Role::Server, Some(now)));
                world.trace(side, format_args!("{id} is out of time"));
                world.tally.note("call: deadline at the server");
                self.reset(id, Code::DeadlineExceeded, world);
            }
            _ => panic!("an event that nobody knows"),
        }
    }

    fn handle_end(&mut self, id: CallId, end: mux::End, world: &mut World<'_>) {
        let task = self.task(id);
        let (n, role, deadline) = (task.n, task.role, task.deadline);
        if let mux::End::Reset { .. } = end {
            let text = core::mem::take(&mut task.reset_text);
            world.calls.check_reset_text(n, &text);
        }
        match (role, end) {
            (Role::Client, mux::End::Reset { code, refused }) => {
                self.client_ended(id, ClientEnd::Reset { code, refused }, world);
            }
            (Role::Client, mux::End::DeadlineExceeded) => {
                assert_eq!(deadline, Some(world.now), "a deadline at another time");
                world.calls.reset_text(n, "the deadline passed");
                self.client_ended(id, ClientEnd::TimedOut, world);
            }
            (Role::Server, mux::End::Reset { code, .. }) => {
                self.server_ended(id, ServerEnd::Cancelled(code), world);
            }
            (Role::Server, mux::End::Failed(RecvError::MetadataTimeout)) => {
                assert!(world.plan.may_time_out, "metadata in its time");
                world.calls.excuse(self.side.peer());
                world
                    .calls
                    .reset_text(n, "the initial metadata did not arrive in time");
                let code = RecvError::MetadataTimeout.code();
                self.server_ended(id, ServerEnd::Failed(code), world);
            }
            (role, end) => panic!("an honest peer's call {id} at its {role:?} ends by {end:?}"),
        }
    }

    pub(super) fn lose(&mut self, id: CallId, code: Code, world: &mut World<'_>) {
        world.trace(self.side, format_args!("loses {id}: {code:?}"));
        match self.task(id).role {
            Role::Client => self.client_ended(id, ClientEnd::Lost(code), world),
            Role::Server => self.server_ended(id, ServerEnd::Lost(code), world),
        }
    }

    pub(super) fn client_ended(&mut self, id: CallId, end: ClientEnd, world: &mut World<'_>) {
        let task = self.task(id);
        task.is_over = true;
        world.progress();
        world.tally.note(match end {
            ClientEnd::Trailers(Code::Ok) => "call: OK",
            ClientEnd::Trailers(_) => "call: another status",
            ClientEnd::Reset { refused: true, .. } => "call: refused",
            ClientEnd::Reset { .. } => "call: reset by the server",
            ClientEnd::TimedOut => "call: deadline at the client",
            ClientEnd::Cancelled(_) => "call: cancelled",
            ClientEnd::Lost(_) => "call: lost",
        });
        let n = task.n;
        world.calls.client_ended(n, id.opener(), end);
    }

    pub(super) fn server_ended(&mut self, id: CallId, end: ServerEnd, world: &mut World<'_>) {
        let task = self.task(id);
        task.is_over = true;
        if matches!(end, ServerEnd::Cancelled(_) | ServerEnd::Failed(_)) {
            let lingers = world.plan.calls[task.n].lingers;
            task.lingers_until = Some(after(world.now, lingers));
        }
        world.progress();
        world.calls.server_ended(task.n, end);
    }

    fn check_goaway_text(&mut self) {
        let text = core::mem::take(&mut self.goaway_text);
        let text = core::str::from_utf8(&text).expect("a text that is cut inside a character");
        let mut known = GOAWAY_TEXTS.iter();
        assert!(
            known.any(|known| known.starts_with(text)),
            "a GOAWAY of nobody: {text:?}"
        );
    }
}

/// An event without its bytes.
struct Brief<'e>(&'e Event<'e>);

impl core::fmt::Display for Brief<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.0 {
            Event::Call { call, event } => match event {
                call::Event::Metadata(piece) => {
                    write!(f, "{call}: {} bytes of a block", piece.framed.len())
                }
                call::Event::Message { piece, .. } => {
                    write!(f, "{call}: {} bytes of a message", piece.framed.len())
                }
                event => write!(f, "{call}: {event:?}"),
            },
            event => write!(f, "{event:?}"),
        }
    }
}
