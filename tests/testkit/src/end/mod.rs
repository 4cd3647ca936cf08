//! One end: a core, the applications on it, and the driver between them and the link.
//!
//! The driver is what an adapter is: it reads fragments into the core, asks it for control frames
//! before it writes data, and gives each call its turn.

mod act;
mod check;
mod closing;
mod events;
mod write;

use crate::app::Task;
use crate::clock::earlier;
use crate::link::{Arrival, Pipe};
use crate::plan::EndPlan;
use crate::table::Table;
use crate::world::World;
use grpc_websocket_core::mux::{CallId, Connection, Side};
use grpc_websocket_core::{Fragment, Instant};
use std::collections::{BTreeMap, VecDeque};
use write::Writer;

/// One end of the link.
pub struct End {
    side: Side,
    plan: EndPlan,
    core: Connection<Table>,
    /// The calls of this end, in the order they came.
    tasks: Vec<Task>,
    /// Where in `tasks` those are that are not over, or whose handlers linger.
    active: Vec<usize>,
    /// Where in `tasks` a call is.
    places: BTreeMap<u32, usize>,
    /// The calls that are still to be made here.
    to_make: VecDeque<usize>,
    writer: Writer,
    buffer: Vec<u8>,
    goaway_text: Vec<u8>,
    /// The WebSocket's close code after a GOAWAY from here.
    goodbye: Option<u16>,
    /// No call goes on: the connection failed, or its WebSocket is closed.
    is_over: bool,
}

impl End {
    /// An end whose WebSocket opens at `now`.
    #[must_use]
    pub fn new(now: Instant, side: Side, plan: &EndPlan, to_make: VecDeque<usize>) -> Self {
        Self {
            side,
            core: Connection::new(now, side, plan.config, Table::new(plan.table)),
            tasks: Vec::new(),
            active: Vec::new(),
            places: BTreeMap::new(),
            to_make,
            writer: Writer::default(),
            buffer: vec![0; plan.buffer],
            plan: plan.clone(),
            goaway_text: Vec::new(),
            goodbye: None,
            is_over: false,
        }
    }

    /// The core.
    #[must_use]
    pub const fn core(&self) -> &Connection<Table> {
        &self.core
    }

    /// The calls, in the order they came.
    #[must_use]
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// Whether no call goes on any more.
    #[must_use]
    pub const fn is_over(&self) -> bool {
        self.is_over
    }

    /// Whether nothing is left to do here but to wait for the peer.
    #[must_use]
    pub fn is_done(&self) -> bool {
        let is_idle = self.to_make.is_empty() && self.active.is_empty();
        self.is_over || (is_idle && self.writer.is_idle())
    }

    /// Does what can be done now; whether that was anything.
    pub fn turn(
        &mut self,
        incoming: &mut Pipe,
        outgoing: &mut Pipe,
        world: &mut World<'_>,
    ) -> bool {
        let mut done = self.read(incoming, world);
        // Some drivers read all there is before they write.
        while done && world.choices.once_in(4) && self.read(incoming, world) {}
        done |= self.expire(world);
        done |= self.act(world);
        done |= self.write(outgoing, world);
        self.say_goodbye(world);
        done | self.write(outgoing, world)
    }

    /// When something is due here that nothing else announces.
    #[must_use]
    pub fn wake(&self, world: &World<'_>) -> Option<Instant> {
        let calls = &world.plan.calls;
        let wakes = self.active.iter().map(|&place| {
            let task = &self.tasks[place];
            task.wake(&calls[task.n], self.may_read(place))
        });
        let start = self.to_make.front().map(|n| calls[*n].starts_at());
        let start = start.filter(|start| *start > world.now);
        wakes.fold(earlier(start, self.core.poll_timeout()), earlier)
    }

    fn read(&mut self, pipe: &mut Pipe, world: &mut World<'_>) -> bool {
        if self.has_stopped_reading() {
            return false;
        }
        let mut buffer = core::mem::take(&mut self.buffer);
        let most = u32::try_from(buffer.len()).unwrap();
        let len = if self.plan.cuts {
            most - world.choices.below(most)
        } else {
            most
        };
        let arrival = pipe.read(world.now, &mut buffer[..len as usize]);
        match arrival {
            Some(Arrival::Bytes { len, fin }) => self.receive(&buffer[..len], fin, world),
            Some(Arrival::Close(code)) => self.peer_closed(Some(code), world),
            None => {}
        }
        self.buffer = buffer;
        arrival.is_some()
    }

    fn receive(&mut self, bytes: &[u8], fin: bool, world: &mut World<'_>) {
        if self.is_over {
            return;
        }
        world.ledger.read(self.side, bytes.len());
        let mut fragment = if fin {
            Fragment::message(bytes)
        } else {
            Fragment::part(bytes)
        };
        let mut left = 4 * bytes.len() + 64;
        while self.receive_one(&mut fragment, world) {
            left = left.checked_sub(1).expect("events without end");
        }
        if fin && !self.is_over {
            world.ledger.read_end(self.side);
        }
    }

    /// Takes one event; whether there may be more.
    fn receive_one(&mut self, fragment: &mut Fragment<'_>, world: &mut World<'_>) -> bool {
        match self.core.recv(world.now, fragment) {
            Ok(Some(event)) => self.handle(event, world),
            Ok(None) => {
                assert!(fragment.rest().is_empty(), "bytes are left");
                return false;
            }
            Err(error) => self.fail(error, world),
        }
        // An application need not wait until the fragment is used up.
        if world.choices.once_in(40) {
            self.act(world);
        }
        !self.is_over
    }

    fn expire(&mut self, world: &mut World<'_>) -> bool {
        let is_due = self.core.poll_timeout().is_some_and(|at| at <= world.now);
        if self.is_over || !(is_due || world.choices.once_in(100)) {
            return false;
        }
        loop {
            match self.core.handle_timeout(world.now) {
                Ok(Some(event)) => self.handle(event, world),
                Ok(None) => break,
                Err(error) => self.fail(error, world),
            }
            if self.is_over {
                return true;
            }
        }
        let next = self.core.poll_timeout();
        assert!(
            next.is_none_or(|next| next > world.now),
            "a timeout that stays due"
        );
        is_due
    }

    fn task(&mut self, id: CallId) -> &mut Task {
        let place = *self.places.get(&id.get()).expect("an event of no call");
        let task = &mut self.tasks[place];
        assert!(!task.is_over, "an event of {id}, which is over");
        task
    }

    fn add(&mut self, task: Task) {
        self.places.insert(task.id().get(), self.tasks.len());
        self.active.push(self.tasks.len());
        self.tasks.push(task);
    }

    /// Whether the application of a call may consume, or has to wait for the calls before it.
    fn may_read(&self, place: usize) -> bool {
        if !self.plan.in_order {
            return true;
        }
        let role = self.tasks[place].role;
        let before = self.active.iter().take_while(|before| **before < place);
        let mut before = before.map(|before| &self.tasks[*before]);
        !before.any(|task| task.role == role && !task.is_over)
    }

    /// The calls that are not over.
    fn live(&self) -> impl Iterator<Item = &Task> {
        let active = self.active.iter().map(|&place| &self.tasks[place]);
        active.filter(|task| !task.is_over)
    }

    /// Whether an application holds so much that an end without credit reads no more.
    #[must_use]
    pub fn has_stopped_reading(&self) -> bool {
        let most = self.plan.stops_reading_at.unwrap_or(u32::MAX);
        self.live().any(|task| task.inbox.held() >= most)
    }
}
