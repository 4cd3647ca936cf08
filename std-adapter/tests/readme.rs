//! The code that the project's README shows is the code that is tested.

mod common;
mod example;

use common::{BLOCK, CHECK, SERVING, unary};
use example::Example;

const README: &str = include_str!("../../README.md");
const TONIC_SERVER: &str = include_str!("../examples/tonic_server.rs");
const TONIC_CLIENT: &str = include_str!("../examples/tonic_client.rs");
/// `tests/interop` calls the gateway with it.
const WEB_CLIENT: &str = include_str!("../../tests/interop/node/examples/improbable.ts");

#[test]
fn the_readme_shows_the_examples_as_they_are() {
    let (_, tonic_server) = TONIC_SERVER.split_once("\n\n").unwrap();
    assert!(
        README.contains(tonic_server),
        "README.md differs from examples/tonic_server.rs"
    );
    let (_, tonic_client) = TONIC_CLIENT.split_once("\n\n").unwrap();
    assert!(
        README.contains(tonic_client),
        "README.md differs from examples/tonic_client.rs"
    );
    assert!(
        README.contains(WEB_CLIENT),
        "README.md differs from the web client's example"
    );
}

#[tokio::test]
async fn the_tonic_server_of_the_readme_answers_over_websocket() {
    let example = Example::start("tonic_server");
    let (messages, _) = unary(example.address, CHECK, BLOCK).await;
    assert_eq!(messages[1], SERVING);
}

#[tokio::test]
async fn the_tonic_client_of_the_readme_calls_by_either_way() {
    let example = Example::start("tonic_server");
    for (scheme, by) in [("ws", "WebSocket"), ("http", "Http2")] {
        let uri = format!("{scheme}://{}", example.address);
        let printed = example::run("tonic_client", &uri).await;
        assert!(printed.contains(&format!("by Some({by})")), "{printed}");
    }
}
