//! What one end was told of its calls and did with them, and whether that can be.

use std::collections::{BTreeMap, BTreeSet};

use grpc_websocket_core::mux::{CallId, End, Side};
use grpc_websocket_core::{Event, Role};

use crate::log::Log;

/// One call, as the application sees it.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) role: Role,
    pub(crate) log: Log,
    /// How many bytes the peer granted in all.
    pub(crate) granted: u64,
    /// How many of them were sent.
    pub(crate) sent: u64,
    /// Nothing more is sent: WINDOWs mean nothing.
    pub(crate) is_half_closed: bool,
    /// The bytes that came.
    pub(crate) stream: Vec<u8>,
    /// How many of them the application has not consumed.
    pub(crate) unconsumed: u64,
    /// How many were granted again.
    pub(crate) returned: u64,
    /// The text of a RESET so far.
    pub(crate) text: Vec<u8>,
}

impl Call {
    fn new(role: Role, granted: u32) -> Self {
        let peer = match role {
            Role::Client => Role::Server,
            Role::Server => Role::Client,
        };
        Self {
            role,
            log: Log::new(peer),
            granted: granted.into(),
            sent: 0,
            is_half_closed: false,
            stream: Vec::new(),
            unconsumed: 0,
            returned: 0,
            text: Vec::new(),
        }
    }

    pub(crate) fn credit(&self) -> u64 {
        self.granted
            .checked_sub(self.sent)
            .expect("sent beyond the credit")
    }

    pub(crate) fn came(&self) -> u64 {
        self.stream.len() as u64
    }

    /// How many bytes were consumed and not granted again.
    pub(crate) fn owed(&self) -> u64 {
        let held = self.returned + self.unconsumed;
        self.came()
            .checked_sub(held)
            .expect("granted what was not consumed")
    }

    pub(crate) fn consume(&mut self, bytes: u32) {
        self.unconsumed = self.unconsumed.saturating_sub(bytes.into());
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Metadata(piece) => self.stream.extend(piece.framed),
            Event::Message { piece, .. } => {
                self.stream.extend(piece.framed);
                self.unconsumed += piece.framed.len() as u64;
            }
            _ => {}
        }
        self.log.event(event);
    }
}

/// All calls of one end.
#[derive(Debug)]
pub(crate) struct Book {
    side: Side,
    pub(crate) live: BTreeMap<CallId, Call>,
    /// Over, and not released.
    pub(crate) held: BTreeSet<CallId>,
    /// Over, in the order of their ends.
    pub(crate) over: Vec<(CallId, Call)>,
    /// The last call of each side.
    last: [Option<CallId>; 2],
}

impl Book {
    pub(crate) fn new(side: Side) -> Self {
        Self {
            side,
            live: BTreeMap::new(),
            held: BTreeSet::new(),
            over: Vec::new(),
            last: [None; 2],
        }
    }

    /// A call begins, made by either side; `granted` is the peer's window.
    pub(crate) fn begin(&mut self, call: CallId, granted: u32) {
        let last = &mut self.last[usize::from(call.opener() == Side::Acceptor)];
        assert!(last.replace(call) < Some(call), "ids grow");
        assert_eq!(call.to_string(), call.get().to_string());
        let role = call.role(self.side);
        self.live.insert(call, Call::new(role, granted));
    }

    pub(crate) fn event(&mut self, id: CallId, event: Event<'_>) {
        let call = self.call(id);
        call.event(event);
        let role = call.role;
        match event {
            Event::Trailers(_) => self.end(id),
            Event::DeadlineExceeded => assert_eq!(role, Role::Server),
            _ => {}
        }
    }

    /// The machine ended a call.
    pub(crate) fn ended(&mut self, id: CallId, end: End) -> Vec<u8> {
        let call = self.call(id);
        let (role, text) = (call.role, std::mem::take(&mut call.text));
        match end {
            End::Failed(error) => call.log.error(error),
            End::DeadlineExceeded => assert_eq!(role, Role::Client),
            End::Reset { refused, .. } => assert!(!refused || role == Role::Client),
            other => panic!("{other:?} is new here"),
        }
        assert_ne!(
            end.code().value(),
            0,
            "an end without trailers is no success"
        );
        self.end(id);
        if role == Role::Server {
            self.held.insert(id);
        }
        text
    }

    /// A call is over; it is over only once.
    pub(crate) fn end(&mut self, id: CallId) {
        let call = self.live.remove(&id);
        let call = call.unwrap_or_else(|| panic!("call {id} ended twice"));
        self.over.push((id, call));
    }

    pub(crate) fn call(&mut self, id: CallId) -> &mut Call {
        let call = self.live.get_mut(&id);
        call.unwrap_or_else(|| panic!("call {id} is over, or never was"))
    }

    /// How many places of the table are in use, once all RESETs are written.
    pub(crate) fn places(&self) -> usize {
        self.live.len() + self.held.len()
    }
}
