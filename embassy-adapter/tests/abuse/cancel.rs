//! Every future of a call, dropped after every number of polls: the connection and its other calls
//! take no notice, no place is lost, and nobody takes half a message for a whole one.

use grpc_websocket_embassy::codec::Raw;
use grpc_websocket_embassy::{Code, Item, Receiver, Sender};

use crate::common::pair::{CALLS, OUTPUT, Pair, TestClient, TestServer, WINDOW};
use crate::common::{Task, at_most, join, until};
use crate::service::{
    BUFFER, LONG, Work, assert_all_free, assert_whole, message, serve, unary, witness,
};

type Out<'a> = Sender<'a, Raw, CALLS, WINDOW, OUTPUT>;
type In<'a> = Receiver<'a, Raw, CALLS, WINDOW, OUTPUT>;

/// Each first number of polls, and then fewer of them.
fn poll_counts() -> impl Iterator<Item = usize> {
    std::iter::successors(Some(1_usize), |count| Some(count + 1 + count / 12)).take(70)
}

/// Runs what drops a future after so many polls, for all of them until the future is done before.
/// `victim` says whether it is done.
fn for_all_polls(path: &'static str, victim: impl AsyncFn(TestClient<'_>, usize) -> bool) {
    for chunk in [usize::MAX, 7, 1] {
        for polls in poll_counts() {
            if mux(chunk, &victim, polls) {
                break;
            }
        }
        for polls in poll_counts() {
            if single(path, chunk, &victim, polls) {
                break;
            }
        }
    }
}

fn mux(chunk: usize, victim: &impl AsyncFn(TestClient<'_>, usize) -> bool, polls: usize) -> bool {
    let work = Work::default();
    let client = async |client: TestClient<'_>| {
        let victim = Task::new(victim(client, polls));
        let (is_done, ()) = join(victim, Task::new(witness(client))).await;
        assert_all_free(client).await;
        until_idle(&work).await;
        is_done
    };
    Pair::MUX
        .chunk(chunk)
        .run(client, async |server: TestServer<'_>| {
            serve(server, &work).await;
        })
}

fn single(
    path: &'static str,
    chunk: usize,
    victim: &impl AsyncFn(TestClient<'_>, usize) -> bool,
    polls: usize,
) -> bool {
    let work = Work::default();
    let client = async |client: TestClient<'_>| {
        let is_done = victim(client, polls).await;
        until_idle(&work).await;
        is_done
    };
    Pair::single(path)
        .given_up()
        .chunk(chunk)
        .run(client, async |server: TestServer<'_>| {
            serve(server, &work).await;
        })
}

/// Waits until the server has ended its calls: it learns of those that are gone.
async fn until_idle(work: &Work) {
    until(|| work.count() == 0).await;
}

async fn bidi(client: TestClient<'_>) -> (Out<'_>, In<'_>) {
    client.call::<Raw>("/t.T/Echo").bidi().await.unwrap()
}

#[test]
fn ready_may_be_dropped() {
    for_all_polls("/t.T/Unary", async |client: TestClient<'_>, polls| {
        at_most(client.ready(), polls).await.is_some()
    });
}

#[test]
fn a_unary_call_may_be_dropped() {
    for len in [10, LONG] {
        for_all_polls("/t.T/Unary", async |client: TestClient<'_>, polls| {
            at_most(unary(client, 9, len), polls)
                .await
                .inspect(|done| assert_eq!(*done, Ok(())))
                .is_some()
        });
    }
}

#[test]
fn a_server_stream_may_be_dropped_while_it_opens() {
    for len in [10, LONG] {
        for_all_polls("/t.T/Count", async |client: TestClient<'_>, polls| {
            let mut buffer = vec![0; BUFFER];
            let request = message(3, len);
            let call = client.call::<Raw>("/t.T/Count");
            at_most(call.server_streaming(&request, &mut buffer), polls)
                .await
                .is_some()
        });
    }
}

