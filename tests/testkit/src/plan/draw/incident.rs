//! What goes wrong.

use crate::choices::{Choices, pick};
use crate::clock::after;
use crate::link::Fault;
use crate::plan::Incident;
use core::time::Duration;
use grpc_websocket_core::mux::Side;
use grpc_websocket_core::{Code, Instant};

/// At most two things in the first twenty seconds, the earliest first; in half of the runs none.
pub(super) fn draw_incidents(choices: &mut dyn Choices) -> Vec<(Instant, Incident)> {
    let count = pick(choices, &[0, 0, 0, 1, 1, 2]);
    let mut incidents: Vec<_> = (0..count)
        .map(|_| (draw_time(choices), draw_incident(choices)))
        .collect();
    incidents.sort_by_key(|(when, _)| *when);
    incidents
}

fn draw_time(choices: &mut dyn Choices) -> Instant {
    let longest = Duration::from_millis(pick(choices, &[20, 200, 2_000, 20_000]));
    let offset = Duration::from_micros(u64::from(choices.below(1_000)));
    after(Instant::EPOCH, choices.up_to(longest) + offset)
}

fn draw_incident(choices: &mut dyn Choices) -> Incident {
    match choices.below(8) {
        0 | 1 => Incident::GoAway(
            draw_side(choices),
            pick(choices, &[Code::Ok, Code::Unavailable]),
        ),
        2 => Incident::Close(draw_side(choices), pick(choices, &[1000, 1001, 1011, 1012])),
        3 => Incident::Link(Fault::Reset),
        4 | 5 => Incident::Link(Fault::HalfOpen {
            pipes: draw_pipes(choices),
        }),
        _ => Incident::Link(Fault::Stall {
            pipes: draw_pipes(choices),
            lasts: choices.up_to(Duration::from_secs(8)),
        }),
    }
}

fn draw_side(choices: &mut dyn Choices) -> Side {
    pick(choices, &[Side::Dialer, Side::Acceptor])
}

fn draw_pipes(choices: &mut dyn Choices) -> [bool; 2] {
    pick(choices, &[[true, true], [true, false], [false, true]])
}
