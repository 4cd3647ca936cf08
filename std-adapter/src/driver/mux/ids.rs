//! Values by the ids of calls.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use grpc_websocket_core::mux::CallId;

/// A map whose keys are spread by a multiplication. A peer chooses the ids of its calls, but no more of
/// them at a time than it may have calls.
pub(super) struct ById<T>(HashMap<CallId, T, BuildHasherDefault<Spread>>);

impl<T> Default for ById<T> {
    fn default() -> Self {
        Self(HashMap::default())
    }
}

impl<T> ById<T> {
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = CallId> {
        self.0.keys().copied()
    }

    pub(super) fn get(&self, id: CallId) -> Option<&T> {
        self.0.get(&id)
    }

    pub(super) fn get_mut(&mut self, id: CallId) -> Option<&mut T> {
        self.0.get_mut(&id)
    }

    pub(super) fn insert(&mut self, id: CallId, value: T) {
        self.0.insert(id, value);
    }

    pub(super) fn remove(&mut self, id: CallId) -> Option<T> {
        self.0.remove(&id)
    }
}

/// The hash of one `u32`.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u32(&mut self, id: u32) {
        // By the golden ratio: ids that follow each other go far apart, in high bits and, folded,
        // in low ones, both of which the map looks at.
        let product = u64::from(id).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.0 = product ^ (product >> 32);
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u32(u32::from(byte));
        }
    }
}
