//! What a hostile byte costs: counted in what the connection says and writes for it.

use grpc_websocket_core::mux::{Config, Side};
use grpc_websocket_core::wire::mux::FrameType;
use grpc_websocket_core::{Code, Fragment};
use proptest::prelude::*;

use crate::harness::*;

fn serving() -> Endpoint {
    let config = Config::DEFAULT.with_max_calls(8).with_window(1 << 24);
    Endpoint::ready(Side::Acceptor, config.with_max_frame(1 << 24), &[])
}

/// The cheapest frames there are: each is short, and allowed.
fn cheap(index: u32) -> Vec<Vec<u8>> {
    let id = 2 * index + 1;
    vec![
        open(id, b""),
        open(id, b"\x02"),
        open(id, b"\x80\0\0\0\0"),
        open(id, REQUEST),
        data(id, b"x"),
        data(id, &message(b"")),
        data(id, &message(b"").repeat(100)),
        data_end(id, b""),
        window(id, 1),
        reset(id, Code::Cancelled, ""),
        ping([0; 8]),
        goaway(0, Code::Ok, "x"),
        frame(FrameType::Extension(8), 0, b""),
    ]
}

proptest! {
    #![proptest_config(crate::cases(1000))]

    /// Not more than one event or frame for two bytes, whatever the order of frames.
    #[test]
    fn of_frames_is_bounded_by_their_bytes(
        order in prop::collection::vec((0..20_u32, any::<prop::sample::Index>()), 1..100),
    ) {
        let mut end = serving();
        let (mut cost, mut bytes) = (0, 0);
        for (index, kind) in order {
            let frames = cheap(index);
            let frame = &frames[kind.index(frames.len())];
            bytes += frame.len();
            let Ok(events) = end.try_recv(frame) else {
                cost += end.control().len();
                break;
            };
            cost += events.len() + end.control().len();
        }
        prop_assert!(2 * cost <= bytes, "{cost} for {bytes} bytes");
    }
}

/// As many steps as there are fragments, and no more: nothing is read twice.
#[test]
fn of_a_mebibyte_in_fragments_of_one_byte_is_one_step_each() {
    let mut end = serving();
    let call = end.accepted(1);
    let head = data(1, &[0, 0, 0x40, 0, 0]);
    assert!(end.try_recv_part(Fragment::part(&head)).is_ok());
    let mut steps: u32 = 0;
    for _ in 0..1 << 20 {
        let mut fragment = Fragment::part(b"x");
        while let Ok(Some(_)) = end.mux.recv(end.now, &mut fragment) {
            steps += 1;
        }
    }
    assert_eq!(steps, 1 << 20);
    assert!(end.mux.contains(call));
}
