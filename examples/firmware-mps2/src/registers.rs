//! Registers of peripherals, by their address.
#![allow(unsafe_code)]

/// The registers of one peripheral, 32 bits each, named by their offset.
pub(crate) struct Registers {
    base: usize,
}

impl Registers {
    /// The peripheral at this address.
    ///
    /// # Safety
    ///
    /// There must be one, with registers at all offsets that are used, and it must not write memory
    /// by itself.
    pub(crate) const unsafe fn at(base: usize) -> Self {
        Self { base }
    }

    pub(crate) fn read(&self, offset: usize) -> u32 {
        // SAFETY: by the contract of `at` there is a register.
        unsafe { self.pointer(offset).read_volatile() }
    }

    pub(crate) fn write(&self, offset: usize, value: u32) {
        // SAFETY: by the contract of `at` there is a register, and to write it changes no memory.
        unsafe { self.pointer(offset).write_volatile(value) }
    }

    fn pointer(&self, offset: usize) -> *mut u32 {
        (self.base + offset) as *mut u32
    }
}
