//! Two ends, the link between them, and the time.

use crate::check::{Calls, Ledger};
use crate::choices::Choices;
use crate::clock::{Clock, after, earlier, elapsed};
use crate::end::End;
use crate::link::{Fault, Link, Pipe};
use crate::plan::{Incident, Plan};
use crate::tally::Tally;
use crate::world::World;
use core::time::Duration;
use grpc_websocket_core::Instant;
use grpc_websocket_core::mux::Side;
use std::collections::VecDeque;

/// No honest run needs more.
const MOST_STEPS: u64 = 3_000_000;
/// No honest run takes longer.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// Nothing here waits longer for anything.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);
/// After so long without anything of a call, what was under way has arrived.
const LATE: Duration = Duration::from_secs(60);
/// How long the operating system tries to reach a peer that is gone.
const TCP_TIMEOUT: Duration = Duration::from_secs(300);

/// How a drive ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All calls are over, and the connection is closed at both ends.
    Done,
    /// Calls are open, and nothing will ever happen.
    Stuck,
    /// The bound of steps or of time was reached, or what was waited for has happened.
    Paused,
}

/// A simulation.
pub struct Pair<'c> {
    plan: Plan,
    choices: &'c mut dyn Choices,
    clock: Clock,
    link: Link,
    ends: [End; 2],
    calls: Calls,
    ledger: Ledger,
    tally: Tally,
    incidents: VecDeque<(Instant, Incident)>,
    is_disturbed: bool,
    /// When a run last got nearer to its end, and the count of that.
    last_progress: (Instant, u64),
    /// Whether every frame and event is printed.
    pub is_traced: bool,
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Went,
    Stuck,
    Done,
}

impl<'c> Pair<'c> {
    /// A simulation of `plan`; `choices` decides what it leaves open.
    #[must_use]
    pub fn new(plan: Plan, choices: &'c mut dyn Choices) -> Self {
        let clock = Clock::new();
        let end =
            |side, at: usize| End::new(clock.now(), side, &plan.ends[at], plan.calls_of(side));
        Self {
            ends: [end(Side::Dialer, 0), end(Side::Acceptor, 1)],
            link: Link::new(plan.pipes),
            calls: Calls::new(plan.calls.len()),
            ledger: Ledger::default(),
            tally: Tally::default(),
            incidents: plan.incidents.clone().into(),
            is_disturbed: false,
            last_progress: (clock.now(), 0),
            is_traced: false,
            clock,
            choices,
            plan,
        }
    }

    /// Runs to the end.
    ///
    /// # Panics
    /// If an end breaks a rule.
    pub fn drive(&mut self) -> Outcome {
        self.drive_bounded(MOST_STEPS)
    }

    /// Runs at most so many steps.
    ///
    /// # Panics
    /// As [`Pair::drive`].
    pub fn drive_bounded(&mut self, steps: u64) -> Outcome {
        let last = self.tally.steps + steps;
        self.drive_until(|pair| pair.tally.steps >= last)
    }

    /// Runs until something has happened.
    ///
    /// # Panics
    /// As [`Pair::drive`].
    pub fn drive_until(&mut self, mut has_happened: impl FnMut(&Self) -> bool) -> Outcome {
        while !has_happened(self) && elapsed(Instant::EPOCH, self.clock.now()) < LONGEST {
            match self.step() {
                Step::Went => {}
                Step::Stuck => return Outcome::Stuck,
                Step::Done => {
                    self.calls.verify();
                    return Outcome::Done;
                }
            }
        }
        Outcome::Paused
    }

    /// The time.
    #[must_use]
    pub const fn now(&self) -> Instant {
        self.clock.now()
    }

    /// The dialer and the acceptor.
    #[must_use]
    pub const fn ends(&self) -> &[End; 2] {
        &self.ends
    }

    /// What both ends saw of the calls.
    #[must_use]
    pub const fn calls(&self) -> &Calls {
        &self.calls
    }

