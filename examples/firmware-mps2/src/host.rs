//! The host at the other end of the debugger, by semihosting: QEMU is it, or a probe.
#![allow(unsafe_code)]

use core::fmt::Arguments;
use core::panic::PanicInfo;

use cortex_m_semihosting::{debug, nr, syscall, syscall1};
use static_cell::ConstStaticCell;

use crate::{log, stack};

/// Bytes of the command line; a longer one is not read at all.
const LINE: usize = 256;

/// Settings that the host gives a program, so that nothing about the host is compiled in: words
/// `NAME=VALUE` of the command line.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    line: &'static str,
}

impl Settings {
    /// Reads them. Once only.
    pub(crate) fn read() -> Self {
        static BUFFER: ConstStaticCell<[u8; LINE]> = ConstStaticCell::new([0; LINE]);
        Self {
            line: command_line(BUFFER.take()).unwrap_or_default(),
        }
    }

    /// The value of a setting, unless the host did not give it.
    pub fn get(&self, name: &str) -> Option<&'static str> {
        self.line
            .split(' ')
            .filter_map(|word| word.split_once('='))
            .find_map(|(key, value)| (key == name).then_some(value))
    }

    /// The value of a setting that is a number. `None` also if it is none.
    pub fn number(&self, name: &str) -> Option<u16> {
        self.get(name)?.parse().ok()
    }
}

/// Asks the host for the command line.
fn command_line(buffer: &'static mut [u8]) -> Option<&'static str> {
    let mut block = [buffer.as_mut_ptr() as usize, buffer.len()];
    // SAFETY: SYS_GET_CMDLINE wants such a block; it writes at most so many bytes there, and then
    // into the block how many. Nobody else uses either during the call.
    let failed = unsafe { syscall1(nr::GET_CMDLINE, &raw mut block as usize) };
    if failed != 0 {
        return None;
    }
    core::str::from_utf8(buffer.get(..block[1])?).ok()
}

/// Seconds since 1970 by the host's clock: the only thing here that is not the same at each boot.
pub(crate) fn seconds() -> u32 {
    // SAFETY: SYS_TIME has no argument and touches no memory.
    unsafe { syscall!(TIME) as u32 }
}

/// Logs a line; see `log!`.
pub fn print(line: Arguments<'_>) {
    if cfg!(feature = "log") {
        cortex_m_semihosting::hprintln!("{}", line);
    }
}

/// Ends the program. The host's exit code is 0 on success, 1 otherwise; a stack that touched its
/// end is no success.
pub fn exit(success: bool) -> ! {
    let stack = stack::Usage::measure();
    log!("stack: {} of {} bytes", stack.used, stack.size);
    let status = if success && stack.used < stack.size {
        debug::EXIT_SUCCESS
    } else {
        debug::EXIT_FAILURE
    };
    loop {
        debug::exit(status);
    }
}

#[panic_handler]
fn panicked(panic: &PanicInfo<'_>) -> ! {
    log!("{panic}");
    exit(false);
}
