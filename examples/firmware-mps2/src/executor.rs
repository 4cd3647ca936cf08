//! Runs the tasks of embassy, and counts what they cost.
//!
//! It is what embassy-executor has for Cortex-M, and a clock beside it: on another board its
//! `#[embassy_executor::main]` without arguments does the same.
#![allow(unsafe_code)]

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

use embassy_executor::{Spawner, raw};

use crate::time;

/// Nanoseconds of an instruction under QEMU's `-icount shift=5`.
const INSTRUCTION_NS: u32 = 32;
const CLOCK_NS: u32 = 1_000_000_000 / time::CLOCK_HZ;

/// Whether a task has been woken.
static WOKEN: AtomicBool = AtomicBool::new(false);
/// Clocks of the free timer that were slept through.
static SLEPT: AtomicU32 = AtomicU32::new(0);

/// Runs tasks, and sleeps in between.
pub struct Executor {
    tasks: raw::Executor,
}

impl Executor {
    /// One without tasks.
    #[allow(
        clippy::new_without_default,
        reason = "the macro of embassy-executor wants `new`"
    )]
    pub fn new() -> Self {
        Self {
            tasks: raw::Executor::new(core::ptr::null_mut()),
        }
    }

    /// Runs what `init` spawns, for ever.
    pub fn run(&'static mut self, init: impl FnOnce(Spawner)) -> ! {
        init(self.tasks.spawner());
        loop {
            WOKEN.store(false, Relaxed);
            // SAFETY: this is the only call, so it is never nested, and `__pender` does not make
            // it.
            unsafe { self.tasks.poll() };
            sleep();
        }
    }
}

/// A point in the time in which the processor did not sleep.
pub struct Busy {
    clocks: u32,
}

impl Busy {
    /// This one.
    pub fn now() -> Self {
        Self {
            clocks: time::clocks().wrapping_sub(SLEPT.load(Relaxed)),
        }
    }

    /// Instructions that ran since, in all tasks and interrupt handlers, if QEMU counts them
    /// (`-icount shift=5`). Exact to a few for each sleep in between; right for up to 100 s.
    pub fn instructions(&self) -> u32 {
        let clocks = Self::now().clocks.wrapping_sub(self.clocks);
        (u64::from(clocks) * u64::from(CLOCK_NS) / u64::from(INSTRUCTION_NS)) as u32
    }
}

/// Waits for an interrupt, unless a task is to run.
fn sleep() {
    // An interrupt that comes now ends `wfi` all the same; its handler runs when the clock was
    // read.
    cortex_m::interrupt::disable();
    if !WOKEN.load(Relaxed) {
        let before = time::clocks();
        cortex_m::asm::wfi();
        let slept = time::clocks().wrapping_sub(before);
        SLEPT.store(SLEPT.load(Relaxed).wrapping_add(slept), Relaxed);
    }
    // SAFETY: this is no critical section of somebody else: `run` calls it between tasks.
    unsafe { cortex_m::interrupt::enable() };
}

/// What embassy-executor calls when a task is woken.
// SAFETY: the name and the signature are those that it documents.
#[unsafe(export_name = "__pender")]
fn pender(_executor: *mut ()) {
    WOKEN.store(true, Relaxed);
}
