//! Counts how calls fare, by a tag which the caller chooses.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::proto::StatsResponse;

/// The counters of all tags.
#[derive(Clone, Default)]
pub(crate) struct Stats(Arc<Mutex<HashMap<String, StatsResponse>>>);

impl Stats {
    /// Counts a call as live until the returned value is dropped.
    pub(crate) fn start(&self, tag: &str) -> Call {
        self.lock().entry(tag.to_owned()).or_default().live += 1;
        Call {
            stats: self.clone(),
            tag: tag.to_owned(),
            completed: false,
        }
    }

    /// The counters of one tag.
    pub(crate) fn get(&self, tag: &str) -> StatsResponse {
        self.lock().get(tag).copied().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, StatsResponse>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call at work. Counts as cancelled if it is dropped without [`Call::complete`].
pub(crate) struct Call {
    stats: Stats,
    tag: String,
    completed: bool,
}

impl Call {
    /// The handler came to its own end.
    pub(crate) fn complete(mut self) {
        self.completed = true;
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let mut counters = self.stats.lock();
        let counters = counters.entry(std::mem::take(&mut self.tag)).or_default();
        counters.live -= 1;
        if self.completed {
            counters.completed += 1;
        } else {
            counters.cancelled += 1;
        }
    }
}
