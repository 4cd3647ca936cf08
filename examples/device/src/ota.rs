//! Images over the air: `device.v1.Ota`.

use grpc_websocket_embassy::stub::Requests;
use grpc_websocket_embassy::{Code, Status};
use sha2::{Digest as _, Sha256};

use crate::generated::ota_server::Ota;
use crate::{Chunk, Device, Image};

/// Where an image goes.
pub trait Flash {
    /// Writes bytes behind those that were written before; the first at 0.
    fn write(&mut self, at: u32, bytes: &[u8]) -> impl Future<Output = Result<(), FlashError>>;
}

/// There is no room for more, or it is broken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlashError;

impl<F: Flash> Ota for Device<F> {
    /// As slowly as the flash is, so fast its client sends.
    async fn upload(
        &self,
        chunks: &mut impl Requests<Chunk>,
        buffer: &mut [u8],
    ) -> Result<Image, Status> {
        let Ok(mut flash) = self.flash.try_lock() else {
            return Err(Status::new(Code::Aborted, "another upload goes on"));
        };
        let mut hash = Sha256::new();
        let mut length = 0_u32;
        loop {
            // Not `while let`: that would keep two more chunks in memory while the flash is written.
            let Some(Chunk { data }) = chunks.message(buffer).await? else {
                break;
            };
            hash.update(&data);
            let written = flash.write(length, &data).await;
            written.map_err(|FlashError| Status::new(Code::OutOfRange, "the image is too long"))?;
            length = length.saturating_add(u32::try_from(data.len()).unwrap_or(u32::MAX));
        }
        let sha256 = hash.finalize();
        let sha256 = sha256.as_slice().try_into().unwrap_or_default();
        Ok(Image { length, sha256 })
    }
}
