//! The opening handshake over transports in memory.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]
#![allow(clippy::arithmetic_side_effects)]

#[path = "handshake/both.rs"]
mod both;
#[path = "handshake/client.rs"]
mod client;
#[path = "handshake/client_io.rs"]
mod client_io;
mod common;
#[path = "handshake/server.rs"]
mod server;
#[path = "handshake/server_io.rs"]
mod server_io;

/// RFC 6455 section 1.3: this nonce has this key and this answer.
const NONCE: [u8; 16] = *b"the sample nonce";
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// A head with these lines.
fn head(lines: &[&str]) -> Vec<u8> {
    let lines = lines.iter().map(|line| format!("{line}\r\n"));
    let mut head: String = lines.collect();
    head.push_str("\r\n");
    head.into_bytes()
}

/// A head with these lines, but for those that begin as one of `changes` does up to its colon: they
/// are taken out. A change with a value is put in at the end.
fn changed(lines: &[&str], changes: &[&str]) -> Vec<u8> {
    let name = |line: &str| line.split(':').next().unwrap().to_ascii_lowercase();
    let kept = lines.iter().copied();
    let kept = kept.filter(|line| changes.iter().all(|change| name(change) != name(line)));
    let added = changes
        .iter()
        .copied()
        .filter(|change| !change.ends_with(':'));
    head(&kept.chain(added).collect::<Vec<_>>())
}
