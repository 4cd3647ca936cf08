//! gRPC's rules as both roles keep them, one test for each. What a single function says of a
//! single value is in the unit tests; what a stream of bytes means is in the vectors.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]
#![allow(clippy::arithmetic_side_effects)]

#[path = "grpc_rules/client.rs"]
mod client;
#[path = "grpc_rules/metadata.rs"]
mod metadata;
#[path = "grpc_rules/server.rs"]
mod server;

use std::time::Duration;

use grpc_websocket_core::single::{Client, Fragment, Server};
use grpc_websocket_core::{Event, Instant, Limits, RecvError};

const HELLO: &[u8] = b"\0\0\0\0\x05hello";
const INITIAL: &[u8] = b"\x80\0\0\0\x08x-h: 1\r\n";
const TRAILERS: &[u8] = b"\x80\0\0\0\x10grpc-status: 0\r\n";

fn at(secs: u64) -> Instant {
    Instant::EPOCH
        .checked_add(Duration::from_secs(secs))
        .unwrap()
}

fn client() -> Client {
    Client::new(Limits::DEFAULT)
}

/// A client whose initial metadata is sent.
fn open_client() -> Client {
    let mut client = client();
    assert_eq!(client.send_metadata(6).unwrap().payload_len(), 6);
    client
}

fn server() -> Server {
    Server::new(Instant::EPOCH, Limits::DEFAULT)
}

/// A server that has the initial metadata of its client.
fn open_server() -> Server {
    let mut server = server();
    assert_eq!(
        serve(&mut server, b"a: b\r\n").unwrap(),
        [Event::InitialMetadata]
    );
    server
}

/// The events of a whole message, without the pieces of metadata.
fn serve<'i>(server: &mut Server, message: &'i [u8]) -> Result<Vec<Event<'i>>, RecvError> {
    let mut fragment = Fragment::message(message);
    events(|| server.recv(&mut fragment))
}

/// The same at a client.
fn answer<'i>(client: &mut Client, message: &'i [u8]) -> Result<Vec<Event<'i>>, RecvError> {
    let mut fragment = Fragment::message(message);
    events(|| client.recv(&mut fragment))
}

fn events<'i>(
    mut recv: impl FnMut() -> Result<Option<Event<'i>>, RecvError>,
) -> Result<Vec<Event<'i>>, RecvError> {
    let mut events = Vec::new();
    while let Some(event) = recv()? {
        events.push(event);
    }
    events.retain(|event| !matches!(event, Event::Metadata(_)));
    Ok(events)
}

fn data(bytes: &[u8]) -> Vec<u8> {
    [&[0], bytes].concat()
}
