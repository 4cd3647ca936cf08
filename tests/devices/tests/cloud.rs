//! The cloud calls a device that dialled it.

use std::cell::RefCell;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use grpc_websocket_device_example::{Device, Flash, FlashError, serve};
use grpc_websocket_devices::proto::ota_client::OtaClient;
use grpc_websocket_devices::proto::thermostat_client::ThermostatClient;
use grpc_websocket_devices::{Cloud, Link, Telemetry, dial, proto, upload_image};
use grpc_websocket_embassy::handshake::Upgrade;
use grpc_websocket_embassy::{Config, State};
use grpc_websocket_tokio::Channel;
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, sleep, timeout};
use tonic::{Code, Request};

/// How many calls the device takes at once.
const WORKERS: usize = 3;

/// A flash that writes 1 KiB in the time.
struct Slow<'a>(Duration, &'a RefCell<Sha256>);

impl Flash for Slow<'_> {
    async fn write(&mut self, _: u32, bytes: &[u8]) -> Result<(), FlashError> {
        if !self.0.is_zero() {
            sleep(self.0).await;
        }
        self.1.borrow_mut().update(bytes);
        Ok(())
    }
}

/// No flash.
struct Full;

impl Flash for Full {
    async fn write(&mut self, _: u32, _: &[u8]) -> Result<(), FlashError> {
        Err(FlashError)
    }
}

/// Runs a test with a device that dialled in.
async fn with_device<F: Flash, const N: usize, const W: usize, const T: usize>(
    state: &mut State<N, W, T>,
    flash: F,
    test: impl AsyncFnOnce(Channel),
) {
    let cloud = Cloud::start(Telemetry::routes());
    let device = Device::new(flash);
    let headers = [("x-serial", "pump-7")];
    let link = Link {
        config: Config::DEFAULT.with_max_incoming_calls(WORKERS),
        upgrade: Upgrade::new("server", "/").headers(&headers),
        ..Link::mux(cloud.address)
    };
    dial(link, state, async |_, server, _| {
        let work = || serve(server, &device);
        tokio::select! {
            () = async { test(cloud.device("pump-7").await).await } => {}
            _ = async { tokio::join!(work(), work(), work()) } => {}
        }
    })
    .await;
}

fn set(target_millidegrees: i32) -> proto::SetRequest {
    proto::SetRequest {
        target_millidegrees,
    }
}

fn watch() -> proto::WatchRequest {
    proto::WatchRequest::default()
}

#[tokio::test]
async fn a_device_is_called_in_all_kinds() {
    let hash = RefCell::default();
    let mut state = State::<4, 256, 256>::new();
    with_device(&mut state, Slow(Duration::ZERO, &hash), async |channel| {
        let mut thermostat = ThermostatClient::new(channel.clone());
        let state = thermostat.get(proto::GetRequest {}).await.unwrap();
        assert_eq!(state.into_inner().target_millidegrees, 20_000);

        let mut states = thermostat.watch(watch()).await.unwrap().into_inner();
        assert_eq!(states.message().await.unwrap().unwrap().changes, 0);
        thermostat.set(set(21_500)).await.unwrap();
        let state = states.message().await.unwrap().unwrap();
        assert_eq!((state.target_millidegrees, state.changes), (21_500, 1));

        let targets = stream::iter((0..50).map(|n| set(10_000 + n)));
        let answers = thermostat.adjust(targets).await.unwrap().into_inner();
        let changes = answers.map(|state| state.unwrap().changes);
        assert_eq!(
            changes.collect::<Vec<_>>().await,
            (2..52).collect::<Vec<_>>()
        );

        let chunks = (0..100).map(|_| proto::Chunk {
            data: vec![1; 1000],
        });
        let image = OtaClient::new(channel).upload(stream::iter(chunks)).await;
        assert_eq!(image.unwrap().into_inner().length, 100_000);
    })
    .await;
}

#[tokio::test]
async fn statuses_arrive_with_their_messages() {
    let mut state = State::<4, 256, 256>::new();
    with_device(&mut state, Full, async |channel| {
        let mut thermostat = ThermostatClient::new(channel.clone());
        let cold = thermostat.set(set(0)).await.unwrap_err();
        assert_eq!(cold.code(), Code::InvalidArgument);
        assert_eq!(cold.message(), "5 to 30 \u{b0}C");
        let unknown = proto::telemetry_client::TelemetryClient::new(channel.clone());
        let unknown = { unknown }.report(proto::Reading::default()).await;
        assert_eq!(unknown.unwrap_err().code(), Code::Unimplemented);
        // The device answers before it has taken all.
        let chunks = (0..1000).map(|_| proto::Chunk {
            data: vec![1; 1000],
        });
        let full = OtaClient::new(channel).upload(stream::iter(chunks)).await;
        assert_eq!(full.unwrap_err().message(), "the image is too long");
        assert_eq!(
            thermostat
                .set(set(5_000))
                .await
                .unwrap()
                .into_inner()
                .changes,
            1
        );
    })
    .await;
}

