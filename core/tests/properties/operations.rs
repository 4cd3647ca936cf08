//! Any method in any order with any input: no panic, errors repeat, the end is the end.

use grpc_websocket_core::call::Segment;
use grpc_websocket_core::single::{Client, Fragment, Server};
use grpc_websocket_core::{Event, Instant, Limits, RecvError};
use proptest::prelude::*;

#[derive(Debug, Clone)]
enum Operation {
    Recv { bytes: Vec<u8>, fin: bool },
    Text,
    Close(Option<u16>),
    Timeout(u64),
    SetDeadline(Option<u64>),
    SendMetadata(u32),
    SendMessage(bool, u32),
    Resume,
    Forward(Vec<u8>),
    HalfCloseOrTrailers(u32),
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        &b"a: b\r\n"[..],
        b"\0\0\0\0\0\x02hi",
        b"\0\0\0\0\x02hi",
        b"\0\0\0\0\x09h",
        b"\x01",
        b"\x80\0\0\0\x04a:b\n",
        b"\x80\0\0\0\x10grpc-status: 0\r\n",
        b"",
    ]);
    prop_oneof![6 => known.prop_map(<[u8]>::to_vec), 1 => prop::collection::vec(any::<u8>(), 0..9)]
}

fn operation() -> impl Strategy<Value = Operation> {
    let len = || prop_oneof![4 => 0..50_u32, 1 => 30_000..100_000_u32, 1 => any::<u32>()];
    let time = || 0..12_000_000_u64;
    prop_oneof![
        8 => (bytes(), any::<bool>()).prop_map(|(bytes, fin)| Operation::Recv { bytes, fin }),
        1 => Just(Operation::Text),
        1 => any::<Option<u16>>().prop_map(Operation::Close),
        2 => time().prop_map(Operation::Timeout),
        1 => prop::option::of(time()).prop_map(Operation::SetDeadline),
        3 => len().prop_map(Operation::SendMetadata),
        3 => (any::<bool>(), len()).prop_map(|(compressed, len)| Operation::SendMessage(compressed, len)),
        3 => Just(Operation::Resume),
        4 => bytes().prop_map(Operation::Forward),
        1 => len().prop_map(Operation::HalfCloseOrTrailers),
    ]
}

/// What a machine did so far, as far as it binds what it may do next.
#[derive(Default)]
struct Seen {
    error: Option<RecvError>,
    ended: bool,
    ends: u32,
}

impl Seen {
    fn event(&mut self, event: Event<'_>) {
        assert!(!self.ended, "{event:?} after the end");
        assert!(self.error.is_none(), "{event:?} after an error");
    }

    fn error(&mut self, error: RecvError) {
        assert_eq!(*self.error.get_or_insert(error), error, "errors repeat");
    }

    fn drain<'i>(
        &mut self,
        mut fragment: Fragment<'i>,
        mut recv: impl FnMut(&mut Fragment<'i>) -> Result<Option<Event<'i>>, RecvError>,
    ) {
        loop {
            match recv(&mut fragment) {
                Ok(None) => return assert!(fragment.rest().is_empty()),
                Ok(Some(event)) => {
                    self.event(event);
                    self.ends += u32::from(matches!(event, Event::Trailers(_)));
                }
                Err(error) => return self.error(error),
            }
        }
    }
}

fn fragment(bytes: &[u8], fin: bool) -> Fragment<'_> {
    if fin {
        Fragment::message(bytes)
    } else {
        Fragment::part(bytes)
    }
}

fn total(segment: Segment) -> u64 {
    u64::try_from(segment.head().len()).unwrap() + u64::from(segment.payload_len())
}

