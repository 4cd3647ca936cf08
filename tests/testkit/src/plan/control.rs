//! The plan that shows what credit is for.

use super::{Answers, CallPlan, Conduct, EndPlan, Plan};
use crate::choices::{Choices, pick};
use crate::link::PipeConfig;
use core::time::Duration;
use grpc_websocket_core::Limits;
use grpc_websocket_core::mux::{Config, Side};

/// The window of each call.
const WINDOW: u32 = 512;
/// No more credit is ever needed.
const UNBOUNDED: u32 = (1 << 31) - 1;
const PATIENT: Duration = Duration::from_secs(24 * 3600);

/// Calls in both directions, all longer than the window, to applications that read one after the
/// other. With credit they end. Without it each end stops reading its WebSocket while one
/// application holds a window's worth of bytes, as it must to bound its memory.
pub fn control(choices: &mut dyn Choices, has_credit: bool) -> Plan {
    let calls = (0..8).map(|n| draw_call(choices, n)).collect();
    let pipe = |choices: &mut dyn Choices| PipeConfig {
        latency: Duration::from_millis(pick(choices, &[1, 0, 20])),
        // Slow enough for calls that begin within milliseconds to be under way together.
        bytes_per_second: Some(100_000),
        capacity: 600,
    };
    Plan {
        ends: [end(has_credit), end(has_credit)],
        pipes: [pipe(choices), pipe(choices)],
        calls,
        incidents: Vec::new(),
        may_time_out: false,
    }
}

fn end(has_credit: bool) -> EndPlan {
    let window = if has_credit { WINDOW } else { UNBOUNDED };
    let config = Config::DEFAULT
        .with_limits(Limits::DEFAULT.with_metadata_timeout(PATIENT))
        .with_window(window)
        .with_max_calls(4);
    EndPlan {
        buffer: 64,
        in_order: true,
        stops_reading_at: (!has_credit).then_some(WINDOW),
        ..EndPlan::new(config, 8)
    }
}

fn draw_call(choices: &mut dyn Choices, n: usize) -> CallPlan {
    let opener = if n.is_multiple_of(2) {
        Side::Dialer
    } else {
        Side::Acceptor
    };
    let len = |choices: &mut dyn Choices| choices.between(3 * WINDOW, 8 * WINDOW) as usize;
    let (request, response) = (len(choices), len(choices));
    CallPlan {
        start: choices.up_to(Duration::from_millis(5)),
        answers: Answers::Received(1),
        client: Conduct::PLAIN,
        server: Conduct::PLAIN,
        ..CallPlan::new(opener, n, &[request], &[response])
    }
}
