//! What calls an example device, and checks its answers.

use std::time::{Duration, Instant};

use grpc_websocket_tokio::Channel;
use sha2::{Digest as _, Sha256};
use tokio::time::sleep;
use tonic::body::Body;
use tonic::client::GrpcService;

use crate::proto;
use crate::proto::ota_client::OtaClient;
use crate::proto::thermostat_client::ThermostatClient;

/// Of an image of 8 MiB, and each of 1 KiB.
const CHUNKS: usize = 8 * 1024;

/// Makes calls of all kinds, one after the other.
///
/// # Panics
/// When one is not answered as it should be.
pub async fn call_all_kinds<T>(transport: T)
where
    T: GrpcService<Body> + Clone + Send + 'static,
    T::Error: Into<tonic::codegen::StdError>,
    T::Future: Send,
    T::ResponseBody: tonic::codegen::Body<Data = tonic::codegen::Bytes> + Send + 'static,
    <T::ResponseBody as tonic::codegen::Body>::Error: Into<tonic::codegen::StdError> + Send,
{
    let mut thermostat = ThermostatClient::new(transport.clone());
    let state = thermostat.set(set(21_500)).await.unwrap().into_inner();
    assert_eq!(state.target_millidegrees, 21_500);
    let cold = thermostat.set(set(0)).await.unwrap_err();
    assert_eq!(cold.message(), "5 to 30 \u{b0}C");

    let watch = proto::WatchRequest::default();
    let mut states = thermostat.watch(watch).await.unwrap().into_inner();
    let state = states.message().await.unwrap().unwrap();
    assert_eq!(state.target_millidegrees, 21_500);
    drop(states);

    let targets = tokio_stream::iter((0..20).map(|n| set(10_000 + n)));
    let mut answers = thermostat.adjust(targets).await.unwrap().into_inner();
    for n in 0..20 {
        let state = answers.message().await.unwrap().unwrap();
        assert_eq!(state.target_millidegrees, 10_000 + n);
    }
    assert!(answers.message().await.unwrap().is_none());
    drop(answers);

    let chunks = (0..200).map(|_| proto::Chunk {
        data: vec![1; 1000],
    });
    let image = OtaClient::new(transport)
        .upload(tokio_stream::iter(chunks))
        .await;
    assert_eq!(image.unwrap().into_inner().length, 200_000);
}

/// Uploads an image of 8 MiB, and makes unary calls meanwhile. Returns the time that the longest of them
/// took.
///
/// # Panics
/// When the device says that something else arrived, or does not answer.
pub async fn upload_image(channel: Channel) -> Duration {
    let mut ota = OtaClient::new(channel.clone());
    let chunks = (0..CHUNKS).map(|n| proto::Chunk { data: chunk(n) });
    let mut uploading = tokio::spawn(async move { ota.upload(tokio_stream::iter(chunks)).await });
    let mut thermostat = ThermostatClient::new(channel);
    let mut longest = Duration::ZERO;
    let image = loop {
        tokio::select! {
            image = &mut uploading => break image.expect("no panic").expect("an answer"),
            () = sleep(Duration::from_millis(20)) => {
                let begun = Instant::now();
                thermostat.get(proto::GetRequest {}).await.expect("an answer");
                longest = longest.max(begun.elapsed());
            }
        }
    };
    let mut expected = Sha256::new();
    (0..CHUNKS).for_each(|n| expected.update(chunk(n)));
    assert_eq!(image.get_ref().length as usize, CHUNKS * 1024);
    assert_eq!(image.get_ref().sha256, expected.finalize().as_slice());
    longest
}

fn chunk(number: usize) -> Vec<u8> {
    vec![(number % 251) as u8; 1024]
}

fn set(target_millidegrees: i32) -> proto::SetRequest {
    proto::SetRequest {
        target_millidegrees,
    }
}
