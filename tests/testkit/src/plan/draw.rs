//! A plan at random.

mod call;
mod incident;

use super::{EndPlan, Plan};
use crate::choices::{Choices, pick};
use crate::link::PipeConfig;
use call::draw_calls;
use core::time::Duration;
use grpc_websocket_core::Limits;
use grpc_websocket_core::mux::Config;
use incident::draw_incidents;

/// Longer than any honest silence of a run here.
const PATIENT: Duration = Duration::from_secs(24 * 3600);

/// Draws all of a plan. Zeros make a small and plain one.
pub fn draw(choices: &mut dyn Choices) -> Plan {
    let may_time_out = choices.once_in(12);
    let has_keepalive = choices.once_in(3);
    let end = |choices: &mut dyn Choices| draw_end(choices, may_time_out, has_keepalive);
    let mut ends = [end(choices), end(choices)];
    // Many dialers only make calls, and those that answer some have a place left for their own.
    let [dialer, acceptor] = &mut ends;
    dialer.config.max_calls = match choices.below(2) {
        0 => 0,
        _ => draw_max_calls(choices, dialer.table - 1),
    };
    let own = usize::from(dialer.config.max_calls > 0 && acceptor.table > 1);
    acceptor.config.max_calls = draw_max_calls(choices, acceptor.table - own);
    let calls = draw_calls(choices, &ends);
    Plan {
        pipes: [draw_pipe(choices), draw_pipe(choices)],
        incidents: draw_incidents(choices),
        calls,
        ends,
        may_time_out,
    }
}

fn draw_end(choices: &mut dyn Choices, may_time_out: bool, has_keepalive: bool) -> EndPlan {
    let patience = if may_time_out {
        Duration::from_secs(2)
    } else {
        PATIENT
    };
    let limits = Limits::DEFAULT.with_metadata_timeout(patience);
    let mut config = Config::DEFAULT
        .with_limits(limits.with_max_message_len(pick(choices, &[4 << 20, 4 << 20, 4 << 20, 900])))
        .with_window(pick(
            choices,
            &[512, 64, 65, 100, 512, 2048, 16_384, 65_536],
        ))
        .with_max_frame(pick(choices, &[512, 64, 64, 100, 512, 1024, 16_384]));
    if has_keepalive {
        let interval = Duration::from_secs(pick(choices, &[20, 1, 5, 60]));
        let timeout = if may_time_out { 1 } else { 15 };
        config = config.with_keepalive(interval, Duration::from_secs(timeout));
    }
    if choices.once_in(8) {
        config = config.with_idle_timeout(Duration::from_secs(pick(choices, &[300, 1, 30])));
    }
    if choices.once_in(8) {
        config = config.with_ask_keepalive(Duration::from_secs(pick(choices, &[30, 7])));
    }
    EndPlan {
        buffer: pick(choices, &[4096, 64, 512, 1024, 65_536]),
        cuts: choices.once_in(2),
        in_order: choices.once_in(3),
        ..EndPlan::new(config, pick(choices, &[8, 1, 2, 4, 8]))
    }
}

fn draw_max_calls(choices: &mut dyn Choices, most: usize) -> u32 {
    let most = u32::try_from(most).unwrap();
    most - choices.below(most.max(1))
}

fn draw_pipe(choices: &mut dyn Choices) -> PipeConfig {
    PipeConfig {
        latency: Duration::from_micros(pick(choices, &[1_000, 0, 20_000, 100_000, 500_000])),
        bytes_per_second: pick(choices, &[None, None, Some(1_000_000), Some(20_000)]),
        capacity: pick(choices, &[65_536, 600, 600, 1500, 4096]),
    }
}