    /// What happened.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut tally = self.tally.clone();
        tally.longest = elapsed(Instant::EPOCH, self.clock.now());
        tally
    }

    /// What was to happen.
    #[must_use]
    pub const fn plan(&self) -> &Plan {
        &self.plan
    }

    fn step(&mut self) -> Step {
        self.tally.steps += 1;
        self.apply_incidents();
        let went = self.turns();
        self.check();
        if went {
            return Step::Went;
        }
        self.check_quiet();
        if self.wind_down() {
            return Step::Went;
        }
        if self.ends.iter().all(End::is_over) {
            return Step::Done;
        }
        self.advance()
    }

    /// Both ends take a turn, in any order.
    fn turns(&mut self) -> bool {
        let first = self.choices.below(2) as usize;
        let went = self.turn(first);
        self.turn(1 - first) | went
    }

    fn turn(&mut self, at: usize) -> bool {
        let (ends, link, mut world) = self.split();
        let [from_dialer, from_acceptor] = &mut link.pipes;
        match at {
            0 => ends[0].turn(from_acceptor, from_dialer, &mut world),
            _ => ends[1].turn(from_dialer, from_acceptor, &mut world),
        }
    }

    fn check(&mut self) {
        let progress = self.tally.progress;
        if progress != self.last_progress.1 {
            self.last_progress = (self.clock.now(), progress);
        }
        let (ends, _, world) = self.split();
        ends.iter()
            .filter(|end| !end.is_over())
            .for_each(|end| end.check(&world));
    }

    fn check_quiet(&mut self) {
        let (ends, _, world) = self.split();
        let open = ends.iter().filter(|end| !end.is_over());
        open.for_each(|end| end.check_quiet(&world));
    }

    /// When all calls are over, nothing may be left of them, and the dialer closes.
    fn wind_down(&mut self) -> bool {
        let is_empty = self.link.pipes.iter().all(Pipe::is_empty);
        // Keepalive may never leave the link empty.
        let is_quiet = elapsed(self.last_progress.0, self.clock.now()) > LATE;
        let mut ends = self.ends.iter();
        let is_done = ends.all(|end| !end.is_over() && end.is_done());
        if !is_done || !(is_empty || is_quiet) {
            return false;
        }
        let left = self.ends.each_ref().map(|end| end.core().calls());
        assert!(
            left == [0, 0] || self.is_disturbed,
            "calls are left: {left:?}"
        );
        let (ends, _, mut world) = self.split();
        ends[0].close(Some(1000), &mut world);
        true
    }

    /// Moves to the time when something happens.
    fn advance(&mut self) -> Step {
        let incident = self.incidents.front().map(|(when, _)| *when);
        let (ends, link, world) = self.split();
        let wakes = ends
            .iter()
            .filter(|end| !end.is_over())
            .map(|end| end.wake(&world));
        // What the dialer sends the acceptor reads, and the other way round.
        let readers = ends.iter().rev().map(|end| !end.has_stopped_reading());
        let arrivals = link
            .pipes
            .iter()
            .zip(readers)
            .filter(|(_, is_read)| *is_read);
        let arrivals = arrivals.map(|(pipe, _)| pipe.next_arrival());
        let next = wakes.chain(arrivals).fold(incident, earlier);
        let latest = after(self.last_progress.0, LONGEST_PAUSE);
        match next.filter(|next| *next <= latest) {
            Some(next) => {
                assert!(next > self.clock.now(), "something is due and not done");
                self.clock.advance_to(next);
                Step::Went
            }
            None => Step::Stuck,
        }
    }

    fn apply_incidents(&mut self) {
        let now = self.clock.now();
        while let Some((_, incident)) = self.incidents.front().filter(|(when, _)| *when <= now) {
            let incident = *incident;
            self.incidents.pop_front();
            self.apply(incident);
        }
    }

    fn apply(&mut self, incident: Incident) {
        let now = self.clock.now();
        let (ends, link, mut world) = self.split();
        world.trace(Side::Dialer, format_args!("incident: {incident:?}"));
        match incident {
            Incident::GoAway(side, _) | Incident::Close(side, _) => {
                if matches!(incident, Incident::Close(..)) {
                    world.tally.note("incident: Close");
                }
                ends[usize::from(side == Side::Acceptor)].suffer(incident, &mut world);
            }
            Incident::Link(fault) => {
                world.tally.note(match fault {
                    Fault::Stall { .. } => "incident: stall",
                    Fault::HalfOpen { .. } => "incident: half-open",
                    Fault::Reset => "incident: reset",
                });
                link.apply(now, fault);
                if fault == Fault::Reset {
                    ends.iter_mut()
                        .for_each(|end| end.suffer(incident, &mut world));
                }
                self.is_disturbed = true;
            }
        }
        if matches!(incident, Incident::Link(Fault::HalfOpen { .. })) {
            let gone = (after(now, TCP_TIMEOUT), Incident::Link(Fault::Reset));
            self.incidents.push_back(gone);
        }
    }

    fn split(&mut self) -> (&mut [End; 2], &mut Link, World<'_>) {
        let world = World {
            plan: &self.plan,
            now: self.clock.now(),
            calls: &mut self.calls,
            ledger: &mut self.ledger,
            tally: &mut self.tally,
            choices: &mut *self.choices,
            is_disturbed: self.is_disturbed,
            is_traced: self.is_traced,
        };
        (&mut self.ends, &mut self.link, world)
    }
}