#[test]
fn other_calls_may_be_dropped_while_they_open() {
    for_all_polls("/t.T/Last", async |client: TestClient<'_>, polls| {
        let call = client.call::<Raw>("/t.T/Last");
        at_most(call.client_streaming(), polls).await.is_some()
    });
    for_all_polls("/t.T/Echo", async |client: TestClient<'_>, polls| {
        at_most(bidi(client), polls).await.is_some()
    });
}

/// Opens a stream of three messages, and drops `read` once.
fn for_all_reads<O>(
    len: usize,
    read: impl for<'r> AsyncFn(&'r mut In<'_>, &'r mut [u8]) -> O,
    check: impl AsyncFn(&mut In<'_>, Option<O>),
) {
    for_all_polls("/t.T/Count", async |client: TestClient<'_>, polls| {
        let mut buffer = vec![0; BUFFER];
        let call = client.call::<Raw>("/t.T/Count");
        let opened = call.server_streaming(&message(3, len), &mut buffer).await;
        let mut receiver = opened.unwrap();
        let output = at_most(read(&mut receiver, &mut buffer), polls).await;
        let is_done = output.is_some();
        check(&mut receiver, output).await;
        is_done
    });
}

/// Reads messages from one on to the end.
async fn assert_rest(receiver: &mut In<'_>, first: u8, len: usize) {
    let mut buffer = vec![0; BUFFER];
    for number in first..3 {
        let read = receiver.message::<&[u8]>(&mut buffer).await;
        assert_eq!(read, Ok(Some(&message(number, len)[..])));
    }
    assert_eq!(receiver.message::<&[u8]>(&mut buffer).await, Ok(None));
}

#[test]
fn no_short_message_is_lost_by_a_dropped_read() {
    const LEN: usize = WINDOW / 2 - 5;
    for_all_reads(
        LEN,
        async |receiver: &mut In<'_>, buffer: &mut [u8]| {
            let read = receiver.message::<&[u8]>(buffer).await.unwrap();
            assert_eq!(read, Some(&message(0, LEN)[..]));
        },
        async |receiver: &mut In<'_>, read: Option<()>| {
            assert_rest(receiver, u8::from(read.is_some()), LEN).await;
        },
    );
}

#[test]
fn a_dropped_read_of_a_long_message_ends_the_call() {
    for_all_reads(
        LONG,
        async |receiver: &mut In<'_>, buffer: &mut [u8]| {
            let read = receiver.message::<&[u8]>(buffer).await.unwrap();
            assert_eq!(read, Some(&message(0, LONG)[..]));
        },
        async |receiver: &mut In<'_>, read: Option<()>| {
            let mut buffer = vec![0; BUFFER];
            let next = receiver.message::<&[u8]>(&mut buffer).await;
            match (read, next) {
                (Some(()), next) => assert_eq!(next, Ok(Some(&message(1, LONG)[..]))),
                // The first byte of it had not come yet.
                (None, Ok(first)) => assert_eq!(first, Some(&message(0, LONG)[..])),
                (None, Err(status)) => {
                    assert_eq!(status.code(), Code::Cancelled);
                    let again = receiver.message::<&[u8]>(&mut buffer).await;
                    assert_eq!(again.unwrap_err().code(), Code::Cancelled);
                }
            }
        },
    );
}

#[test]
fn a_dropped_read_of_the_next_item_loses_none() {
    for_all_reads(
        20,
        async |receiver: &mut In<'_>, buffer: &mut [u8]| {
            assert_eq!(receiver.next(buffer).await, Ok(Item::Metadata(b"")));
        },
        async |receiver: &mut In<'_>, read: Option<()>| {
            let mut buffer = vec![0; BUFFER];
            if read.is_none() {
                assert_eq!(receiver.next(&mut buffer).await, Ok(Item::Metadata(b"")));
            }
            assert_rest(receiver, 0, 20).await;
        },
    );
}

