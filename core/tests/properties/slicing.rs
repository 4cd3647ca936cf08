//! However the same bytes are cut, they mean the same.

use grpc_websocket_core::Limits;
use grpc_websocket_vectors::{Input, Receiver};
use proptest::prelude::*;

use crate::peer::Peer;
use crate::recorder::Record;

/// Small, so that random input meets them.
const LIMITS: Limits = Limits::DEFAULT
    .with_max_message_len(24)
    .with_max_metadata_len(120);

/// What looks like parts of a call, right and wrong, so that noise gets far.
fn chunk() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        &b"content-type: application/grpc-web+proto\r\n"[..],
        b"a:b\n",
        b"\r\n",
        b"grpc-status: 0\r\n",
        b"\x80\0\0\0\x04a:b\n",
        b"\x80\0\0\0\x10grpc-status: 5\r\n",
        b"\x80\0\0\0\0",
        b"\0\0\0\0\0",
        b"\0\0\0\0\x05hello",
        b"\x01\0\0\0\x02hi",
        b"\0\0\0\0\x19",
        b"\x01",
        b"\0",
        b"\x81",
    ]);
    let noise = prop::collection::vec(any::<u8>(), 0..6);
    prop_oneof![8 => known.prop_map(<[u8]>::to_vec), 1 => noise]
}

fn messages() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let message = prop::collection::vec(chunk(), 0..4).prop_map(|chunks| chunks.concat());
    prop::collection::vec(message, 0..6)
}

/// Places to cut, as parts of the length of a message.
fn cuts() -> impl Strategy<Value = Vec<prop::sample::Index>> {
    prop::collection::vec(any::<prop::sample::Index>(), 0..6)
}

fn places(len: usize, cuts: &[prop::sample::Index]) -> Vec<usize> {
    let mut places: Vec<_> = cuts.iter().map(|cut| cut.index(len + 1)).collect();
    places.sort_unstable();
    places
}

fn run(receiver: Receiver, messages: &[Vec<u8>], cuts: &[prop::sample::Index]) -> Record {
    let inputs: Vec<_> = messages.iter().cloned().map(Input::Binary).collect();
    let places: Vec<_> = messages
        .iter()
        .map(|bytes| places(bytes.len(), cuts))
        .collect();
    Peer::new(receiver, LIMITS).run(&inputs, |index| &places[index])
}

proptest! {
    #![proptest_config(crate::cases(2000))]

    /// In either direction a WebSocket message may arrive in any fragments.
    #[test]
    fn fragments_mean_nothing(messages in messages(), cuts in cuts()) {
        for receiver in [Receiver::Client, Receiver::Server] {
            let whole = run(receiver, &messages, &[]);
            prop_assert_eq!(run(receiver, &messages, &cuts), whole);
        }
    }

    /// From a server the WebSocket messages mean nothing either: only the bytes do.
    #[test]
    fn messages_from_a_server_are_one_stream(messages in messages(), cuts in cuts()) {
        let stream = messages.concat();
        let mut begin = 0;
        let mut slices = Vec::new();
        for place in places(stream.len(), &cuts) {
            slices.push(stream[begin..place].to_vec());
            begin = place;
        }
        slices.push(stream[begin..].to_vec());
        let whole = run(Receiver::Client, &messages, &[]);
        prop_assert_eq!(run(Receiver::Client, &slices, &[]), whole);
    }

    /// From a client the data may be cut into WebSocket messages anywhere, by a control byte each.
    #[test]
    fn data_of_a_client_is_one_stream(chunks in prop::collection::vec(chunk(), 0..6), cuts in cuts()) {
        let stream = chunks.concat();
        let message = |data: &[u8]| [&[0], data].concat();
        let mut cut = vec![Vec::new()];
        let mut begin = 0;
        for place in places(stream.len(), &cuts) {
            cut.push(message(&stream[begin..place]));
            begin = place;
        }
        cut.push(message(&stream[begin..]));
        cut.push(vec![1]);
        let whole = [Vec::new(), message(&stream), vec![1]];
        prop_assert_eq!(run(Receiver::Server, &cut, &[]), run(Receiver::Server, &whole, &[]));
    }
}
