//! Generates tonic's side of the example device, without protoc.

use std::error::Error;

const INCLUDES: &str = "../../examples/device/proto";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={INCLUDES}");
    let files = protox::compile(["device/v1/device.proto"], [INCLUDES])?;
    tonic_prost_build::configure()
        .build_transport(false)
        .compile_fds(files)?;
    Ok(())
}
