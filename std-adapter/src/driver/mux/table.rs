//! The core's calls in a slab, found by their ids at once.

use grpc_websocket_core::mux::{CallId, CallTable, Slot};
use slab::Slab;

use super::ids::ById;

/// Room for a number of calls, and memory for those there are.
pub(super) struct Table {
    slots: Slab<Slot>,
    positions: ById<usize>,
    capacity: usize,
}

impl Table {
    pub(super) fn with_room_for(capacity: u32) -> Self {
        Self {
            slots: Slab::new(),
            positions: ById::default(),
            capacity: usize::try_from(capacity).unwrap_or(usize::MAX),
        }
    }
}

impl CallTable for Table {
    fn capacity(&self) -> usize {
        self.capacity
    }

    fn len(&self) -> usize {
        self.positions.len()
    }

    fn positions(&self) -> usize {
        // What the slab has grown to, which is as many as there ever were at a time, or up to
        // twice that.
        self.slots.capacity()
    }

    fn find(&self, call: CallId) -> Option<usize> {
        self.positions.get(call).copied()
    }

    fn get(&self, position: usize) -> Option<&Slot> {
        self.slots.get(position)
    }

    fn get_mut(&mut self, position: usize) -> Option<&mut Slot> {
        self.slots.get_mut(position)
    }

    fn insert(&mut self, slot: Slot) -> bool {
        if self.len() >= self.capacity {
            return false;
        }
        let call = slot.call();
        self.positions.insert(call, self.slots.insert(slot));
        true
    }

    fn remove(&mut self, position: usize) {
        if let Some(slot) = self.slots.try_remove(position) {
            self.positions.remove(slot.call());
        }
    }
}
