//! What comes: frames into pieces of messages and control frames (RFC 6455 sections 5.2 to 5.5).

use super::close::{MAX_CONTROL_PAYLOAD, decode_close};
use super::header::{
    FIN, LEAST_LONG, LEAST_MEDIUM, LONG, MASKED, MAX_PAYLOAD, MEDIUM, OPCODE, RESERVED,
};
use super::{Error, Mask, Opcode};
use crate::call::Role;

/// What the peer sent. Borrows the input it was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event<'i> {
    /// A piece of a message. It is empty only if the frame is: such a frame costs work and may bring
    /// nothing, so who has a budget for them can count.
    Data {
        /// The message is text. Whether it is UTF-8 nobody has looked.
        text: bool,
        /// The piece, unmasked.
        payload: &'i [u8],
        /// The message ends with it.
        fin: bool,
    },
    /// To be answered with a Pong of the same payload, see [`Reader::control_payload`].
    Ping,
    /// An answer to a Ping, or a sign of life that nobody asked for.
    Pong,
    /// The peer sends nothing more, for this reason. To be answered with a Close, unless it is the
    /// answer to one.
    Close(Option<u16>),
}

/// Reads what comes at one end of a WebSocket. Memory: its size, for it holds nothing but the
/// payload of one control frame.
///
/// ```
/// use grpc_websocket_core::Role;
/// use grpc_websocket_core::ws::{Event, Reader};
/// let mut reader = Reader::new(Role::Client);
/// let mut bytes = *b"\x82\x03abc\x89\x02hi";
/// let input = &mut &mut bytes[..];
/// let data = Event::Data { text: false, payload: b"abc", fin: true };
/// assert_eq!(reader.recv(input), Ok(Some(data)));
/// assert_eq!(reader.recv(input), Ok(Some(Event::Ping)));
/// assert_eq!(reader.control_payload(), b"hi");
/// assert_eq!(reader.recv(input), Ok(None));
/// ```
#[derive(Debug, Clone)]
pub struct Reader {
    step: Step,
    /// How many bytes of a key each frame has.
    key_len: u8,
    /// How the message began that is not complete.
    message: Option<Opcode>,
    frame: Frame,
    control: [u8; MAX_CONTROL_PAYLOAD],
    control_len: u8,
}

/// What is read next.
#[derive(Debug, Clone, Copy)]
enum Step {
    /// The first byte of a header.
    First,
    /// The second.
    Second,
    /// So many more: those of the length, then those of the key.
    Rest(u8),
    Payload,
    /// Nothing: the peer has closed.
    Closed,
    Failed(Error),
}

/// The frame that is being read.
#[derive(Debug, Clone)]
struct Frame {
    opcode: Opcode,
    fin: bool,
    /// The shortest payload whose length is written in as many bytes.
    least: u64,
    /// The bytes of payload to come; in the header, as much of that number as came.
    left: u64,
    mask: Mask,
}

impl Reader {
    /// At the start of a WebSocket, of which this end is the client, who dialled, or the server.
    #[must_use]
    pub const fn new(role: Role) -> Self {
        Self {
            step: Step::First,
            key_len: match role {
                Role::Client => 0,
                Role::Server => 4,
            },
            message: None,
            frame: Frame {
                opcode: Opcode::Continuation,
                fin: false,
                least: 0,
                left: 0,
                mask: Mask::new([0; 4]),
            },
            control: [0; MAX_CONTROL_PAYLOAD],
            control_len: 0,
        }
    }

