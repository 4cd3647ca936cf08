//! One call at one end.

use super::{Inbox, Offer, Outbox};
use crate::clock::{after, earlier};
use crate::plan::{Answers, CallPlan, Conduct, When};
use crate::stream::Stream;
use grpc_websocket_core::call::Role;
use grpc_websocket_core::mux::CallId;
use grpc_websocket_core::{Code, Instant};

/// An application's view of its call.
#[derive(Debug)]
pub struct Task {
    /// Which call of the plan.
    pub n: usize,
    /// Its id, once it has one.
    id: Option<CallId>,
    /// What this end is in it.
    pub role: Role,
    /// What it sends.
    pub outbox: Outbox,
    /// What it received.
    pub inbox: Inbox,
    /// The text of a RESET as far as it came.
    pub reset_text: Vec<u8>,
    /// When its time is over.
    pub deadline: Option<Instant>,
    /// The call is over here.
    pub is_over: bool,
    /// The handler of a call that is over still lives until then.
    pub lingers_until: Option<Instant>,
    since: Instant,
}

impl Task {
    /// A call that begins.
    #[must_use]
    pub fn new(n: usize, role: Role, now: Instant) -> Self {
        let mut outbox = Outbox::default();
        if role == Role::Client {
            outbox.begin(now);
        }
        Self {
            n,
            id: None,
            role,
            outbox,
            inbox: Inbox::new(now),
            reset_text: Vec::new(),
            deadline: None,
            is_over: false,
            lingers_until: None,
            since: now,
        }
    }

    /// The call has this id.
    #[must_use]
    pub const fn with_id(mut self, id: CallId) -> Self {
        self.id = Some(id);
        self
    }

    /// Its id.
    ///
    /// # Panics
    /// Before it has one.
    #[must_use]
    pub const fn id(&self) -> CallId {
        self.id.expect("a call has an id once it is made")
    }

    /// What this end does.
    #[must_use]
    pub const fn conduct<'p>(&self, plan: &'p CallPlan) -> &'p Conduct {
        match self.role {
            Role::Client => &plan.client,
            Role::Server => &plan.server,
        }
    }

    /// What this end sends.
    #[must_use]
    pub const fn sends<'p>(&self, plan: &'p CallPlan) -> &'p Stream {
        match self.role {
            Role::Client => &plan.request,
            Role::Server => &plan.response,
        }
    }

    /// What this end receives.
    #[must_use]
    pub const fn receives<'p>(&self, plan: &'p CallPlan) -> &'p Stream {
        match self.role {
            Role::Client => &plan.response,
            Role::Server => &plan.request,
        }
    }

    /// Begins and makes what is due to be sent.
    pub fn make(&mut self, now: Instant, plan: &CallPlan) {
        if self.role == Role::Server && self.may_answer(now, plan) {
            self.outbox.begin(now);
        }
        let most = self.may_make(plan);
        self.outbox.make(now, &self.conduct(plan).writes, most);
    }

    /// What can be given to the core.
    #[must_use]
    pub fn offer(&self, plan: &CallPlan) -> Option<Offer> {
        if self.is_over {
            return None;
        }
        self.outbox
            .offer(self.sends(plan), &self.conduct(plan).writes)
    }

    /// The code to reset the call with, if it is time for that.
    #[must_use]
    pub fn wants_reset(&self, now: Instant, plan: &CallPlan) -> Option<Code> {
        let (when, code) = self.conduct(plan).resets?;
        let is_time = match when {
            When::After(time) => after(self.since, time) <= now,
            When::Received(bytes) => self.inbox.follower().at() >= bytes,
            When::Sent(bytes) => self.outbox.sent() >= bytes,
        };
        (is_time && !self.is_over).then_some(code)
    }

    /// Whether nothing is left to be done, not even to drop a handler.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.is_over && self.lingers_until.is_none()
    }

    /// When something is due here that nothing else announces.
    #[must_use]
    pub fn wake(&self, plan: &CallPlan, may_read: bool) -> Option<Instant> {
        if self.is_over {
            return self.lingers_until;
        }
        let reads = self.inbox.wake().filter(|_| may_read);
        let makes = self.outbox.wake(self.may_make(plan));
        earlier(
            earlier(reads, makes),
            earlier(self.resets_at(plan), self.answers_at(plan)),
        )
    }

    fn resets_at(&self, plan: &CallPlan) -> Option<Instant> {
        match self.conduct(plan).resets?.0 {
            When::After(time) => Some(after(self.since, time)),
            _ => None,
        }
    }

    fn answers_at(&self, plan: &CallPlan) -> Option<Instant> {
        match plan.answers {
            Answers::After(time) if self.role == Role::Server && !self.outbox.has_begun() => {
                Some(after(self.since, time))
            }
            _ => None,
        }
    }

    fn may_answer(&self, now: Instant, plan: &CallPlan) -> bool {
        match plan.answers {
            Answers::After(_) => self.answers_at(plan).is_some_and(|then| then <= now),
            Answers::Received(items) => self.inbox.follower().items() >= items,
            Answers::HalfClosed => self.inbox.half_closed,
        }
    }

    /// How many blocks and messages may be made: in lockstep one more than the peer has answered,
    /// or as many as it has asked.
    fn may_make(&self, plan: &CallPlan) -> usize {
        let all = self.sends(plan).items().len();
        if !plan.in_lockstep || self.inbox.half_closed {
            return all;
        }
        let received = self.inbox.follower().items();
        match self.role {
            Role::Client => all.min(received.max(1) + 1),
            // The trailers come when the client has half-closed.
            Role::Server => (all - 1).min(received),
        }
    }
}
