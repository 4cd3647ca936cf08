//! Board support for `mps2-an386`, a board of ARM with a Cortex-M4 that QEMU emulates: network,
//! time, executor, and the host at the other end of the debugger (semihosting).
//!
//! ```text
//! board.rs        what a program starts with: its settings, its network
//! executor.rs     runs tasks, sleeps when there is nothing to do, and counts what the rest cost
//! lan9118.rs      driver of the Ethernet chip, for embassy-net
//! time.rs         driver of the timers, for embassy-time
//! interrupts.rs   the vector table
//! registers.rs    registers of peripherals
//! dial.rs         keeps a socket connected to a server
//! tls.rs          the same by TLS, to a server that proves who it is
//! flash.rs        a flash that forgets
//! host.rs         semihosting: log, settings, exit code; the panic handler
//! random.rs       random numbers for keys
//! stack.rs        how deep the stack was
//! ```
//!
//! `unsafe` is only where hardware is touched, and each place says why it is right.
#![no_std]
#![deny(unsafe_code)]

mod board;
mod dial;
mod executor;
mod flash;
mod host;
mod interrupts;
mod lan9118;
#[cfg(feature = "tls")]
mod random;
mod registers;
mod stack;
mod time;
#[cfg(feature = "tls")]
pub mod tls;

pub use board::{Board, HOST};
pub use dial::dial;
pub use executor::{Busy, Executor};
pub use flash::SlowFlash;
pub use host::{Settings, exit, print};
pub use lan9118::Lan9118;
#[cfg(feature = "tls")]
pub use random::Random;

/// Logs a line on the host's standard output. Costs nothing without the feature `log`.
#[macro_export]
macro_rules! log {
    ($($part:tt)*) => {
        $crate::print(format_args!($($part)*))
    };
}
