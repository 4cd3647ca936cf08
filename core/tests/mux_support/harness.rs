//! One end of a connection under test, with its clock; and the frames of its peer.

use std::time::Duration;

use grpc_websocket_core::mux::{
    CallId, Calls, Config, Connection, ConnectionError, Event, MAX_CONTROL_FRAME, OpenError, Side,
};
use grpc_websocket_core::wire::mux::{FrameType, Header};
use grpc_websocket_core::{Code, Fragment, Instant, SendError, call};

/// What begins every call of these tests: a block of 27 bytes.
pub(crate) const REQUEST: &[u8] = b"\x80\0\0\0\x16:path: /demo.Pump/On\r\n";
pub(crate) const INITIAL: &[u8] = b"\x80\0\0\0\x08x-h: 1\r\n";
pub(crate) const TRAILERS: &[u8] = b"\x80\0\0\0\x10grpc-status: 0\r\n";

/// No frame.
pub(crate) const SILENCE: [Vec<u8>; 0] = [];

/// The end that is tested, with room for few calls.
pub(crate) type Endpoint = Tested<8>;

/// The same with room for many.
pub(crate) type Crowd = Tested<128>;

/// See [`Endpoint`].
pub(crate) struct Tested<const N: usize> {
    pub(crate) mux: Connection<Calls<N>>,
    pub(crate) now: Instant,
}

impl<const N: usize> Tested<N> {
    /// An end whose WebSocket was opened just now.
    pub(crate) fn fresh(side: Side, config: Config) -> Self {
        let now = Instant::EPOCH;
        let mux = Connection::new(now, side, config, [const { None }; N]);
        Self { mux, now }
    }

    /// An end past the SETTINGS, whose peer sent these.
    pub(crate) fn ready(side: Side, config: Config, peer: &[(u8, u32)]) -> Self {
        let mut end = Self::fresh(side, config);
        assert_eq!(end.control().len(), 1, "its SETTINGS");
        assert!(matches!(end.recv(&settings(peer))[..], [Event::Ready(_)]));
        end
    }

    /// An acceptor that takes so many calls.
    pub(crate) fn acceptor(max_calls: u32) -> Self {
        Self::ready(
            Side::Acceptor,
            Config::DEFAULT.with_max_calls(max_calls),
            &[],
        )
    }

    /// A dialer whose peer takes so many calls.
    pub(crate) fn dialer(max_calls: u32) -> Self {
        Self::ready(
            Side::Dialer,
            Config::DEFAULT,
            &[(setting::MAX_STREAMS, max_calls)],
        )
    }

    /// What a whole WebSocket message means, which breaks no rule of the connection.
    pub(crate) fn recv<'i>(&mut self, message: &'i [u8]) -> Vec<Event<'i>> {
        self.try_recv(message)
            .unwrap_or_else(|error| panic!("{error:?} by {}", message.escape_ascii()))
    }

    /// The error that a whole WebSocket message is.
    pub(crate) fn fails(&mut self, message: &[u8]) -> ConnectionError {
        match self.try_recv(message) {
            Err(error) => error,
            Ok(events) => panic!("{events:?} by {}", message.escape_ascii()),
        }
    }

    /// What a whole WebSocket message means.
    pub(crate) fn try_recv<'i>(
        &mut self,
        message: &'i [u8],
    ) -> Result<Vec<Event<'i>>, ConnectionError> {
        self.try_recv_part(Fragment::message(message))
    }

    /// What a part of a WebSocket message means. Each step takes bytes, gives an event, or is the
    /// last.
    pub(crate) fn try_recv_part<'i>(
        &mut self,
        mut fragment: Fragment<'i>,
    ) -> Result<Vec<Event<'i>>, ConnectionError> {
        let mut events = Vec::new();
        // An event in a row that takes nothing says what is complete: there are few such.
        let most = 2 * fragment.rest().len() + N + 2;
        while let Some(event) = self.mux.recv(self.now, &mut fragment)? {
            events.push(event);
            assert!(events.len() <= most, "no end of events");
        }
        assert_eq!(fragment.rest(), b"", "input was left over");
        Ok(events)
    }

    /// The control frames that are due.
    pub(crate) fn control(&mut self) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        let mut out = [0; MAX_CONTROL_FRAME];
        while let Some(len) = self.mux.poll_transmit(&mut out) {
            frames.push(out[..len].to_vec());
            assert!(frames.len() <= 2 * N + 8, "no end of frames");
        }
        frames
    }

    /// Lets time pass, without a look at the clock.
    pub(crate) fn pass(&mut self, time: Duration) {
        self.now = self.now.checked_add(time).expect("a time");
    }

    /// Lets time pass, and what happens then.
    pub(crate) fn wait(&mut self, time: Duration) -> Result<Vec<Event<'static>>, ConnectionError> {
        self.pass(time);
        let mut events = Vec::new();
        while let Some(event) = self.mux.handle_timeout(self.now)? {
            events.push(event);
            assert!(events.len() <= N + 1, "no end of events");
        }
        assert!(self.mux.poll_timeout().is_none_or(|at| at > self.now));
        Ok(events)
    }

    /// Makes a call with those bytes, as a WebSocket message.
    pub(crate) fn open(&mut self, bytes: &[u8], end: bool) -> Result<(CallId, Vec<u8>), OpenError> {
        let (call, segment) = self.mux.open(self.now, &[bytes], end)?;
        let len = usize::try_from(segment.payload_len()).expect("a length");
        Ok((call, [segment.head(), &bytes[..len]].concat()))
    }

    /// A call that is made here, and goes on.
    pub(crate) fn opened(&mut self) -> CallId {
        self.open(REQUEST, false).expect("room for a call").0
    }

    /// The next DATA frame with those bytes, as a WebSocket message.
    pub(crate) fn send(
        &mut self,
        call: CallId,
        bytes: &[u8],
        end: bool,
    ) -> Result<Option<Vec<u8>>, SendError> {
        let segment = self.mux.send(call, &[bytes], end)?;
        Ok(segment.map(|segment| {
            let len = usize::try_from(segment.payload_len()).expect("a length");
            [segment.head(), &bytes[..len]].concat()
        }))
    }

    /// A call that the peer makes, and goes on.
    pub(crate) fn accepted(&mut self, id: u32) -> CallId {
        opened(&self.recv(&open(id, REQUEST)))
    }

    /// The calls that the end of the connection ended.
    pub(crate) fn lost(&mut self) -> Vec<(u32, Code)> {
        std::iter::from_fn(|| self.mux.poll_lost())
            .take(N + 1)
            .map(|(call, code)| (call.get(), code))
            .collect()
    }
}

