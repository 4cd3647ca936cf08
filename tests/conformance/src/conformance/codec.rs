//! Requests as the bytes they are, responses as protobuf: all four responses of the service have
//! the same fields.

use bytes::{BufMut as _, Bytes};
use tonic::Status;
use tonic::codec::{Codec, EncodeBuf, Encoder};
use tonic_prost::{ProstCodec, ProstDecoder};

use crate::proto::conformance::UnaryResponse;

#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RawRequests;

impl Codec for RawRequests {
    type Encode = Bytes;
    type Decode = UnaryResponse;
    type Encoder = Self;
    type Decoder = ProstDecoder<UnaryResponse>;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstCodec::<UnaryResponse, UnaryResponse>::default().decoder()
    }
}

impl Encoder for RawRequests {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, target: &mut EncodeBuf<'_>) -> Result<(), Status> {
        target.put(item);
        Ok(())
    }
}
