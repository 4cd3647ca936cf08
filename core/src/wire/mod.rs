//! What travels: the byte-level forms of gRPC, each a pure function or a small value type.
//!
//! | module | form | defined by |
//! |---|---|---|
//! | [`prefix`] | the 5 bytes before every message and metadata block | gRPC PROTOCOL-HTTP2 "Length-Prefixed-Message", PROTOCOL-WEB |
//! | [`metadata`] | header and trailer blocks, `-bin` values | PROTOCOL-WEB "message framing", PROTOCOL-HTTP2 "Custom-Metadata" |
//! | [`status`] | `grpc-status`, `grpc-message` | PROTOCOL-HTTP2 "Status", "Status-Message" |
//! | [`mux`] | frame headers and SETTINGS of `grpc-mux.v1` | SPEC.md#frames, SPEC.md#settings |
//! | [`timeout`] | `grpc-timeout` | PROTOCOL-HTTP2 "Timeout" |
//!
//! Contract of this layer: no function panics, whatever the input; work is linear in the input's
//! length; output goes to memory of the caller.

mod base64;
pub mod metadata;
pub mod mux;
pub mod prefix;
pub(crate) mod scan;
pub mod status;
pub mod timeout;
