//! Generates tonic's side, without protoc.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto");
    let files = protox::compile(["golden/v1/everything.proto"], ["proto"])?;
    tonic_prost_build::configure()
        .build_transport(false)
        .include_file("protos.rs")
        .compile_fds(files)?;
    Ok(())
}
