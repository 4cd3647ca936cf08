//! The code that the project's README shows is the code that is tested.

mod common;

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use common::{BLOCK, CHECK, SERVING, unary};

const README: &str = include_str!("../../README.md");
const TONIC_SERVER: &str = include_str!("../examples/tonic_server.rs");
/// `tests/interop` calls the gateway with it.
const WEB_CLIENT: &str = include_str!("../../tests/interop/node/examples/improbable.ts");

#[test]
fn the_readme_shows_the_examples_as_they_are() {
    let (_, tonic_server) = TONIC_SERVER.split_once("\n\n").unwrap();
    assert!(
        README.contains(tonic_server),
        "README.md differs from examples/tonic_server.rs"
    );
    assert!(
        README.contains(WEB_CLIENT),
        "README.md differs from the web client's example"
    );
}

/// Stopped when it goes out of scope.
struct Example(Child);

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn the_tonic_server_of_the_readme_answers_over_websocket() {
    // Cargo builds a package's examples beside its tests.
    let tests = std::env::current_exe().unwrap();
    let build: PathBuf = tests.ancestors().nth(2).unwrap().into();
    let mut example = Command::new(build.join("examples/tonic_server"))
        .arg("127.0.0.1:0")
        .stdout(Stdio::piped())
        .spawn()
        .map(Example)
        .unwrap();
    let mut line = String::new();
    let stdout = example.0.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut line).unwrap();
    let address = line
        .trim()
        .strip_prefix("listening on http://")
        .unwrap()
        .parse()
        .unwrap();
    let (messages, _) = unary(address, CHECK, BLOCK).await;
    assert_eq!(messages[1], SERVING);
}
