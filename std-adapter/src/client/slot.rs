//! The one line of a channel: found when it is needed, and again after it is lost.

use std::sync::{Arc, Weak};

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_util::task::AbortOnDropHandle;
use tonic::Status;

use super::dial::{Dialer, Line};

/// See the module.
pub(super) struct Slot {
    dialer: Arc<Dialer>,
    phase: watch::Sender<Phase>,
}

enum Phase {
    Idle,
    Connecting {
        /// How many attempts failed in a row before.
        failures: u32,
        /// Stopped when nobody has the slot any more.
        _task: AbortOnDropHandle<()>,
    },
    Ready(Line),
    Failed {
        why: Status,
        failures: u32,
        /// No attempt before.
        until: Instant,
    },
}

/// What there is now.
enum Found {
    Line(Line),
    Nothing {
        why: Status,
        until: Instant,
    },
    /// A task is at it.
    Later,
}

impl Slot {
    pub(super) fn new(dialer: Arc<Dialer>) -> Self {
        Self {
            dialer,
            phase: watch::Sender::new(Phase::Idle),
        }
    }

    /// The line, which is connected if there is none. Its future may be dropped: connecting goes on
    /// for as long as anybody has the slot.
    /// `wait`: failures do not end it.
    pub(super) async fn line(self: &Arc<Self>, wait: bool) -> Result<Line, Status> {
        match self.ready() {
            Some(line) => Ok(line),
            None => Box::pin(self.wait_for_line(wait)).await,
        }
    }

    async fn wait_for_line(self: &Arc<Self>, wait: bool) -> Result<Line, Status> {
        let mut phase = self.phase.subscribe();
        // One attempt is enough, however short the wait before the next one.
        let mut awaited = false;
        loop {
            match self.find(awaited) {
                Found::Line(line) => return Ok(line),
                Found::Nothing { until, .. } if wait => {
                    tokio::select! {
                        () = sleep_until(until) => {}
                        _ = phase.changed() => {}
                    }
                    awaited = false;
                }
                Found::Nothing { why, .. } => return Err(why),
                Found::Later => {
                    // The sender is here: it changes.
                    drop(phase.changed().await);
                    awaited = true;
                }
            }
        }
    }

    /// Whether there is a line now.
    pub(super) fn is_up(&self) -> bool {
        self.ready().is_some()
    }

    fn ready(&self) -> Option<Line> {
        match &*self.phase.borrow() {
            Phase::Ready(line) if !line.is_over() => Some(line.clone()),
            _ => None,
        }
    }

    /// What was found is of no use: the next call looks again.
    pub(super) fn forget(&self) {
        self.phase.send_if_modified(|phase| {
            let is_ready = matches!(phase, Phase::Ready(_));
            if is_ready {
                *phase = Phase::Idle;
            }
            is_ready
        });
    }

    /// `awaited`: an attempt was awaited, so that its failure counts whenever the next one may be.
    fn find(self: &Arc<Self>, awaited: bool) -> Found {
        let mut found = Found::Later;
        self.phase.send_if_modified(|phase| {
            let begins = match phase {
                Phase::Ready(line) if !line.is_over() => {
                    found = Found::Line(line.clone());
                    None
                }
                Phase::Connecting { .. } => None,
                Phase::Failed { why, until, .. } if awaited || *until > Instant::now() => {
                    let (why, until) = (why.clone(), *until);
                    found = Found::Nothing { why, until };
                    None
                }
                Phase::Ready(_) | Phase::Idle => Some(0),
                Phase::Failed { failures, .. } => Some(*failures),
            };
            if let Some(failures) = begins {
                let connecting = connect(Arc::clone(&self.dialer), Arc::downgrade(self));
                *phase = Phase::Connecting {
                    failures,
                    _task: AbortOnDropHandle::new(tokio::spawn(connecting)),
                };
            }
            false
        });
        found
    }

    fn connected(&self, dialed: Result<Line, Status>) {
        self.phase.send_modify(|phase| {
            let before = match phase {
                Phase::Connecting { failures, .. } => *failures,
                _ => 0,
            };
            *phase = match dialed {
                Ok(line) => Phase::Ready(line),
                Err(why) => {
                    let failures = before.saturating_add(1);
                    let wait = self.dialer.endpoint.backoff.wait(failures);
                    tracing::debug!(%why, ?wait, "no connection");
                    Phase::Failed {
                        why,
                        failures,
                        until: Instant::now() + wait,
                    }
                }
            };
        });
    }
}

async fn connect(dialer: Arc<Dialer>, slot: Weak<Slot>) {
    let dialed = dialer.dial().await;
    if let Some(slot) = slot.upgrade() {
        slot.connected(dialed);
    }
}
