//! The vector table: which interrupts there are and who handles them.
#![allow(unsafe_code)]

use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::NVIC;
use cortex_m_rt::{ExceptionFrame, exception};

use crate::{exit, lan9118, log, time};

const COUNT: usize = 32;

/// The interrupts in use.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Interrupt {
    /// The second timer: the alarm of `time`.
    Alarm = 9,
    Ethernet = 13,
}

// SAFETY: these are the numbers in the manual of the board (ARM application note 386).
unsafe impl InterruptNumber for Interrupt {
    fn number(self) -> u16 {
        self as u16
    }
}

/// A place in the vector table.
type Handler = extern "C" fn();

// SAFETY: cortex-m-rt wants the table under this name in this section: one handler for each
// interrupt of the board.
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
static __INTERRUPTS: [Handler; COUNT] = {
    let mut table: [Handler; COUNT] = [unexpected; COUNT];
    table[Interrupt::Alarm as usize] = time::on_interrupt;
    table[Interrupt::Ethernet as usize] = lan9118::on_interrupt;
    table
};

/// Lets the handlers run. The drivers must be ready.
pub(crate) fn enable() {
    for interrupt in [Interrupt::Alarm, Interrupt::Ethernet] {
        // SAFETY: no critical section depends on masked interrupts: all of them turn off all.
        unsafe { NVIC::unmask(interrupt) };
    }
}

extern "C" fn unexpected() {
    log!("unexpected interrupt");
    exit(false);
}

/// A fault would loop for ever otherwise.
// SAFETY: it does not return, so it cannot leave the processor in a state that is not valid.
#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    log!("fault at {:#010x}", frame.pc());
    exit(false);
}