#[tokio::test]
async fn a_field_longer_than_the_device_has_memory_for_is_resource_exhausted() {
    let mut state = State::<4, 256, 256>::new();
    with_device(&mut state, Full, async |channel| {
        let long = proto::Chunk {
            data: vec![1; 1025],
        };
        let longer = proto::Chunk {
            data: vec![1; 10_000],
        };
        let longest = proto::Chunk {
            data: vec![1; 70_000],
        };
        for chunk in [long, longer, longest] {
            let mut ota = OtaClient::new(channel.clone());
            let status = ota.upload(stream::iter([chunk])).await.unwrap_err();
            assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
        }
        ThermostatClient::new(channel)
            .set(set(5_000))
            .await
            .unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_device_learns_of_deadlines_and_cancelled_calls() {
    let mut state = State::<4, 256, 256>::new();
    with_device(&mut state, Full, async |channel| {
        let mut thermostat = ThermostatClient::new(channel);
        for round in 0..4 {
            // More than there are places, should one not be given back.
            let mut watching = Vec::new();
            for _ in 0..WORKERS {
                let mut request = Request::new(watch());
                if round % 2 == 0 {
                    request.set_timeout(Duration::from_millis(100));
                }
                let mut states = thermostat.watch(request).await.unwrap().into_inner();
                states.message().await.unwrap().unwrap();
                watching.push(states);
            }
            if round % 2 == 0 {
                let end = watching[0].message().await.unwrap_err();
                assert_eq!(end.code(), Code::DeadlineExceeded);
            }
            drop(watching);
            let set = thermostat.set(set(10_000));
            timeout(Duration::from_secs(2), set).await.unwrap().unwrap();
        }
    })
    .await;
}

/// 8 MiB, which the device has never in its memory.
#[tokio::test]
async fn an_image_arrives_whole_and_other_calls_go_on_meanwhile() {
    let written = RefCell::<Sha256>::default();
    let mut state = State::<4, 512, 512>::new();
    with_device(
        &mut state,
        Slow(Duration::ZERO, &written),
        async |channel| {
            let longest = upload_image(channel).await;
            assert!(longest < Duration::from_secs(1), "{longest:?}");
        },
    )
    .await;
    assert_eq!(written.take().finalize().as_slice().len(), 32);
}

#[tokio::test]
async fn a_slow_flash_slows_its_upload_and_nothing_else() {
    let written = RefCell::default();
    let mut state = State::<4, 512, 512>::new();
    let flash = Slow(Duration::from_millis(20), &written);
    with_device(&mut state, flash, async |channel| {
        let chunks = (0..50).map(|_| proto::Chunk {
            data: vec![1; 1024],
        });
        let mut ota = OtaClient::new(channel.clone());
        let begun = Instant::now();
        let uploading = tokio::spawn(async move { ota.upload(stream::iter(chunks)).await });
        sleep(Duration::from_millis(50)).await;
        // One at a time.
        let second = OtaClient::new(channel.clone())
            .upload(stream::iter([]))
            .await;
        assert_eq!(second.unwrap_err().code(), Code::Aborted);
        let since = Instant::now();
        ThermostatClient::new(channel)
            .get(proto::GetRequest {})
            .await
            .unwrap();
        assert!(since.elapsed() < Duration::from_millis(500));
        assert_eq!(
            uploading.await.unwrap().unwrap().into_inner().length,
            50 * 1024
        );
        assert!(begun.elapsed() >= Duration::from_secs(1));
    })
    .await;
}

#[tokio::test]
async fn more_calls_than_the_device_takes_wait() {
    let mut state = State::<4, 256, 256>::new();
    with_device(&mut state, Full, async |channel| {
        let calls = (0..100).map(|n| {
            let mut thermostat = ThermostatClient::new(channel.clone());
            async move { thermostat.set(set(10_000 + n)).await.unwrap() }
        });
        futures_util::future::join_all(calls).await;
    })
    .await;
}
