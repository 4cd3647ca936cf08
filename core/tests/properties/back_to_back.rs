//! A client and a server of this crate, joined: what one sends, the other receives.

use grpc_websocket_core::call::Segment;
use grpc_websocket_core::single::{Client, Fragment, Server};
use grpc_websocket_core::{Code, Instant, Limits};
use grpc_websocket_vectors::{Event, Receiver};
use proptest::prelude::*;

use crate::peer::Peer;
use crate::recorder::{Record, Recorder, status};

type Message = (bool, Vec<u8>);

/// A WebSocket message of a segment and the payload it takes from.
fn websocket_message(segment: Segment, payload: &mut &[u8]) -> Vec<u8> {
    let (taken, rest) = payload.split_at(usize::try_from(segment.payload_len()).unwrap());
    *payload = rest;
    [segment.head(), taken].concat()
}

fn framed(messages: &[Message]) -> Vec<u8> {
    let frame = |(compressed, payload): &Message| {
        let len = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&[u8::from(*compressed)], &len[..], payload].concat()
    };
    messages.iter().flat_map(frame).collect()
}

/// All WebSocket messages of a client that sends the messages one by one.
fn client_sends(messages: &[Message]) -> Vec<Vec<u8>> {
    let mut client = Client::new(Limits::DEFAULT);
    let mut sent = vec![websocket_message(
        client.send_metadata(6).unwrap(),
        &mut &b"a: b\r\n"[..],
    )];
    for (compressed, payload) in messages {
        let mut payload = payload.as_slice();
        let len = u32::try_from(payload.len()).unwrap();
        let mut next = Some(client.send_message(*compressed, len).unwrap());
        while let Some(segment) = next {
            sent.push(websocket_message(segment, &mut payload));
            next = client.resume();
        }
        assert!(payload.is_empty());
    }
    sent.push(websocket_message(
        client.half_close().unwrap(),
        &mut &[][..],
    ));
    sent
}

/// The same of a client that forwards the framed stream, in slices of those lengths.
fn client_forwards(messages: &[Message], lens: &[usize]) -> Vec<Vec<u8>> {
    let mut client = Client::new(Limits::DEFAULT);
    let mut sent = vec![websocket_message(
        client.send_metadata(6).unwrap(),
        &mut &b"a: b\r\n"[..],
    )];
    forward(
        &framed(messages),
        lens,
        |slice| client.forward(slice).unwrap(),
        &mut sent,
    );
    sent.push(websocket_message(
        client.half_close().unwrap(),
        &mut &[][..],
    ));
    sent
}

fn server_sends(messages: &[Message], code: Code) -> Vec<Vec<u8>> {
    server_answers(code, |server, sent| {
        for (compressed, payload) in messages {
            let len = u32::try_from(payload.len()).unwrap();
            let segment = server.send_message(*compressed, len).unwrap();
            sent.push(websocket_message(segment, &mut payload.as_slice()));
        }
    })
}

fn server_forwards(messages: &[Message], lens: &[usize], code: Code) -> Vec<Vec<u8>> {
    server_answers(code, |server, sent| {
        forward(
            &framed(messages),
            lens,
            |slice| server.forward(slice).unwrap(),
            sent,
        );
    })
}

fn server_answers(code: Code, send: impl Fn(&mut Server, &mut Vec<Vec<u8>>)) -> Vec<Vec<u8>> {
    let mut server = Server::new(Instant::EPOCH, Limits::DEFAULT);
    let mut sent = vec![websocket_message(
        server.send_metadata(6).unwrap(),
        &mut &b"c: d\r\n"[..],
    )];
    send(&mut server, &mut sent);
    let trailers = trailers(code);
    let segment = server
        .send_trailers(u32::try_from(trailers.len()).unwrap())
        .unwrap();
    sent.push(websocket_message(segment, &mut trailers.as_slice()));
    assert!(server.is_ended());
    sent
}

