//! Where the calls of a connection are kept.

use super::id::CallId;
use super::slot::Slot;

/// A table of calls: an array on a device, whatever is fast on a server. It decides how many calls
/// there can be.
///
/// Calls are found by position. A position stays that of its call until the call is removed.
pub trait CallTable {
    /// Whether the peer's calls may be put into it. Where not, whatever
    /// [`Config::max_calls`](super::Config::max_calls) says, all of them are refused, and what only
    /// they need is not linked.
    #[inline]
    #[must_use]
    fn takes_calls() -> bool
    where
        Self: Sized,
    {
        true
    }

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

/// The table of a device that makes calls and answers none: up to `N`, as [`Calls`], with less code.
#[derive(Debug, Clone)]
pub struct OwnCalls<const N: usize>(Calls<N>);

impl<const N: usize> Default for OwnCalls<N> {
    fn default() -> Self {
        Self(core::array::from_fn(|_| None))
    }
}

impl<const N: usize> CallTable for OwnCalls<N> {
    #[inline]
    fn takes_calls() -> bool {
        false
    }

    fn capacity(&self) -> usize {
        self.0.capacity()
    }

    fn len(&self) -> usize {
        CallTable::len(&self.0)
    }

    fn positions(&self) -> usize {
        self.0.positions()
    }

    fn find(&self, call: CallId) -> Option<usize> {
        self.0.find(call)
    }

    fn get(&self, position: usize) -> Option<&Slot> {
        CallTable::get(&self.0, position)
    }

    fn get_mut(&mut self, position: usize) -> Option<&mut Slot> {
        CallTable::get_mut(&mut self.0, position)
    }

    fn insert(&mut self, slot: Slot) -> bool {
        self.0.insert(slot)
    }

    fn remove(&mut self, position: usize) {
        self.0.remove(position);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mux::{Config, Connection, Event, MAX_CONTROL_FRAME, Side};
    use crate::{Fragment, Instant};

    #[test]
    fn a_table_of_own_calls_takes_no_others() {
        let (now, mut out) = (Instant::EPOCH, [0; MAX_CONTROL_FRAME]);
        let (config, calls) = (Config::DEFAULT.with_max_calls(2), OwnCalls::<2>::default());
        let mut connection = Connection::new(now, Side::Dialer, config, calls);
        assert_eq!(connection.config().max_calls, 0);
        // Its SETTINGS do not say that it takes calls.
        let len = connection.poll_transmit(&mut out).unwrap();
        assert!(!out[..len].contains(&3));
        let mut settings = Fragment::message(b"\x50\0\0\0\0\x03\0\0\0\x08");
        let event = connection.recv(now, &mut settings).unwrap();
        assert!(matches!(event, Some(Event::Ready(_))));

        let mut open = Fragment::message(b"\x01\0\0\0\x02\x80\0\0\0\x09:path: /m");
        assert_eq!(connection.recv(now, &mut open), Ok(None));
        let len = connection.poll_transmit(&mut out).unwrap();
        assert_eq!(out[..len], *b"\x21\0\0\0\x02\x0etoo many calls");
        let block = b"\x80\0\0\0\x0b:path: /m\r\n";
        for _ in 0..2 {
            assert!(connection.open(now, &[block], true).is_ok());
        }
        assert!(connection.open(now, &[block], true).is_err());
    }
}
