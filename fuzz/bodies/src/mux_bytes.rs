//! Any bytes as the frames of a peer, to either side: however they are cut and taken, the same is said,
//! and what is answered is bounded.

use arbitrary::{Arbitrary as _, Result, Unstructured};
use grpc_websocket_core::mux::{CallId, Config, Side};

use crate::cuts::Cuts;
use crate::mux::end::{Endpoint, Record};
use crate::mux::{frames, read_config};

const REQUEST: &[u8] = b"\x80\0\0\0\x0e:path: /s/m\r\n\n";
/// SETTINGS with MAX_STREAMS 2.
const SETTINGS: &[u8] = b"\x50\0\0\0\0\x03\0\0\0\x02";

/// How the end that receives is used.
#[derive(Debug, Clone, Copy)]
struct Use {
    side: Side,
    config: Config,
    /// The peer's SETTINGS come first.
    is_greeted: bool,
    /// How many calls it makes, as soon as it can.
    calls: u8,
    /// It consumes what comes, and lets calls go.
    consumes: bool,
}

/// Input: how the end is used, a configuration, a cutting plan, and frames with a length byte each.
pub fn run(data: &[u8]) {
    let _ = check(&mut Unstructured::new(data));
}

fn check(input: &mut Unstructured<'_>) -> Result<()> {
    let bits = u8::arbitrary(input)?;
    let usage = Use {
        side: if bits & 1 == 0 {
            Side::Acceptor
        } else {
            Side::Dialer
        },
        config: read_config(input)?,
        is_greeted: bits & 2 == 0,
        calls: bits >> 2 & 3,
        consumes: bits & 16 == 0,
    };
    let cuts = Cuts::read(input)?;
    let mut frames = Vec::new();
    while !input.is_empty() {
        frames.push(frames::short_bytes(input)?);
    }
    let whole = receive(usage, Cuts::NONE, false, &frames);
    assert_eq!(receive(usage, cuts, true, &frames), whole);
    Ok(())
}

fn receive(usage: Use, mut cuts: Cuts<'_>, at_once: bool, frames: &[&[u8]]) -> Record {
    let mut end = Endpoint::new(usage.side, usage.config);
    if at_once {
        end.take_at_once();
    }
    end.transmit(usize::MAX);
    if usage.is_greeted {
        end.recv(SETTINGS, true);
    }
    for _ in 0..usage.calls {
        end.open(&[REQUEST], false);
    }
    for frame in frames {
        let mut slices = cuts.slices(frame);
        // Empty fragments have a price, and so are not the same as none.
        slices.retain(|slice| !slice.is_empty());
        let last = slices.pop().unwrap_or_default();
        slices.into_iter().for_each(|part| end.recv(part, false));
        end.recv(last, true);
        if usage.consumes {
            consume(&mut end);
        }
        end.transmit(usize::MAX);
    }
    end.finish()
}

fn consume(end: &mut Endpoint) {
    let calls: Vec<CallId> = end.book.live.keys().copied().collect();
    calls
        .into_iter()
        .for_each(|call| end.consume(call, u32::MAX));
    let held: Vec<CallId> = end.book.held.iter().copied().collect();
    held.into_iter().for_each(|call| end.release(call));
}
