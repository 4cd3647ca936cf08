//! A device calls tonic's services, on our server and through the gateway.

use std::time::Duration;

use futures_util::future::join_all;
use grpc_websocket_device_example::{Command, Outcome, Reading, sensor};
use grpc_websocket_devices::{Cloud, Link, Telemetry, dial, proto};
use grpc_websocket_embassy::codec::{Prost, Raw};
use grpc_websocket_embassy::{Client, Code, Item, Metadata, State, Status};
use grpc_websocket_hostile::{Gateway, Probe, Settings, eventually, routes};
use tokio::time::{Instant, sleep};

const UNARY: &str = "/hostile.v1.Hostile/Unary";
const DOWNLOAD: &str = "/hostile.v1.Hostile/Download";
const BIDI: &str = "/hostile.v1.Hostile/Bidi";
const HOLD: &str = "/hostile.v1.Hostile/Hold";

/// The links to call a method over: each subprotocol.
fn links(cloud: &Cloud, path: &'static str) -> [Link<'static>; 2] {
    [Link::mux(cloud.address), Link::single(cloud.address, path)]
}

fn reading(serial: &str) -> Reading {
    Reading {
        serial: serial.try_into().unwrap(),
        at: 1,
        millidegrees: -21_500,
    }
}

fn obey(command: &Command) -> Outcome {
    assert_eq!(command.name, "open");
    Outcome {
        id: command.id,
        done: true,
    }
}

async fn report<const N: usize, const W: usize, const T: usize>(client: Client<'_, N, W, T>) {
    client.ready().await;
    let receipt = sensor::report(client, &reading("s")).await.unwrap();
    assert_eq!(receipt.readings, 1);
}

async fn stream<const N: usize, const W: usize, const T: usize>(client: Client<'_, N, W, T>) {
    client.ready().await;
    let readings = (0..100).map(|_| reading("s"));
    let receipt = sensor::stream(client, readings).await.unwrap();
    assert_eq!(receipt.readings, 100);
}

async fn watch<const N: usize, const W: usize, const T: usize>(client: Client<'_, N, W, T>) {
    client.ready().await;
    let mut periods = Vec::new();
    let watched = sensor::watch(client, "s", |settings| {
        periods.push(settings.period_milliseconds);
    });
    assert_eq!(watched.await, Ok(()));
    assert_eq!(periods, [10, 20, 30]);
}

async fn commands<const N: usize, const W: usize, const T: usize>(client: Client<'_, N, W, T>) {
    client.ready().await;
    assert_eq!(sensor::commands(client, obey).await, Ok(()));
}

#[tokio::test]
async fn all_kinds_of_calls_go_over_one_connection_at_once() {
    let cloud = Cloud::start(Telemetry::routes());
    let mut state = State::<4>::new();
    dial(
        Link::mux(cloud.address),
        &mut state,
        async |client, _, _| {
            for _ in 0..5 {
                tokio::join!(
                    report(client),
                    stream(client),
                    watch(client),
                    commands(client)
                );
            }
        },
    )
    .await;
}

#[tokio::test]
async fn all_kinds_of_calls_go_through_the_gateway() {
    let cloud = Cloud::start(Telemetry::routes());
    let gateway = Gateway::start(cloud.address, Settings::default());
    let mut state = State::<4, 128, 256>::new();
    dial(
        Link::mux(gateway.address),
        &mut state,
        async |client, _, _| {
            tokio::join!(
                report(client),
                stream(client),
                watch(client),
                commands(client)
            );
        },
    )
    .await;
}

#[tokio::test]
async fn each_kind_goes_over_a_websocket_of_its_own() {
    let cloud = Cloud::start(Telemetry::routes());
    let gateway = Gateway::start(cloud.address, Settings::default());
    let mut state = State::<1, 128, 256>::new();
    for address in [cloud.address, gateway.address] {
        let single = |path| Link::single(address, path);
        let link = single("/device.v1.Telemetry/Report");
        dial(link, &mut state, async |client, _, _| report(client).await).await;
        let link = single("/device.v1.Telemetry/Stream");
        dial(link, &mut state, async |client, _, _| stream(client).await).await;
        let link = single("/device.v1.Telemetry/Watch");
        dial(link, &mut state, async |client, _, _| watch(client).await).await;
        let link = single("/device.v1.Telemetry/Commands");
        dial(link, &mut state, async |client, _, _| {
            commands(client).await;
        })
        .await;
    }
}

#[tokio::test]
async fn messages_may_be_prosts() {
    let cloud = Cloud::start(Telemetry::routes());
    let mut state = State::<1>::new();
    dial(
        Link::mux(cloud.address),
        &mut state,
        async |client, _, _| {
            client.ready().await;
            let reading = proto::Reading {
                serial: "s".to_owned(),
                at: 1,
                millidegrees: -1,
            };
            let mut buffer = [0; 256];
            let call = client.call::<Prost>("/device.v1.Telemetry/Report");
            let receipt: proto::Receipt = call.unary(&reading, &mut buffer).await.unwrap();
            assert_eq!(receipt.readings, 1);
        },
    )
    .await;
}