#[test]
fn reading_in_pieces_may_be_dropped_between_any_two() {
    for_all_reads(
        LONG,
        async |receiver: &mut In<'_>, buffer: &mut [u8]| {
            receiver.begin_message(buffer).await.unwrap()
        },
        async |receiver: &mut In<'_>, begun: Option<Option<u32>>| {
            let mut buffer = vec![0; BUFFER];
            let begun = match begun {
                None => receiver.begin_message(&mut buffer).await.unwrap(),
                Some(begun) => begun,
            };
            assert_eq!(begun, Some(LONG as u32));
            let mut read = Vec::new();
            let mut polls = 1;
            while read.len() < LONG {
                // A future that is dropped has read nothing.
                if let Some(count) = at_most(receiver.read(&mut buffer[..9]), polls).await {
                    read.extend_from_slice(&buffer[..count.unwrap()]);
                    polls = 0;
                }
                polls += 1;
            }
            assert_eq!(receiver.read(&mut buffer).await, Ok(0));
            assert_eq!(read, message(0, LONG));
            assert_rest(receiver, 1, LONG).await;
        },
    );
}

#[test]
fn what_is_not_read_of_a_message_is_passed_over() {
    for_all_reads(
        LONG,
        async |receiver: &mut In<'_>, buffer: &mut [u8]| {
            receiver.begin_message(buffer).await.unwrap();
            receiver.read(&mut buffer[..3]).await.unwrap()
        },
        async |receiver: &mut In<'_>, read: Option<usize>| {
            if read.is_some() {
                assert_rest(receiver, 1, LONG).await;
            }
        },
    );
}

/// Opens a stream of the client, and drops `write` once; what was sent before is echoed.
fn for_all_writes(write: impl for<'r> AsyncFn(&'r mut Out<'_>, &'r mut [u8])) {
    for_all_polls("/t.T/Echo", async |client: TestClient<'_>, polls| {
        let mut buffer = vec![0; BUFFER];
        let (mut sender, mut receiver) = bidi(client).await;
        let writing = async {
            let mut buffer = vec![0; BUFFER];
            sender.send(&message(1, 30), &mut buffer).await.unwrap();
            let written = at_most(write(&mut sender, &mut buffer), polls).await;
            let ended = sender.half_close().await;
            assert!(written.is_none() || ended.is_ok());
            written.is_some()
        };
        let reading = async {
            loop {
                match receiver.message::<&[u8]>(&mut buffer).await {
                    Ok(Some(message)) => assert_whole(message),
                    end => break end.map(|_| ()),
                }
            }
        };
        let (is_done, end) = join(Task::new(writing), Task::new(reading)).await;
        // Dropped before its first byte it is as if it had not been.
        assert!(end.is_ok() || (!is_done && end.unwrap_err().code() == Code::Cancelled));
        is_done
    });
}

#[test]
fn sending_may_be_dropped() {
    for len in [10, LONG] {
        for_all_writes(async |sender: &mut Out<'_>, buffer: &mut [u8]| {
            sender.send(&message(2, len), buffer).await.unwrap();
        });
    }
    for_all_writes(async |sender: &mut Out<'_>, _: &mut [u8]| {
        sender.begin_message(LONG as u32).await.unwrap();
        for piece in message(2, LONG).chunks(11) {
            sender.write(piece).await.unwrap();
        }
    });
}

#[test]
fn a_dropped_half_close_cancels_the_call() {
    for_all_polls("/t.T/Echo", async |client: TestClient<'_>, polls| {
        let mut buffer = vec![0; BUFFER];
        let (mut sender, mut receiver) = bidi(client).await;
        sender.send(&message(1, 70), &mut buffer).await.unwrap();
        let is_done = at_most(sender.half_close(), polls).await.is_some();
        let end = loop {
            match receiver.message::<&[u8]>(&mut buffer).await {
                Ok(Some(message)) => assert_whole(message),
                end => break end,
            }
        };
        assert_eq!(end.is_ok(), is_done);
        is_done
    });
}

