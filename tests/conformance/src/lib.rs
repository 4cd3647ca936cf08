//! Cases that every gRPC implementation is measured by, over WebSocket: gRPC's own interop cases,
//! and those of connectrpc/conformance.

pub mod channel;
pub mod conformance;
pub mod interop;
pub mod report;
pub mod target;
pub mod wire;

/// The generated messages and services.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::clone_on_ref_ptr)]
pub mod proto {
    /// Of gRPC's interop cases.
    pub mod testing {
        tonic::include_proto!("grpc.testing");
    }
    /// Of connectrpc/conformance.
    pub mod conformance {
        tonic::include_proto!("connectrpc.conformance.v1");
    }
    /// Of `grpc-status-details-bin`.
    pub mod rpc {
        tonic::include_proto!("google.rpc");
    }
}
