//! How the service's calls end, as its handlers see it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tonic::Status;
use tonic::metadata::MetadataMap;

/// The metadata by which a call is known.
pub(crate) const CALL_ID: &str = "x-call-id";

/// How the handler of a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It answered all it was asked for.
    Finished,
    /// Its requests ended with an error.
    Failed,
    /// It was dropped before it was done.
    Dropped,
}

/// The ends of all calls that had an id, if they have ended.
#[derive(Debug, Clone, Default)]
pub struct Calls(Arc<Mutex<HashMap<String, Option<End>>>>);

impl Calls {
    /// Begins to follow a call.
    pub(crate) fn begin(&self, metadata: &MetadataMap) -> Call {
        let id = metadata.get(CALL_ID).and_then(|id| id.to_str().ok());
        let id = id.unwrap_or_default().to_owned();
        self.ends(|ends| ends.insert(id.clone(), None));
        Call {
            id,
            end: End::Dropped,
            calls: self.clone(),
        }
    }

    /// How a call ended, if it does in time.
    pub(crate) async fn end_of(&self, id: &str, patience: Duration) -> Option<End> {
        let ended = self.until(|ends| ends.get(id).copied().flatten());
        tokio::time::timeout(patience, ended).await.ok()
    }

    /// Waits until the handler of a call is at work.
    pub(crate) async fn begun(&self, id: &str) {
        self.until(|ends| ends.contains_key(id).then_some(())).await;
    }

    async fn until<T>(&self, find: impl Fn(&mut HashMap<String, Option<End>>) -> Option<T>) -> T {
        loop {
            if let Some(found) = self.ends(&find) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn ends<T>(&self, act: impl FnOnce(&mut HashMap<String, Option<End>>) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A call that goes on; its drop is its end.
#[derive(Debug)]
pub(crate) struct Call {
    id: String,
    end: End,
    calls: Calls,
}

impl Call {
    /// Notes that the handler did all.
    pub(crate) fn finish(&mut self) {
        self.end = End::Finished;
    }

    /// Passes what came on, and notes an error.
    pub(crate) fn check<T>(&mut self, request: Result<T, Status>) -> Result<T, Status> {
        if request.is_err() {
            self.end = End::Failed;
        }
        request
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let (id, end) = (std::mem::take(&mut self.id), self.end);
        self.calls.ends(|ends| ends.insert(id, Some(end)));
    }
}
