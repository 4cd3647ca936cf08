//! However the bytes of a WebSocket are cut, a reader says the same of them, and the same as one
//! that has the whole before it; and what it takes is what is written.

use arbitrary::{Result, Unstructured};
use grpc_websocket_core::Role;
use grpc_websocket_core::ws::{Error, Event, Header, Mask, Opcode, Reader};

use crate::cuts::Cuts;

/// What a stream says.
#[derive(Debug, Default, PartialEq, Eq)]
struct Log {
    entries: Vec<Entry>,
    /// How many data frames are empty.
    empty: usize,
    /// What came of a message that is not complete: its opcode and its payload.
    pending: Option<(Opcode, Vec<u8>)>,
    error: Option<Error>,
}

#[derive(Debug, PartialEq, Eq)]
enum Entry {
    Message(Opcode, Vec<u8>),
    Control(Opcode, Vec<u8>),
}

/// Input: the reader's end, a cutting plan, and the stream.
pub fn run(data: &[u8]) {
    let _ = check(&mut Unstructured::new(data));
}

fn check(input: &mut Unstructured<'_>) -> Result<()> {
    let role = if input.int_in_range(0..=1_u8)? == 0 {
        Role::Client
    } else {
        Role::Server
    };
    let mut cuts = Cuts::read(input)?;
    let stream = input.bytes(input.len())?;
    let expected = read_by_hand(role, stream);
    assert_eq!(read(role, &[stream]), expected);
    assert_eq!(read(role, &cuts.slices(stream)), expected);
    Ok(())
}

fn read(role: Role, slices: &[&[u8]]) -> Log {
    let mut reader = Reader::new(role);
    let mut log = Log::default();
    for slice in slices {
        let mut bytes = slice.to_vec();
        let mut input = &mut bytes[..];
        loop {
            let before = input.len();
            match reader.recv(&mut input) {
                Ok(None) => break assert!(input.is_empty(), "input was left over"),
                Ok(Some(event)) => {
                    assert!(input.len() < before, "nothing was taken");
                    log.event(event, reader.control_payload());
                }
                Err(error) => {
                    assert_eq!(reader.recv(&mut input), Err(error), "errors repeat");
                    assert_eq!(error.to_string(), error.text());
                    log.error = Some(error);
                    return log;
                }
            }
        }
    }
    log
}

impl Log {
    fn event(&mut self, event: Event<'_>, control: &[u8]) {
        let opcode = match event {
            Event::Data { text, payload, fin } => {
                let opcode = if text { Opcode::Text } else { Opcode::Binary };
                return self.data(opcode, payload, payload.is_empty(), fin);
            }
            Event::Ping => Opcode::Ping,
            Event::Pong => Opcode::Pong,
            Event::Close(code) => {
                let said = control.first_chunk().map(|code| u16::from_be_bytes(*code));
                assert_eq!(code, said);
                Opcode::Close
            }
        };
        self.entries.push(Entry::Control(opcode, control.to_vec()));
    }

    /// Takes a part of a message, which begins or goes on with it.
    fn data(&mut self, opcode: Opcode, payload: &[u8], is_empty: bool, fin: bool) {
        let (begun, mut whole) = self.pending.take().unwrap_or((opcode, Vec::new()));
        assert_eq!(begun, opcode, "a message changed its type");
        whole.extend_from_slice(payload);
        self.empty += usize::from(is_empty);
        if fin {
            self.entries.push(Entry::Message(opcode, whole));
        } else {
            self.pending = Some((opcode, whole));
        }
    }
}

/// The same by a reader that has the whole stream before it.
fn read_by_hand(role: Role, stream: &[u8]) -> Log {
    let mut log = Log::default();
    let mut rest = stream;
    // A header that is not complete is an error only if what is there of it is.
    while let Some(frame) = log.head(role, rest) {
        let (header, after) = rest.split_at(frame.header_len);
        assert_eq!(
            frame.encode(),
            header,
            "a header that is read is written so"
        );
        let here = usize::try_from(frame.len).map_or(after.len(), |len| len.min(after.len()));
        let (payload, after) = after.split_at(here);
        let payload = frame.unmask(payload);
        let is_whole = frame.len == here as u64;
        rest = after;
        match frame.opcode {
            Opcode::Continuation | Opcode::Text | Opcode::Binary => {
                // Of a frame of which only the header is there, nothing is said.
                if here > 0 || is_whole {
                    let begun = log.pending.as_ref().map(|&(opcode, _)| opcode);
                    let opcode = begun.unwrap_or(frame.opcode);
                    log.data(opcode, &payload, frame.len == 0, frame.fin && is_whole);
                }
            }
            _ if !is_whole => {}
            opcode => log.error = judge(opcode, &payload),
        }
        if !is_whole || log.error.is_some() {
            break;
        }
        if frame.opcode.is_control() {
            log.entries.push(Entry::Control(frame.opcode, payload));
        }
        if frame.opcode == Opcode::Close {
            break;
        }
    }
    log
}