    /// Takes the next event off the front of `input`, which it unmasks in place. Call it until
    /// `None`: then the input is used up. However a stream is cut into inputs, the events say the
    /// same.
    ///
    /// Work is linear in the bytes taken. After a Close all else is dropped.
    ///
    /// # Errors
    /// What the peer sent is against RFC 6455. The error is the same for ever.
    #[cfg_attr(target_os = "none", inline(never))]
    pub fn recv<'i>(&mut self, input: &mut &'i mut [u8]) -> Result<Option<Event<'i>>, Error> {
        let result = self.next(input);
        if let Err(error) = result {
            self.step = Step::Failed(error);
        }
        result
    }

    /// The payload of the Ping, Pong or Close that [`recv`](Self::recv) has just returned, until it
    /// is called again: at most 125 bytes. That of a Close is its code and its reason.
    #[must_use]
    pub fn control_payload(&self) -> &[u8] {
        let len = usize::from(self.control_len);
        self.control.get(..len).unwrap_or_default()
    }

    /// How many bytes of the message's present frame are still to come: what to make room for. 0
    /// between frames, within headers, and in control frames.
    #[must_use]
    pub const fn payload_left(&self) -> u64 {
        match self.step {
            Step::Payload if !self.frame.opcode.is_control() => self.frame.left,
            _ => 0,
        }
    }

    fn next<'i>(&mut self, input: &mut &'i mut [u8]) -> Result<Option<Event<'i>>, Error> {
        loop {
            match self.step {
                Step::Failed(error) => return Err(error),
                Step::Closed => {
                    *input = &mut [];
                    return Ok(None);
                }
                Step::Payload => return self.recv_payload(input),
                Step::First | Step::Second | Step::Rest(_) => {
                    // Most headers come whole. A device does with the loop, for it is there anyway.
                    if cfg!(not(target_os = "none")) && self.take_header(input)? {
                        continue;
                    }
                    let Some(&mut byte) = input.split_off_first_mut() else {
                        return Ok(None);
                    };
                    self.recv_header(byte)?;
                }
            }
        }
    }

    /// Takes a header that is all there; whether one was.
    fn take_header(&mut self, input: &mut &mut [u8]) -> Result<bool, Error> {
        let (Step::First, [first, second, rest @ ..]) = (self.step, &**input) else {
            return Ok(false);
        };
        self.recv_first(*first)?;
        self.step = self.recv_second(*second)?;
        let mut taken = 2_usize;
        if let Step::Rest(count) = self.step
            && let Some(rest) = rest.get(..usize::from(count))
        {
            self.step = Step::Payload;
            self.recv_whole_rest(rest)?;
            taken = taken.saturating_add(rest.len());
        }
        let _ = input.split_off_mut(..taken);
        Ok(true)
    }

    /// What follows the second byte of a header.
    fn recv_whole_rest(&mut self, rest: &[u8]) -> Result<(), Error> {
        let len_bytes = rest.len().saturating_sub(usize::from(self.key_len));
        let (len, key) = rest.split_at_checked(len_bytes).unwrap_or((rest, &[]));
        for &byte in len {
            self.frame.left = (self.frame.left << 8) | u64::from(byte);
        }
        self.frame.check_len()?;
        if let Ok(&key) = <&[u8; 4]>::try_from(key) {
            self.frame.mask = Mask::new(key);
        }
        Ok(())
    }

    #[cfg_attr(target_os = "none", inline(never))]
    fn recv_header(&mut self, byte: u8) -> Result<(), Error> {
        self.step = match self.step {
            Step::First => self.recv_first(byte)?,
            Step::Second => self.recv_second(byte)?,
            Step::Rest(rest) => self.recv_rest(rest, byte)?,
            step => step,
        };
        Ok(())
    }

    fn recv_first(&mut self, byte: u8) -> Result<Step, Error> {
        if byte & RESERVED != 0 {
            return Err(Error::ReservedBits);
        }
        let opcode = Opcode::from_value(byte & OPCODE).ok_or(Error::UnknownOpcode)?;
        let fin = byte & FIN != 0;
        match (opcode, self.message) {
            (Opcode::Continuation, None) => return Err(Error::NothingToContinue),
            (Opcode::Continuation, Some(_)) => {}
            (Opcode::Text | Opcode::Binary, Some(_)) => return Err(Error::MessageInMessage),
            (Opcode::Text | Opcode::Binary, None) => self.message = Some(opcode),
            _ if !fin => return Err(Error::FragmentedControl),
            _ => self.control_len = 0,
        }
        self.frame.opcode = opcode;
        self.frame.fin = fin;
        Ok(Step::Second)
    }

    fn recv_second(&mut self, byte: u8) -> Result<Step, Error> {
        if (byte & MASKED != 0) != (self.key_len != 0) {
            return Err(Error::Masking);
        }
        let (len, least, len_bytes) = match byte & !MASKED {
            MEDIUM => (0, LEAST_MEDIUM, 2_u8),
            LONG => (0, LEAST_LONG, 8),
            len => (len, 0, 0),
        };
        if len_bytes != 0 && self.frame.opcode.is_control() {
            return Err(Error::LongControl);
        }
        self.frame.left = u64::from(len);
        self.frame.least = least;
        Ok(Step::rest(len_bytes.saturating_add(self.key_len)))
    }

    fn recv_rest(&mut self, rest: u8, byte: u8) -> Result<Step, Error> {
        let frame = &mut self.frame;
        if rest > self.key_len {
            frame.left = (frame.left << 8) | u64::from(byte);
        } else {
            frame.mask.push_key(byte);
        }
        let rest = rest.saturating_sub(1);
        if rest == self.key_len {
            frame.check_len()?;
        }
        Ok(Step::rest(rest))
    }

    fn recv_payload<'i>(&mut self, input: &mut &'i mut [u8]) -> Result<Option<Event<'i>>, Error> {
        let Some(payload) = self.frame.take_payload(input) else {
            return Ok(None);
        };
        let is_end = self.frame.left == 0;
        if is_end {
            self.step = Step::First;
        }
        if self.frame.opcode.is_control() {
            self.keep(payload);
            return if is_end { self.end_control() } else { Ok(None) };
        }
        let text = self.message == Some(Opcode::Text);
        let fin = is_end && self.frame.fin;
        if fin {
            self.message = None;
        }
        Ok(Some(Event::Data { text, payload, fin }))
    }

    /// Puts a piece of the payload of a control frame to what came before.
    fn keep(&mut self, payload: &[u8]) {
        for byte in payload {
            if let Some(slot) = self.control.get_mut(usize::from(self.control_len)) {
                *slot = *byte;
                self.control_len = self.control_len.saturating_add(1);
            }
        }
    }

    fn end_control(&mut self) -> Result<Option<Event<'static>>, Error> {
        Ok(Some(match self.frame.opcode {
            Opcode::Ping => Event::Ping,
            Opcode::Pong => Event::Pong,
            _ => {
                let code = decode_close(self.control_payload())?;
                self.step = Step::Closed;
                Event::Close(code)
            }
        }))
    }
}

impl Step {
    /// After a byte of the header, when so many are to come.
    const fn rest(rest: u8) -> Self {
        match rest {
            0 => Self::Payload,
            rest => Self::Rest(rest),
        }
    }
}

impl Frame {
    fn check_len(&self) -> Result<(), Error> {
        if self.left < self.least {
            return Err(Error::LengthNotMinimal);
        }
        if self.left > MAX_PAYLOAD {
            return Err(Error::LengthOutOfRange);
        }
        Ok(())
    }

    /// Cuts the payload off the front of `input`, as much as is there, and unmasks it. `None` if
    /// nothing is there and something is to come.
    fn take_payload<'i>(&mut self, input: &mut &'i mut [u8]) -> Option<&'i [u8]> {
        if input.is_empty() && self.left > 0 {
            return None;
        }
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let len = left.min(input.len());
        let (payload, rest) = core::mem::take(input).split_at_mut_checked(len)?;
        *input = rest;
        self.left = self
            .left
            .saturating_sub(u64::try_from(len).unwrap_or(u64::MAX));
        self.mask.apply(payload);
        Some(payload)
    }
}
