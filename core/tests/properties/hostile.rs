//! What a peer may cost before it is refused.

use grpc_websocket_core::Limits;
use grpc_websocket_core::single::Fragment;
use grpc_websocket_vectors::Receiver;
use proptest::prelude::*;

use crate::peer::Peer;

const MAX_METADATA: u32 = 200;

/// Bytes of metadata a machine gave to its caller before it ended, of a stream that never ends.
fn accepted(receiver: Receiver, head: &[u8], line: &[u8], chunk: usize) -> Option<usize> {
    let limits = Limits::DEFAULT.with_max_metadata_len(MAX_METADATA);
    let mut peer = Peer::new(receiver, limits);
    let mut accepted = 0;
    let stream: Vec<u8> = head
        .iter()
        .chain(line.iter().cycle())
        .take(5000)
        .copied()
        .collect();
    for bytes in stream.chunks(chunk) {
        let mut fragment = Fragment::part(bytes);
        loop {
            match peer.recv(&mut fragment) {
                Ok(Some(event)) => accepted += metadata_len(event),
                Ok(None) => break,
                Err(_) => return Some(accepted),
            }
        }
    }
    None
}

fn metadata_len(event: grpc_websocket_core::Event<'_>) -> usize {
    match event {
        grpc_websocket_core::Event::Metadata(piece) => piece.payload.len(),
        _ => 0,
    }
}

proptest! {
    #![proptest_config(crate::cases(500))]

    /// Metadata never passes its limit, however it is cut and whatever it holds.
    #[test]
    fn a_block_that_never_ends_is_refused_at_its_limit(
        line in prop_oneof![
            Just(b"a:b\n".to_vec()), Just(b"\n".to_vec()), Just(b"a: bbbbbbbbbbbbb\r\n".to_vec()),
            prop::collection::vec(any::<u8>(), 1..30),
        ],
        chunk in 1..300_usize,
    ) {
        let limit = usize::try_from(MAX_METADATA).unwrap();
        let bare = accepted(Receiver::Server, b"", &line, chunk);
        prop_assert!(bare.is_some_and(|accepted| accepted <= limit), "{bare:?}");
        let framed = accepted(Receiver::Client, &[0x80, 0, 0, 0, 200], &line, chunk);
        prop_assert!(framed.is_none_or(|accepted| accepted <= limit), "{framed:?}");
    }
}
