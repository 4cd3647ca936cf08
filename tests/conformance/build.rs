//! Generates the messages and services of both sets of cases, without protoc.

use std::error::Error;

const FILES: [&str; 3] = [
    "proto/grpc/testing/test.proto",
    "proto/connectrpc/conformance/v1/service.proto",
    "proto/google/rpc/status.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let files = protox::compile(FILES, ["proto"])?;
    tonic_prost_build::configure()
        .build_transport(false)
        .compile_fds(files)?;
    Ok(())
}
