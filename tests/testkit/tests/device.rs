//! A receiver with 2 KiB for what it receives.

use core::time::Duration;
use grpc_websocket_core::mux::{Calls, Config, Connection, Side};
use grpc_websocket_core::{Code, Limits};
use grpc_websocket_testkit::check::{ClientEnd, ServerEnd};
use grpc_websocket_testkit::link::PipeConfig;
use grpc_websocket_testkit::plan::{CallPlan, Conduct, EndPlan, Reads, request_block};
use grpc_websocket_testkit::stream::Stream;
use grpc_websocket_testkit::{Outcome, Pair, Plan};

const WINDOW: u32 = 512;
/// What the device reads the WebSocket with.
const FRAGMENT: usize = 512;
/// For everything: the fragment, what its application holds, and the machine.
const MEMORY: usize = 2048;

#[test]
fn one_mebibyte_and_a_large_block_pass_through_a_window_of_512_bytes() {
    let mut choices = fastrand::Rng::with_seed(1);
    let mut pair = Pair::new(upload(), &mut choices);
    assert_eq!(pair.drive(), Outcome::Done);
    let ends = (
        Some(ClientEnd::Trailers(Code::Ok)),
        Some(ServerEnd::Finished(Code::Ok)),
    );
    assert_eq!(pair.calls().ends(0), ends);
    assert!(pair.tally().bytes > 1 << 20);

    let peak = pair.ends()[0].tasks()[0].inbox.peak();
    let machine = size_of::<Connection<Calls<1>>>();
    println!("fragment {FRAGMENT}, application {peak}, machine {machine} bytes");
    assert!(peak <= WINDOW && peak > WINDOW / 2);
    assert!(FRAGMENT + WINDOW as usize + machine <= MEMORY);
}

/// A call to the device, which dialed.
fn upload() -> Plan {
    let device = Config::DEFAULT
        .with_window(WINDOW)
        .with_max_frame(WINDOW)
        .with_max_calls(1);
    let cloud = Config::DEFAULT
        .with_limits(Limits::DEFAULT)
        .with_max_calls(1);
    // 4 KiB of text, 5 KiB as it is counted.
    let block = request_block(0, 3_830);
    assert!(
        block.len() > 4_096 && block.len() < 4_300,
        "{}",
        block.len()
    );
    // An application that is slower than the link.
    let reads = Reads {
        chunk: 300,
        pause: Duration::from_millis(1),
        stop: None,
    };
    let server = Conduct {
        reads,
        ..Conduct::PLAIN
    };
    let call = CallPlan {
        server,
        request: Stream::default()
            .with_block(&block)
            .with_message(1 << 20, false, 1),
        ..CallPlan::new(Side::Acceptor, 0, &[], &[20])
    };
    let pipe = PipeConfig {
        latency: Duration::from_micros(200),
        bytes_per_second: None,
        capacity: 600,
    };
    Plan {
        ends: [
            EndPlan {
                buffer: FRAGMENT,
                ..EndPlan::new(device, 1)
            },
            EndPlan::new(cloud, 2),
        ],
        pipes: [pipe, pipe],
        calls: vec![call],
        incidents: Vec::new(),
        may_time_out: false,
    }
}
