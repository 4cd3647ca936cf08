//! A call table whose size a plan decides.

use grpc_websocket_core::mux::{CallId, CallTable, Calls, Slot};

/// An array of 1, 2, 4 or 8 calls.
pub struct Table(Box<dyn CallTable>);

impl Table {
    /// A table for so many calls.
    ///
    /// # Panics
    /// If there is no table of that size.
    #[must_use]
    pub fn new(calls: usize) -> Self {
        Self(match calls {
            1 => Box::new([const { None }; 1] as Calls<1>),
            2 => Box::new([const { None }; 2] as Calls<2>),
            4 => Box::new([const { None }; 4] as Calls<4>),
            8 => Box::new([const { None }; 8] as Calls<8>),
            _ => panic!("no table for {calls} calls"),
        })
    }
}

impl CallTable for Table {
    fn capacity(&self) -> usize {
        self.0.capacity()
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn positions(&self) -> usize {
        self.0.positions()
    }

    fn find(&self, call: CallId) -> Option<usize> {
        self.0.find(call)
    }

    fn get(&self, position: usize) -> Option<&Slot> {
        self.0.get(position)
    }

    fn get_mut(&mut self, position: usize) -> Option<&mut Slot> {
        self.0.get_mut(position)
    }

    fn insert(&mut self, slot: Slot) -> bool {
        self.0.insert(slot)
    }

    fn remove(&mut self, position: usize) {
        self.0.remove(position);
    }
}
