//! What goes out: control frames first, then what was reset, then data in turns.

use super::End;
use crate::app::{Offer, Task};
use crate::check::ServerEnd;
use crate::choices::Choices;
use crate::clock::after;
use crate::frame::Kind;
use crate::link::Pipe;
use crate::plan::CallPlan;
use crate::world::World;
use core::ops::Range;
use grpc_websocket_core::call::Role;
use grpc_websocket_core::deframe::DeframeError;
use grpc_websocket_core::mux::{MAX_CONTROL_FRAME, OpenError};
use grpc_websocket_core::{Code, Segment, SendError};
use std::collections::VecDeque;

/// The WebSocket message that is being written, and those that must follow it.
#[derive(Debug, Default)]
pub(super) struct Writer {
    message: Vec<u8>,
    written: usize,
    resets: VecDeque<Vec<u8>>,
    close: Close,
    /// Whose turn it is.
    turn: usize,
}

/// The Close frame of the WebSocket.
#[derive(Debug, Default, PartialEq, Eq)]
enum Close {
    #[default]
    NotYet,
    Due(u16),
    Written,
}

impl Writer {
    pub(super) fn is_idle(&self) -> bool {
        self.message.is_empty() && self.resets.is_empty()
    }

    /// Nothing but a last GOAWAY and the Close is written any more. Without a code not even those.
    pub(super) fn finish(&mut self, code: Option<u16>) {
        self.resets.clear();
        self.close = code.map_or(Close::Written, Close::Due);
    }
}

impl End {
    /// The core made a RESET, to be written as soon as there is room.
    pub(super) fn add_reset(&mut self, segment: &Segment, text: &str, world: &mut World<'_>) {
        let message = message(segment, &[text.as_bytes()]);
        world.ledger.made(self.side, &message);
        self.writer.resets.push_back(message);
    }

    /// Writes as much as there is room for; whether that was anything.
    pub(super) fn write(&mut self, pipe: &mut Pipe, world: &mut World<'_>) -> bool {
        let mut done = false;
        while self.writer.close != Close::Written {
            if self.writer.message.is_empty() {
                if !self.next_message(world) {
                    return self.write_close(pipe, world) | done;
                }
                // Also if there is no room for it: an end of a call may have been said with it.
                done = true;
            }
            let wrote = self.write_message(pipe, world);
            done |= wrote;
            if !self.writer.message.is_empty() && !wrote {
                return done;
            }
        }
        done
    }

    /// Writes what there is room for of the message; whether that was anything. A message may end
    /// with an empty fragment.
    fn write_message(&mut self, pipe: &mut Pipe, world: &mut World<'_>) -> bool {
        let rest = &self.writer.message[self.writer.written..];
        let fin = rest.is_empty() || !world.choices.once_in(100);
        let len = pipe.write(world.now, rest, fin);
        if fin && len == rest.len() {
            self.writer.message.clear();
            self.writer.written = 0;
            return true;
        }
        self.writer.written += len;
        len > 0
    }

    fn write_close(&mut self, pipe: &mut Pipe, world: &World<'_>) -> bool {
        let Close::Due(code) = self.writer.close else {
            return false;
        };
        pipe.close(world.now, code);
        self.writer.close = Close::Written;
        true
    }

    /// Decides what is written next; whether there is anything.
    fn next_message(&mut self, world: &mut World<'_>) -> bool {
        let Some(message) = self.choose_message(world) else {
            return false;
        };
        let frame = world.ledger.wrote(self.side, &message);
        world.trace(self.side, format_args!("> {frame:?}"));
        world.tally.frames += 1;
        world.tally.note(frame.kind.name());
        if let Kind::Data { len, .. } = frame.kind {
            world.tally.bytes += u64::from(len);
            world.progress();
        }
        self.writer.message = message;
        true
    }

    fn choose_message(&mut self, world: &mut World<'_>) -> Option<Vec<u8>> {
        let control = self.control();
        let message = match control {
            Some(message) => message,
            None if self.is_over => return None,
            None => match self.writer.resets.pop_front() {
                Some(reset) => return Some(reset),
                None => self.make_call(world).or_else(|| self.send(world))?,
            },
        };
        world.ledger.made(self.side, &message);
        Some(message)
    }

