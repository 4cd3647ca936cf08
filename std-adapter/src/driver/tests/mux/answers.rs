//! Answers to calls that are made here: however they come, they are the same to who called.

use super::*;
use crate::client::outgoing::Unanswered;
use crate::driver::mux::caller::{Caller, caller};

const INITIAL: &[u8] = b"\x80\0\0\0\x08x-h: 1\r\n";
const MESSAGE: &[u8] = b"\0\0\0\0\x02hi";
const TRAILERS: &[u8] = b"\x80\0\0\0\x18grpc-status: 5\r\nx-t: 2\r\n";

/// What a caller sees: its head, its messages, its trailers.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    head: HeaderMap,
    messages: Bytes,
    trailers: Option<HeaderMap>,
}

/// A client whose server takes calls.
async fn client() -> (Peer, Caller) {
    let peer = Peer::default();
    peer.sends(b"\x50\0\0\0\0\x03\0\0\0\x08");
    let (caller, orders) = caller();
    let calling = Calling {
        orders: Some(orders),
        welcome: None,
    };
    let service =
        service_fn(|_: Request<Body>| async { Ok::<_, Infallible>(Response::new(Body::empty())) });
    let (socket, config) = (peer.clone(), Config::default());
    tokio::spawn(async move { make_calls(socket, service, upgrade(), &config, calling).await });
    caller.ready().await.unwrap();
    (peer, caller)
}

/// A call whose answer is these WebSocket messages, the first one cut.
async fn call(answer: &[Vec<u8>], cut: usize) -> Result<Seen, Unanswered> {
    let (peer, caller) = client().await;
    // What is the request's is not the answer's.
    let request = Request::post("/s/m")
        .header("x-mine", "1")
        .extension("mine");
    let request = request.body(Body::empty()).unwrap();
    let call = caller.call(Box::new(request), None);
    let serve = async {
        tokio::task::yield_now().await;
        for (n, message) in answer.iter().enumerate() {
            let message = Bytes::copy_from_slice(message);
            let (front, back) = match n {
                0 => (message.slice(..cut), message.slice(cut..)),
                _ => (Bytes::new(), message),
            };
            peer.with(|wire| wire.incoming.push_back(Incoming::Part(front)));
            // The client looks at each part by itself.
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
            peer.with(|wire| wire.incoming.push_back(Incoming::Binary(back)));
        }
    };
    let (response, ()) = tokio::join!(call, serve);
    let (head, body) = response?.into_parts();
    assert!(head.extensions.is_empty() && !head.headers.contains_key("x-mine"));
    let collected = body.collect().await.unwrap();
    Ok(Seen {
        head: head.headers,
        trailers: collected.trailers().cloned(),
        messages: collected.to_bytes(),
    })
}

fn frame(end: bool, payload: &[u8]) -> Vec<u8> {
    [&[u8::from(end) << 1, 0, 0, 0, 1][..], payload].concat()
}

/// What is seen of an answer of these parts, which is the same in one frame, in two, and cut anywhere.
async fn seen(parts: &[&[u8]]) -> Seen {
    let stream = parts.concat();
    let whole = [frame(true, &stream)];
    let expected = call(&whole, 0).await.unwrap();
    for cut in 1..=whole[0].len() {
        assert_eq!(call(&whole, cut).await.unwrap(), expected, "cut at {cut}");
    }
    for split in 0..stream.len() {
        let (first, second) = stream.split_at(split);
        let frames = [frame(false, first), frame(true, second)];
        assert_eq!(
            call(&frames, 0).await.unwrap(),
            expected,
            "in two at {split}"
        );
    }
    expected
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_the_same_however_it_comes() {
    let whole = seen(&[INITIAL, MESSAGE, TRAILERS]).await;
    assert_eq!(whole.head["x-h"], "1");
    assert_eq!(whole.head["content-type"], "application/grpc");
    assert_eq!(whole.messages, MESSAGE);
    let trailers = whole.trailers.unwrap();
    assert_eq!(
        (&trailers["grpc-status"], &trailers["x-t"]),
        (&"5".parse().unwrap(), &"2".parse().unwrap())
    );
    assert!(!trailers.contains_key("content-type") && !whole.head.contains_key("grpc-status"));

    let unsaid = seen(&[MESSAGE, TRAILERS]).await;
    assert_eq!((unsaid.messages, unsaid.head.len()), (MESSAGE.into(), 1));
    assert_eq!(unsaid.trailers, Some(trailers.clone()));

    let many = seen(&[INITIAL, MESSAGE, MESSAGE, MESSAGE, TRAILERS]).await;
    assert_eq!(many.messages, MESSAGE.repeat(3));

    let none = seen(&[INITIAL, TRAILERS]).await;
    assert_eq!((none.messages.len(), none.trailers), (0, Some(trailers)));
}

#[tokio::test(start_paused = true)]
async fn trailers_alone_are_the_head() {
    let only = seen(&[TRAILERS]).await;
    assert_eq!(
        (&only.head["grpc-status"], &only.head["x-t"]),
        (&"5".parse().unwrap(), &"2".parse().unwrap())
    );
    assert_eq!(only.head["content-type"], "application/grpc");
    assert_eq!((only.messages.len(), only.trailers), (0, None));
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_its_trailers_is_none() {
    for stream in [&[][..], MESSAGE, &[INITIAL, &MESSAGE[..6]].concat()] {
        let error = call(&[frame(true, stream)], 0).await.unwrap_err();
        assert_eq!(error.status.code(), tonic::Code::Internal);
    }
}
