//! What grpc-websocket-build generates of `../proto`, with both back ends.
//!
//! A buffer that takes every message compiles:
//!
//! ```no_run
//! use grpc_websocket_codegen_stubs::micropb::golden::v1::Item;
//! use grpc_websocket_codegen_stubs::micropb::golden::v1::everything_client::{EverythingClient, UNARY_BUFFER};
//!
//! async fn call(stub: EverythingClient<'_, 1, 512, 512>) {
//!     let _ = stub.unary(&Item::default(), &mut [0; UNARY_BUFFER]).await;
//! }
//! let polled = |stub| drop(Box::pin(call(stub)) as std::pin::Pin<Box<dyn Future<Output = ()>>>);
//! let _: fn(EverythingClient<'static, 1, 512, 512>) = polled;
//! ```
//!
//! One byte less does not:
//!
//! ```compile_fail,E0080
//! use grpc_websocket_codegen_stubs::micropb::golden::v1::Item;
//! use grpc_websocket_codegen_stubs::micropb::golden::v1::everything_client::{EverythingClient, UNARY_BUFFER};
//!
//! async fn call(stub: EverythingClient<'_, 1, 512, 512>) {
//!     let _ = stub.unary(&Item::default(), &mut [0; UNARY_BUFFER - 1]).await;
//! }
//! let polled = |stub| drop(Box::pin(call(stub)) as std::pin::Pin<Box<dyn Future<Output = ()>>>);
//! let _: fn(EverythingClient<'static, 1, 512, 512>) = polled;
//! ```

#![no_std]

/// With messages of micropb.
#[cfg(feature = "micropb")]
pub mod micropb {
    include!(concat!(env!("OUT_DIR"), "/micropb/protos.rs"));
}

/// With messages of prost.
#[cfg(feature = "prost")]
pub mod prost {
    include!(concat!(env!("OUT_DIR"), "/prost/protos.rs"));
}
