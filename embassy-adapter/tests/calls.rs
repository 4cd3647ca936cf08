//! The four kinds of calls between two devices.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used
)]

mod common;

use common::Task;
use common::pair::{Pair, TestClient, TestServer};
use grpc_websocket_embassy::codec::Raw;
use grpc_websocket_embassy::{Code, Incoming, Item, Metadata, Status};

type Call<'a> =
    Incoming<'a, Raw, { common::pair::CALLS }, { common::pair::WINDOW }, { common::pair::OUTPUT }>;

/// Longer than a window and than the transport.
const LONG: usize = 5000;

fn pairs(path: &'static str) -> impl Iterator<Item = Pair> {
    let pairs = [Pair::MUX, Pair::single(path)];
    let chunks = [usize::MAX, 7, 1];
    pairs
        .into_iter()
        .flat_map(move |pair| chunks.map(|chunk| pair.chunk(chunk)))
}

/// Answers every call by its path.
async fn serve(server: TestServer<'_>) {
    let mut buffer = vec![0; 2 * LONG];
    loop {
        let (request, call) = server.accept(&mut buffer).await;
        let path = request.path().to_owned();
        let token = request.metadata().find(|field| field.is("x-token"));
        let token = token.map(|field| field.value().to_vec());
        let _ = match path.as_str() {
            "/t.T/Unary" => unary(call, &mut buffer).await,
            "/t.T/Sum" => sum(call, &mut buffer).await,
            "/t.T/Count" => count(call, &mut buffer).await,
            "/t.T/Echo" => echo(call, &mut buffer).await,
            "/t.T/Metadata" => metadata(call, &mut buffer, token.as_deref()).await,
            _ => {
                call.finish(&Status::new(Code::Unimplemented, "no \u{e4}"))
                    .await
            }
        };
    }
}

async fn unary(mut call: Call<'_>, buffer: &mut [u8]) -> Result<(), Status> {
    let mut message = call.only_message::<&[u8]>(buffer).await?.to_vec();
    message.reverse();
    call.respond(&message, buffer).await
}

async fn sum(mut call: Call<'_>, buffer: &mut [u8]) -> Result<(), Status> {
    let mut total = 0_u64;
    while let Some(message) = call.message::<&[u8]>(buffer).await? {
        total += message.iter().map(|byte| u64::from(*byte)).sum::<u64>();
    }
    call.respond(&total.to_be_bytes(), buffer).await
}

async fn count(mut call: Call<'_>, buffer: &mut [u8]) -> Result<(), Status> {
    let count = call.only_message::<&[u8]>(buffer).await?[0];
    for number in 0..count {
        call.send(&[number; 40], buffer).await?;
    }
    call.finish(&Status::OK).await
}

async fn echo(mut call: Call<'_>, buffer: &mut [u8]) -> Result<(), Status> {
    while let Some(message) = call.message::<&[u8]>(buffer).await? {
        let message = message.to_vec();
        call.send(&message, buffer).await?;
    }
    call.finish(&Status::OK).await
}

async fn metadata(
    mut call: Call<'_>,
    buffer: &mut [u8],
    token: Option<&[u8]>,
) -> Result<(), Status> {
    let mut metadata = Metadata::<64>::new();
    let token = std::str::from_utf8(token.unwrap_or_default()).unwrap_or_default();
    let _ = metadata.insert("x-initial", token);
    call.split().1.send_metadata(&metadata).await?;
    call.send(b"message", buffer).await?;
    let mut trailing = Metadata::<64>::new();
    let _ = trailing.insert_binary("x-trailing-bin", &[1, 2, 3]);
    let status = Status::new(Code::DataLoss, "100 % \u{e4}");
    call.finish_with(&status, &trailing).await
}

fn bytes(len: usize) -> Vec<u8> {
    (0..len).map(|index| (index % 251) as u8).collect()
}

#[test]
fn a_unary_call_is_answered_whatever_its_length() {
    for pair in pairs("/t.T/Unary") {
        for len in [0, 1, 50, 120, 130, LONG] {
            let message = bytes(len);
            let reversed: Vec<u8> = message.iter().rev().copied().collect();
            pair.run(
                async |client: TestClient<'_>| {
                    let mut buffer = vec![0; LONG + 100];
                    let call = client.call::<Raw>("/t.T/Unary");
                    let answer: &[u8] = call.unary(&message, &mut buffer).await.unwrap();
                    assert_eq!(answer, reversed);
                },
                serve,
            );
        }
    }
}

#[test]
fn messages_of_a_client_stream_all_arrive() {
    for pair in pairs("/t.T/Sum") {
        pair.run(
            async |client: TestClient<'_>| {
                let mut buffer = [0; 512];
                let mut upload = client
                    .call::<Raw>("/t.T/Sum")
                    .client_streaming()
                    .await
                    .unwrap();
                for _ in 0..50 {
                    upload.send(&[2; 100], &mut buffer).await.unwrap();
                }
                upload.begin_message(1000).await.unwrap();
                for _ in 0..10 {
                    upload.write(&[1; 100]).await.unwrap();
                }
                let answer: &[u8] = upload.finish(&mut buffer).await.unwrap();
                assert_eq!(answer, 11_000_u64.to_be_bytes());
            },
            serve,
        );
    }
}

