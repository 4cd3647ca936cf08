//! Compiles `proto/demo.proto` without `protoc`, and derives the Content-Security-Policy of the
//! demo page from the page itself.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message as _;
use sha2::{Digest as _, Sha256};

const PROTO: &str = "proto/demo.proto";
const PAGE: &str = "src/demo/page.html";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed={PROTO}");
    println!("cargo::rerun-if-changed={PAGE}");
    let out_dir = PathBuf::from(env::var("OUT_DIR")?);
    compile_proto(&out_dir)?;
    let policy = content_security_policy(&fs::read_to_string(PAGE)?)?;
    fs::write(out_dir.join("page.csp"), policy)?;
    Ok(())
}

/// Generates the services, and keeps the descriptor set for server reflection.
fn compile_proto(out_dir: &Path) -> Result<(), Box<dyn Error>> {
    let descriptors = protox::compile([PROTO], ["proto"])?;
    fs::write(out_dir.join("demo.binpb"), descriptors.encode_to_vec())?;
    tonic_prost_build::configure()
        .build_transport(false)
        .compile_fds(descriptors)?;
    Ok(())
}

/// Lets the page run its own script and style, told by their hashes, and call its own server.
fn content_security_policy(page: &str) -> Result<String, Box<dyn Error>> {
    let script = source_hash(page, "<script>", "</script>")?;
    let style = source_hash(page, "<style>", "</style>")?;
    Ok(format!(
        "default-src 'none'; script-src {script}; style-src {style}; img-src data:; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ))
}

/// The CSP source expression of the one element between `start` and `end`.
fn source_hash(page: &str, start: &str, end: &str) -> Result<String, Box<dyn Error>> {
    let element = page
        .split_once(start)
        .and_then(|(_, rest)| rest.split_once(end))
        .map(|(element, _)| element)
        .ok_or_else(|| format!("{PAGE} has no {start} element"))?;
    // A browser hashes what its parser made of the page, where every line ends in LF.
    let digest = Sha256::digest(element.replace("\r\n", "\n"));
    Ok(format!("'sha256-{}'", STANDARD.encode(digest)))
}