fn apply_to_client(client: &mut Client, operation: &Operation, seen: &mut Seen) {
    let sent = match operation {
        Operation::Recv { bytes, fin } => {
            seen.drain(fragment(bytes, *fin), |fragment| client.recv(fragment));
            None
        }
        Operation::Text => {
            client
                .handle_text()
                .err()
                .into_iter()
                .for_each(|error| seen.error(error));
            None
        }
        Operation::Close(close_code) => {
            seen.ends += u32::from(client.handle_close(*close_code).is_some());
            assert!(client.is_ended());
            None
        }
        Operation::Timeout(micros) => {
            if let Some(event) = client.handle_timeout(Instant::from_micros(*micros)) {
                seen.event(event);
                seen.ends += 1;
            }
            None
        }
        Operation::SetDeadline(micros) => {
            client.set_deadline(micros.map(Instant::from_micros));
            None
        }
        Operation::SendMetadata(len) => client.send_metadata(*len).ok(),
        Operation::SendMessage(compressed, len) => client.send_message(*compressed, *len).ok(),
        Operation::Resume => client.resume(),
        Operation::Forward(bytes) => client.forward(bytes).ok(),
        Operation::HalfCloseOrTrailers(_) => client.half_close().ok(),
    };
    if let Some(segment) = sent {
        assert!(!seen.ended, "sent after the end");
        assert!(total(segment) <= 32_768);
    }
    seen.ended |= client.is_ended();
    assert!(!seen.ended || client.is_ended(), "an end is for ever");
    assert!(!seen.ended || client.poll_timeout().is_none());
    let ends = seen.ends + u32::from(seen.error.is_some());
    assert_eq!(ends, u32::from(seen.ended), "a call ends exactly once");
}

fn apply_to_server(server: &mut Server, operation: &Operation, seen: &mut Seen) {
    let sent = match operation {
        Operation::Recv { bytes, fin } => {
            seen.drain(fragment(bytes, *fin), |fragment| server.recv(fragment));
            None
        }
        Operation::Text => {
            server
                .handle_text()
                .err()
                .into_iter()
                .for_each(|error| seen.error(error));
            None
        }
        Operation::Close(_) => {
            let was_half_closed = server.is_half_closed();
            seen.ends += u32::from(server.handle_close().is_some());
            assert_eq!(
                server.is_half_closed(),
                was_half_closed,
                "a close is no half-close"
            );
            None
        }
        Operation::Timeout(micros) => {
            match server.handle_timeout(Instant::from_micros(*micros)) {
                Ok(event) => event.into_iter().for_each(|event| seen.event(event)),
                Err(error) => seen.error(error),
            }
            None
        }
        Operation::SetDeadline(micros) => {
            server.set_deadline(micros.map(Instant::from_micros));
            None
        }
        Operation::SendMetadata(len) => server.send_metadata(*len).ok(),
        Operation::SendMessage(compressed, len) => server.send_message(*compressed, *len).ok(),
        Operation::Resume => None,
        Operation::Forward(bytes) => server.forward(bytes).ok(),
        Operation::HalfCloseOrTrailers(len) => {
            let sent = server.send_trailers(*len).ok();
            seen.ends += u32::from(sent.is_some());
            sent
        }
    };
    assert!(sent.is_none() || !seen.ended, "sent after the end");
    seen.ended |= server.is_ended();
    assert!(!seen.ended || server.is_ended(), "an end is for ever");
    assert!(!seen.ended || server.poll_timeout().is_none());
    assert_eq!(seen.ends, u32::from(seen.ended), "a call ends exactly once");
}

proptest! {
    #![proptest_config(crate::cases(2000))]

    #[test]
    fn of_a_client(operations in prop::collection::vec(operation(), 0..40)) {
        let mut client = Client::new(Limits::DEFAULT);
        let mut seen = Seen::default();
        for operation in &operations {
            apply_to_client(&mut client, operation, &mut seen);
        }
    }

    #[test]
    fn of_a_server(operations in prop::collection::vec(operation(), 0..40)) {
        let mut server = Server::new(Instant::EPOCH, Limits::DEFAULT);
        let mut seen = Seen::default();
        for operation in &operations {
            apply_to_server(&mut server, operation, &mut seen);
        }
    }
}
