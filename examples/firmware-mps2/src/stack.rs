//! How deep the stack was: cortex-m-rt paints it before `main`, and what is not painted any more
//! was in use.
#![allow(unsafe_code)]

use core::ptr::read_volatile;

use cortex_m_rt::STACK_PAINT_VALUE;

unsafe extern "C" {
    /// The lowest word of the stack, right behind the statics; link.x defines it.
    static _stack_end: u32;
    /// The word above its highest; link.x defines it.
    static _stack_start: u32;
}

/// Bytes of the stack.
pub(crate) struct Usage {
    /// The most that was in use since the start.
    pub(crate) used: usize,
    /// All RAM that the statics leave.
    pub(crate) size: usize,
}

impl Usage {
    pub(crate) fn measure() -> Self {
        let end = &raw const _stack_end;
        let start = &raw const _stack_start;
        let mut lowest = end;
        // SAFETY: all words from `_stack_end` to `_stack_start` are RAM, aligned, and initialised
        // by the paint. What is read is only compared.
        while lowest < start && unsafe { read_volatile(lowest) } == STACK_PAINT_VALUE {
            lowest = lowest.wrapping_add(1);
        }
        Self {
            used: start as usize - lowest as usize,
            size: start as usize - end as usize,
        }
    }
}