#[test]
fn messages_of_a_server_stream_come_in_order() {
    for pair in pairs("/t.T/Count") {
        pair.run(
            async |client: TestClient<'_>| {
                let mut buffer = [0; 512];
                let call = client.call::<Raw>("/t.T/Count");
                let mut answers = call.server_streaming(&[30], &mut buffer).await.unwrap();
                for number in 0..30 {
                    let answer = answers.message::<&[u8]>(&mut buffer).await.unwrap();
                    assert_eq!(answer, Some(&[number; 40][..]));
                }
                for _ in 0..2 {
                    assert_eq!(answers.message::<&[u8]>(&mut buffer).await, Ok(None));
                }
            },
            serve,
        );
    }
}

#[test]
fn both_directions_go_on_at_the_same_time() {
    for pair in pairs("/t.T/Echo") {
        pair.run(
            async |client: TestClient<'_>| {
                let (mut sender, mut receiver) =
                    client.call::<Raw>("/t.T/Echo").bidi().await.unwrap();
                let sending = async {
                    let mut buffer = [0; 512];
                    for number in 0..40 {
                        sender.send(&[number; 90], &mut buffer).await.unwrap();
                    }
                    sender.half_close().await.unwrap();
                };
                let receiving = async {
                    let mut buffer = [0; 512];
                    let mut number = 0;
                    while let Some(answer) = receiver.message::<&[u8]>(&mut buffer).await.unwrap() {
                        assert_eq!(answer, [number; 90]);
                        number += 1;
                    }
                    number
                };
                let ((), count) = common::join(Task::new(sending), Task::new(receiving)).await;
                assert_eq!(count, 40);
            },
            serve,
        );
    }
}

#[test]
fn metadata_and_status_go_both_ways() {
    for pair in pairs("/t.T/Metadata") {
        pair.run(
            async |client: TestClient<'_>| {
                let mut buffer = [0; 512];
                let mut metadata = Metadata::<32>::new();
                metadata.insert("x-token", "secret").unwrap();
                let call = client.call::<Raw>("/t.T/Metadata").metadata(&metadata);
                let mut answer = call.server_streaming(b"", &mut buffer).await.unwrap();
                let item = answer.next(&mut buffer).await.unwrap();
                assert_eq!(item, Item::Metadata(b"x-initial: secret\r\n"));
                assert_eq!(
                    answer.next(&mut buffer).await,
                    Ok(Item::Message(b"message"))
                );
                let Item::Trailers(status, metadata) = answer.next(&mut buffer).await.unwrap()
                else {
                    panic!("no trailers");
                };
                assert_eq!(status, Status::new(Code::DataLoss, "100 % \u{e4}"));
                assert!(metadata.ends_with(b"x-trailing-bin: AQID\r\n"));
                assert_eq!(answer.next(&mut buffer).await, Ok(Item::End));
            },
            serve,
        );
    }
}

#[test]
fn an_unknown_method_is_a_status() {
    for pair in pairs("/t.T/Nothing") {
        pair.run(
            async |client: TestClient<'_>| {
                let mut buffer = [0; 128];
                let call = client.call::<Raw>("/t.T/Nothing");
                let result = call.unary::<_, &[u8]>(b"", &mut buffer).await;
                assert_eq!(result, Err(Status::new(Code::Unimplemented, "no \u{e4}")));
            },
            serve,
        );
    }
}

#[test]
fn an_answer_during_an_upload_is_read_though_nothing_more_can_be_written() {
    for pair in pairs("/t.T/Early") {
        pair.run(
            async |client: TestClient<'_>| {
                let mut buffer = [0; 512];
                let call = client.call::<Raw>("/t.T/Early");
                let mut upload = call.client_streaming().await.unwrap();
                while upload.send(&[1; 100], &mut buffer).await.is_ok() {}
                let answer = upload.finish::<&[u8]>(&mut buffer).await;
                assert_eq!(answer, Err(Status::new(Code::DataLoss, "early")));
            },
            async |server: TestServer<'_>| {
                let mut buffer = [0; 512];
                let (_, mut call) = server.accept::<Raw>(&mut buffer).await;
                call.message::<&[u8]>(&mut buffer).await.unwrap();
                // Longer than the window.
                let mut metadata = Metadata::<200>::new();
                metadata.insert("x-long", &"x".repeat(150)).unwrap();
                let status = Status::new(Code::DataLoss, "early");
                call.finish_with(&status, &metadata).await.unwrap();
                std::future::pending::<()>().await;
            },
        );
    }
}

#[test]
fn a_message_longer_than_the_buffer_ends_its_call_alone() {
    Pair::MUX.run(
        async |client: TestClient<'_>| {
            let mut short = [0; 10];
            let mut buffer = [0; 512];
            let mut answers = client
                .call::<Raw>("/t.T/Count")
                .server_streaming(&[3], &mut buffer)
                .await
                .unwrap();
            let result = answers.message::<&[u8]>(&mut short).await;
            assert_eq!(result.unwrap_err().code(), Code::ResourceExhausted);
            drop(answers);
            let call = client.call::<Raw>("/t.T/Unary");
            assert_eq!(
                call.unary::<_, &[u8]>(b"ab", &mut buffer).await,
                Ok(&b"ba"[..])
            );
        },
        serve,
    );
}

#[test]
fn more_calls_than_places_wait_for_each_other() {
    Pair::MUX.run(
        async |client: TestClient<'_>| {
            let call = |number: u8| {
                Task::new(async move {
                    let mut buffer = [0; 64];
                    let call = client.call::<Raw>("/t.T/Unary");
                    let answer = call.unary::<_, &[u8]>(&[number], &mut buffer).await;
                    assert_eq!(answer, Ok(&[number][..]));
                })
            };
            for round in 0..20 {
                let pair = |a, b| common::join(call(a), call(b));
                common::join(pair(round, 1), common::join(pair(2, 3), pair(4, 5))).await;
            }
        },
        serve,
    );
}
