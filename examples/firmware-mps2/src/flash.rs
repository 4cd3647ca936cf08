//! A flash that forgets.

use embassy_time::Timer;
use grpc_websocket_device_example::{Flash, FlashError};

/// Bytes that it takes.
const SIZE: u32 = 8 * 1024 * 1024;

/// What it needs for each write.
const MICROS: u64 = 100;

/// As large as a flash, and as slow, but it forgets what is written: on another board, the flash of its
/// HAL.
#[derive(Debug, Clone, Copy)]
pub struct SlowFlash;

impl Flash for SlowFlash {
    async fn write(&mut self, at: u32, bytes: &[u8]) -> Result<(), FlashError> {
        if bytes.len() > SIZE.saturating_sub(at) as usize {
            return Err(FlashError);
        }
        Timer::after_micros(MICROS).await;
        Ok(())
    }
}
