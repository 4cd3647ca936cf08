//! A panic on purpose.

use core::hint::black_box;

use crate::Input;

/// Indexes by a value that nobody checks. With this the binary must not link.
#[unsafe(no_mangle)]
pub extern "C" fn link_self_check(input: &Input) {
    black_box(input.bytes()[usize::from(input.u8())]);
}
