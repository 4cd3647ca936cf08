//! Both ends joined, and what is random.

use grpc_websocket_embassy::handshake::{Accept, Subprotocol, Upgrade, accept, connect};
use proptest::prelude::*;

use crate::common::{Source, join, pipe, poll_count, run};
use crate::{NONCE, head};

#[test]
fn both_ends_agree_over_the_worst_transport() {
    for (offered, chosen) in [
        (&[Subprotocol::Mux][..], Subprotocol::Mux),
        (&[Subprotocol::Single], Subprotocol::Single),
        (&[Subprotocol::Single, Subprotocol::Mux], Subprotocol::Mux),
    ] {
        let (up, request) = pipe(1);
        let (down, answer) = pipe(1);
        let (mut up, mut request) = (up.stalls(1), request.stalls(2));
        let (mut down, mut answer) = (down.stalls(3), answer.stalls(1));
        let upgrade = Upgrade::new("device:1", "/s/m")
            .origin("http://device:1")
            .subprotocols(offered);
        let (mut path, mut client, mut server) = ([0; 8], [0; 256], [0; 320]);
        let policy = Accept::new();
        let (connected, accepted) = run(join(
            connect(&mut answer, &mut up, &upgrade, NONCE, true, &mut client),
            accept(
                &mut request,
                &mut down,
                &policy,
                &mut path,
                true,
                &mut server,
            ),
        ));
        assert_eq!(connected.unwrap().subprotocol, chosen);
        assert_eq!(accepted.unwrap().upgraded.subprotocol, chosen);
        assert_eq!(accepted.unwrap().path, "/s/m");
    }
}

#[test]
fn a_handshake_may_be_dropped_at_any_await() {
    let upgrade = Upgrade::new("device", "/");
    for count in 0.. {
        let (up, request) = pipe(16);
        let (down, answer) = pipe(16);
        let (mut up, mut request) = (up.stalls(1), request.stalls(1));
        let (mut down, mut answer) = (down.stalls(1), answer.stalls(1));
        let (mut path, mut client, mut server) = ([0; 8], [0; 256], [0; 256]);
        let policy = Accept::new();
        let both = join(
            connect(&mut answer, &mut up, &upgrade, NONCE, true, &mut client),
            accept(
                &mut request,
                &mut down,
                &policy,
                &mut path,
                true,
                &mut server,
            ),
        );
        if let Some((connected, accepted)) = poll_count(both, count) {
            assert!(connected.is_ok() && accepted.is_ok());
            assert!(count > 10);
            break;
        }
    }
}

/// A request and an answer in one: an end looks at its own first line and its own fields.
const FIELDS: [&str; 7] = [
    "Host: device",
    "Upgrade: websocket",
    "Connection: keep-alive, Upgrade",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    "Sec-WebSocket-Protocol: grpc-mux.v1",
    "Sec-WebSocket-Version: 13",
];

/// Bytes that are a head, nearly one, or none.
fn heads() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        Just("GET /s/m HTTP/1.1".to_owned()),
        Just("HTTP/1.1 101 OK".to_owned())
    ];
    let extra = "(sec-websocket-[a-z]{0,9}|origin|HOST|x)[ -~]{0,30}";
    let lines = (first, proptest::option::of(extra)).prop_map(|(first, extra)| {
        let lines = [first].into_iter().chain(extra);
        let lines: Vec<_> = lines.chain(FIELDS.map(str::to_owned)).collect();
        head(&lines.iter().map(String::as_str).collect::<Vec<_>>())
    });
    let edits = proptest::collection::vec((any::<usize>(), any::<u8>()), 0..3);
    let edited = (lines, edits).prop_map(|(mut head, edits)| {
        for (at, byte) in edits {
            let at = at % head.len();
            head[at] = byte;
        }
        head
    });
    prop_oneof![
        4 => edited,
        1 => proptest::collection::vec(any::<u8>(), 0..400)
    ]
}

/// What a client makes of the bytes, with all that is behind the head.
fn connected(bytes: &[u8], chunk: usize, size: usize) -> Result<(Subprotocol, Vec<u8>), String> {
    let (mut sink, _request) = pipe(usize::MAX);
    let mut source = Source::of(bytes).chunk(chunk);
    let mut buffer = vec![0; size];
    let upgrade = Upgrade::new("device", "/");
    let connecting = connect(&mut source, &mut sink, &upgrade, NONCE, false, &mut buffer);
    let upgraded = run(connecting).map_err(|error| error.to_string())?;
    let rest = [&buffer[..upgraded.len], &source.take()].concat();
    Ok((upgraded.subprotocol, rest))
}

/// What a server makes of the bytes, with all that is behind the head, and its answer.
fn accepted(bytes: &[u8], chunk: usize, size: usize) -> (Result<Vec<u8>, String>, Vec<u8>) {
    let (mut sink, answer) = pipe(usize::MAX);
    let mut source = Source::of(bytes).chunk(chunk);
    let (mut path, mut buffer) = ([0; 8], vec![0; size]);
    let policy = Accept::new();
    let accepting = accept(
        &mut source,
        &mut sink,
        &policy,
        &mut path,
        false,
        &mut buffer,
    );
    let accepted = run(accepting).map_err(|error| error.to_string());
    let len = accepted.map(|accepted| accepted.upgraded.len);
    let rest = len.map(|len| [&buffer[..len], &source.take()].concat());
    (rest, answer.take())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_bytes_make_an_end_panic_or_hang_and_no_cut_makes_a_difference(
        head in heads(),
        tail in proptest::collection::vec(any::<u8>(), 0..20),
        size in 0_usize..600,
        chunk in 1_usize..600,
    ) {
        let bytes = [head, tail].concat();
        prop_assert_eq!(connected(&bytes, chunk, size), connected(&bytes, 1, size));
        prop_assert_eq!(accepted(&bytes, chunk, size), accepted(&bytes, 1, size));
    }
}