/// The call that the peer made.
pub(crate) fn opened(events: &[Event<'_>]) -> CallId {
    match events {
        [Event::Opened(call), ..] => *call,
        events => panic!("no call in {events:?}"),
    }
}

/// All bytes that calls were given of messages.
pub(crate) fn framed(events: &[Event<'_>]) -> Vec<u8> {
    let framed = events.iter().map(|event| match event {
        Event::Call {
            event: call::Event::Message { piece, .. },
            ..
        } => piece.framed,
        _ => &[],
    });
    framed.collect::<Vec<_>>().concat()
}

/// The keys of SETTINGS.
pub(crate) mod setting {
    pub(crate) const MAX_FRAME: u8 = 1;
    pub(crate) const INITIAL_WINDOW: u8 = 2;
    pub(crate) const MAX_STREAMS: u8 = 3;
    pub(crate) const KEEPALIVE_MS: u8 = 6;
}

pub(crate) fn frame(kind: FrameType, id: u32, payload: &[u8]) -> Vec<u8> {
    [&Header { kind, id }.encode(), payload].concat()
}

pub(crate) fn settings(entries: &[(u8, u32)]) -> Vec<u8> {
    let entry = |&(key, value): &(u8, u32)| [&[key][..], &value.to_be_bytes()].concat();
    let payload: Vec<u8> = entries.iter().flat_map(entry).collect();
    frame(FrameType::Settings, 0, &payload)
}

pub(crate) fn data(id: u32, payload: &[u8]) -> Vec<u8> {
    let (open, end) = (false, false);
    frame(FrameType::Data { open, end }, id, payload)
}

/// DATA with OPEN.
pub(crate) fn open(id: u32, payload: &[u8]) -> Vec<u8> {
    let (open, end) = (true, false);
    frame(FrameType::Data { open, end }, id, payload)
}

/// DATA with END.
pub(crate) fn data_end(id: u32, payload: &[u8]) -> Vec<u8> {
    let (open, end) = (false, true);
    frame(FrameType::Data { open, end }, id, payload)
}

pub(crate) fn window(id: u32, increment: u32) -> Vec<u8> {
    frame(FrameType::Window, id, &increment.to_be_bytes())
}

pub(crate) fn reset(id: u32, code: Code, text: &str) -> Vec<u8> {
    let payload = [&[code.value()], text.as_bytes()].concat();
    frame(FrameType::Reset { refused: false }, id, &payload)
}

pub(crate) fn refused(id: u32, code: Code, text: &str) -> Vec<u8> {
    let payload = [&[code.value()], text.as_bytes()].concat();
    frame(FrameType::Reset { refused: true }, id, &payload)
}

pub(crate) fn ping(payload: [u8; 8]) -> Vec<u8> {
    frame(FrameType::Ping { ack: false }, 0, &payload)
}

pub(crate) fn pong(payload: [u8; 8]) -> Vec<u8> {
    frame(FrameType::Ping { ack: true }, 0, &payload)
}

pub(crate) fn goaway(id: u32, code: Code, text: &str) -> Vec<u8> {
    let payload = [&[code.value()], text.as_bytes()].concat();
    frame(FrameType::GoAway, id, &payload)
}

/// A message as the stream of a call has it.
pub(crate) fn message(payload: &[u8]) -> Vec<u8> {
    let len = u32::try_from(payload.len()).expect("a length");
    [&[0][..], &len.to_be_bytes(), payload].concat()
}

pub(crate) const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