    fn control(&mut self) -> Option<Vec<u8>> {
        let mut control = [0; MAX_CONTROL_FRAME];
        let len = self.core.poll_transmit(&mut control)?;
        Some(control[..len].to_vec())
    }

    /// Makes the next call, if it is time and there is room for it.
    fn make_call(&mut self, world: &mut World<'_>) -> Option<Vec<u8>> {
        let n = *self.to_make.front()?;
        let plan = &world.plan.calls[n];
        if plan.starts_at() > world.now {
            return None;
        }
        let mut task = Task::new(n, Role::Client, world.now);
        task.make(world.now, plan);
        let offer = task.offer(plan).expect("a call begins with its metadata");
        let parts = cut(plan, &task, &offer, world.choices);
        let (id, segment) = match self.core.open(world.now, &parts, offer.end) {
            Ok(made) => made,
            Err(OpenError::TooManyCalls | OpenError::TableFull | OpenError::NotReady) => {
                return None;
            }
            Err(OpenError::Send(error)) if is_too_long(error) => {
                self.to_make.pop_front();
                world.tally.note("call: message too long for the peer");
                return None;
            }
            Err(error) => panic!("call {n} cannot be made: {error:?}"),
        };
        self.to_make.pop_front();
        let deadline = plan.client.deadline.map(|time| after(world.now, time));
        let mut task = task.with_id(id);
        task.deadline = deadline;
        task.outbox.took(segment.payload_len() as usize, &offer);
        world.calls.made(n, id);
        world.tally.note(plan.kind());
        self.add(task);
        self.core
            .set_deadline(id, deadline)
            .expect("the call is open");
        Some(message(&segment, &parts))
    }

    /// A DATA frame of the next call that has one.
    fn send(&mut self, world: &mut World<'_>) -> Option<Vec<u8>> {
        let count = self.active.len();
        for _ in 0..count {
            self.writer.turn = (self.writer.turn + 1) % count;
            let message = self.send_of(self.active[self.writer.turn], world);
            if message.is_some() {
                return message;
            }
        }
        None
    }

    fn send_of(&mut self, place: usize, world: &mut World<'_>) -> Option<Vec<u8>> {
        let task = &mut self.tasks[place];
        let (id, plan) = (task.id(), &world.plan.calls[task.n]);
        let offer = task.offer(plan)?;
        let parts = cut(plan, task, &offer, world.choices);
        let segment = match self.core.send(id, &parts, offer.end) {
            Err(error) if is_too_long(error) => {
                world.tally.note("call: message too long for the peer");
                self.reset(id, Code::ResourceExhausted, world);
                return None;
            }
            segment => segment.expect("a stream that is in order"),
        };
        let Some(segment) = segment else {
            assert_eq!(self.core.credit(id), 0, "credit that is not used");
            task.outbox.block();
            world.tally.note("flow: no credit");
            return None;
        };
        task.outbox.took(segment.payload_len() as usize, &offer);
        if task.role == Role::Server && task.outbox.has_ended() {
            self.server_ended(id, ServerEnd::Finished(plan.status), world);
        }
        Some(message(&segment, &parts))
    }
}

/// Whether the peer has said that it does not take such a message.
const fn is_too_long(error: SendError) -> bool {
    matches!(error, SendError::Frame(DeframeError::MessageTooLong { .. }))
}

/// The bytes that are offered, in up to three parts.
fn cut<'p>(
    plan: &'p CallPlan,
    task: &Task,
    offer: &Offer,
    choices: &mut dyn Choices,
) -> [&'p [u8]; 3] {
    let Range { start, end } = offer.range;
    let len = u32::try_from(end - start).unwrap();
    let mut cuts = [0; 2].map(|_| start + choices.between(0, len) as usize);
    cuts.sort_unstable();
    let bytes = task.sends(plan).bytes();
    [
        &bytes[start..cuts[0]],
        &bytes[cuts[0]..cuts[1]],
        &bytes[cuts[1]..end],
    ]
}

/// The WebSocket message of a segment, whose payload is the front of `parts`.
fn message(segment: &Segment, parts: &[&[u8]]) -> Vec<u8> {
    let payload = parts.iter().flat_map(|part| part.iter());
    let payload = payload.take(segment.payload_len() as usize);
    segment.head().iter().chain(payload).copied().collect()
}