#[test]
fn an_upload_may_be_dropped_anywhere() {
    for_all_polls("/t.T/Last", async |client: TestClient<'_>, polls| {
        let mut buffer = vec![0; BUFFER];
        let call = async {
            let mut upload = client
                .call::<Raw>("/t.T/Last")
                .client_streaming()
                .await
                .unwrap();
            upload.send(&message(1, 200), &mut buffer).await.unwrap();
            upload.begin_message(300).await.unwrap();
            upload.write(&message(2, 300)).await.unwrap();
            let last: &[u8] = upload.finish(&mut buffer).await.unwrap();
            assert_eq!(last, message(2, 300));
        };
        at_most(call, polls).await.is_some()
    });
}

/// Drops what the server does with its first call, after so many polls.
fn for_all_answers(
    path: &'static str,
    answer: impl AsyncFn(TestServer<'_>, usize) -> bool,
    is_exact: bool,
) {
    for chunk in [usize::MAX, 7, 1] {
        for pair in [Pair::MUX, Pair::single(path).given_up()] {
            for polls in poll_counts() {
                if answer_once(pair.chunk(chunk), path, &answer, polls, is_exact) {
                    break;
                }
            }
        }
    }
}

fn answer_once(
    pair: Pair,
    path: &'static str,
    answer: &impl AsyncFn(TestServer<'_>, usize) -> bool,
    polls: usize,
    is_exact: bool,
) -> bool {
    let is_done = std::cell::Cell::new(false);
    let work = Work::default();
    let server = async |server: TestServer<'_>| {
        is_done.set(answer(server, polls).await);
        serve(server, &work).await;
    };
    let client = async |client: TestClient<'_>| {
        let mut buffer = vec![0; BUFFER];
        let request = message(7, LONG);
        let result = client
            .call::<Raw>(path)
            .unary::<_, &[u8]>(&request, &mut buffer)
            .await;
        match result {
            Ok(answer) => assert_eq!(answer, request),
            Err(status) => assert!(!is_exact && !is_done.get(), "{status:?}"),
        }
        if pair.path == "/" {
            assert_all_free(client).await;
            until_idle(&work).await;
        }
    };
    pair.run(client, server);
    is_done.get()
}

#[test]
fn a_dropped_accept_loses_no_call() {
    let answer = async |server: TestServer<'_>, polls| {
        let mut buffer = vec![0; BUFFER];
        let accepted = at_most(server.accept::<Raw>(&mut buffer), polls).await;
        let Some((_, mut call)) = accepted else {
            return false;
        };
        let mut buffer = vec![0; BUFFER];
        let message = call
            .only_message::<&[u8]>(&mut buffer)
            .await
            .unwrap()
            .to_vec();
        call.respond(&message, &mut buffer).await.unwrap();
        true
    };
    for_all_answers("/t.T/Unary", answer, true);
}

#[test]
fn an_answer_may_be_dropped_anywhere() {
    let answer = async |server: TestServer<'_>, polls| {
        let mut buffer = vec![0; BUFFER];
        let (_, mut call) = server.accept::<Raw>(&mut buffer).await;
        let answering = async {
            let message = call
                .message::<&[u8]>(&mut buffer)
                .await
                .unwrap()
                .unwrap()
                .to_vec();
            call.split().1.begin_message(LONG as u32).await.unwrap();
            for piece in message.chunks(100) {
                call.split().1.write(piece).await.unwrap();
            }
            call.finish(&grpc_websocket_embassy::Status::OK)
                .await
                .unwrap();
        };
        at_most(answering, polls).await.is_some()
    };
    for_all_answers("/t.T/Unary", answer, false);
}

#[test]
fn a_dropped_answer_is_an_error_to_the_client() {
    let answer = async |server: TestServer<'_>, polls| {
        let mut buffer = vec![0; BUFFER];
        let (_, mut call) = server.accept::<Raw>(&mut buffer).await;
        let message = call
            .only_message::<&[u8]>(&mut buffer)
            .await
            .unwrap()
            .to_vec();
        at_most(call.respond(&message, &mut buffer), polls)
            .await
            .is_some()
    };
    for_all_answers("/t.T/Unary", answer, false);
}
