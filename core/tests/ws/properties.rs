//! What holds for every stream of frames.

use grpc_websocket_core::Role;
use grpc_websocket_core::ws::{Error, Opcode};
use proptest::prelude::*;

use crate::cases;
use crate::frames::frame;
use crate::log::{Entry, read, read_cut};

fn role() -> impl Strategy<Value = Role> {
    prop::sample::select(vec![Role::Client, Role::Server])
}

fn opcode() -> impl Strategy<Value = Opcode> {
    (0..16_u8).prop_filter_map("an opcode", Opcode::from_value)
}

/// Lengths on both sides of where a header gets longer, and none too rarely.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    let len = prop_oneof![8 => 0..12_usize, 4 => 120..130_usize, 1 => 65_530..65_540_usize];
    let byte = |at: usize, first: u8| first.wrapping_add(at.to_le_bytes()[0]);
    (len, any::<u8>()).prop_map(move |(len, first)| (0..len).map(|at| byte(at, first)).collect())
}

/// Frames as they come, and bytes that are none.
fn chunk() -> impl Strategy<Value = Chunk> {
    let frame = (opcode(), any::<bool>(), payload())
        .prop_map(|(opcode, fin, payload)| Chunk::Frame(opcode, fin, payload));
    let noise = prop::collection::vec(any::<u8>(), 0..8).prop_map(Chunk::Noise);
    prop_oneof![20 => frame, 1 => noise]
}

#[derive(Debug, Clone)]
enum Chunk {
    Frame(Opcode, bool, Vec<u8>),
    Noise(Vec<u8>),
}

impl Chunk {
    fn encode(&self, reader: Role) -> Vec<u8> {
        match self {
            Self::Frame(opcode, fin, payload) => frame(reader, *opcode, *fin, payload),
            Self::Noise(bytes) => bytes.clone(),
        }
    }
}

/// Messages and control frames in an order that is allowed, and what a reader says of them.
fn conversation() -> impl Strategy<Value = Vec<(Entry, Vec<Vec<u8>>)>> {
    let fragments = prop::collection::vec(payload(), 1..4);
    let message = (any::<bool>(), fragments).prop_map(|(text, fragments)| {
        let payload = fragments.concat();
        (Entry::Message { text, payload }, fragments)
    });
    let short = || prop::collection::vec(any::<u8>(), 0..126);
    let ping = short().prop_map(|payload| (Entry::Ping(payload), Vec::new()));
    let pong = short().prop_map(|payload| (Entry::Pong(payload), Vec::new()));
    prop::collection::vec(prop_oneof![2 => message, 1 => ping, 1 => pong], 0..6)
}

fn encode(reader: Role, entry: &Entry, fragments: &[Vec<u8>]) -> Vec<u8> {
    match entry {
        Entry::Ping(payload) => frame(reader, Opcode::Ping, true, payload),
        Entry::Pong(payload) => frame(reader, Opcode::Pong, true, payload),
        Entry::Message { text, .. } => {
            let first = if *text { Opcode::Text } else { Opcode::Binary };
            let opcodes = [first]
                .into_iter()
                .chain(std::iter::repeat(Opcode::Continuation));
            let last = fragments.len() - 1;
            let frames = opcodes.zip(fragments).enumerate();
            let frames = frames.map(|(at, (opcode, part))| frame(reader, opcode, at == last, part));
            frames.collect::<Vec<_>>().concat()
        }
        _ => Vec::new(),
    }
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn any_cut_of_a_stream_says_the_same(
        role in role(),
        chunks in prop::collection::vec(chunk(), 0..6),
        lens in prop::collection::vec(0..40_usize, 0..40),
    ) {
        let chunks: Vec<_> = chunks.iter().map(|chunk| chunk.encode(role)).collect();
        let stream = chunks.concat();
        let whole = read(role, &stream);
        prop_assert_eq!(&read_cut(role, &stream, &lens), &whole);
        let bytes = vec![1; stream.len().min(1000)];
        prop_assert_eq!(&read_cut(role, &stream, &bytes), &whole);
    }

    #[test]
    fn what_is_written_is_read(role in role(), conversation in conversation()) {
        let frames = conversation.iter().map(|(entry, fragments)| encode(role, entry, fragments));
        let stream = frames.collect::<Vec<_>>().concat();
        let entries: Vec<_> = conversation.into_iter().map(|(entry, _)| entry).collect();
        prop_assert_eq!(read(role, &stream), entries);
    }

    #[test]
    fn noise_never_panics(
        role in role(),
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        lens in prop::collection::vec(0..9_usize, 0..30),
    ) {
        prop_assert_eq!(read_cut(role, &bytes, &lens), read(role, &bytes));
    }

    #[test]
    fn only_the_masking_tells_the_roles_apart(opcode in opcode(), payload in payload()) {
        for (reader, other) in [(Role::Client, Role::Server), (Role::Server, Role::Client)] {
            let stream = frame(reader, opcode, true, &payload);
            let wrong = match opcode {
                Opcode::Continuation => Error::NothingToContinue,
                _ => Error::Masking,
            };
            prop_assert_eq!(read(other, &stream), [Entry::Error(wrong)]);
        }
    }
}
