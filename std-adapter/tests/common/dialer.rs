//! The client's end of `grpc-mux.v1` without a socket: WebSocket messages in and out.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::collections::{BTreeMap, VecDeque};
use std::time::Instant;

use grpc_websocket_core::call::Event as CallEvent;
use grpc_websocket_core::mux::{
    CallId, Calls, Config, Connection, ConnectionError, End, Event, MAX_CONTROL_FRAME, Settings,
    Side,
};
use grpc_websocket_core::{Code, Fragment};

/// The most calls at a time.
const MAX_CALLS: usize = 1024;

/// What a client on a host takes.
pub(crate) const CONFIG: Config = Config::DEFAULT
    .with_window(64 * 1024)
    .with_max_frame(16 * 1024);

/// See the module.
pub(crate) struct Dialer {
    begun: Instant,
    connection: Box<Connection<Calls<MAX_CALLS>>>,
    calls: BTreeMap<CallId, Call>,
    out: VecDeque<Vec<u8>>,
    /// Why the server takes no more calls.
    pub(crate) goaway: Option<Code>,
}

/// A call, and its answer so far.
#[derive(Debug, Default)]
pub(crate) struct Call {
    upload: Vec<u8>,
    /// The half-close follows the upload.
    half_close: bool,
    /// What comes is not read: no credit is given back.
    stalled: bool,
    unread: u32,
    block: String,
    pub(crate) metadata: Option<String>,
    /// The messages with their prefixes.
    pub(crate) messages: Vec<u8>,
    /// The status of the trailers, or of the RESET in their place.
    pub(crate) status: Option<Code>,
    /// The trailers, or the text of the RESET.
    pub(crate) trailers: String,
    /// How it ended, if not by trailers.
    pub(crate) end: Option<End>,
}

impl Dialer {
    pub(crate) fn new(config: Config) -> Self {
        let start = grpc_websocket_core::Instant::EPOCH;
        let table = [const { None }; MAX_CALLS];
        Self {
            begun: Instant::now(),
            connection: Box::new(Connection::new(start, Side::Dialer, config, table)),
            calls: BTreeMap::new(),
            out: VecDeque::new(),
            goaway: None,
        }
    }

    fn now(&self) -> grpc_websocket_core::Instant {
        let micros = self.begun.elapsed().as_micros();
        grpc_websocket_core::Instant::from_micros(micros.try_into().unwrap())
    }

    /// What the server takes, once it has said so; then calls can be made.
    pub(crate) fn settings(&self) -> Option<Settings> {
        self.connection.peer_settings()
    }

    /// Makes a call with lines of metadata after the path and messages that have prefixes.
    pub(crate) fn call(&mut self, path: &str, fields: &str, messages: &[u8], end: bool) -> CallId {
        self.call_with_block(&format!(":path: {path}\r\n{fields}"), messages, end)
    }

    pub(crate) fn call_with_block(&mut self, block: &str, messages: &[u8], end: bool) -> CallId {
        let len = u32::try_from(block.len()).unwrap().to_be_bytes();
        let stream = [&[0x80], &len[..], block.as_bytes(), messages].concat();
        let (id, segment) = self.connection.open(self.now(), &[&stream], end).unwrap();
        let (first, rest) = stream.split_at(segment.payload_len().try_into().unwrap());
        self.out.push_back([segment.head(), first].concat());
        let call = Call {
            upload: rest.to_vec(),
            half_close: end && !rest.is_empty(),
            ..Call::default()
        };
        self.calls.insert(id, call);
        self.pump(id);
        id
    }

    /// Sends messages that have prefixes, as credit comes; then half-closes if that is the end.
    pub(crate) fn send(&mut self, id: CallId, messages: &[u8], end: bool) {
        let call = self.calls.get_mut(&id).unwrap();
        call.upload.extend_from_slice(messages);
        call.half_close = end;
        self.pump(id);
    }

    pub(crate) fn cancel(&mut self, id: CallId) {
        let segment = self.connection.reset(id, Code::Cancelled, "").unwrap();
        self.out.push_back(segment.head().to_vec());
    }

    /// Stops reading a call.
    pub(crate) fn stall(&mut self, id: CallId) {
        self.calls.get_mut(&id).unwrap().stalled = true;
    }

    /// Reads a call again, with what came meanwhile.
    pub(crate) fn resume(&mut self, id: CallId) {
        let call = self.calls.get_mut(&id).unwrap();
        call.stalled = false;
        self.connection
            .consume(id, std::mem::take(&mut call.unread));
    }

    /// How much of an upload waits for credit.
    pub(crate) fn waiting(&self, id: CallId) -> usize {
        self.calls[&id].upload.len()
    }

    fn pump(&mut self, id: CallId) {
        let call = self.calls.get_mut(&id).unwrap();
        while (!call.upload.is_empty() || call.half_close)
            && let Ok(Some(segment)) = self.connection.send(id, &[&call.upload], call.half_close)
        {
            let rest = call
                .upload
                .split_off(segment.payload_len().try_into().unwrap());
            self.out.push_back([segment.head(), &call.upload].concat());
            call.upload = rest;
            call.half_close &= !call.upload.is_empty();
        }
    }

    /// Takes a WebSocket message.
    pub(crate) fn receive(&mut self, message: &[u8]) -> Result<(), ConnectionError> {
        let mut fragment = Fragment::message(message);
        while let Some(event) = self.connection.recv(self.now(), &mut fragment)? {
            match event {
                Event::Call { call, event } => self.take(call, event),
                Event::Credit(call) => self.pump(call),
                Event::ResetText { call, text } => {
                    let call = self.calls.get_mut(&call).unwrap();
                    call.trailers += std::str::from_utf8(text).unwrap();
                }
                Event::Ended { call, end } => {
                    let call = self.calls.get_mut(&call).unwrap();
                    call.status = Some(end.code());
                    call.end = Some(end);
                }
                Event::GoAway(code) => self.goaway = Some(code),
                _ => {}
            }
        }
        Ok(())
    }

    fn take(&mut self, id: CallId, event: CallEvent<'_>) {
        let call = self.calls.get_mut(&id).unwrap();
        match event {
            CallEvent::Metadata(piece) => {
                call.block += std::str::from_utf8(piece.payload).unwrap();
            }
            CallEvent::InitialMetadata => call.metadata = Some(std::mem::take(&mut call.block)),
            CallEvent::Message { piece, .. } => {
                call.messages.extend_from_slice(piece.framed);
                let len = u32::try_from(piece.framed.len()).unwrap();
                if call.stalled {
                    call.unread += len;
                } else {
                    self.connection.consume(id, len);
                }
            }
            CallEvent::Trailers(code) => {
                call.status = Some(code);
                call.trailers = std::mem::take(&mut call.block);
            }
            event => panic!("{event:?}"),
        }
    }

    /// The next WebSocket message to the server.
    pub(crate) fn next_message(&mut self) -> Option<Vec<u8>> {
        let mut frame = [0; MAX_CONTROL_FRAME];
        if let Some(len) = self.connection.poll_transmit(&mut frame) {
            return Some(frame[..len].to_vec());
        }
        self.out.pop_front()
    }

    pub(crate) fn answer(&self, id: CallId) -> &Call {
        &self.calls[&id]
    }

    pub(crate) fn is_over(&self, id: CallId) -> bool {
        self.calls[&id].status.is_some()
    }
}

/// A message behind its prefix.
pub(crate) fn framed(message: &[u8]) -> Vec<u8> {
    let len = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], &len[..], message].concat()
}