fn trailers(code: Code) -> Vec<u8> {
    format!("grpc-status: {}\r\n", code.grpc_status()).into_bytes()
}

fn forward(
    mut stream: &[u8],
    lens: &[usize],
    mut send: impl FnMut(&[u8]) -> Segment,
    sent: &mut Vec<Vec<u8>>,
) {
    // A long stream in tiny slices is an attack.
    let shortest = if stream.len() > 900 { 32 } else { 1 };
    let mut lens = lens.iter().map(|len| *len.max(&shortest)).cycle();
    while !stream.is_empty() {
        let len = lens.next().unwrap_or(usize::MAX).min(stream.len());
        let mut slice = &stream[..len];
        stream = &stream[len..];
        while !slice.is_empty() {
            let segment = send(slice);
            sent.push(websocket_message(segment, &mut slice));
        }
    }
}

/// What the other side makes of it, and that a close afterwards ends nothing twice.
fn received(receiver: Receiver, sent: &[Vec<u8>], cut: usize) -> Record {
    let mut peer = Peer::new(receiver, Limits::DEFAULT);
    let mut recorder = Recorder::default();
    for message in sent {
        let (head, tail) = message.split_at(message.len().min(cut));
        assert!(peer.take(Fragment::part(head), &mut recorder));
        assert!(peer.take(Fragment::message(tail), &mut recorder));
    }
    let at_close = peer.handle_close(Some(1000));
    let expected = match receiver {
        Receiver::Client => None,
        Receiver::Server => Some(Code::Cancelled),
    };
    assert_eq!((at_close, peer.handle_close(None)), (expected, None));
    recorder.finish()
}

fn as_events(messages: &[Message]) -> impl Iterator<Item = Event> {
    messages
        .iter()
        .cloned()
        .map(|(compressed, payload)| Event::Message {
            compressed,
            payload,
        })
}

/// Lengths on both sides of what one WebSocket message holds.
fn messages() -> impl Strategy<Value = Vec<Message>> {
    let len = prop_oneof![6 => 0..40_usize, 1 => 32_755..32_775_usize, 1 => 65_500..98_400_usize];
    let message = (any::<bool>(), len, any::<u8>());
    let message = message.prop_map(|(compressed, len, byte)| (compressed, vec![byte; len]));
    prop::collection::vec(message, 0..5)
}

fn lens() -> impl Strategy<Value = Vec<usize>> {
    prop::collection::vec(
        prop_oneof![4 => 1..20_usize, 1 => 30_000..70_000_usize],
        0..8,
    )
}

proptest! {
    #![proptest_config(crate::cases(64))]

    #[test]
    fn what_a_client_sends_a_server_receives(messages in messages(), lens in lens(), cut in 0..12_usize) {
        let mut expected = vec![Event::InitialMetadata(b"a: b\r\n".to_vec())];
        expected.extend(as_events(&messages));
        expected.push(Event::HalfClosed);
        for sent in [client_sends(&messages), client_forwards(&messages, &lens)] {
            prop_assert!(sent.iter().all(|message| (1..=32_768).contains(&message.len())));
            let got = received(Receiver::Server, &sent, cut);
            prop_assert_eq!((&got.events, got.error), (&expected, None));
        }
    }

    #[test]
    fn what_a_server_sends_a_client_receives(
        messages in messages(), lens in lens(), cut in 0..12_usize, code in 0..=16_u8,
    ) {
        let code = Code::from_value(code);
        let mut expected = vec![Event::InitialMetadata(b"c: d\r\n".to_vec())];
        expected.extend(as_events(&messages));
        expected.push(Event::Trailers { status: status(code), block: trailers(code) });
        for sent in [server_sends(&messages, code), server_forwards(&messages, &lens, code)] {
            prop_assert!(sent.iter().all(|message| !message.is_empty()));
            let got = received(Receiver::Client, &sent, cut);
            prop_assert_eq!((&got.events, got.error), (&expected, None));
        }
    }
}
