//! The codecs of the core, by themselves: what one message takes.

use std::error::Error;
use std::hint::black_box;

use clap::ValueEnum;
use grpc_websocket_core::deframe::Deframer;
use grpc_websocket_core::mux::{Calls, Config, Connection, Event, MAX_CONTROL_FRAME, Side};
use grpc_websocket_core::wire::metadata;
use grpc_websocket_core::ws::{Header, Mask, Opcode, Reader};
use grpc_websocket_core::{Fragment, Instant, Limits, Role};

type BoxError = Box<dyn Error + Send + Sync>;

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
/// What a unary request has, about.
const BLOCK: &[u8] = b":path: /bench.v1.Bench/Unary\r\ngrpc-timeout: 10S\r\n\
                       user-agent: tonic/0.14.9\r\nx-request-id: 0f8fad5b-d9cb-469f\r\n";
/// No metadata, a message, trailers.
const ANSWER: &[u8] = b"\x80\0\0\0\0\0\0\0\0\x05hello\x80\0\0\0\x10grpc-status: 0\r\n";

/// A codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Codec {
    /// Reads a WebSocket frame of 32 bytes.
    WebSocketRead,
    /// Writes one.
    WebSocketWrite,
    /// Reads the fields of a block.
    Metadata,
    /// Finds 16 messages in a stream.
    Deframe,
    /// Takes a unary call of `grpc-mux.v1`, and answers it.
    Mux,
}

/// Does the same again and again.
///
/// # Errors
/// The core refuses what is right.
pub fn code(codec: Codec, times: u64) -> Result<(), BoxError> {
    match codec {
        Codec::WebSocketRead => read(times),
        Codec::WebSocketWrite => write(times),
        Codec::Metadata => fields(times),
        Codec::Deframe => deframe(times),
        Codec::Mux => mux(times),
    }
}

fn read(times: u64) -> Result<(), BoxError> {
    let mut frame = Header::new(Opcode::Binary, true, 32)
        .masked(KEY)
        .encode()
        .as_slice()
        .to_vec();
    frame.extend_from_slice(&[7; 32]);
    let mut reader = Reader::new(Role::Server);
    let mut bytes = frame.clone();
    for _ in 0..times {
        bytes.copy_from_slice(&frame);
        let input = &mut black_box(&mut bytes[..]);
        while let Some(event) = reader.recv(input)? {
            black_box(event);
        }
    }
    Ok(())
}

fn write(times: u64) -> Result<(), BoxError> {
    let mut out = Vec::with_capacity(64);
    for _ in 0..times {
        out.clear();
        let header = Header::new(Opcode::Binary, true, black_box(32)).masked(KEY);
        out.extend_from_slice(header.encode().as_slice());
        let start = out.len();
        out.extend_from_slice(black_box(&[7; 32]));
        Mask::new(KEY).apply(&mut out[start..]);
        black_box(&out);
    }
    Ok(())
}

fn fields(times: u64) -> Result<(), BoxError> {
    for _ in 0..times {
        for field in metadata::fields(black_box(BLOCK)) {
            black_box(field.map_err(|_| "the block is malformed")?);
        }
    }
    Ok(())
}

fn deframe(times: u64) -> Result<(), BoxError> {
    let stream = crate::peer::message(32).repeat(16);
    let mut deframer = Deframer::new(Limits::DEFAULT);
    for _ in 0..times {
        let mut input = black_box(&stream[..]);
        while let Some(piece) = deframer.next(&mut input)? {
            black_box(piece);
        }
    }
    Ok(())
}

fn mux(times: u64) -> Result<(), BoxError> {
    let now = Instant::EPOCH;
    let calls: Calls<8> = [const { None }; 8];
    let config = Config::DEFAULT.with_max_calls(8);
    let mut server = Connection::new(now, Side::Acceptor, config, calls);
    let mut control = [0; MAX_CONTROL_FRAME];
    while server.poll_transmit(&mut control).is_some() {}
    server.recv(now, &mut Fragment::message(b"\x50\0\0\0\0"))?;
    let mut frame = b"\x03\0\0\0\x01\x80\0\0\0".to_vec();
    frame.push(BLOCK.len() as u8);
    frame.extend_from_slice(BLOCK);
    frame.extend_from_slice(&crate::peer::message(32));
    for call in 0..times {
        let id = (call as u32 * 2 + 1).to_be_bytes();
        frame[1..5].copy_from_slice(&id);
        let mut input = Fragment::message(black_box(&frame));
        let mut opened = None;
        while let Some(event) = server.recv(now, &mut input)? {
            if let Event::Call { call, .. } = event {
                opened = Some(call);
            }
            black_box(event);
        }
        let call = opened.ok_or("no call came")?;
        black_box(server.send(call, &[ANSWER], true)?);
        while server.poll_transmit(&mut control).is_some() {}
    }
    Ok(())
}
