//! What is called in these tests: it checks every message, and counts the calls that are at work.

use std::cell::Cell;

use grpc_websocket_embassy::codec::Raw;
use grpc_websocket_embassy::{Code, Incoming, Status};

use crate::common::pair::{CALLS, OUTPUT, TestClient, TestServer, WINDOW};
use crate::common::{Task, join};

pub(crate) type Call<'a> = Incoming<'a, Raw, CALLS, WINDOW, OUTPUT>;

/// Longer than any message of these tests.
pub(crate) const BUFFER: usize = 2048;

/// Longer than a window, and than all that waits on the way.
pub(crate) const LONG: usize = 1500;

/// A message whose bytes say whether it is whole.
pub(crate) fn message(seed: u8, len: usize) -> Vec<u8> {
    let len_bytes = u16::try_from(len).expect("it is short").to_be_bytes();
    let head = [seed, len_bytes[0], len_bytes[1]];
    let fill = (0..).map(|index: usize| seed.wrapping_add((index % 251) as u8));
    head.into_iter().chain(fill).take(len.max(3)).collect()
}

/// # Panics
/// When a message is not whole.
pub(crate) fn assert_whole(bytes: &[u8]) {
    assert!(bytes.len() >= 3, "{bytes:?} is no message");
    let len = usize::from(u16::from_be_bytes([bytes[1], bytes[2]]));
    assert_eq!(bytes, message(bytes[0], len), "half a message, or another");
}

/// How many calls are at work.
#[derive(Default)]
pub(crate) struct Work(Cell<usize>);

impl Work {
    pub(crate) fn count(&self) -> usize {
        self.0.get()
    }

    fn begin(&self) -> Busy<'_> {
        self.0.set(self.0.get() + 1);
        Busy(self)
    }
}

struct Busy<'w>(&'w Work);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.0.set(self.0.0.get() - 1);
    }
}

/// Answers as many calls at once as there are places.
pub(crate) async fn serve(server: TestServer<'_>, work: &Work) {
    let one = || Task::new(serve_one(server, work));
    join(one(), join(one(), one())).await;
}

async fn serve_one(server: TestServer<'_>, work: &Work) {
    let mut buffer = vec![0; BUFFER];
    loop {
        let (request, call) = server.accept(&mut buffer).await;
        let _busy = work.begin();
        let path = request.path().to_owned();
        let _ = answer(&path, call, &mut buffer).await;
    }
}

async fn answer(path: &str, mut call: Call<'_>, buffer: &mut [u8]) -> Result<(), Status> {
    match path {
        "/t.T/Unary" => {
            let message = call.only_message::<&[u8]>(buffer).await?.to_vec();
            assert_whole(&message);
            call.respond(&message, buffer).await
        }
        "/t.T/Echo" => {
            while let Some(message) = call.message::<&[u8]>(buffer).await? {
                assert_whole(message);
                let message = message.to_vec();
                call.send(&message, buffer).await?;
            }
            call.finish(&Status::OK).await
        }
        // It does not read, and sends more than anybody takes.
        "/t.T/Hold" => loop {
            call.send(&message(1, 100), buffer).await?;
        },
        // So many messages as the first one's seed says, of its length.
        "/t.T/Count" => {
            let request = call.only_message::<&[u8]>(buffer).await?.to_vec();
            for number in 0..request[0] {
                call.send(&message(number, request.len()), buffer).await?;
            }
            call.finish(&Status::OK).await
        }
        // The last of the messages.
        "/t.T/Last" => {
            let mut last = message(0, 3);
            while let Some(message) = call.message::<&[u8]>(buffer).await? {
                assert_whole(message);
                last = message.to_vec();
            }
            call.respond(&last, buffer).await
        }
        _ => call.finish(&Status::of(Code::Unimplemented)).await,
    }
}

/// A unary call: its status, and whether the answer is exact.
pub(crate) async fn unary(client: TestClient<'_>, seed: u8, len: usize) -> Result<(), Status> {
    let mut buffer = vec![0; BUFFER];
    let request = message(seed, len);
    let call = client.call::<Raw>("/t.T/Unary");
    let answer: &[u8] = call.unary(&request, &mut buffer).await?;
    assert_eq!(answer, request);
    Ok(())
}

/// A long call that has nothing to do with what else happens.
pub(crate) async fn witness(client: TestClient<'_>) {
    let mut buffer = vec![0; BUFFER];
    let (mut sender, mut receiver) = client.call::<Raw>("/t.T/Echo").bidi().await.unwrap();
    for seed in 0..6 {
        let sent = message(seed, 20 + 30 * usize::from(seed));
        sender.send(&sent, &mut buffer).await.unwrap();
        let answer = receiver.message::<&[u8]>(&mut buffer).await.unwrap();
        assert_eq!(answer, Some(&sent[..]));
    }
    sender.half_close().await.unwrap();
    assert_eq!(receiver.message::<&[u8]>(&mut buffer).await, Ok(None));
}

/// All places are free: as many calls as there are can be made at once.
pub(crate) async fn assert_all_free(client: TestClient<'_>) {
    let call = |seed, len| Task::new(unary(client, seed, len));
    let ((a, b), c) = join(join(call(1, 10), call(2, 200)), call(3, 90)).await;
    assert_eq!((a, b, c), (Ok(()), Ok(()), Ok(())));
}
