//! Clients that dial a device.

use std::net::SocketAddr;
use std::time::Duration;

use grpc_websocket_conformance::wire::SingleClient;
use grpc_websocket_device_example::{Device, Flash, FlashError, serve};
use grpc_websocket_devices::proto::ota_client::OtaClient;
use grpc_websocket_devices::proto::thermostat_client::ThermostatClient;
use grpc_websocket_devices::{accept, call_all_kinds, proto};
use grpc_websocket_embassy::codec::Raw;
use grpc_websocket_embassy::{Code, Config, Incoming, Metadata, Server, State, Status};
use grpc_websocket_tokio::{Channel, Endpoint, Subprotocols};
use tokio::time::sleep;
use tokio_stream as stream;
use tonic::Request;
use tonic::metadata::MetadataValue;

const WORKERS: usize = 2;

/// A flash of so many bytes.
struct Room(u32);

impl Flash for Room {
    async fn write(&mut self, at: u32, _: &[u8]) -> Result<(), FlashError> {
        if at < self.0 { Ok(()) } else { Err(FlashError) }
    }
}

fn config() -> Config {
    Config::DEFAULT.with_max_incoming_calls(WORKERS)
}

/// Runs a test with the example device.
async fn with_device(test: impl AsyncFnOnce(SocketAddr)) {
    let device = Device::new(Room(1_000_000));
    let mut state = State::<WORKERS, 256, 256>::new();
    let app = async |server: Server<'_, WORKERS, 256, 256>| {
        let work = || serve(server, &device);
        tokio::join!(work(), work());
    };
    accept(config(), &mut state, app, test).await;
}

fn channel(address: SocketAddr, subprotocols: Subprotocols) -> Channel {
    Endpoint::new(format!("ws://{address}"))
        .unwrap()
        .subprotocols(subprotocols)
        .connect_lazy()
}

#[tokio::test]
async fn a_channel_calls_a_device_in_all_kinds() {
    for subprotocols in [Subprotocols::Mux, Subprotocols::Single] {
        with_device(async |address| call_all_kinds(channel(address, subprotocols)).await).await;
    }
}

#[tokio::test]
async fn a_plain_client_calls_a_device_in_all_kinds() {
    with_device(async |address| call_all_kinds(SingleClient(address)).await).await;
}

#[tokio::test]
async fn an_answer_before_an_upload_is_over_arrives() {
    for subprotocols in [Subprotocols::Mux, Subprotocols::Single] {
        with_device(async |address| {
            for _ in 0..5 {
                let chunks = (0..4000).map(|_| proto::Chunk {
                    data: vec![1; 1000],
                });
                let mut ota = OtaClient::new(channel(address, subprotocols));
                let full = ota.upload(stream::iter(chunks)).await.unwrap_err();
                assert_eq!(full.message(), "the image is too long", "{subprotocols:?}");
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_message_that_is_too_long_is_resource_exhausted() {
    for subprotocols in [Subprotocols::Mux, Subprotocols::Single] {
        for len in [1025, 10_000, 70_000, 1_000_000] {
            with_device(async |address| {
                let chunk = proto::Chunk { data: vec![1; len] };
                let mut ota = OtaClient::new(channel(address, subprotocols));
                let status = ota.upload(stream::iter([chunk])).await.unwrap_err();
                let context = format!("{subprotocols:?} {len} {status:?}");
                assert_eq!(status.code(), tonic::Code::ResourceExhausted, "{context}");
            })
            .await;
        }
    }
}

type Call<'a> = Incoming<'a, Raw, WORKERS, 256, 256>;

/// Answers by the path: with metadata, or never.
async fn answer(server: Server<'_, WORKERS, 256, 256>) {
    let mut buffer = [0; 256];
    loop {
        let (request, call) = server.accept(&mut buffer).await;
        let fields = request.metadata();
        let binary: Vec<_> = fields.filter(|field| field.is("x-id-bin")).collect();
        let ids = binary.iter().map(|field| field.value().to_vec());
        let ids: Vec<u8> = ids.flatten().collect();
        let never = request.timeout().is_some();
        let _ = if never {
            wait(call).await
        } else {
            echo(call, &ids).await
        };
    }
}

async fn wait(mut call: Call<'_>) -> Result<(), Status> {
    let status = call.closed().await;
    // The client's clock may be the first.
    let ends = [Code::DeadlineExceeded, Code::Cancelled];
    assert!(ends.contains(&status.code()), "{status:?}");
    Err(status)
}

async fn echo(mut call: Call<'_>, ids: &[u8]) -> Result<(), Status> {
    let mut buffer = [0; 256];
    call.only_message::<&[u8]>(&mut buffer).await?;
    let mut metadata = Metadata::<64>::new();
    let id = std::str::from_utf8(ids).unwrap();
    metadata.insert("x-id", id).unwrap();
    call.split().1.send_metadata(&metadata).await?;
    call.send(b"", &mut buffer).await?;
    let mut metadata = Metadata::<64>::new();
    metadata.insert_binary("x-last-bin", &[0, 0xff]).unwrap();
    call.finish_with(&Status::OK, &metadata).await
}

#[tokio::test]
async fn metadata_goes_both_ways() {
    for subprotocols in [Subprotocols::Mux, Subprotocols::Single] {
        let mut state = State::<WORKERS, 256, 256>::new();
        accept(config(), &mut state, answer, async |address| {
            let mut thermostat = ThermostatClient::new(channel(address, subprotocols));
            let mut request = Request::new(proto::WatchRequest::default());
            let id = MetadataValue::from_bytes(b"7");
            request.metadata_mut().insert_bin("x-id-bin", id);
            let response = thermostat.watch(request).await.unwrap();
            // The value as it is on the wire: base64.
            assert_eq!(response.metadata().get("x-id").unwrap(), "Nw");
            let mut states = response.into_inner();
            while states.message().await.unwrap().is_some() {}
            let trailers = states.trailers().await.unwrap().unwrap();
            let last = trailers.get_bin("x-last-bin").unwrap();
            assert_eq!(&last.to_bytes().unwrap()[..], [0, 0xff]);
        })
        .await;
    }
}

#[tokio::test]
async fn a_deadline_ends_a_call_at_both_ends() {
    for subprotocols in [Subprotocols::Mux, Subprotocols::Single] {
        let mut state = State::<WORKERS, 256, 256>::new();
        accept(config(), &mut state, answer, async |address| {
            let mut thermostat = ThermostatClient::new(channel(address, subprotocols));
            for _ in 0..3 {
                let mut request = Request::new(proto::GetRequest {});
                request.set_timeout(Duration::from_millis(50));
                let late = thermostat.get(request).await.unwrap_err();
                assert_eq!(late.code(), tonic::Code::DeadlineExceeded);
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_client_that_vanishes_leaves_its_place() {
    for subprotocols in [Subprotocols::Mux, Subprotocols::Single] {
        with_device(async |address| {
            for _ in 0..2 * WORKERS {
                let mut thermostat = ThermostatClient::new(channel(address, subprotocols));
                let watch = proto::WatchRequest::default();
                let mut states = thermostat.watch(watch).await.unwrap().into_inner();
                states.message().await.unwrap().unwrap();
                sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
    }
}
