//! How much peers may send ahead: a window for each call at first, a wider one for a call whose reader
//! keeps up with it, out of what a connection has to lend.

use crate::driver::receiving::Consumed;

/// The widest window, in bytes.
const WIDEST: usize = 1024 * 1024;

/// What a connection has for its calls.
pub(super) struct Windows {
    /// The window of each call, as the SETTINGS say.
    initial: usize,
    /// How many bytes more are to be lent.
    left: usize,
    /// How much a call was lent that proved to be fast: so much is lent to the next ones at once.
    usual: usize,
}

/// What one call has. The default is the initial window.
#[derive(Default)]
pub(super) struct Window {
    lent: usize,
    /// How many bytes the reader took since the window was made wider.
    taken: usize,
}

impl Windows {
    /// `lent`: how many bytes all calls together may have beyond their `initial` window.
    pub(super) fn new(initial: u32, lent: usize) -> Self {
        Self {
            initial: usize::try_from(initial).unwrap_or(usize::MAX),
            left: lent,
            usual: 0,
        }
    }

    fn lend(&mut self, window: &mut Window, bytes: usize) -> usize {
        let widest = WIDEST.saturating_sub(self.initial);
        let lent = bytes.min(self.left).min(widest.saturating_sub(window.lent));
        self.left -= lent;
        window.lent += lent;
        lent
    }

    /// Takes back what a call had that is over.
    pub(super) fn take_back(&mut self, window: &Window) {
        self.left += window.lent;
    }
}

impl Window {
    /// The first part of a long stream is there: how many bytes more may come at once.
    pub(super) fn begin(&mut self, windows: &mut Windows) -> usize {
        windows.lend(self, windows.usual)
    }

    /// How many bytes more may come after some were consumed.
    pub(super) fn after(&mut self, consumed: Consumed, windows: &mut Windows) -> usize {
        self.taken += consumed.taken;
        let window = windows.initial + self.lent;
        if !consumed.keeps_up || self.taken < window {
            return consumed.bytes;
        }
        self.taken = 0;
        let lent = windows.lend(self, window);
        windows.usual = windows.usual.max(self.lent);
        consumed.bytes + lent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIB: usize = 1024;

    fn read(bytes: usize) -> Consumed {
        Consumed {
            bytes,
            taken: bytes,
            keeps_up: true,
        }
    }

    #[test]
    fn a_reader_that_keeps_up_has_a_window_that_doubles() {
        let mut windows = Windows::new(64 * 1024, 4 * WIDEST);
        let mut window = Window::default();
        assert_eq!(window.after(read(32 * KIB), &mut windows), 32 * KIB);
        assert_eq!(window.after(read(32 * KIB), &mut windows), 96 * KIB);
        assert_eq!(window.after(read(128 * KIB), &mut windows), 256 * KIB);
        for _ in 0..100 {
            window.after(read(WIDEST), &mut windows);
        }
        assert_eq!(window.lent, WIDEST - 64 * KIB);
        let mut next = Window::default();
        assert_eq!(next.begin(&mut windows), WIDEST - 64 * KIB);
    }

    #[test]
    fn a_reader_that_does_not_has_what_it_had() {
        let mut windows = Windows::new(64 * 1024, WIDEST);
        let mut window = Window::default();
        for _ in 0..100 {
            let consumed = Consumed {
                bytes: 64 * KIB,
                taken: 64 * KIB,
                keeps_up: false,
            };
            assert_eq!(window.after(consumed, &mut windows), 64 * KIB);
        }
        let held = Consumed {
            bytes: 64 * KIB,
            taken: 0,
            keeps_up: true,
        };
        let mut unread = Window::default();
        for _ in 0..100 {
            assert_eq!(unread.after(held, &mut windows), 64 * KIB);
        }
        assert_eq!(window.begin(&mut windows), 0);
    }

    #[test]
    fn no_more_is_lent_than_there_is_and_it_comes_back() {
        let mut windows = Windows::new(1024, 100 * KIB);
        let mut fast = Window::default();
        for _ in 0..100 {
            fast.after(read(WIDEST), &mut windows);
        }
        assert_eq!((fast.lent, windows.left), (100 * KIB, 0));
        assert_eq!(Window::default().after(read(WIDEST), &mut windows), WIDEST);
        windows.take_back(&fast);
        assert_eq!(windows.left, 100 * KIB);
    }
}
