//! Generated clients and servers, against each other and against tonic's.

mod cloud;
mod device;

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use grpc_websocket_codegen_stubs::micropb::golden::types::v1::Point;
use grpc_websocket_codegen_stubs::micropb::golden::v1::everything_client::{
    self, EverythingClient,
};
use grpc_websocket_codegen_stubs::micropb::golden::v1::everything_server::{
    self, EverythingServer,
};
use grpc_websocket_codegen_stubs::micropb::golden::v1::nothing_server::{self, NothingServer};
use grpc_websocket_codegen_stubs::micropb::golden::v1::{Item, Item_, Query};
use grpc_websocket_codegen_stubs::micropb::google::protobuf::Empty;
use grpc_websocket_codegen_tests::tonic::golden;
use grpc_websocket_codegen_tests::tonic::golden::v1 as tonic_v1;
use grpc_websocket_devices::{Cloud, Link, accept, dial};
use grpc_websocket_embassy::stub::Service as _;
use grpc_websocket_embassy::{Client, Code, Config, Metadata, Server, State, Status};
use grpc_websocket_tokio::{Channel, Endpoint, Subprotocols};
use tokio_stream::StreamExt as _;
use tonic::service::Routes;

use self::cloud::CloudAnswers;
use self::device::Answers;

const WORKERS: usize = 2;
/// Of windows and output.
const BYTES: usize = 512;

type Device<'a> = Server<'a, WORKERS, BYTES, BYTES>;

fn config() -> Config {
    Config::DEFAULT.with_max_incoming_calls(WORKERS)
}

fn text<const N: usize>(text: &str) -> heapless::String<N> {
    text.try_into().unwrap()
}

const BUFFER: usize = everything_server::BUFFER;
const _: () = assert!(BUFFER >= nothing_server::BUFFER);

async fn serve(server: Device<'_>) {
    let services = (
        NothingServer::new(&Answers),
        EverythingServer::new(&Answers),
    );
    let work = async || services.serve(server, &mut [0; BUFFER]).await;
    tokio::join!(work(), work());
}

fn item(string: &str, uint32: u32) -> Item {
    Item {
        string: text(string),
        uint32,
        ..Item::default()
    }
}

type Stub<'a> = EverythingClient<'a, WORKERS, BYTES, BYTES>;

/// A generated client's calls of all kinds.
async fn call_all_kinds(client: Client<'_, WORKERS, BYTES, BYTES>) {
    client.ready().await;
    let stub = EverythingClient::new(client);
    unary(stub).await;
    collect(stub).await;
    list(stub).await;
    exchange(stub).await;
    ping(stub).await;
}

async fn unary(stub: Stub<'_>) {
    let mut buffer = [0; everything_client::UNARY_BUFFER];
    let summary = stub.unary(&item("hi", 0), &mut buffer).await.unwrap();
    assert_eq!((summary.count, summary.text.as_str()), (1, "hi"));
    let status = stub.unary(&Item::default(), &mut buffer).await;
    assert_eq!(status, Err(Status::new(Code::InvalidArgument, "nothing")));
}

async fn collect(stub: Stub<'_>) {
    let mut buffer = [0; everything_client::COLLECT_BUFFER];
    let mut upload = stub.collect().await.unwrap();
    for uint32 in 1..=10 {
        upload.send(&item("", uint32), &mut buffer).await.unwrap();
    }
    assert_eq!(upload.finish(&mut buffer).await.unwrap().count, 55);
}

async fn list(stub: Stub<'_>) {
    let mut buffer = [0; everything_client::LIST_BUFFER];
    let query = Query { count: 3 };
    let mut items = stub.list(&query, &mut buffer).await.unwrap();
    for uint32 in 0..3 {
        let item = items.message(&mut buffer).await.unwrap().unwrap();
        assert_eq!(item.uint32, uint32);
    }
    assert_eq!(items.message(&mut buffer).await, Ok(None));
}

async fn exchange(stub: Stub<'_>) {
    let mut buffer = [0; everything_client::EXCHANGE_BUFFER];
    let (mut sender, mut receiver) = stub.exchange().await.unwrap();
    for number in 1..=3_u8 {
        let (x, y) = (number.into(), number.into());
        let point = Point { x, y };
        sender.send(&point, &mut buffer).await.unwrap();
        let back = receiver.message(&mut buffer).await.unwrap();
        assert_eq!(back, Some(Point { x: -x, y: -y }));
    }
    sender.half_close().await.unwrap();
    let end = receiver.message(&mut buffer).await;
    assert_eq!(end, Err(Status::new(Code::OutOfRange, "no more")));
}

