//! The calls of a plan.

use crate::choices::{Choices, pick};
use crate::plan::{
    Answers, CallPlan, Conduct, EndPlan, Reads, When, Writes, request_block, response_block,
    trailers,
};
use crate::stream::Stream;
use core::time::Duration;
use grpc_websocket_core::Code;
use grpc_websocket_core::mux::Side;

/// How many bytes a plan may send in all; a run is to be quick.
const MOST_BYTES: usize = 100_000;
const LONGEST_PAUSE: Duration = Duration::from_millis(700);
/// Long enough for a keepalive to be needed.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);

/// What all calls of a plan have in common.
#[derive(Debug, Clone, Copy)]
struct Style {
    /// Within which time the calls are made.
    span: Duration,
    /// About how long messages are.
    message: u32,
    /// How many messages a direction has at most.
    messages: u32,
    /// Once in how many calls an end leaves early.
    leaves: u32,
    /// Up to how long deadlines are.
    patience: Duration,
    /// Once in how many calls an application takes its time.
    slow: u32,
}

/// Draws the calls of both sides.
pub(super) fn draw_calls(choices: &mut dyn Choices, ends: &[EndPlan; 2]) -> Vec<CallPlan> {
    let style = draw_style(choices, ends);
    let count = pick(choices, &[1, 2, 3, 5, 8, 12, 12, 40]);
    let [dialer, acceptor] = ends.each_ref().map(|end| end.config.max_calls as usize);
    let acceptor_calls = dialer > 0 && acceptor < ends[1].table;
    let mut left = MOST_BYTES;
    (0..count)
        .map(|n| {
            let by_acceptor = acceptor_calls && choices.once_in(2);
            let opener = if by_acceptor {
                Side::Acceptor
            } else {
                Side::Dialer
            };
            let call = draw_call(choices, &style, opener, n, left);
            left = left.saturating_sub(call.request.bytes().len() + call.response.bytes().len());
            call
        })
        .collect()
}

fn draw_style(choices: &mut dyn Choices, ends: &[EndPlan; 2]) -> Style {
    let window = ends[0].config.window.max(ends[1].config.window);
    let (message, messages) = match choices.below(10) {
        0 | 7 => (20, 6),
        1 | 8 => (window, 6),
        2 | 9 => (window.saturating_mul(4), 4),
        3 => (4, 400),
        4 => (60, 100),
        5 => (2, 4_000),
        _ => (50_000, 2),
    };
    Style {
        span: Duration::from_millis(pick(choices, &[0, 10, 500, 5_000])),
        message: message.min(60_000),
        messages,
        leaves: pick(choices, &[1_000_000, 10, 2]),
        patience: Duration::from_millis(pick(choices, &[2_000, 2_000, 50])),
        slow: pick(choices, &[1_000_000, 4, 2]),
    }
}

fn draw_call(
    choices: &mut dyn Choices,
    style: &Style,
    opener: Side,
    n: usize,
    most: usize,
) -> CallPlan {
    let salt = n as u32 * 2;
    let (requests, responses, in_lockstep) = draw_counts(choices, style);
    let request = Stream::default().with_block(&request_block(n, draw_padding(choices)));
    let request = draw_messages(choices, style, request, requests, salt, most / 2);
    let (response, status) = draw_response(choices, style, responses, salt + 1, most / 2);
    // Streams that were cut to fit cannot take turns.
    let in_lockstep = in_lockstep && request.items().len() + 1 == response.items().len();
    let answers = draw_answers(choices, &request, in_lockstep);
    let mut call = CallPlan {
        opener,
        start: choices.up_to(style.span),
        status,
        in_lockstep,
        answers,
        client: draw_conduct(choices, style, &request, &response),
        server: draw_conduct(choices, style, &response, &request),
        refuse: choices.once_in(style.leaves.saturating_mul(4)),
        lingers: draw_linger(choices),
        request,
        response,
    };
    // The end of a server belongs to its trailers.
    call.server.writes.end_apart = false;
    draw_leaving(choices, style, &mut call);
    call
}

/// How many messages each way, and whether they take turns: the four kinds of calls.
fn draw_counts(choices: &mut dyn Choices, style: &Style) -> (u32, u32, bool) {
    match choices.below(5) {
        0 => (1, 1, false),
        1 => (choices.between(0, style.messages), 1, false),
        2 => (1, choices.between(0, style.messages), false),
        3 => {
            let both = choices.between(0, style.messages.min(20));
            (both, both, true)
        }
        _ => {
            let requests = choices.between(0, style.messages);
            (requests, choices.between(0, style.messages), false)
        }
    }
}

fn draw_padding(choices: &mut dyn Choices) -> usize {
    let most = pick(choices, &[0, 0, 100, 1_000, 5_500]);
    choices.between(0, most) as usize
}

fn draw_messages(
    choices: &mut dyn Choices,
    style: &Style,
    mut stream: Stream,
    count: u32,
    salt: u32,
    most: usize,
) -> Stream {
    for _ in 0..count {
        let len = draw_len(choices, style);
        if stream.bytes().len() + len > most {
            break;
        }
        stream = stream.with_message(len, choices.once_in(8), salt);
    }
    stream
}