/// A header that is complete and right.
struct Frame {
    header_len: usize,
    opcode: Opcode,
    fin: bool,
    len: u64,
    key: Option<[u8; 4]>,
}

impl Frame {
    fn encode(&self) -> Vec<u8> {
        let header = Header::new(self.opcode, self.fin, self.len);
        let header = self.key.map_or(header, |key| header.masked(key));
        header.encode().as_slice().to_vec()
    }

    /// Unmasks a payload, by the library and byte by byte.
    fn unmask(&self, payload: &[u8]) -> Vec<u8> {
        let Some(key) = self.key else {
            return payload.to_vec();
        };
        let keys = key.iter().cycle();
        let plain: Vec<u8> = payload
            .iter()
            .zip(keys)
            .map(|(byte, key)| byte ^ key)
            .collect();
        let mut whole = payload.to_vec();
        Mask::new(key).apply(&mut whole);
        assert_eq!(whole, plain);
        plain
    }
}

impl Log {
    /// The header at the front of `bytes`; `None` at the end of the stream or at an error.
    fn head(&mut self, role: Role, bytes: &[u8]) -> Option<Frame> {
        match self.try_head(role, bytes) {
            Ok(frame) => frame,
            Err(error) => {
                self.error = Some(error);
                None
            }
        }
    }

    fn try_head(&self, role: Role, bytes: &[u8]) -> std::result::Result<Option<Frame>, Error> {
        let Some(&first) = bytes.first() else {
            return Ok(None);
        };
        let (opcode, fin) = self.judge_first(first)?;
        let Some(&second) = bytes.get(1) else {
            return Ok(None);
        };
        let masked = second >= 0x80;
        if masked != (role == Role::Server) {
            return Err(Error::Masking);
        }
        let short = second & 0x7f;
        if opcode.is_control() && short > 125 {
            return Err(Error::LongControl);
        }
        let len_end = match short {
            126 => 4,
            127 => 10,
            _ => 2,
        };
        let Some(long) = bytes.get(2..len_end) else {
            return Ok(None);
        };
        let long = long.iter().fold(0, |len, &byte| len << 8 | u64::from(byte));
        let len = if len_end == 2 { u64::from(short) } else { long };
        match len_end {
            4 if len <= 125 => return Err(Error::LengthNotMinimal),
            10 if len <= 65_535 => return Err(Error::LengthNotMinimal),
            10 if len >= 1 << 63 => return Err(Error::LengthOutOfRange),
            _ => {}
        }
        let key = bytes
            .get(len_end..)
            .and_then(|rest| rest.first_chunk().copied());
        Ok(match (masked, key) {
            (true, None) => None,
            (true, Some(_)) => Some((len_end + 4, key)),
            (false, _) => Some((len_end, None)),
        }
        .map(|(header_len, key)| Frame {
            header_len,
            opcode,
            fin,
            len,
            key,
        }))
    }

    fn judge_first(&self, first: u8) -> std::result::Result<(Opcode, bool), Error> {
        let is_begun = self.pending.is_some();
        let fin = first >= 0x80;
        if first & 0x70 != 0 {
            return Err(Error::ReservedBits);
        }
        match first & 0x0f {
            0 if is_begun => Ok((Opcode::Continuation, fin)),
            0 => Err(Error::NothingToContinue),
            1 | 2 if is_begun => Err(Error::MessageInMessage),
            1 => Ok((Opcode::Text, fin)),
            2 => Ok((Opcode::Binary, fin)),
            8..=10 if !fin => Err(Error::FragmentedControl),
            8 => Ok((Opcode::Close, fin)),
            9 => Ok((Opcode::Ping, fin)),
            10 => Ok((Opcode::Pong, fin)),
            _ => Err(Error::UnknownOpcode),
        }
    }
}

/// What is wrong with a control frame that is complete.
fn judge(opcode: Opcode, payload: &[u8]) -> Option<Error> {
    if opcode != Opcode::Close || payload.is_empty() {
        return None;
    }
    let Some((code, reason)) = payload.split_first_chunk() else {
        return Some(Error::CloseOfOneByte);
    };
    match u16::from_be_bytes(*code) {
        1004..=1006 | 0..=999 | 1015..=2999 | 5000.. => Some(Error::InvalidCloseCode),
        _ if std::str::from_utf8(reason).is_err() => Some(Error::CloseReason),
        _ => None,
    }
}
