//! What came of a call, as its client sees it.

use std::time::Instant;

use prost::Message as _;
use prost_types::Any;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};

use crate::proto::conformance::{ConformancePayload, UnaryResponse};

/// See the module.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: Code,
    pub(crate) message: String,
    pub(crate) headers: MetadataMap,
    pub(crate) trailers: MetadataMap,
    pub(crate) payloads: Vec<ConformancePayload>,
    /// When each of them came.
    pub(crate) arrived: Vec<Instant>,
    pub(crate) details: Vec<Any>,
}

impl Outcome {
    pub(crate) fn new() -> Self {
        Self {
            code: Code::Ok,
            message: String::new(),
            headers: MetadataMap::new(),
            trailers: MetadataMap::new(),
            payloads: Vec::new(),
            arrived: Vec::new(),
            details: Vec::new(),
        }
    }

    pub(crate) fn receive(&mut self, response: UnaryResponse) {
        self.payloads.push(response.payload.unwrap_or_default());
        self.arrived.push(Instant::now());
    }

    pub(crate) fn end(mut self, result: Result<(), Status>) -> Self {
        let Err(status) = result else { return self };
        self.code = status.code();
        status.message().clone_into(&mut self.message);
        self.trailers = status.metadata().clone();
        if let Ok(details) = crate::proto::rpc::Status::decode(status.details()) {
            self.details = details.details;
        }
        self
    }
}