#[tokio::test]
async fn metadata_and_statuses_arrive() {
    let path = "/device.v1.Telemetry/Report";
    let cloud = Cloud::start(Telemetry::routes());
    for link in links(&cloud, path) {
        let mut state = State::<1>::new();
        dial(link, &mut state, async |client, _, _| {
            client.ready().await;
            let mut buffer = [0; 256];
            let mut metadata = Metadata::<64>::new();
            metadata.insert("x-echo", "100 %, a\"b").unwrap();
            let call = client.call::<Prost>(path).metadata(&metadata);
            let reading = proto::Reading::default();
            let mut answer = call.server_streaming(&reading, &mut buffer).await.unwrap();
            let Item::Metadata(block) = answer.next(&mut buffer).await.unwrap() else {
                panic!("no metadata");
            };
            let block = String::from_utf8(block.to_vec()).unwrap();
            assert!(block.contains("x-echo: 100 %, a\"b\r\n"), "{block}");
            assert!(matches!(
                answer.next(&mut buffer).await,
                Ok(Item::Message(_))
            ));
            let Item::Trailers(status, _) = answer.next(&mut buffer).await.unwrap() else {
                panic!("no trailers");
            };
            assert!(status.is_ok());
            drop(answer);
        })
        .await;
        dial(link, &mut state, async |client, _, _| {
            client.ready().await;
            let status = sensor::report(client, &reading("bad")).await.unwrap_err();
            assert_eq!(status, naive());
        })
        .await;
    }
}

fn naive() -> Status {
    Status::new(Code::FailedPrecondition, Telemetry::bad().message())
}

#[tokio::test]
async fn trailing_metadata_of_an_answer_without_messages_arrives() {
    let path = "/device.v1.Telemetry/Report";
    let cloud = Cloud::start(Telemetry::routes());
    for link in links(&cloud, path) {
        let mut state = State::<1>::new();
        dial(link, &mut state, async |client, _, _| {
            client.ready().await;
            let mut buffer = [0; 256];
            let reading = proto::Reading {
                serial: "bad".to_owned(),
                ..proto::Reading::default()
            };
            let call = client.call::<Prost>(path);
            let mut answer = call.server_streaming(&reading, &mut buffer).await.unwrap();
            let Item::Trailers(status, block) = answer.next(&mut buffer).await.unwrap() else {
                panic!("no trailers");
            };
            assert_eq!(status, naive());
            let block = String::from_utf8(block.to_vec()).unwrap();
            assert!(block.contains("x-reason-bin: AP8"), "{block}");
        })
        .await;
    }
}

#[tokio::test]
async fn an_answer_during_an_upload_ends_it_with_its_status() {
    let path = "/device.v1.Telemetry/Stream";
    let cloud = Cloud::start(Telemetry::routes());
    for link in links(&cloud, path) {
        let mut state = State::<1, 128, 256>::new();
        dial(link, &mut state, async |client, _, _| {
            client.ready().await;
            let readings = (0..100_000).map(|_| reading("bad"));
            let status = sensor::stream(client, readings).await.unwrap_err();
            assert_eq!(status, naive());
        })
        .await;
    }
}

#[tokio::test]
async fn a_call_ends_at_its_deadline_at_both_ends() {
    let probe = Probe::default();
    let cloud = Cloud::start(routes(&probe));
    for link in links(&cloud, HOLD) {
        let mut state = State::<1>::new();
        dial(link, &mut state, async |client, _, _| {
            client.ready().await;
            let mut buffer = [0; 256];
            let begun = Instant::now();
            let call = client.call::<Raw>(HOLD).timeout(millis(100));
            let status = call.unary::<_, &[u8]>(b"", &mut buffer).await.unwrap_err();
            assert_eq!(status.code(), Code::DeadlineExceeded);
            assert!(begun.elapsed() < Duration::from_secs(2));
        })
        .await;
        eventually("nobody is at work", Duration::from_secs(5), || {
            probe.live() == 0
        });
    }
}

fn millis(count: u64) -> embassy_time::Duration {
    embassy_time::Duration::from_millis(count)
}

#[tokio::test]
async fn a_call_that_is_dropped_is_cancelled_at_the_server() {
    let probe = Probe::default();
    let cloud = Cloud::start(routes(&probe));
    for link in links(&cloud, HOLD) {
        let mut state = State::<1>::new();
        let before = probe.begun();
        dial(link, &mut state, async |client, _, _| {
            client.ready().await;
            let mut buffer = [0; 256];
            let call = client.call::<Raw>(HOLD).unary::<_, &[u8]>(b"", &mut buffer);
            tokio::select! {
                answer = call => panic!("{answer:?}"),
                () = until(|| probe.begun() > before) => {}
            }
            until(|| probe.live() == 0).await;
        })
        .await;
    }
}

async fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn messages_longer_than_window_and_output_go_both_ways() {
    let message: Vec<u8> = (0..16 * 1024_u32).map(|n| (n % 251) as u8).collect();
    let cloud = Cloud::start(routes(&Probe::default()));
    for link in links(&cloud, UNARY) {
        let mut state = State::<1, 512, 256>::new();
        let mut buffer = vec![0; 20 * 1024];
        dial(link, &mut state, async |client, _, _| {
            client.ready().await;
            let call = client.call::<Raw>(UNARY);
            let answer = call.unary::<_, &[u8]>(&message, &mut buffer).await;
            assert!(answer == Ok(&message[..]));
        })
        .await;
    }
}

#[tokio::test]
async fn messages_longer_than_memory_are_read_in_pieces() {
    let cloud = Cloud::start(routes(&Probe::default()));
    for link in links(&cloud, DOWNLOAD) {
        let mut state = State::<1, 256, 256>::new();
        let mut buffer = [0; 200];
        dial(link, &mut state, async |client, _, _| {
            client.ready().await;
            let call = client.call::<Raw>(DOWNLOAD);
            let mut answer = call.server_streaming(b"3", &mut buffer).await.unwrap();
            let mut messages = 0;
            while let Some(len) = answer.begin_message(&mut buffer).await.unwrap() {
                let mut read = 0;
                loop {
                    let count = answer.read(&mut buffer).await.unwrap();
                    if count == 0 {
                        break;
                    }
                    assert!(buffer[..count].iter().all(|byte| *byte == 0x55));
                    read += count;
                }
                assert_eq!(read, len as usize);
                messages += 1;
            }
            assert_eq!(messages, 3);
        })
        .await;
    }
}

#[tokio::test]
async fn messages_longer_than_memory_are_written_in_pieces() {
    let path = "/hostile.v1.Hostile/Count";
    let cloud = Cloud::start(routes(&Probe::default()));
    for link in links(&cloud, path) {
        let mut state = State::<1, 256, 256>::new();
        let mut buffer = [0; 200];
        dial(link, &mut state, async |client, _, _| {
            client.ready().await;
            let mut upload = client.call::<Raw>(path).client_streaming().await.unwrap();
            upload.begin_message(1_000_000).await.unwrap();
            for _ in 0..1000 {
                upload.write(&[7; 1000]).await.unwrap();
            }
            upload.send(b"one more", &mut buffer).await.unwrap();
            let answer: &[u8] = upload.finish(&mut buffer).await.unwrap();
            assert_eq!(answer, b"2 1000008");
        })
        .await;
    }
}

#[tokio::test]
async fn a_call_that_is_not_read_stops_no_other() {
    let probe = Probe::default();
    let cloud = Cloud::start(routes(&probe));
    let mut state = State::<3, 256, 256>::new();
    dial(
        Link::mux(cloud.address),
        &mut state,
        async |client, _, _| {
            client.ready().await;
            let mut buffer = [0; 256];
            let call = client.call::<Raw>(DOWNLOAD);
            let mut unread = call.server_streaming(b"2", &mut buffer).await.unwrap();
            let (mut sender, mut receiver) = client.call::<Raw>(BIDI).bidi().await.unwrap();
            for number in 0..100 {
                sender.send(&[number; 100], &mut buffer).await.unwrap();
                let answer = receiver.message::<&[u8]>(&mut buffer).await.unwrap();
                assert_eq!(answer, Some(&[number; 100][..]));
                let call = client.call::<Raw>(UNARY);
                assert_eq!(call.unary(b"a", &mut buffer).await, Ok(&b"a"[..]));
            }
            sender.half_close().await.unwrap();
            assert_eq!(receiver.message::<&[u8]>(&mut buffer).await, Ok(None));
            assert_eq!(unread.begin_message(&mut buffer).await, Ok(Some(64 * 1024)));
        },
    )
    .await;
}

#[tokio::test]
async fn many_calls_share_two_places() {
    let cloud = Cloud::start(routes(&Probe::default()));
    let mut state = State::<2, 128, 256>::new();
    dial(
        Link::mux(cloud.address),
        &mut state,
        async |client, _, _| {
            client.ready().await;
            let calls = (0..50).map(|number: u8| async move {
                let mut buffer = [0; 300];
                let call = client.call::<Raw>(UNARY);
                let answer: &[u8] = call.unary(&[number; 200], &mut buffer).await.unwrap();
                assert_eq!(answer, [number; 200]);
            });
            join_all(calls).await;
        },
    )
    .await;
}

#[tokio::test]
async fn calls_that_are_dropped_at_any_time_leave_their_places() {
    let probe = Probe::default();
    let cloud = Cloud::start(routes(&probe));
    let mut state = State::<2, 128, 256>::new();
    dial(
        Link::mux(cloud.address),
        &mut state,
        async |client, _, _| {
            client.ready().await;
            for round in 0..200 {
                let mut buffer = [0; 300];
                let call = client.call::<Raw>(UNARY);
                let call = call.unary::<_, &[u8]>(&[1; 200], &mut buffer);
                let time = Duration::from_micros(round * 20);
                let _ = tokio::time::timeout(time, call).await;
            }
            let mut buffer = [0; 300];
            let call = client.call::<Raw>(UNARY);
            assert_eq!(call.unary(b"still", &mut buffer).await, Ok(&b"still"[..]));
            until(|| probe.live() == 0).await;
        },
    )
    .await;
}
