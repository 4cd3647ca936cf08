//! Generates the same .proto files with both back ends.

use std::error::Error;
use std::path::PathBuf;
use std::{env, fs};

use grpc_websocket_build::{Backend, configure};

const PROTOS: [&str; 1] = ["golden/v1/everything.proto"];
const INCLUDES: [&str; 1] = ["../proto"];

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    for (name, backend) in [("micropb", Backend::Micropb), ("prost", Backend::Prost)] {
        let folder = out.join(name);
        fs::create_dir_all(&folder)?;
        configure()
            .backend(backend)
            .max_bytes(".", 16)
            .max_len(".", 4)
            .max_bytes(".golden.v1.Item.bytes", 40)
            .out_dir(&folder)
            .include_file("protos.rs")
            .compile_protos(&PROTOS, &INCLUDES)?;
    }
    Ok(())
}
