//! Entry points that call every public function of the core, for the linker to look at. They are
//! never run.

#![no_std]

#[cfg(feature = "adapter")]
mod adapter;
mod client;
mod input;
mod mux;
#[cfg(feature = "self-check")]
mod self_check;
mod server;
mod sink;
mod wire;
mod ws;

pub use input::Input;

unsafe extern "C" {
    /// Defined nowhere: a binary that needs it does not link.
    fn a_panic_is_reachable() -> !;
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: never run, for it never links.
    unsafe { a_panic_is_reachable() }
}
