//! gRPC's interop cases, by their names in its `doc/interop-test-descriptions.md`, and what that
//! page leaves to be written.

mod cancelling;
mod compressed;
mod many;
mod server;
mod streaming;
mod unary;

pub use server::{Interop, routes};

use std::pin::Pin;

use tonic::metadata::MetadataMap;
use tonic::{Request, Status};

use crate::channel::AnyChannel;
use crate::proto::testing::Payload;
use crate::proto::testing::test_service_client::TestServiceClient;

/// What came of a case: the error says what was not as it should be.
pub type Verdict = Result<(), String>;

type Running = Pin<Box<dyn Future<Output = Verdict>>>;
type Client = TestServiceClient<AnyChannel>;

/// A case.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// Its name.
    pub name: &'static str,
    /// Runs it through a channel; the service tells what it saw.
    pub run: fn(AnyChannel, Interop) -> Running,
}

macro_rules! cases {
    ($($module:ident :: $name:ident),* $(,)?) => {
        &[$(Case {
            name: stringify!($name),
            run: |channel, interop| Box::pin($module::$name(channel, interop)),
        }),*]
    };
}

/// The cases that the page describes.
pub const CASES: &[Case] = cases![
    unary::empty_unary,
    unary::large_unary,
    compressed::client_compressed_unary,
    compressed::server_compressed_unary,
    streaming::client_streaming,
    compressed::client_compressed_streaming,
    streaming::server_streaming,
    compressed::server_compressed_streaming,
    streaming::ping_pong,
    streaming::empty_stream,
    unary::custom_metadata,
    unary::status_code_and_message,
    unary::special_status_message,
    unary::unimplemented_method,
    unary::unimplemented_service,
    cancelling::cancel_after_begin,
    cancelling::cancel_after_first_response,
    cancelling::timeout_on_sleeping_server,
];

/// The cases that the page leaves to be written.
pub const MORE_CASES: &[Case] = cases![
    many::concurrent_large_unary,
    many::a_thousand_calls_at_once,
    many::a_thousand_timeouts_at_once,
    many::flow_control_holds_a_server_back,
    many::flow_control_holds_a_client_back,
    cancelling::cancel_before_start,
    cancelling::cancel_after_sent,
    cancelling::cancel_after_headers,
    unary::large_header,
    streaming::server_answers_before_the_request_ends,
];

fn client(channel: AnyChannel) -> Client {
    Client::new(channel)
}

fn zeros(len: i32) -> Option<Payload> {
    let len = len.try_into().expect("a length");
    Some(Payload { body: vec![0; len] })
}

fn len(payload: Option<&Payload>) -> i32 {
    let len = payload.map_or(0, |payload| payload.body.len());
    len.try_into().expect("a short payload")
}

fn request<T>(message: T, metadata: MetadataMap) -> Request<T> {
    let mut request = Request::new(message);
    *request.metadata_mut() = metadata;
    request
}

/// An error is a verdict.
fn ok<T>(result: Result<T, Status>) -> Result<T, String> {
    result.map_err(|status| format!("{:?}: {}", status.code(), status.message()))
}

fn equal<T: PartialEq + std::fmt::Debug>(what: &str, is: &T, should: &T) -> Verdict {
    if is == should {
        return Ok(());
    }
    Err(format!("{what}: {is:?} is not {should:?}"))
}

/// The code of a call that must fail.
fn code<T>(result: Result<T, Status>, should: tonic::Code) -> Result<Status, String> {
    let Err(status) = result else {
        return Err(format!("it is OK, not {should:?}"));
    };
    equal(status.message(), &status.code(), &should)?;
    Ok(status)
}