fn draw_len(choices: &mut dyn Choices, style: &Style) -> usize {
    let len = match choices.below(4) {
        0 => style.message,
        1 => choices.between(0, style.message),
        2 => choices.between(0, style.message.saturating_mul(2)),
        _ => pick(choices, &[0, 1, 59, 64, 512, 507]).min(style.message),
    };
    len as usize
}

fn draw_response(
    choices: &mut dyn Choices,
    style: &Style,
    count: u32,
    salt: u32,
    most: usize,
) -> (Stream, Code) {
    if choices.once_in(10) {
        let status = draw_failure(choices);
        return (
            Stream::default().with_block(&trailers(status, draw_padding(choices))),
            status,
        );
    }
    let status = match choices.below(3) {
        2 => draw_failure(choices),
        _ => Code::Ok,
    };
    let block = response_block(draw_padding(choices));
    let stream = Stream::default().with_block(&block);
    let stream = draw_messages(choices, style, stream, count, salt, most);
    (
        stream.with_block(&trailers(status, draw_padding(choices))),
        status,
    )
}

fn draw_failure(choices: &mut dyn Choices) -> Code {
    Code::ALL[choices.between(1, 16) as usize]
}

fn draw_answers(choices: &mut dyn Choices, request: &Stream, in_lockstep: bool) -> Answers {
    let most = u32::try_from(request.items().len()).unwrap();
    match choices.below(4) {
        _ if in_lockstep => Answers::Received(1),
        0 | 1 => Answers::HalfClosed,
        2 => Answers::Received(choices.between(1, most) as usize),
        _ if choices.once_in(10) => Answers::After(choices.up_to(LONGEST_SILENCE)),
        _ => Answers::After(choices.up_to(LONGEST_PAUSE)),
    }
}

fn draw_conduct(
    choices: &mut dyn Choices,
    style: &Style,
    sends: &Stream,
    receives: &Stream,
) -> Conduct {
    let mut conduct = Conduct {
        writes: Writes {
            together: choices.once_in(2),
            chunk: pick(choices, &[usize::MAX, usize::MAX, 1_000, 100]),
            end_apart: choices.once_in(4),
            ..Conduct::PLAIN.writes
        },
        ..Conduct::PLAIN
    };
    if choices.once_in(style.slow) && sends.items().len() < 20 {
        conduct.writes.pause = choices.up_to(LONGEST_PAUSE);
    }
    if choices.once_in(style.slow) {
        conduct.reads = draw_slow_reads(choices, receives);
    }
    conduct
}

fn draw_slow_reads(choices: &mut dyn Choices, receives: &Stream) -> Reads {
    let chunk = pick(choices, &[u32::MAX, 1, 37, 64, 300, 5_000]);
    // A run is to be quick.
    let least = u32::try_from(receives.bytes().len() / 300).unwrap();
    let chunk = chunk.max(least);
    let pause = if chunk < 300 { 1 } else { 50 };
    let stop = choices.once_in(3).then(|| {
        let lasts = choices.up_to(Duration::from_secs(20));
        (choices.below(3_000) as usize, Some(lasts))
    });
    Reads {
        chunk,
        pause: choices.up_to(Duration::from_millis(pause)),
        stop,
    }
}

fn draw_linger(choices: &mut dyn Choices) -> Duration {
    match choices.below(3) {
        0 => Duration::ZERO,
        _ => choices.up_to(Duration::from_secs(3)),
    }
}

/// Ends that do not wait for the other's: cancellations, deadlines, aborts.
fn draw_leaving(choices: &mut dyn Choices, style: &Style, call: &mut CallPlan) {
    if choices.once_in(style.leaves) {
        let code = pick(choices, &[Code::Cancelled, Code::DeadlineExceeded]);
        call.client.resets = Some((draw_when(choices), code));
    }
    if choices.once_in(style.leaves) {
        call.client.deadline = Some(choices.up_to(style.patience));
    }
    if choices.once_in(style.leaves) {
        call.server.deadline = Some(choices.up_to(style.patience));
    }
    if choices.once_in(style.leaves) {
        call.server.resets = Some((draw_when(choices), draw_failure(choices)));
    }
    if choices.once_in(style.leaves) {
        stop_for_ever(choices, call);
    }
}

fn draw_when(choices: &mut dyn Choices) -> When {
    match choices.below(3) {
        0 => When::Received(choices.below(5_000) as usize),
        1 => When::Sent(choices.below(5_000) as usize),
        _ => When::After(choices.up_to(LONGEST_PAUSE)),
    }
}

/// One end stops reading for good; its time must then be limited.
fn stop_for_ever(choices: &mut dyn Choices, call: &mut CallPlan) {
    let stop = Some((choices.below(1_000) as usize, None));
    let limit = Some(choices.up_to(Duration::from_secs(5)));
    call.client.deadline = call.client.deadline.or(limit);
    match choices.below(2) {
        0 => call.client.reads.stop = stop,
        _ => call.server.reads.stop = stop,
    }
}
