//! What must hold at one end after every step.

use super::End;
use crate::world::World;
use grpc_websocket_core::call::Role;

impl End {
    /// Panics if something is not as it must be.
    pub fn check(&self, world: &World<'_>) {
        let window = self.plan.config.window;
        assert!(
            self.core.calls() <= self.plan.table,
            "more calls than places"
        );
        let tasks = self.active.iter().map(|&place| &self.tasks[place]);
        let handlers = tasks.filter(|task| task.role == Role::Server && !task.is_done());
        let most = self.plan.config.max_calls as usize;
        assert!(
            handlers.count() <= most,
            "more than {most} handlers at work"
        );
        for &place in &self.active {
            let task = &self.tasks[place];
            let (id, held) = (task.id(), task.inbox.peak());
            assert_eq!(self.core.contains(id), !task.is_over, "{id} is open or not");
            assert!(
                held <= window,
                "{held} bytes of {id} were held, the window is {window}"
            );
            if let Some(credit) = world
                .ledger
                .credit(self.side, id.get())
                .filter(|_| !task.is_over)
            {
                assert_eq!(
                    u64::from(self.core.credit(id)),
                    credit,
                    "the credit of {id}"
                );
            }
        }
    }

    /// Panics if something is not done that nothing keeps from being done.
    pub fn check_quiet(&self, world: &World<'_>) {
        if !self.writer.is_idle() {
            return;
        }
        let half = u64::from(self.plan.config.window.div_ceil(2));
        for task in self.live().filter(|task| !task.inbox.half_closed) {
            let (id, held) = (task.id(), u64::from(task.inbox.held()));
            let owed = world.ledger.unreturned(self.side, id.get()) - held;
            assert!(
                owed < half,
                "{owed} bytes of credit of {id} are not returned"
            );
        }
    }
}
