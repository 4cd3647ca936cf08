//! Fails in the way that the setting `how` says (`panic`, `fault`, `overflow`, `hang`), so that
//! tests of firmware can be tested.
#![no_std]
#![no_main]

use core::hint::black_box;

use embassy_executor::Spawner;
use firmware_mps2::{Board, exit, log};

#[embassy_executor::main(executor = "firmware_mps2::Executor", entry = "cortex_m_rt::entry")]
async fn main(_spawner: Spawner) {
    let board = Board::new();
    log!("up");
    match board.settings.get("how") {
        Some("panic") => panic!("on purpose"),
        Some("fault") => cortex_m::asm::udf(),
        Some("overflow") => exit(deepen(0) == 0),
        Some("hang") => core::future::pending().await,
        _ => exit(false),
    }
}

/// Uses more stack than there is.
fn deepen(depth: usize) -> usize {
    let frame = black_box([depth; 16]);
    if frame[0] == usize::MAX {
        0
    } else {
        deepen(depth + 1) + frame[1]
    }
}
