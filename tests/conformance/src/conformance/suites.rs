//! The suites of `data`.

use super::case::Suite;

const FILES: [&str; 19] = [
    include_str!("../../data/basic.toml"),
    include_str!("../../data/errors.toml"),
    include_str!("../../data/timeouts.toml"),
    include_str!("../../data/deadline_propagation.toml"),
    include_str!("../../data/duplicate_metadata.toml"),
    include_str!("../../data/client_cancellation.toml"),
    include_str!("../../data/server_message_size.toml"),
    include_str!("../../data/server_empty.toml"),
    include_str!("../../data/streaming_delivery.toml"),
    include_str!("../../data/grpc_web_client_empty.toml"),
    include_str!("../../data/grpc_web_client_trailers.toml"),
    include_str!("../../data/grpc_web_client_unexpected.toml"),
    include_str!("../../data/grpc_web_client_compressed_trailers.toml"),
    include_str!("../../data/grpc_web_client_proto_subformat.toml"),
    include_str!("../../data/grpc_web_server_unexpected.toml"),
    include_str!("../../data/grpc_web_server_proto_subformat.toml"),
    include_str!("../../data/client_http_to_rpc_code.toml"),
    include_str!("../../data/client_unexpected.toml"),
    include_str!("../../data/server_unexpected.toml"),
];

/// All of them.
///
/// # Panics
/// When a file is not a suite.
#[must_use]
pub fn suites() -> Vec<Suite> {
    let suite = |text: &&str| toml::from_str(text).expect("a suite");
    FILES.iter().map(suite).collect()
}
