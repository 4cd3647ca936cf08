//! Native calls that are reset as soon as they are made, many in one write (CVE-2023-44487).

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use grpc_websocket_hostile::{Settings, Target, eventually};

const LIMIT: Duration = Duration::from_secs(5);

/// What a client may have open at once, and all of it may end at once.
const HONEST: u32 = 200;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const ENHANCE_YOUR_CALM: u32 = 11;

/// RFC 9113 section 4.1.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short payload");
    [
        &length.to_be_bytes()[1..],
        &[kind, flags],
        &stream.to_be_bytes(),
        payload,
    ]
    .concat()
}

/// A call of which the head alone is sent, and its reset.
fn reset_call(number: u32) -> Vec<u8> {
    let stream = 2 * number + 1;
    // RFC 7541: ":method: POST", ":scheme: http", ":path: /a.B/C".
    let head = b"\x83\x86\x04\x06/a.B/C";
    let cancel = 8_u32.to_be_bytes();
    [frame(1, 4, stream, head), frame(3, 0, stream, &cancel)].concat()
}

/// A client that makes and resets so many calls in one write, and then pings.
fn reset(target: &Target, calls: u32) -> TcpStream {
    let mut bytes = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
    bytes.extend((0..calls).flat_map(reset_call));
    bytes.extend(frame(PING, 0, 0, &[0; 8]));
    let mut stream = TcpStream::connect(target.address).expect("a server");
    let limited = stream.set_read_timeout(Some(LIMIT));
    limited.expect("a limit");
    // It may close while this is still written.
    let _ = stream.write_all(&bytes);
    stream
}

/// The next frame that tells what the server thinks of it: its kind and payload.
fn verdict(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).ok()?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        stream.read_exact(&mut payload).ok()?;
        if [PING, GOAWAY].contains(&head[3]) {
            return Some((head[3], payload));
        }
    }
}

#[test]
fn calls_that_all_reach_their_deadlines_at_once_cost_no_connection() {
    let target = Target::in_process(Settings::default());
    let mut stream = reset(&target, HONEST);
    let (kind, _) = verdict(&mut stream).expect("a frame");
    assert_eq!(kind, PING, "and no GOAWAY");
    eventually("no handler is left", LIMIT, || target.probe.live() == 0);
    target.assert_recovered();
}

#[test]
fn more_resets_end_the_connection() {
    let target = Target::in_process(Settings::default());
    let mut stream = reset(&target, 20 * HONEST);
    // Or it is gone: what was still written was refused, which can overtake the GOAWAY.
    if let Some((kind, payload)) = verdict(&mut stream) {
        assert_eq!(kind, GOAWAY);
        assert_eq!(payload[4..8], ENHANCE_YOUR_CALM.to_be_bytes());
    }
    eventually("no handler is left", LIMIT, || target.probe.live() == 0);
    target.assert_recovered();
}
