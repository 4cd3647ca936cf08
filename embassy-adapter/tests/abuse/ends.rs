//! How calls end, once and for all.

use embassy_futures::select::{Either, select};
use grpc_websocket_embassy::codec::Raw;
use grpc_websocket_embassy::handshake::Subprotocol;
use grpc_websocket_embassy::{Code, Config, Status};

use crate::common::pair::{CALLS, Pair, TestClient, TestServer};
use crate::common::{Task, join};
use crate::service::{BUFFER, LONG, Work, message, serve, unary};

async fn well(server: TestServer<'_>) {
    serve(server, &Work::default()).await;
}

#[test]
fn a_unary_call_ends_whatever_its_length() {
    for pair in [Pair::MUX, Pair::single("/t.T/Unary")] {
        for len in 3..400 {
            pair.run(
                async |client: TestClient<'_>| assert_eq!(unary(client, 1, len).await, Ok(())),
                well,
            );
        }
    }
}

#[test]
fn a_status_is_said_again() {
    for pair in [Pair::MUX, Pair::single("/t.T/Nothing")] {
        pair.run(
            async |client: TestClient<'_>| {
                let mut buffer = [0; 64];
                let call = client.call::<Raw>("/t.T/Nothing");
                let mut receiver = call.server_streaming(b"", &mut buffer).await.unwrap();
                for _ in 0..3 {
                    let end = receiver.message::<&[u8]>(&mut buffer).await;
                    assert_eq!(end.unwrap_err().code(), Code::Unimplemented);
                    let end = receiver.begin_message(&mut buffer).await;
                    assert_eq!(end.unwrap_err().code(), Code::Unimplemented);
                }
            },
            well,
        );
    }
}

#[test]
fn a_message_that_does_not_fit_is_the_last() {
    let pairs = [Pair::MUX, Pair::single("/t.T/Count").given_up()];
    for (pair, len) in pairs
        .into_iter()
        .flat_map(|pair| [20, LONG].map(|len| (pair, len)))
    {
        pair.run(
            async |client: TestClient<'_>| {
                let mut buffer = vec![0; BUFFER];
                let call = client.call::<Raw>("/t.T/Count");
                let opened = call.server_streaming(&message(3, len), &mut buffer).await;
                let mut receiver = opened.unwrap();
                for _ in 0..3 {
                    let read = receiver.message::<&[u8]>(&mut buffer[..len - 1]).await;
                    assert_eq!(read.unwrap_err().code(), Code::ResourceExhausted);
                }
            },
            well,
        );
    }
}

#[test]
fn a_second_call_of_a_websocket_for_one_does_not_disturb_it() {
    Pair::single("/t.T/Echo").run(
        async |client: TestClient<'_>| {
            let mut buffer = vec![0; BUFFER];
            let (mut sender, mut receiver) = client.call::<Raw>("/t.T/Echo").bidi().await.unwrap();
            for seed in 0..3 {
                let second = unary(client, 1, 100).await.unwrap_err();
                assert_eq!(second.code(), Code::Unavailable);
                let sent = message(seed, 100);
                sender.send(&sent, &mut buffer).await.unwrap();
                let answer = receiver.message::<&[u8]>(&mut buffer).await;
                assert_eq!(answer, Ok(Some(&sent[..])));
            }
            sender.half_close().await.unwrap();
            assert_eq!(receiver.message::<&[u8]>(&mut buffer).await, Ok(None));
        },
        well,
    );
}

#[test]
fn a_half_close_in_the_middle_of_a_message_ends_the_call() {
    for pair in [Pair::MUX, Pair::single("/t.T/Echo").given_up()] {
        pair.run(
            async |client: TestClient<'_>| {
                let mut buffer = vec![0; BUFFER];
                let (mut sender, mut receiver) =
                    client.call::<Raw>("/t.T/Echo").bidi().await.unwrap();
                sender.begin_message(10).await.unwrap();
                sender.write(b"12345").await.unwrap();
                assert!(sender.half_close().await.is_err());
                let end = receiver.message::<&[u8]>(&mut buffer).await;
                assert_eq!(end.unwrap_err().code(), Code::Cancelled);
            },
            well,
        );
    }
}

#[test]
fn a_server_that_only_answers_says_so_to_its_own_calls() {
    let mut state = grpc_websocket_embassy::State::<CALLS>::new();
    let config = Config::DEFAULT.with_max_incoming_calls(CALLS);
    let (client, _, mut runner) = state.split(config, 1);
    let (up, at_server) = crate::common::pipe(usize::MAX);
    let (down, at_client) = crate::common::pipe(usize::MAX);
    let peer = async {
        let mut raw = crate::common::raw::Raw::accept(down, at_server).await;
        raw.message(crate::common::raw::SETTINGS).await;
        raw.watch().await
    };
    let subprotocols = [Subprotocol::Mux];
    let upgrade = grpc_websocket_embassy::handshake::Upgrade::new("device", "/");
    let upgrade = upgrade.subprotocols(&subprotocols);
    let calling = async {
        client.ready().await;
        let mut buffer = [0; 64];
        let call = client.call::<Raw>("/t.T/Unary");
        let result = call.unary::<_, &[u8]>(b"", &mut buffer).await;
        result.map(<[u8]>::len)
    };
    let connecting = Task::new(runner.connect(at_client, up, &upgrade));
    let driving = join(connecting, Task::new(peer));
    match crate::common::run(select(Task::new(calling), driving)) {
        Either::First(result) => {
            assert_eq!(
                result.map_err(|status: Status| status.code()),
                Err(Code::ResourceExhausted)
            );
        }
        Either::Second(_) => panic!("the connection ended"),
    }
}
