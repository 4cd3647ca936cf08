//! Time for embassy, from two CMSDK timers of 25 MHz: the first runs freely, the second is the
//! alarm.
#![allow(unsafe_code)]

use core::cell::RefCell;
use core::task::Waker;

use embassy_sync::blocking_mutex::CriticalSectionMutex;
use embassy_time_driver::{Driver, TICK_HZ, time_driver_impl};
use embassy_time_queue_utils::Queue;

use crate::registers::Registers;

/// What both timers count down, in a second.
pub(crate) const CLOCK_HZ: u32 = 25_000_000;
/// Of them in a tick of embassy's, which is a microsecond.
const CLOCKS: u32 = CLOCK_HZ / TICK_HZ as u32;
/// The longest alarm, in ticks. The free timer must be read before it comes round, in 171 s.
const LONGEST: u64 = 60_000_000;

// SAFETY: two CMSDK APB timers, by the manual of the board. They cannot touch memory.
const FREE: Registers = unsafe { Registers::at(0x4000_0000) };
// SAFETY: as above.
const ALARM: Registers = unsafe { Registers::at(0x4000_1000) };

// Offsets of a timer's registers.
const CTRL: usize = 0x0;
const VALUE: usize = 0x4;
const RELOAD: usize = 0x8;
const INTERRUPT_CLEAR: usize = 0xc;

// Bits of CTRL.
const ENABLE: u32 = 1;
const INTERRUPT: u32 = 8;

time_driver_impl!(static TIMERS: Timers = Timers {
    state: CriticalSectionMutex::new(RefCell::new(State {
        now: 0,
        rest: 0,
        seen: 0,
        queue: Queue::new(),
    })),
});

struct Timers {
    state: CriticalSectionMutex<RefCell<State>>,
}

struct State {
    /// Ticks since the start.
    now: u64,
    /// Clocks since then that make no tick yet.
    rest: u32,
    /// What the free timer showed at that time.
    seen: u32,
    queue: Queue,
}

impl State {
    /// Brings `now` up to date.
    fn update(&mut self) -> u64 {
        let shown = clocks();
        // 32 bits are enough, and a 64-bit division is a library function.
        let passed = shown.wrapping_sub(self.seen) + self.rest;
        self.seen = shown;
        self.rest = passed % CLOCKS;
        self.now += u64::from(passed / CLOCKS);
        self.now
    }

    /// Wakes who waited for a time that has come, and sets the alarm for the next.
    fn wake(&mut self) {
        let now = self.update();
        let next = self.queue.next_expiration(now);
        let ticks = next.saturating_sub(now).min(LONGEST) as u32;
        ALARM.write(CTRL, 0);
        ALARM.write(VALUE, ticks * CLOCKS);
        ALARM.write(CTRL, ENABLE | INTERRUPT);
    }
}

impl Driver for Timers {
    fn now(&self) -> u64 {
        self.state.lock(|state| state.borrow_mut().update())
    }

    fn schedule_wake(&self, at: u64, waker: &Waker) {
        self.state.lock(|state| {
            let mut state = state.borrow_mut();
            if state.queue.schedule_wake(at, waker) {
                state.wake();
            }
        });
    }
}

/// Starts the timers.
pub(crate) fn start() {
    ALARM.write(RELOAD, u32::MAX);
    FREE.write(RELOAD, u32::MAX);
    FREE.write(VALUE, u32::MAX);
    FREE.write(CTRL, ENABLE);
}

/// What the free timer counted, from 0 upwards; it comes round.
pub(crate) fn clocks() -> u32 {
    FREE.read(VALUE).wrapping_neg()
}

/// The alarm.
pub(crate) extern "C" fn on_interrupt() {
    ALARM.write(INTERRUPT_CLEAR, 1);
    TIMERS.state.lock(|state| state.borrow_mut().wake());
}
