//! Where the calls of a connection are kept.

use super::id::CallId;
use super::slot::Slot;

/// A table of calls: an array on a device, whatever is fast on a server. It decides how many calls
/// there can be.
///
/// Calls are found by position. A position stays that of its call until the call is removed.
pub trait CallTable {
    /// How many calls there is room for.
    fn capacity(&self) -> usize;

    /// How many calls there are.
    fn len(&self) -> usize;

    /// Whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A number above every position in use; the work of looking at all calls.
    fn positions(&self) -> usize;

    /// The position of a call.
    fn find(&self, call: CallId) -> Option<usize>;

    /// The call at a position.
    fn get(&self, position: usize) -> Option<&Slot>;

    /// The call at a position.
    fn get_mut(&mut self, position: usize) -> Option<&mut Slot>;

    /// Adds a call; whether there was room.
    fn insert(&mut self, slot: Slot) -> bool;

    /// Removes the call at a position.
    fn remove(&mut self, position: usize);
}

/// The table of a device: up to `N` calls, looked for one after the other.
pub type Calls<const N: usize> = [Option<Slot>; N];

impl<const N: usize> CallTable for Calls<N> {
    fn capacity(&self) -> usize {
        N
    }

    fn len(&self) -> usize {
        self.iter().flatten().count()
    }

    fn positions(&self) -> usize {
        N
    }

    fn find(&self, call: CallId) -> Option<usize> {
        self.iter()
            .position(|slot| slot.as_ref().is_some_and(|slot| slot.call() == call))
    }

    fn get(&self, position: usize) -> Option<&Slot> {
        self.as_slice().get(position)?.as_ref()
    }

    fn get_mut(&mut self, position: usize) -> Option<&mut Slot> {
        self.as_mut_slice().get_mut(position)?.as_mut()
    }

    fn insert(&mut self, slot: Slot) -> bool {
        match self.iter_mut().find(|place| place.is_none()) {
            Some(place) => {
                *place = Some(slot);
                true
            }
            None => false,
        }
    }

    fn remove(&mut self, position: usize) {
        if let Some(place) = self.as_mut_slice().get_mut(position) {
            *place = None;
        }
    }
}