async fn ping(stub: Stub<'_>) {
    let mut buffer = [0; BUFFER];
    assert!(stub.ping(&Empty::default(), &mut buffer).await.is_ok());
    let mut part = Item_::Part::default();
    part.set_detail(Item_::Part_::Detail {
        text: text("I'm a teapot"),
    });
    let answer = stub.get_http_status(&part, &mut buffer).await.unwrap();
    assert_eq!(answer.r#type, "I'm a teapot");
}

/// Runs a client of a device.
async fn with_client<O>(
    address: SocketAddr,
    app: impl AsyncFnOnce(Client<'_, WORKERS, BYTES, BYTES>) -> O,
) -> O {
    let mut state = State::<WORKERS, BYTES, BYTES>::new();
    dial(Link::mux(address), &mut state, async |client, _, _| {
        app(client).await
    })
    .await
}

/// Runs a test with the device that answers.
async fn with_device(test: impl AsyncFnOnce(SocketAddr)) {
    let mut state = State::<WORKERS, BYTES, BYTES>::new();
    accept(config(), &mut state, serve, test).await;
}

fn channel(address: SocketAddr) -> Channel {
    let endpoint = Endpoint::new(format!("ws://{address}")).unwrap();
    endpoint.subprotocols(Subprotocols::Mux).connect_lazy()
}

fn routes() -> Routes {
    Routes::new(tonic_v1::everything_server::EverythingServer::new(
        CloudAnswers,
    ))
}

#[tokio::test]
async fn a_generated_client_calls_a_generated_server() {
    with_device(async |address| with_client(address, call_all_kinds).await).await;
}

#[tokio::test]
async fn a_generated_client_calls_tonic() {
    let server = Cloud::start(routes());
    with_client(server.address, call_all_kinds).await;
}

#[tokio::test]
async fn tonic_calls_a_generated_server() {
    with_device(async |address| {
        let mut client = tonic_v1::everything_client::EverythingClient::new(channel(address));
        let item = |uint32| tonic_v1::Item {
            uint32,
            string: "hi".into(),
            ..Default::default()
        };
        let summary = client.unary(item(0)).await.unwrap().into_inner();
        assert_eq!(summary.text, "hi");
        let items = tokio_stream::iter((1..=10).map(item));
        assert_eq!(client.collect(items).await.unwrap().into_inner().count, 55);
        let items = client
            .list(tonic_v1::Query { count: 3 })
            .await
            .unwrap()
            .into_inner();
        let items: Vec<_> = items.map(|item| item.unwrap().uint32).collect().await;
        assert_eq!(items, [0, 1, 2]);
        let points = tokio_stream::iter([golden::types::v1::Point { x: 1.0, y: 2.0 }]);
        let mut answers = client.exchange(points).await.unwrap().into_inner();
        let point = answers.message().await.unwrap().unwrap();
        assert_eq!(point, golden::types::v1::Point { x: -1.0, y: -2.0 });
        assert_eq!(
            answers.message().await.unwrap_err().code(),
            tonic::Code::OutOfRange
        );
        client.ping(()).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn several_services_are_on_one_connection_and_what_is_of_none_is_unimplemented() {
    with_device(async |address| {
        let channel = channel(address);
        let mut nothing = tonic_v1::nothing_client::NothingClient::new(channel.clone());
        let query = tonic_v1::Query { count: 7 };
        assert_eq!(nothing.unary(query).await.unwrap().into_inner(), query);
        let mut reserved = golden::r#type::crate_client::CrateClient::new(channel);
        let status = reserved
            .self_(golden::r#type::Self_::default())
            .await
            .unwrap_err();
        assert_eq!(status.code(), tonic::Code::Unimplemented);
        assert_eq!(status.message(), "no such method");
    })
    .await;
}

#[tokio::test]
async fn a_handler_that_waits_is_dropped_with_its_call() {
    with_device(async |address| {
        with_client(address, async |client| {
            client.ready().await;
            let mut buffer = [0; BUFFER];
            let stub = EverythingClient::new(client);
            // More than there are workers.
            for _ in 0..5 {
                let hasty = stub.with_timeout(embassy_time::Duration::from_millis(20));
                let status = hasty
                    .unary(&item("never", 0), &mut buffer)
                    .await
                    .unwrap_err();
                assert_eq!(status.code(), Code::DeadlineExceeded);
            }
            assert!(stub.unary(&item("hi", 0), &mut buffer).await.is_ok());
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn a_client_sends_its_metadata_and_keeps_its_time() {
    let server = Cloud::start(routes());
    with_client(server.address, async |client| {
        client.ready().await;
        let mut metadata = Metadata::<64>::new();
        metadata.insert("x-with", "this").unwrap();
        let stub = EverythingClient::new(client).with_metadata(&metadata);
        let mut buffer = [0; BUFFER];
        let summary = stub.unary(&item("with", 0), &mut buffer).await.unwrap();
        assert_eq!(summary.text, "this");
        let begun = Instant::now();
        let hasty = stub.with_timeout(embassy_time::Duration::from_millis(20));
        let status = hasty
            .unary(&item("never", 0), &mut buffer)
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::DeadlineExceeded);
        assert!(begun.elapsed() < Duration::from_secs(5));
    })
    .await;
}

#[tokio::test]
async fn a_slice_that_is_too_short_is_resource_exhausted() {
    let server = Cloud::start(routes());
    with_client(server.address, async |client| {
        client.ready().await;
        let stub = EverythingClient::new(client);
        let mut buffer = [0; BUFFER];
        let status = stub
            .unary(&item("hello", 0), &mut buffer[..5])
            .await
            .unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert_eq!(status.message(), "the buffer is too short");
    })
    .await;
}
