//! The service that all contenders answer: it echoes.

use tonic::{Request, Response, Status, Streaming};

use self::pb::Payload;
use self::pb::bench_server::Bench;

/// What tonic generated.
#[allow(missing_docs, unreachable_pub, reason = "generated")]
#[allow(clippy::all, clippy::clone_on_ref_ptr, reason = "generated")]
pub mod pb {
    tonic::include_proto!("bench.v1");
}

/// Answers with what it was asked, as cheaply as tonic can.
#[derive(Debug, Clone, Copy)]
pub(super) struct Echo;

#[tonic::async_trait]
impl Bench for Echo {
    type BidiStream = Streaming<Payload>;

    async fn unary(&self, request: Request<Payload>) -> Result<Response<Payload>, Status> {
        Ok(Response::new(request.into_inner()))
    }

    async fn bidi(
        &self,
        request: Request<Streaming<Payload>>,
    ) -> Result<Response<Self::BidiStream>, Status> {
        Ok(Response::new(request.into_inner()))
    }
}
