//! What the applications do of their own accord.

use super::End;
use crate::check::{ClientEnd, ServerEnd};
use crate::choices::pick;
use crate::world::World;
use grpc_websocket_core::call::Role;
use grpc_websocket_core::mux::CallId;
use grpc_websocket_core::{Code, SendError};

/// What RESETs say: nothing, something, and more than a frame has room for, which ends inside a
/// character.
const TEXTS: [&str; 3] = [
    "",
    "not today",
    "αβγδεζηθικλμνξοπρστυφχψωαβγδεζηθικλμνξοπρστυφχψωαβγδεζηθικλμνξοπρστυφχψω",
];

impl End {
    /// Lets every application do what it wants to; whether one did something.
    pub(super) fn act(&mut self, world: &mut World<'_>) -> bool {
        let mut done = false;
        if !self.is_over && world.choices.once_in(200) {
            self.poke(world);
        }
        let mut at = 0;
        while let Some(&place) = self.active.get(at) {
            done |= self.act_on(place, world);
            at += 1;
        }
        let tasks = &self.tasks;
        self.active.retain(|&place| !tasks[place].is_done());
        done
    }

    fn act_on(&mut self, place: usize, world: &mut World<'_>) -> bool {
        let task = &self.tasks[place];
        let (id, plan) = (task.id(), &world.plan.calls[task.n]);
        if task.is_over {
            return self.let_go(place, world);
        }
        if task.role == Role::Server && plan.refuse {
            self.refuse(id, world);
            return true;
        }
        if let Some(code) = task.wants_reset(world.now, plan) {
            self.reset(id, code, world);
            return true;
        }
        self.tasks[place].make(world.now, plan);
        self.consume(place, world)
    }

    /// Does what has no effect, or fails without one.
    fn poke(&mut self, world: &mut World<'_>) {
        assert_eq!(
            self.core.poll_lost(),
            None,
            "nothing is lost while the connection lives"
        );
        let count = u32::try_from(self.tasks.len()).unwrap();
        if count == 0 {
            return;
        }
        let task = &self.tasks[world.choices.below(count) as usize];
        let id = task.id();
        if !task.is_over {
            self.core.release(id);
            let refused = (task.role == Role::Client).then(|| self.core.refuse(id, ""));
            assert!(
                refused.is_none_or(|result| result.is_err()),
                "a client that refuses"
            );
            return;
        }
        self.core.consume(id, u32::MAX);
        assert_eq!(
            self.core.send(id, &[b"late"], true),
            Err(SendError::UnknownCall)
        );
        assert_eq!(
            self.core.reset(id, Code::Aborted, ""),
            Err(SendError::UnknownCall)
        );
        assert_eq!(
            self.core.set_deadline(id, None),
            Err(SendError::UnknownCall)
        );
        assert_eq!(self.core.credit(id), 0);
    }

    /// Drops the handler of a call that is over, when it has lingered.
    fn let_go(&mut self, place: usize, world: &mut World<'_>) -> bool {
        let task = &mut self.tasks[place];
        if task.lingers_until.is_none_or(|until| until > world.now) {
            return false;
        }
        task.lingers_until = None;
        self.core.consume(task.id(), 1);
        self.core.release(task.id());
        world.progress();
        true
    }

    fn consume(&mut self, place: usize, world: &mut World<'_>) -> bool {
        if !self.may_read(place) {
            return false;
        }
        let task = &mut self.tasks[place];
        let bytes = task
            .inbox
            .read(world.now, &task.conduct(&world.plan.calls[task.n]).reads);
        if bytes > 0 {
            self.core.consume(task.id(), bytes);
            world.progress();
        }
        bytes > 0
    }

    fn refuse(&mut self, id: CallId, world: &mut World<'_>) {
        let text = self.draw_text(id, world);
        world.trace(self.side, format_args!("refuses {id}"));
        let segment = self.core.refuse(id, text).expect("the call is open");
        self.add_reset(&segment, text, world);
        self.server_ended(id, ServerEnd::Refused, world);
    }

    pub(super) fn reset(&mut self, id: CallId, code: Code, world: &mut World<'_>) {
        let text = self.draw_text(id, world);
        world.trace(self.side, format_args!("resets {id} with {code:?}"));
        let segment = self.core.reset(id, code, text).expect("the call is open");
        self.add_reset(&segment, text, world);
        match self.task(id).role {
            Role::Client => self.client_ended(id, ClientEnd::Cancelled(code), world),
            Role::Server => self.server_ended(id, ServerEnd::Reset(code), world),
        }
    }

    fn draw_text(&mut self, id: CallId, world: &mut World<'_>) -> &'static str {
        let text = pick(world.choices, &TEXTS);
        world.calls.reset_text(self.task(id).n, text);
        text
    }
}
